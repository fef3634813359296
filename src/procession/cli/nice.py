"""``pn nice``: the priority of processes, one by one or with all that descends from them."""

from __future__ import annotations

from procession.cli.options import Command, Option, parse
from procession.cli.several import EXIT_CODES, TREE, find, nobody, report
from procession.table.priority import Nice, parse_io, parse_nice, renice, set_io
from procession.table.sending import Sent

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from procession.table.record import ProcessRecord
    from procession.table.snapshot import Snapshot

COMMAND = Command(
    verb="nice",
    usage="pn nice [-n N | +N | -N] [--io CLASS] [--tree] PID|NAME...",
    summary="""\
Change the nice value of processes (-20: first in line, 19: last; without a number: 10 more), of all their threads, and
their I/O priority.""",
    words="PID|NAME",
    words_help="a pid, or the exact name of a program",
    options=(
        Option(
            ("-n", "--nice"),
            "nice",
            "the new value; +N: so much nicer, -N: less; =-5: the value -5",
            "N",
            parse_nice,
        ),
        Option(
            ("--io",),
            "io",
            "idle, best-effort:0 to best-effort:7, realtime:0 to realtime:7",
            "CLASS",
            parse_io,
        ),
        TREE,
    ),
    epilog=f"""\
examples:
  pn nice 4711              10 nicer than it is
  pn nice -n 19 4711        only when nobody else wants to run
  pn nice +5 --tree 4711    a build with its compilers
  pn nice -5 4711           5 less nice: root only
  pn nice -n =-5 4711       the value -5
  pn nice --io idle rsync   disks only when nobody else wants them
{EXIT_CODES}""",
)


def main(argv: list[str]) -> int:
    """Run ``pn nice``; returns the exit code."""
    values = parse(COMMAND, _with_numbers(argv))
    if not values["words"]:
        return nobody("nice")
    if values["nice"] is None and values["io"] is None:
        values["nice"] = Nice(10, relative=True)
    table, targets = find("nice", values["words"], harmless=True)
    if not targets.chosen:
        return 1
    records = _trees(targets.chosen, table) if values["tree"] else list(targets.chosen)
    sent = [Sent(one, words) for one in records if (words := _change(one, table, values))]
    return int(report("nice", sent) or bool(targets.wrong))


def _with_numbers(argv: list[str]) -> list[str]:
    """``+5`` and ``-5`` as ``-n +5``: in one word, since argparse takes -5 for an option."""
    found: list[str] = []
    rest = iter(argv)
    for word in rest:
        if word == "--":
            return [*found, word, *rest]
        if word in ("-n", "--nice"):
            found.append(f"--nice={next(rest, '')}")
        elif word[:1] in ("+", "-") and word[1:].isdecimal():
            found.append(f"--nice={word}")
        else:
            found.append(word)
    return found


def _change(one: ProcessRecord, table: Snapshot, values: dict[str, Any]) -> str:
    words = renice(one, values["nice"], table.source) if values["nice"] is not None else ""
    return words or (set_io(one, values["io"], table.source) if values["io"] is not None else "")


def _trees(chosen: Sequence[ProcessRecord], table: Snapshot) -> list[ProcessRecord]:
    from procession.table.roundup import Roundup

    with Roundup(chosen, table) as roundup:
        roundup.look()
        return [held.record for held in roundup.members.values()]
