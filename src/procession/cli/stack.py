"""``pn stack``: where a process is, thread by thread: its Python calls, and what it does in the kernel."""

from __future__ import annotations

import sys

from procession.cli.options import Command, Option, parse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procession.table.facts import Facts
    from procession.table.stacks import Stack

COMMAND = Command(
    verb="stack",
    usage="pn stack [--json] [--full] PID|NAME...",
    summary=(
        "Show where a process is, thread by thread: the Python calls, innermost first, and what each thread waits for.\n"
        "Python's calls are read by py-spy (pip install procession[stack]), which stops the process for a moment; workers\n"
        "of our pools tell them themselves.  Of other programs the kernel's side is shown: the system call, and for root\n"
        "the kernel's stack."
    ),
    words="PID|NAME",
    words_help="a pid; or a name: the short name, a word of the command, or a part of it",
    options=(
        Option(("--full",), "full", "whole paths of files"),
        Option(("--json",), "json", "one object a line, one line a process"),
    ),
    epilog="""examples:
  pn stack 4711        where does it hang?
  pn stack train.py    of all processes with this name
  sudo pn stack 812    of somebody else's process

exit codes:
  0  shown
  1  no such process, or not ours to look into
  2  usage""",
)

_MOST = 10  # processes of one name


def main(argv: list[str]) -> int:
    """Run ``pn stack``; returns the exit code."""
    options = parse(COMMAND, argv)
    words: list[str] = options["words"]
    if not words:
        return _complain("whose stack? name a process: pn stack PID", 2)
    from procession.table.explain.look import examine
    from procession.table.explain.naming import named
    from procession.table.snapshot import snapshot

    table = snapshot()
    code = 0
    pids: dict[int, None] = {}
    for word in words:
        found = named(table, word)
        if not found:
            from procession.table.board.formats import printable

            code = _complain(f"{printable(word)}: there is no such process: pn ps lists them", 1)
        pids.update(dict.fromkeys(record.pid for record in found[:_MOST]))
    for at, one in enumerate(examine(pids, 0.0)):
        if at and not options["json"]:
            print()
        code = max(code, _show(one.facts, full=options["full"], as_json=options["json"]))
    return code


def _show(facts: Facts, *, full: bool, as_json: bool) -> int:
    from procession.cli import stack_out

    stacks, note, code = _stacks(facts)
    if as_json:
        print(stack_out.json_line(facts, stacks, note))
        return code
    for line in stack_out.lines(facts, stacks, full=full):
        print(line)
    if note:
        sys.stdout.flush()
        print(f"pn stack: {note}", file=sys.stderr)
    return code


def _stacks(facts: Facts) -> tuple[list[Stack] | None, str, int]:
    """The Python stacks, or why there are none; and the exit code for that."""
    from procession.errors import NoSuchProcess, NotPermitted
    from procession.table.stacks import NotPython, find_spy, read_stacks

    pid = facts.me.pid
    if facts.is_kernel_thread or facts.me.state in "ZXx":
        return None, "", 0
    spy = find_spy()
    if spy is None:
        return _ask(pid)
    try:
        return read_stacks(spy, pid), "", 0
    except NotPython:
        return None, "", 0
    except NotPermitted as error:
        return None, f"{error.strerror}: ask as root: sudo pn stack {pid}", 1
    except NoSuchProcess as error:
        return None, f"{error.strerror}: it has ended meanwhile", 1
    except (OSError, ValueError) as error:
        return None, f"pid {pid}: {error}", 1


def _ask(pid: int) -> tuple[list[Stack] | None, str, int]:
    """Without py-spy: the workers of our own pools answer themselves."""
    from procession.table.dumps import ask
    from procession.table.snapshot import snapshot

    table = snapshot(pids=[pid])
    try:
        found = ask(table.source, table[pid]) if pid in table.by_pid else None
    except (OSError, ValueError) as error:
        return None, f"pid {pid}: {error}", 1
    if found is not None:
        return found, "", 0
    return (
        None,
        f"pid {pid}: the Python calls are not shown: py-spy is missing: pip install 'procession[stack]'",
        0,
    )


def _complain(words: str, code: int) -> int:
    print(f"pn stack: {words}", file=sys.stderr)
    return code
