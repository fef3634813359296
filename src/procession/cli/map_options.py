"""The command line of ``pn map``."""

from __future__ import annotations

from procession.cli.options import Command, Option, positive


def _seconds(word: str) -> float:
    number = float(word)
    if not 0 < number < float("inf"):
        raise ValueError(word)
    return number


def _count(word: str) -> int:
    number = int(word)
    if number < 0:
        raise ValueError(word)
    return number


def _halt(word: str) -> tuple[int, bool]:
    return (1, True) if word == "now" else (positive(word), False)


# argparse puts the function's name into its message
_seconds.__name__, _count.__name__, _halt.__name__ = "number of seconds", "number", "number or 'now'"

COMMAND = Command(
    verb="map",
    usage="pn map [OPTIONS] COMMAND [INPUT...]",
    summary="""\
Run a command for each input, on all cores: the inputs that follow COMMAND, or else the lines of standard
input.  What each command prints is kept whole and comes out in the order of the inputs.""",
    words="COMMAND [INPUT...]",
    words_help="what to run, and for what; ':::' between the two ends a COMMAND of several words",
    options=(
        Option(("-j", "--jobs"), "jobs", "commands at a time (default: the usable cores)", "N", positive),
        Option(("-t", "--timeout"), "timeout", "end a command that runs longer", "S", _seconds),
        Option(("--grace",), "grace", "between SIGTERM and SIGKILL then (default: 5)", "S", _seconds),
        Option(("-r", "--retries"), "retries", "run a failed command up to N times more", "N", _count),
        Option(("--backoff",), "backoff", "seconds before the first retry, then doubled", "S", _seconds),
        Option(("-k", "--keep-order"), "ordered", "output in the order of the inputs (the default)"),
        Option(("-u", "--unordered"), "unordered", "output of each command as soon as it ends"),
        Option(("--tag",), "tag", "begin each line of output with its input and a tab"),
        Option(("-0", "--null"), "null", "inputs end with a zero byte, not with a newline"),
        Option(("-a", "--arg-file"), "file", "read the inputs from FILE", "FILE", str),
        Option(("-N", "--max-args"), "per", "up to N inputs for one command", "N", positive),
        Option(
            ("--halt",), "halt", "begin no more after N failures; 'now': end all at the first", "N", _halt
        ),
        Option(("--json",), "json", "print one JSON object a line for each command"),
        Option(("--log",), "log", "write a line for each finished input to FILE", "FILE", str),
        Option(("--resume",), "resume", "leave out what ended well according to the log"),
        Option(("-n", "--dry-run"), "dry", "print the commands and run none"),
        Option(("-q", "--quiet"), "quiet", "no display, and nothing of pn's own but what failed"),
        Option(("--no-progress",), "still", "no display"),
    ),
    epilog="""\
COMMAND of one word is a line for /bin/sh, in which each input is quoted; several words are run as they are.
  {}   the input        {/}   its last part           {//} its folder
  {.}  less its ending  {/.}  last part, no ending    {#}  the number of the command
Without any of these the input is the last word.  Options stand before COMMAND.

examples:
  pn map 'convert {} {.}.png' *.jpg             a line for the shell, and the inputs
  pn map gzip ::: *.log                         a command and the inputs, no shell
  find . -name '*.wav' -print0 | pn map -0 flac {}
  pn map -j 8 -t 60 -r 2 'curl -sSO {}' < urls.txt
  pn map --log done.jsonl --resume './step {}' < list   goes on where the last run ended
  seq 1000 | pn map -N 100 echo                 a hundred inputs for each command

Commands read nothing (/dev/null).  What one leaves running in its process group when it ends is ended too.
Ctrl-C ends all running commands.

exit codes:
  0 all ended well    1 some failed (they are listed)    2 it did not begin    130 interrupted""",
)
