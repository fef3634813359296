"""``pn wait``: until processes have ended, also those of others, as pidwait(1) and waitpid(1) do."""

from __future__ import annotations

import os
import sys

from procession.cli import criteria
from procession.cli.criteria import Wrong, criteria_of, too_long
from procession.cli.options import Command, Option, parse
from procession.cli.times import seconds_of
from procession.errors import NoSuchProcess
from procession.table.endings import how_ended
from procession.table.held import Held, wait_for_all
from procession.table.match import choose
from procession.table.refusal import named
from procession.table.snapshot import snapshot
from procession.table.targets import is_pid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from procession.table.record import ProcessRecord
    from procession.table.snapshot import Snapshot

COMMAND = Command(
    verb="wait",
    usage="pn wait [OPTIONS] PID...   or   pn wait [OPTIONS] PATTERN   or   pn wait [OPTIONS] %%JOB...",
    summary="""\
Wait until processes have ended, whoever their parent is, and say how, where the kernel tells: to everybody since
Linux 6.15, before that while their parent has not collected them, to their user and root.""",
    words="PID|PATTERN|%JOB",
    words_help="pids, or a part of a name, as pn pgrep takes it; or jobs: %%3, %%NAME, %%+",
    options=(
        Option(("--any",), "any", "until one of them has ended"),
        Option(("--timeout",), "timeout", "give up after this time", "TIME", seconds_of),
        Option(("-q", "--quiet"), "quiet", "do not say how they ended"),
        Option(("-e", "--echo"), "echo", "say first whom it waits for"),
        Option(("-c", "--count"), "count", "print first how many it waits for"),
        *criteria.OPTIONS,
    ),
    epilog="""\
examples:
  pn wait 4711 4712                 until both have ended
  pn wait --any --timeout 10m 4711 4712
  pn wait -f 'make .*install'       whatever fits when it begins
  pn wait -u alice -n               what alice started last
  pn wait %3 %make; echo $?         jobs of pn run, until they have ended for good

exit codes of jobs: that of the one named last (with --any: that ended first), 128+N when signal N has ended it;
  3 the time is over

exit codes of processes:
  0 they have ended    1 nobody fits, or a pid is not there    2 usage    3 the time is over, or something else""",
)


def main(argv: list[str]) -> int:
    """Run ``pn wait``; returns the exit code."""
    values = parse(COMMAND, argv)
    if any(word.startswith("%") for word in values["words"]):
        return _jobs(values)
    try:
        table, found, missing = _find(values)
    except Wrong as error:
        print(f"pn wait: {error}: see pn wait --help", file=sys.stderr)
        return 2
    for pid in missing:
        print(f"pn wait: pid {pid}: there is no such process", file=sys.stderr)
    if values["count"]:
        print(len(found))
    held: list[Held] = []
    try:
        for one in found:
            try:
                held.append(Held(one))
            except NoSuchProcess:  # between the look and now: waited for
                continue
        code = _wait(held, table, values)
    finally:
        for each in held:
            each.close()
    return code or (1 if missing or not found else 0)


def _jobs(values: dict[str, Any]) -> int:
    if not all(word.startswith("%") for word in values["words"]):
        print(
            "pn wait: jobs and processes cannot be waited for at once: one after the other", file=sys.stderr
        )
        return 2
    from procession.cli.wait_jobs import wait_jobs

    return wait_jobs(values["words"], values)


def _find(values: dict[str, Any]) -> tuple[Snapshot, list[ProcessRecord], list[str]]:
    words: list[str] = values["words"]
    by_pid = bool(words) and not (values["full"] or values["exact"]) and all(map(is_pid, words))
    wanted = criteria_of(values, () if by_pid else tuple(words))
    table = snapshot(wanted.needs)
    if by_pid:
        if not wanted.is_empty:
            raise Wrong(
                "options such as --user choose among names, not among pids: leave out one or the other"
            )
        missing = [word for word in words if int(word) not in table.by_pid]
        return table, [table[int(word)] for word in dict.fromkeys(words) if word not in missing], missing
    if len(words) > 1:
        raise Wrong("only one pattern can be given, or pids alone")
    if wanted.is_empty:
        raise Wrong("nobody is named: give pids, a pattern, or an option such as -u USER")
    if warning := too_long(wanted):
        print(f"pn wait: {warning}", file=sys.stderr)
    try:
        return table, choose(wanted, table, os.getpid()), []
    except ValueError as error:
        raise Wrong(f"{error}: quote it, and put a \\ before what is meant as it stands") from None


def _wait(held: list[Held], table: Snapshot, values: dict[str, Any]) -> int:
    import time

    if values["echo"]:
        for each in held:
            print(f"waiting for {named(each.record)}", flush=True)
    until = None if values["timeout"] is None else time.monotonic() + values["timeout"]
    left = held
    while left:
        rest = None if until is None else max(0.0, until - time.monotonic())
        still = wait_for_all(left, rest, any_one=True)
        if not values["quiet"]:
            for each in left:
                if each not in still:
                    print(f"{named(each.record)} {how_ended(each, table.source)}", flush=True)
        if len(still) == len(left):
            names = ", ".join(named(each.record) for each in left[:3]) + (", ..." if len(left) > 3 else "")
            print(
                f"pn wait: the time is over: {names} still run{'s' if len(left) == 1 else ''}",
                file=sys.stderr,
            )
            return 3
        left = [] if values["any"] else still
    return 0
