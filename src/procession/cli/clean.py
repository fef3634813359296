"""``pn clean``: forget jobs that have ended."""

from __future__ import annotations

from procession.cli.job_talk import JOB_CODES, JOBS_HELP, numbers, talk
from procession.cli.options import Command, Option, parse
from procession.cli.times import seconds_of
from procession.units import number as counted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from procession.jobs.client import Client

COMMAND = Command(
    verb="clean",
    usage="pn clean [OPTIONS] [JOB...]",
    summary="Forget jobs that have ended, and delete their logs.  Their exit codes stay in pn history.",
    words="JOB",
    words_help=f"{JOBS_HELP}; none: all that have ended",
    options=(
        Option(("--older-than",), "older", "only what ended at least so long ago", "TIME", seconds_of),
        Option(("--failed",), "failed", "also those that failed, where no job is named"),
    ),
    epilog=f"""\
Without --failed and without JOBs only what has ended well is forgotten.

examples:
  pn clean
  pn clean --failed --older-than 7d
  pn clean 3 %make
{JOB_CODES}""",
)


def main(argv: list[str]) -> int:
    """Run ``pn clean``; returns the exit code."""
    values = parse(COMMAND, argv)
    return talk("clean", lambda client: _clean(client, values))


def _clean(client: Client, values: dict[str, Any]) -> int:
    jobs = numbers(client, values["words"]) if values["words"] else None
    failed = values["failed"] or jobs is not None
    removed = client.request("clean", jobs=jobs, older=values["older"], failed=failed)["removed"]
    print(f"{counted(len(removed), 'job')} forgotten")
    return 0
