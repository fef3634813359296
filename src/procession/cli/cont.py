"""``pn cont``: continue what was suspended, one by one or with all that descends from them."""

from __future__ import annotations

from procession.cli.options import Command
from procession.cli.several import EXIT_CODES, TREE
from procession.cli.stop import signal_named

COMMAND = Command(
    verb="cont",
    usage="pn cont [--tree] PID|NAME|%%JOB...",
    summary="Continue suspended processes (SIGCONT); of a tree the children first.",
    words="PID|NAME|%JOB",
    words_help="a pid, or the exact name of a program; -PGID after --; a job (%%3), with its whole tree",
    options=(TREE,),
    epilog=f"""\
examples:
  pn cont 4711
  pn cont --tree 4711
  pn cont %make           a job of pn run

What a shell has stopped goes on in the background; fg in that shell brings it back to its terminal.
{EXIT_CODES}""",
)
_SIGCONT = 18


def main(argv: list[str]) -> int:
    """Run ``pn cont``; returns the exit code."""
    return signal_named(COMMAND, argv, _SIGCONT)
