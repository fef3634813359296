"""``pn jobs``: all jobs, and of each what it waits for, since when it runs, or how it ended."""

from __future__ import annotations

import os
import sys

from procession.cli.options import Command, Option, parse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from procession.jobs.client import Client

COMMAND = Command(
    verb="jobs",
    usage="pn jobs [OPTIONS] [JOB...]",
    summary="""\
List your jobs, and say of each what it waits for, since when it runs or how it ended.  + marks the job that was
touched last (%%+), - the one before.""",
    words="JOB",
    words_help="only these; see pn show --help for how a job is named",
    options=(
        Option(("-l", "--long"), "long", "with pid, group, run and more"),
        Option(("-r", "--running"), "running", "only those that run"),
        Option(("-s", "--stopped"), "suspended", "only those that are suspended"),
        Option(("-p", "--pids"), "pids", "only the pids of those that run"),
        Option(("--json",), "json", "one JSON object a line for each job"),
        Option(("-w", "--watch"), "watch", "again and again, until Ctrl-C"),
    ),
    epilog="""\
examples:
  pn jobs
  pn jobs -l
  pn jobs --json | jq -r 'select(.state.kind == "ended") | .id'
  kill -HUP $(pn jobs -p %server)

exit codes: 0 done    1 there is no such job, or it cannot be done    2 usage    130 Ctrl-C""",
)


def main(argv: list[str]) -> int:
    """Run ``pn jobs``; returns the exit code."""
    values = parse(COMMAND, argv)
    if values["json"]:
        from procession.cli.job_talk import talk

        return talk("jobs", lambda client: _print_json(client, values))
    from procession.errors import JobsError

    try:
        if values["watch"]:
            from procession.cli.jobs_watch import watch

            return watch(lambda width, colour: text_of(values, width, colour=colour))
        is_terminal = os.isatty(1)
        data = text_of(values, width() if is_terminal else 0, colour=is_terminal and colours_wanted())
    except JobsError as error:
        from procession.cli.say import say

        say("jobs", str(error))
        return 1
    sys.stdout.buffer.write(data)
    return 0


def text_of(values: dict[str, Any], columns: int, *, colour: bool) -> bytes:
    """The table, made by the daemon.  Raises JobsError."""
    from procession.jobs.quick import ask_table

    options = {name: True for name in ("long", "running", "suspended", "pids") if values[name]}
    return ask_table(options, width=columns, colour=colour, words=values["words"])


def width() -> int:
    """Cells of a line of the terminal."""
    try:
        return os.get_terminal_size(1).columns or 80
    except OSError:
        return 80


def colours_wanted() -> bool:
    """See no-color.org."""
    return not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _print_json(client: Client, values: dict[str, Any]) -> int:
    import json

    answer = client.request("list", all=True)
    chosen = None
    if values["words"]:
        from procession.cli.job_talk import numbers

        chosen = set(numbers(client, values["words"]))
    kinds = {"running", "ending"} if values["running"] else set()
    kinds |= {"suspended"} if values["suspended"] else set()
    for job in answer["jobs"]:
        if (kinds and job["state"]["kind"] not in kinds) or (chosen is not None and job["id"] not in chosen):
            continue
        mark = {answer["current"]: "+", answer["previous"]: "-"}.get(job["id"], "")
        print(json.dumps({**job, "words": answer["words"].get(str(job["id"]), ""), "mark": mark}))
    return 0
