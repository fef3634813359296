"""``pn explain``: why a process is in the state that it is in, and what is wrong on this machine."""

from __future__ import annotations

import sys

from procession.cli.options import Command, Option, parse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from procession.table.explain.look import Explained

_MOST = 5  # processes of one name that are explained


def seconds(word: str) -> float:
    """A length of time, for ``convert``."""
    number = float(word)
    if not 0 <= number <= 3600:
        raise ValueError(word)
    return number


seconds.__name__ = "number of seconds"

COMMAND = Command(
    verb="explain",
    usage="pn explain [--json] [--for SECONDS] [--deadlock] [PID|NAME...]",
    summary=(
        "Say in plain words what a process is, what it is doing or waiting for, and who could end the wait.\n"
        "Without PID or NAME: look over the whole machine, and list what is wrong: zombies, orphans, processes\n"
        "that are stopped or deaf to signals (state D), deadlocks, runaways."
    ),
    words="PID|NAME",
    words_help="a pid; or a name: the short name, a word of the command, or a part of it",
    options=(
        Option(("--deadlock",), "deadlock", "only look for rings of processes that wait for each other"),
        Option(("--for",), "seconds", "how long to watch for rates; 0.2 unless told", "SECONDS", seconds),
        Option(("--json",), "json", "one object a line"),
    ),
    epilog="""examples:
  pn explain             what is wrong on this machine?
  pn explain 4711        what does it wait for, and for whom?
  pn explain postgres    those of a name
  pn explain --deadlock  who waits for whom in a ring?

exit codes:
  0  explained; of the whole machine: nothing is wrong
  1  no such process; of the whole machine and with --deadlock: something is wrong
  2  usage

Who is not root is told less of the processes of others: the kernel keeps their system calls and descriptors.""",
)


def main(argv: list[str]) -> int:
    """Run ``pn explain``; returns the exit code."""
    options = parse(COMMAND, argv)
    from procession.cli.job_roles import hand_in
    from procession.table.explain import look

    hand_in()
    interval: float = look.INTERVAL if options["seconds"] is None else options["seconds"]
    show = _show_json if options["json"] else _show_text
    words: list[str] = options["words"]
    if options["deadlock"]:
        return _deadlock(words, show_json=options["json"])
    if not words:
        return _machine(interval, show_json=options["json"])
    pids, code = _pids(words)
    found = look.examine(pids, interval)
    show(found)
    for pid in pids:
        if pid not in {each.facts.me.pid for each in found}:
            code = _miss(f"pid {pid} has ended meanwhile")
    return code


def _pids(words: Sequence[str]) -> tuple[list[int], int]:
    from procession.table.board.formats import printable
    from procession.table.explain.naming import named
    from procession.table.snapshot import snapshot

    table = snapshot()
    pids: dict[int, None] = {}
    code = 0
    for word in words:
        found = named(table, word)
        if not found:
            kind = "with this pid" if word.isdecimal() else f"by the name {printable(word)!r}"
            code = _miss(f"{printable(word)}: there is no process {kind}: pn ps lists them")
        if len(found) > _MOST:
            print(
                f"pn explain: {printable(word)} fits {len(found)} processes; here are {_MOST} of them: name one by its pid",
                file=sys.stderr,
            )
        pids.update(dict.fromkeys(record.pid for record in found[:_MOST]))
    return list(pids), code


def _miss(words: str) -> int:
    print(f"pn explain: {words}", file=sys.stderr)
    return 1


def _machine(interval: float, *, show_json: bool) -> int:
    from procession.table.explain.finding import WRONG
    from procession.table.explain.look import survey

    result = survey(interval)
    if show_json:
        _show_json(result.found)
    else:
        from procession.cli.explain_text import survey_lines, write

        write(survey_lines(result))
    return int(any(each.severity == WRONG for one in result.found for each in one.findings))


def _deadlock(words: Sequence[str], *, show_json: bool) -> int:
    from procession.table.explain.look import deadlocks

    pids, code = _pids(words) if words else ([], 0)
    if words and not pids:
        return code
    found = deadlocks(pids)
    if show_json:
        _show_json(found)
    elif found:
        _show_text(found)
    else:
        print("no deadlock" + (" that these are in or wait for" if words else "") + _as_far(found=bool(pids)))
    return 1 if found else code


def _as_far(*, found: bool) -> str:
    import os

    return "" if os.geteuid() == 0 or found else ", among the processes that are ours to look into"


def _show_text(found: Sequence[Explained]) -> None:
    from procession.cli.explain_text import lines_of, write

    write(line for at, each in enumerate(found) for line in ([""] if at else []) + lines_of(each))


def _show_json(found: Sequence[Explained]) -> None:
    from procession.cli.explain_json import line_of

    for each in found:
        print(line_of(each))
