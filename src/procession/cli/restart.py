"""``pn restart``: run jobs again."""

from __future__ import annotations

from procession.cli.job_talk import JOB_CODES, JOBS_HELP, numbers, print_done, talk
from procession.cli.options import Command, parse
from procession.cli.say import say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from procession.jobs.client import Client

COMMAND = Command(
    verb="restart",
    usage="pn restart JOB...",
    summary="""\
Run jobs again, under the same number, with the environment of their first run; what still runs is ended first.""",
    words="JOB",
    words_help=JOBS_HELP,
    options=(),
    epilog=f"""\
examples:
  pn restart 3
  pn restart %server
{JOB_CODES}""",
)


def main(argv: list[str]) -> int:
    """Run ``pn restart``; returns the exit code."""
    words = parse(COMMAND, argv)["words"]
    if not words:
        say("restart", "no job is named: pn jobs lists them")
        return 2
    return talk("restart", lambda client: _restart(client, words))


def _restart(client: Client, words: Sequence[str]) -> int:
    print_done(client.request("restart", jobs=numbers(client, words))["done"])
    return 0
