"""``pn history``: the runs of all jobs, those that are forgotten too, and how they ended."""

from __future__ import annotations

from procession.cli.job_lines import history_lines
from procession.cli.job_talk import JOB_CODES, talk
from procession.cli.options import Command, Option, parse, positive
from procession.cli.times import past

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from procession.jobs.client import Client

COMMAND = Command(
    verb="history",
    usage="pn history [OPTIONS]",
    summary="The runs of all jobs, the last one first: when they began, how long they took and how they ended.",
    words="",
    words_help="",
    options=(
        Option(("-n", "--number"), "number", "so many (default: 50)", "N", positive),
        Option(("--since",), "since", "only what ended since: 10m, 22:30, '2026-12-01 08:00'", "TIME", past),
        Option(("--json",), "json", "one JSON object a line for each run"),
    ),
    epilog=f"""\
examples:
  pn history
  pn history --since 1d -n 1000
{JOB_CODES}""",
)


def main(argv: list[str]) -> int:
    """Run ``pn history``; returns the exit code."""
    values = parse(COMMAND, argv)
    if values["words"]:
        from procession.cli.say import say

        say("history", "it has options only: see pn history --help")
        return 2
    return talk("history", lambda client: _history(client, values))


def _history(client: Client, values: dict[str, Any]) -> int:
    runs = client.request("history", limit=values["number"] or 50, since=values["since"])["runs"]
    runs.reverse()  # they come as they ended
    if values["json"]:
        import json

        for run in runs:
            print(json.dumps(run))
        return 0
    for line in history_lines(runs):
        print(line)
    return 0
