"""``pn priority``: which job is begun first."""

from __future__ import annotations

from procession.cli.job_talk import JOB_CODES, JOBS_HELP, numbers, talk
from procession.cli.options import Command, parse
from procession.cli.say import say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from procession.jobs.client import Client

COMMAND = Command(
    verb="priority",
    usage="pn priority N JOB...",
    summary="""\
Of the jobs that wait for a slot of their group those with the highest priority are begun first; of equals, the oldest.
Whatever runs already is left alone (pn nice changes that).""",
    words="N JOB",
    words_help=f"a whole number (all begin with 0), and which jobs: {JOBS_HELP}",
    options=(),
    epilog=f"""\
examples:
  pn priority 10 3 4
  pn priority -- -5 %backup
{JOB_CODES}""",
)


def main(argv: list[str]) -> int:
    """Run ``pn priority``; returns the exit code."""
    if argv and argv[0].startswith("-") and argv[0][1:].isdecimal():
        argv = ["--", *argv]
    words = parse(COMMAND, argv)["words"]
    try:
        value = int(words[0])
    except (IndexError, ValueError):
        say("priority", "a number is wanted first: pn priority N JOB...")
        return 2
    if len(words) < 2:
        say("priority", "no job is named: pn priority N JOB...")
        return 2
    return talk("priority", lambda client: _set(client, value, words[1:]))


def _set(client: Client, value: int, words: Sequence[str]) -> int:
    for number in numbers(client, words):
        client.request("edit", job=number, changes={"priority": value})
    return 0
