"""The command line of ``pn kill``."""

from __future__ import annotations

from procession.cli import criteria
from procession.cli.options import Command, Option
from procession.cli.times import seconds_of


def _c_int(word: str) -> int:
    number = int(word)
    if not -(1 << 31) <= number < 1 << 31:
        raise ValueError(word)
    return number


_c_int.__name__ = "number of 32 bits"  # argparse puts the function's name into its message

COMMAND = Command(
    verb="kill",
    usage="pn kill [-SIGNAL] [OPTIONS] PID|NAME|%%JOB...   or   pn kill -f PATTERN   or   pn kill -l [SIGNAL]",
    summary="""\
Send a signal (default: TERM) to processes, and say why where it does not help.  Never to this command, to those that
run it, or to process 1.""",
    words="PID|NAME|%JOB",
    words_help="a pid, -PGID (after a signal or --), PID:INODE, or the exact name of a program; with -f or -x a pattern; %%3, %%NAME, %%+: a job of pn jobs",
    options=(
        Option(("-s", "--signal"), "signal", "the signal; also -9, -KILL, -SIGKILL", "SIGNAL", str),
        Option(("-l", "--list"), "list", "names of signals; of a number its name, of a name its number"),
        Option(("-L", "--table"), "table", "all signals with their numbers"),
        Option(("-q", "--queue"), "queue", "send this number along (sigqueue)", "VALUE", _c_int),
        Option(
            ("--tree",), "tree", "with all that descends from them: stop all, then kill, until none is left"
        ),
        Option(("--grace",), "grace", "the signal first, and KILL after this time", "TIME", seconds_of),
        Option(("--wait",), "wait", "wait until they have ended, or so long: --wait=10"),
        Option(("--wait-for",), "wait_for", "the same", "TIME", seconds_of),
        Option(("--dry-run",), "dry", "show who would get it, and send nothing"),
        Option(("-y", "--yes"), "yes", "do not ask, however many a name or a pattern fits"),
        Option(("-e", "--echo"), "echo", "say who got it"),
        *criteria.OPTIONS,
    ),
    epilog="""\
examples:
  pn kill 4711                        TERM
  pn kill -9 4711 4712                at once
  pn kill firefox                     all that are named firefox
  pn kill -f 'python train.py'        by command line; asks on a terminal when it fits more than 3
  pn kill --tree 4711                 with children, their children, and those that went their own way
  pn kill --tree --grace 5 4711       TERM to all of them, 5 s, then KILL
  pn kill --user alice --older-than 2h --dry-run
  pn kill -HUP --wait=10 nginx
  pn kill -s RTMIN+3 -q 42 4711
  pn kill -TERM -4711                 the process group 4711
  pn kill %3 %make                    jobs: TERM, 5 s (--grace), KILL, each with its whole tree
  pn kill -INT %3                     a signal to what has the job's terminal

exit codes:
  0 all got it (and have ended, where that was asked for)    1 some did not, or nobody was found    2 usage""",
)
