"""``pn fg``: attach this terminal to a job, until it ends, is suspended or is left."""

from __future__ import annotations

import os
import sys

from procession.cli.job_talk import JOBS_HELP, LAST, command_of, numbers, talk
from procession.cli.options import Command, Option, parse
from procession.cli.say import say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from procession.cli.fg_loop import Parting
    from procession.jobs.client import Client
    from procession.jobs.outcome import Outcome

COMMAND = Command(
    verb="fg",
    usage="pn fg [--read-only] [JOB]",
    summary="""\
Attach this terminal to a job, wherever it was started; a suspended one is continued.  All keys go to the job: Ctrl-C
interrupts it, Ctrl-Z suspends it and gives this terminal back.  Ctrl-\\ leaves it running.""",
    words="JOB",
    words_help=f"{JOBS_HELP}; none: %%+",
    options=(Option(("-r", "--read-only"), "read_only", "only watch: Ctrl-C, too, only leaves"),),
    epilog="""\
Several may watch a job; the first has its keyboard.  Of a job without a terminal (pn run --no-pty) one sees the output,
and only Ctrl-C, Ctrl-Z and Ctrl-\\ mean something.

examples:
  pn fg
  pn fg %vim
  pn fg --read-only 3

exit codes: the job's, 128+N when signal N has ended it    0 it was left running    148 it was suspended
  1 there is no such job, or it cannot be attached to    2 usage    128+N signal N has ended pn fg itself""",
)
_PLAIN_ENDS = ("done", "failed", "killed")
_SUSPENDED = 148  # 128 + SIGTSTP: what fg of bash(1) returns then


def main(argv: list[str]) -> int:
    """Run ``pn fg``; returns the exit code."""
    values = parse(COMMAND, argv)
    words = values["words"] or [LAST]
    if len(words) > 1:
        say("fg", "one job at a time")
        return 2
    return talk("fg", lambda client: _fg(client, words[0], read_only=values["read_only"]))


def _fg(client: Client, word: str, *, read_only: bool) -> int:
    (number,) = numbers(client, [word])
    found = client.request("show", job=number)
    kind = found["job"]["state"]["kind"]
    if kind not in ("starting", "running", "suspended", "ending"):
        say("fg", f"job {number} is not running: {found['words']}")
        return 1
    if sys.stdout.isatty():
        print(f"[{number}] {command_of(found['job']['spec'])}", flush=True)
    return follow(client, number, "fg", read_only=read_only)


def follow(client: Client, number: int, verb: str, *, read_only: bool = False) -> int:
    """Attach to the run that is under way, or to the next one; returns the exit code.  Of pn run all output is shown."""
    from procession.cli.fg_begin import fate, reach
    from procession.cli.fg_loop import LOST, Parting
    from procession.jobs.places import places

    if not read_only:
        client.request("touch", job=number)
    reached = reach(client, number, lambda words: _tell(f"[{number}] {words}; Ctrl-C: without you", ""))
    parting = Parting(LOST)
    if reached.line is not None:
        log = places().log(number, reached.run) if verb == "run" else ""
        with reached.line:
            parting = _attached(
                reached.line, write=not read_only, wake=reached.suspended and not read_only, log=log
            )
    if parting.how != LOST:
        return _parted(number, verb, parting)
    outcome = reached.outcome or fate(client, number, reached.run)
    if not parting.begun:  # it was too quick for us: what it has printed stands in its log
        from procession.cli.logs import print_whole

        print_whole(number, reached.run)
    return _ended(number, verb, outcome)


def _attached(line: Any, *, write: bool, wake: bool, log: str) -> Parting:
    from procession.cli.fg_loop import SIGNALS, Loop
    from procession.cli.fg_terminal import Keyboard
    from procession.cli.interrupts import Interrupts
    from procession.jobs.terminal_modes import Modes

    keyboard, modes, interrupts = Keyboard(), Modes(), Interrupts(SIGNALS)
    try:
        return Loop(line, keyboard, interrupts, modes, write=write, wake=wake, log=log).run()
    finally:
        if sys.stdout.isatty():
            _write(modes.reset())
        keyboard.give_back()
        interrupts.close()


def _write(data: bytes) -> None:
    try:
        os.write(1, data)
    except OSError:  # the terminal is gone
        pass


def _parted(number: int, verb: str, parting: Parting) -> int:
    from procession.cli import fg_loop

    if parting.how == fg_loop.ENDED:
        return _ended(number, verb, parting.outcome)
    if parting.how == fg_loop.LEFT:
        _tell(f"[{number}] left running: pn fg {number}")
        return 0
    if parting.how == fg_loop.SUSPENDED:
        _tell(f"[{number}]+ suspended: pn fg {number}, or pn bg {number}")
        return _SUSPENDED
    if parting.how == fg_loop.SIGNALLED:
        return 128 + parting.signal
    say(verb, f"job {number}: {parting.why}")
    return 1


def _ended(number: int, verb: str, outcome: Outcome | None) -> int:
    """Its code; where it has none, or something was in the way, also why."""
    if outcome is None:
        say(verb, f"job {number} has been removed meanwhile")
        return 1
    if outcome.kind not in _PLAIN_ENDS:
        say(verb, f"job {number} {outcome.reason}")
    return code_of(outcome)


def _tell(words: str, before: str = "\n") -> None:
    if sys.stderr.isatty():
        print(f"{before}{words}", file=sys.stderr)


def code_of(outcome: Outcome) -> int:
    """As bash has it: 128 and the signal; 127 and 126 of what could not be executed are the keeper's."""
    if outcome.signal is not None:
        return 128 + outcome.signal
    return outcome.code if outcome.code is not None else 1
