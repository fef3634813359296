"""Floor 7, the command line: one file per verb: parse, call, print, exit code.

Exit codes: 0 done, 1 done with failures, 2 usage (nothing has been done), 130 interrupted.
"""

from __future__ import annotations

import os
import sys

_SEE = {
    "ps": "list processes: ps with its options, filters by words, --json",
    "top": "watch processes, pools and the machine, live",
    "tree": "processes below their parents, zombies and orphans marked",
    "explain": "why a process is in the state that it is in; what is wrong on this machine",
    "stack": "the Python stacks of a process, of all its threads",
    "kill": "send a signal: by pid, name or pattern, to one or a whole tree, and say why it fails",
    "pgrep": "the pids of processes by name and other criteria",
    "wait": "wait until processes or jobs have ended, also those of others",
    "stop": "suspend a process, a tree or a job",
    "cont": "continue what was suspended",
    "nice": "change the priority of a process or a tree",
}
_JOBS = {
    "run": "start a job in the background, which outlives this terminal",
    "jobs": "list the jobs, and say of each what it waits for or how it ended",
    "show": "everything about a job",
    "logs": "what a job has printed",
    "fg": "attach to the terminal of a job",
    "bg": "continue a suspended job in the background",
    "send": "type a text into a job",
    "restart": "run a job again",
    "edit": "change a job that is waiting",
    "priority": "which job is begun first",
    "group": "groups of jobs, and how many of each may run at a time",
    "clean": "forget jobs that have ended",
    "history": "the runs of all jobs, and how they ended",
    "adopt": "watch a process that runs already as a job",
    "daemon": "start, stop, upgrade and install what looks after the jobs",
}
_MAKE = {
    "copy": "copy folders and files on many processes, with live progress",
    "map": "run a command for each input on all cores, outputs whole and in order",
    "python": "run a Python program whose multiprocessing is ours",
}
_SECTIONS = {"see and control processes": _SEE, "jobs in the background": _JOBS, "work on many cores": _MAKE}
VERBS = {**_SEE, **_JOBS, **_MAKE}


def main(argv: list[str] | None = None) -> int:
    """Run ``pn`` with these words (default: those of the command line); returns the exit code."""
    words = sys.argv[1:] if argv is None else argv
    verb = words[0] if words else "--help"
    if verb in ("--version", "-V"):
        from procession._version import __version__

        print(f"pn {__version__}")
        return 0
    if verb in ("--help", "-h", "help"):
        print(_help())
        return 0 if words else 2
    if verb not in VERBS:
        print(f"pn: there is no verb {verb!r}: see pn --help", file=sys.stderr)
        return 2
    return _run(verb, words[1:])


def _run(verb: str, words: list[str]) -> int:
    module = f"procession.cli.{verb}"
    try:
        __import__(module)
        code: int = sys.modules[module].main(words)
        if sys.stdout is not None:  # it was closed when we started
            sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Whoever read our output has gone (``| head``): no more can be said, and nothing is wrong.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        if os.environ.get("PN_DEBUG"):
            raise
        kind = type(error).__name__
        print(f"pn {verb}: {kind}: {error}: PN_DEBUG=1 shows where", file=sys.stderr)
        return 1


def _help() -> str:
    width = max(len(verb) for verb in VERBS)
    verbs = "\n\n".join(
        "\n".join((f"{title}:", *(f"  {verb:{width}}  {what}" for verb, what in section.items())))
        for title, section in _SECTIONS.items()
    )
    return f"""usage: pn VERB [ARGUMENTS]

Processes on Linux: see them, control them, create them.

{verbs}

A job is named by its number or name, or by a word with %: %3, %make, %+ (the last one).

  pn VERB --help    what the verb does, with examples
  pn --version

environment:
  NO_COLOR    no colours
  PN_DEBUG    1: show the traceback of an error inside pn"""
