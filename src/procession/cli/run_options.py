"""The command line of ``pn run``, and the options of a job that ``pn edit`` shares with it."""

from __future__ import annotations

from procession.cli.options import Command, Option
from procession.cli.times import coming, seconds_of

_POWERS = {"": 0, "K": 1, "M": 2, "G": 3, "T": 4}


def size_of(word: str) -> int:
    """``2G``, ``512M``, ``100000``, in bytes, by powers of 1024 (as ulimit and systemd have them).  ValueError."""
    text = word.upper().removesuffix("IB").removesuffix("B")
    unit = text[-1:] if text[-1:] in _POWERS else ""
    count = float(text.removesuffix(unit)) * 1024 ** _POWERS[unit]
    if not 0 < count < 1 << 62:
        raise ValueError(word)
    return int(count)


def limits_of(word: str) -> dict[str, object]:
    """``memory=2G,cpu=50%,files=1024``.  Raises ValueError."""
    found: dict[str, object] = {}
    for part in word.split(","):
        name, _, value = part.partition("=")
        if name == "memory":
            found[name] = size_of(value)
        elif name == "cpu":
            cores = float(value.removesuffix("%")) / (100 if value.endswith("%") else 1)
            if not 0 < cores < 1e4:
                raise ValueError(word)
            found[name] = cores
        elif name == "files":
            found[name] = int(value)
            if not 0 < int(value) < 1 << 31:
                raise ValueError(word)
        else:
            raise ValueError(word)
    return found


def words_of(word: str) -> list[str]:
    """``3,%name``: which jobs, in the words of the user; "": none.  Raises ValueError."""
    found = word.split(",") if word else []
    if not all(found):
        raise ValueError(word)
    return found


def pair_of(word: str) -> tuple[str, str]:
    """``NAME=VALUE``.  Raises ValueError."""
    name, equals, value = word.partition("=")
    if not name or not equals:
        raise ValueError(word)
    return name, value


def restart_of(word: str) -> str:
    """When a job is started again.  Raises ValueError."""
    if word not in ("no", "on-failure", "always"):
        raise ValueError(word)
    return word


def leftovers_of(word: str) -> str:
    """What becomes of what outlives the command.  Raises ValueError."""
    if word not in ("end", "wait"):
        raise ValueError(word)
    return word


def ready_of(word: str) -> str:
    """When a job counts as ready.  Raises ValueError."""
    kind, _, value = word.partition(":")
    if kind not in ("log", "port", "file") or not value:
        raise ValueError(word)
    if kind == "port" and not (value.isdecimal() and 0 < int(value) < 65536):
        raise ValueError(word)
    return word


def intensity_of(word: str) -> tuple[int, float]:
    """``5/60s``: so many within so long.  Raises ValueError."""
    count, _, within = word.partition("/")
    if int(count) < 1:
        raise ValueError(word)
    return int(count), seconds_of(within) if within else 60.0


def whole(word: str) -> int:
    """A whole number from 0 on.  Raises ValueError."""
    if int(word) < 0:
        raise ValueError(word)
    return int(word)


def share_of(word: str) -> float:
    """``0.1`` or ``10%``.  Raises ValueError."""
    share = float(word.removesuffix("%")) / (100 if word.endswith("%") else 1)
    if not 0 <= share <= 1:
        raise ValueError(word)
    return share


# argparse puts a function's name into its message
limits_of.__name__ = "list such as memory=2G,cpu=50%,files=1024"
words_of.__name__ = "list of jobs"
pair_of.__name__ = "NAME=VALUE"
restart_of.__name__ = "one of no, on-failure, always"
leftovers_of.__name__ = "one of end, wait"
ready_of.__name__ = "one of log:TEXT, port:N, file:PATH"
intensity_of.__name__ = "number of restarts such as 5/60s"
whole.__name__, share_of.__name__ = "number", "share such as 10%"

# In pn edit, too.
SHARED = (
    Option(("-n", "--name"), "name", "a name for it: then %%NAME means it", "NAME", str),
    Option(("-g", "--group"), "group", "in this group, whose slots it shares (pn group)", "NAME", str),
    Option(("-p", "--priority"), "priority", "the higher is begun first in its group (default: 0)", "N", int),
    Option(("--after",), "after", "when all these have ended well; else not at all", "JOBS", words_of),
    Option(("--after-any",), "after_any", "when all these have ended, well or not", "JOBS", words_of),
    Option(("--after-failed",), "after_failed", "when all these have failed", "JOBS", words_of),
    Option(("--at",), "at", "not before: 22:30, '2026-12-01 08:00'", "TIME", coming),
    Option(("--in",), "delay", "not before so long from now: 10m, 2h30m", "TIME", seconds_of),
    Option(("-r", "--retries"), "retries", "run it up to N times more when it fails", "N", whole),
    Option(("--backoff",), "backoff", "before the first of them, then doubled (default: 1)", "TIME", seconds_of),
    Option(("--restart",), "restart", "again and again: no, on-failure, always", "WHEN", restart_of),
    Option(("--restart-delay",), "restart_delay", "before it, doubled each time (default: 1)", "TIME", seconds_of),
    Option(("--restart-cap",), "restart_cap", "the longest of these delays (default: 5m)", "TIME", seconds_of),
    Option(("--restart-limit",), "intensity", "give up after so many within so long (5/60s)", "N/TIME", intensity_of),
    Option(("--jitter",), "jitter", "take up to such a share off each delay (default: 10%%)", "SHARE", share_of),
    Option(("-t", "--timeout"), "timeout", "end it when a run takes longer", "TIME", seconds_of),
    Option(("--grace",), "grace", "between SIGTERM and SIGKILL (default: 5)", "TIME", seconds_of),
    Option(("-l", "--limit"), "limit", "memory=2G,cpu=50%%,files=1024: of its whole tree", "LIMITS", limits_of),
    Option(("--nice",), "nice", "the nice value: 19 is the last in line", "N", int),
    Option(("--leftovers",), "leftovers", "what outlives the command: end (the default) or wait", "WHAT", leftovers_of),
    Option(("--ready",), "ready", "it is ready when: log:TEXT, port:N, file:PATH", "WHEN", ready_of),
    Option(("--notify",), "notify", "run this shell command when it has ended", "COMMAND", str),
    Option(("--cwd",), "cwd", "in this folder (default: this one)", "FOLDER", str),
)  # fmt: skip

COMMAND = Command(
    verb="run",
    usage="pn run [OPTIONS] COMMAND [ARGUMENT...]   or   pn run [OPTIONS] -c 'SHELL SYNTAX'",
    summary="""\
Start a job in the background and print its number.  It goes on when this terminal is closed, and when any part of pn
is killed; its output is kept (pn logs), and so is its exit code (pn wait, pn show).""",
    words="COMMAND",
    words_help="what to run; the options of pn stand before it",
    options=(
        Option(("-c", "--shell"), "shell", "run this line with /bin/sh", "LINE", str),
        Option(("-f", "--fg"), "fg", "stay attached, as pn fg; the exit code is the job's"),
        *SHARED,
        Option(("-e", "--env"), "env", "with this variable, too", "NAME=VALUE", pair_of, many=True),
        Option(("--pty",), "pty", "with a terminal of its own (the default, if we have one)"),
        Option(("--no-pty",), "no_pty", "without: it reads nothing, and writes into a pipe"),
        Option(("--keep",), "keep", "list it until pn clean (the default)"),
        Option(("--rm",), "remove", "forget it when it has ended well"),
        Option(("-q", "--quiet"), "quiet", "do not print its number"),
    ),
    epilog="""\
Options end at the first word of the command; -- before it is allowed.  The job has the environment, the folder and the
umask of this command.  JOBS are numbers, %NAMEs, %+ (the last one): 3,%build.

examples:
  pn run make -j4 all                       a job in the background
  pn run -c 'grep ERROR *.log | sort'       shell syntax
  pn run --fg vim notes.txt                 in this terminal; Ctrl-\\ leaves it running
  pn run --after 3 ./deploy                 when job 3 has ended well
  pn run --at 22:30 --name backup ./backup
  pn run --restart on-failure --ready port:8000 ./server
  pn run -l memory=2G,cpu=50% -t 2h ./simulate
  pn run -g downloads curl -O https://example.org/a.iso    (pn group downloads --slots 2)

exit codes: 0 the job is stored    1 it could not be    2 usage    with --fg: the job's, 128+N for signal N""",
)
