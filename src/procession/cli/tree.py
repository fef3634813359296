"""``pn tree``: processes below their parents, with what each branch uses, zombies and orphans marked."""

from __future__ import annotations

import sys

from procession.cli.options import Command, Option, parse, positive

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from procession.table.record import ProcessRecord
    from procession.table.snapshot import Snapshot

COMMAND = Command(
    verb="tree",
    usage="pn tree [-p] [-k] [-L DEPTH] [--pss] [--json] [PID|NAME...]",
    summary=(
        "Show processes below their parents: state, age, memory of each and of its whole branch.  Zombies, orphans,\n"
        "and what is stopped or deaf to signals (state D) are marked.  With PID or NAME: only their branches."
    ),
    words="PID|NAME",
    words_help="a pid; or a name: the short name, a word of the command, or a part of it",
    options=(
        Option(("-p", "--parents"), "parents", "the ancestors of PID too"),
        Option(("-k", "--kernel"), "kernel", "threads of the kernel too"),
        Option(
            ("-L", "--depth"), "depth", "so many levels; what is below is only counted", "DEPTH", positive
        ),
        Option(("--pss",), "pss", "memory with shared pages counted in parts: slower, and exact in sums"),
        Option(("--json",), "json", "one object a line"),
    ),
    epilog="""examples:
  pn tree           all
  pn tree 4711      a process and its descendants
  pn tree -p sshd   with the way down to it
  pn tree -L 2      two levels, with sums of what is below

MEMORY is the process's own resident memory, BRANCH the sum over it and its descendants.  Pages that several
share count in full for each of them, unless --pss is given.

exit codes:
  0  shown
  1  no such process
  2  usage""",
)


def main(argv: list[str]) -> int:
    """Run ``pn tree``; returns the exit code."""
    options = parse(COMMAND, argv)
    from procession.table import files
    from procession.table.family import branches, rows_of
    from procession.table.snapshot import snapshot

    table = snapshot((files.CMDLINE,))
    words: list[str] = options["words"]
    if words:
        pids, code = _pids(table, words)
        rows = rows_of(table, pids, parents=options["parents"])
    else:
        rows, code = list(table), 0
        if not options["kernel"]:
            rows = [record for record in rows if not record.is_kernel_thread]
    memory = _pss if options["pss"] else _rss
    depth: int | None = options["depth"]
    found = branches(rows, memory, depth - 1 if depth is not None else None)
    if options["json"]:
        from procession.cli.tree_json import line_of

        for branch in found:
            print(line_of(table, branch))
    elif found:
        from procession.cli.job_roles import of_jobs
        from procession.cli.tree_text import show

        show(table, found, of_jobs(table))
    return code


def _pids(table: Snapshot, words: Sequence[str]) -> tuple[list[int], int]:
    from procession.table.board.formats import printable
    from procession.table.explain.naming import named

    pids: list[int] = []
    code = 0
    for word in words:
        found = named(table, word)
        if not found:
            shown = printable(word)
            print(f"pn tree: {shown}: there is no such process: pn ps lists them", file=sys.stderr)
            code = 1
        pids += [record.pid for record in found]
    return pids, code


def _rss(record: ProcessRecord) -> int | None:
    return record.rss


def _pss(record: ProcessRecord) -> int | None:
    kilobytes = record.pss
    return kilobytes * 1024 if kilobytes is not None else None
