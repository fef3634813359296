"""``pn cont``: continue what was suspended, one by one or with all that descends from them."""

from __future__ import annotations

from procession.cli.options import Command
from procession.cli.several import EXIT_CODES, TREE
from procession.cli.stop import signal_named

COMMAND = Command(
    verb="cont",
    usage="pn cont [--tree] PID|NAME...",
    summary="Continue suspended processes (SIGCONT); of a tree the children first.",
    words="PID|NAME",
    words_help="a pid, or the exact name of a program; -PGID after --",
    options=(TREE,),
    epilog=f"""\
examples:
  pn cont 4711
  pn cont --tree 4711

A job that its shell has stopped goes on in the background; fg in that shell brings it back to the terminal.
{EXIT_CODES}""",
)
_SIGCONT = 18


def main(argv: list[str]) -> int:
    """Run ``pn cont``; returns the exit code."""
    return signal_named(COMMAND, argv, _SIGCONT)
