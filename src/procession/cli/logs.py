"""``pn logs``: what a job has printed, and what it prints now."""

from __future__ import annotations

import os
import sys

from procession.cli.job_talk import JOBS_HELP, LAST, numbers, talk
from procession.cli.options import Command, Option, parse, positive
from procession.cli.run_options import whole
from procession.cli.say import say
from procession.cli.times import past

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from procession.jobs.client import Client
    from procession.jobs.log_read import LogReader

COMMAND = Command(
    verb="logs",
    usage="pn logs [OPTIONS] [JOB]",
    summary="What a job has printed: of its last run, from the beginning.",
    words="JOB",
    words_help=f"{JOBS_HELP}; none: %%+",
    options=(
        Option(("-f", "--follow"), "follow", "go along until it has ended; of a waiting one, when it begins"),
        Option(("-n", "--lines"), "lines", "only the last lines", "N", whole),
        Option(("--since",), "since", "only what was printed since: 10m, 22:30, '2026-12-01 08:00'", "TIME", past),
        Option(("-g", "--grep"), "grep", "only lines that fit (a regular expression of Python)", "PATTERN", str),
        Option(("-i", "--ignore-case"), "ignore_case", "with --grep: capitals or not"),
        Option(("--run",), "run", "of this run", "N", positive),
        Option(("--raw",), "raw", "all bytes as they are, on a terminal, too"),
    ),
    epilog="""\
On a terminal colours are shown, and what else would move or change it is left out; into a pipe go all bytes as they
are (a job with a terminal of its own ends its lines with CR LF).

examples:
  pn logs
  pn logs -f %make
  pn logs -n 100 --grep 'error|warning' 3
  pn logs --since 10m 3
  pn logs --run 2 3 >second-try.log

exit codes: 0 done    1 there is no such job or run, or with --grep no such line    2 usage    130 Ctrl-C""",
)  # fmt: skip


def main(argv: list[str]) -> int:
    """Run ``pn logs``; returns the exit code."""
    values = parse(COMMAND, argv)
    words = values["words"] or [LAST]
    if len(words) > 1:
        say("logs", "one job at a time")
        return 2
    if values["follow"] and values["run"] is not None:
        say("logs", "-f goes along with the run that is under way: leave out --run")
        return 2
    if values["grep"] is not None:
        import re

        try:
            values["grep"] = re.compile(values["grep"], re.IGNORECASE if values["ignore_case"] else 0)
        except re.error as error:
            say("logs", f"--grep: {error}")
            return 2
    return talk("logs", lambda client: _logs(client, words[0], values))


def _logs(client: Client, word: str, values: dict[str, Any]) -> int:
    from procession.cli.log_print import Printer

    (number,) = numbers(client, [word])
    found = client.request("show", job=number)
    spec = found["job"]["spec"]
    if spec["adopt"]:
        return _of_adopted(number, spec["adopt"])
    printer = Printer(
        values["grep"], filtered=sys.stdout.isatty() and not values["raw"], last=values["lines"]
    )
    if values["follow"]:
        from procession.cli.log_follow import follow

        follow(client, number, printer, lambda reader: _start(reader, values))
        printer.end()
    else:
        path = _path(found, number, values["run"])
        if path is None:
            return 1
        with _reader(path) as reader:
            printer.feed_all(reader.pieces(_start(reader, values)))
        printer.end()
    return int(values["grep"] is not None and not printer.matched)


def _path(found: dict[str, Any], number: int, run: int | None) -> str | None:
    """Of its log; None: there is none, which has been said."""
    from procession.jobs.places import places

    runs: int = found["job"]["runs"]
    if not runs:
        say("logs", f"job {number} has printed nothing: {found['words']}")
        return None
    if run is not None and run > runs:
        say("logs", f"job {number} has no run {run}: it has had {runs}")
        return None
    return places().log(number, run or runs)


def _reader(path: str) -> LogReader:
    from procession.jobs.log_read import LogReader

    return LogReader(path)


def _start(reader: LogReader, values: dict[str, Any]) -> int:
    """The offset to begin at; with --grep the last lines are counted among those that fit."""
    start = reader.begin
    if values["since"] is not None:
        start = max(start, reader.since(values["since"]))
    if values["lines"] is not None and values["grep"] is None:
        start = max(start, reader.last_lines(values["lines"]))
    return start


def _of_adopted(number: int, pid: int) -> int:
    """Its output goes where its parent wanted it; a file can be named."""
    from procession.copying.words import shown

    try:
        target = os.readlink(f"/proc/{pid}/fd/1")
    except OSError:
        target = ""
    if os.path.isfile(target):
        say("logs", f"job {number} was adopted: its output goes to {shown(target)}: tail -f has it")
    else:
        where = f"to {shown(target)}" if target else "where its parent wanted it"
        say("logs", f"job {number} was adopted: its output goes {where}, and cannot be had")
    return 1


def print_whole(number: int, run: int) -> None:
    """All that a run has printed, as it came."""
    from procession.jobs.places import places

    with _reader(places().log(number, run)) as reader:
        for piece in reader.pieces():
            sys.stdout.buffer.write(piece)
    sys.stdout.flush()
