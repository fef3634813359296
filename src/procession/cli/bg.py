"""``pn bg``: continue suspended jobs in the background."""

from __future__ import annotations

from procession.cli.job_talk import JOB_CODES, JOBS_HELP, LAST, command_of, numbers, talk
from procession.cli.options import Command, parse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from procession.jobs.client import Client

COMMAND = Command(
    verb="bg",
    usage="pn bg [JOB...]",
    summary="Continue suspended jobs, with all that descends from them; pn fg brings one to this terminal.",
    words="JOB",
    words_help=f"{JOBS_HELP}; none: %%+",
    options=(),
    epilog=f"""\
examples:
  pn bg          what Ctrl-Z has just suspended
  pn bg 3 %make
{JOB_CODES}""",
)


def main(argv: list[str]) -> int:
    """Run ``pn bg``; returns the exit code."""
    words = parse(COMMAND, argv)["words"] or [LAST]
    return talk("bg", lambda client: _continue(client, words))


def _continue(client: Client, words: Sequence[str]) -> int:
    found = numbers(client, words)
    client.request("cont", jobs=found)
    for number in found:
        client.request("touch", job=number)
        print(f"[{number}] {command_of(client.request('show', job=number)['job']['spec'])} &")
    return 0
