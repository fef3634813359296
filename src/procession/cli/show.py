"""``pn show``: everything about a job."""

from __future__ import annotations

from procession.cli.job_talk import JOB_CODES, JOBS_HELP, LAST, numbers, talk
from procession.cli.options import Command, Option, parse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from procession.jobs.client import Client

COMMAND = Command(
    verb="show",
    usage="pn show [--json] [JOB...]",
    summary="Everything about a job: its state and why, what it was asked to be, and its runs with how they ended.",
    words="JOB",
    words_help=f"{JOBS_HELP}; none: %%+",
    options=(Option(("--json",), "json", "one JSON object a line for each job"),),
    epilog=f"""\
examples:
  pn show
  pn show 3 %make
  pn show --json 3 | jq .runs
{JOB_CODES}""",
)


def main(argv: list[str]) -> int:
    """Run ``pn show``; returns the exit code."""
    values = parse(COMMAND, argv)
    return talk("show", lambda client: _show(client, values["words"] or [LAST], as_json=values["json"]))


def _show(client: Client, words: Sequence[str], *, as_json: bool) -> int:
    for at, number in enumerate(numbers(client, words)):
        answer = client.request("show", job=number)
        answer.pop("id", None)
        if as_json:
            import json

            print(json.dumps(answer))
            continue
        from procession.cli.job_lines import show_lines

        if at:
            print()
        for line in show_lines(answer):
            print(line)
    return 0
