"""Processes that wait for others: they start in time, or say why they never did."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from procession.errors import DependencyFailed, NotStarted, ProcessDied
from procession.process.exits import Exit
from procession.process.order import End, decide
from tests.contract import processkit

WELL = End("well", Exit(0, None, core_dumped=False, reason="ended normally"))
BADLY = End("badly", Exit(3, None, core_dumped=False, reason="exited with code 3"))
NEVER = End("never", None)


@pytest.mark.parametrize(
    ("well", "anyhow", "badly", "verdict"),
    [
        ([WELL], [], [], True),
        ([WELL, None], [], [], False),
        ([BADLY, None], [], [], BADLY),
        ([NEVER], [], [], NEVER),
        ([], [WELL, BADLY, NEVER], [], True),
        ([], [WELL, None], [], False),
        ([], [], [BADLY, NEVER], True),
        ([], [], [WELL, None], WELL),
        ([WELL], [BADLY], [BADLY], True),
        ([WELL], [BADLY], [None], False),
    ],
)
def test_the_decision(well: Any, anyhow: Any, badly: Any, verdict: Any) -> None:
    assert decide(well, anyhow, badly) == verdict


class Held:
    """A process that ends when it is told to."""

    def __init__(self, ctx: Any, name: str, end: Any = processkit.wait_for_word, **options: Any) -> None:
        self.mine, self.theirs = ctx.Pipe()
        self.process = ctx.Process(target=end, args=(self.theirs,), name=name, **options)

    def start(self) -> Any:
        self.process.start()
        self.theirs.close()
        self.mine.recv()
        return self.process

    def end(self) -> None:
        self.mine.send("end")
        self.mine.close()


def test_one_after_the_other(ours: Any) -> None:
    first = Held(ours, "first")
    second = ours.Process(target=processkit.double, args=(2,), after=first.process)
    third = ours.Process(target=processkit.double, args=(3,), after=[first.process, second])
    third.start()  # in whatever order they are told
    second.start()
    for waiting in (second, third):
        assert (waiting.pid, waiting.exitcode, waiting.exit, waiting.is_alive()) == (None, None, None, False)
        assert "waiting for first" in repr(waiting)
        assert waiting in ours.active_children()
        waiting.join(0.01)
        with pytest.raises(TimeoutError):
            waiting.result(0.01)
        with pytest.raises(ValueError, match="still to be started"):
            waiting.close()
    first.start()
    first.end()
    assert third.result() == 6
    assert second.result() == 4
    assert first.process.exitcode == 0
    assert third.pid is not None


def test_one_that_goes_wrong_stops_those_that_want_it_well(ours: Any) -> None:
    first = ours.Process(target=processkit.leave, args=(3,), name="first")
    second = ours.Process(target=processkit.double, args=(2,), name="second", after=[first])
    third = ours.Process(target=processkit.double, args=(3,), name="third", after=[second])
    anyhow = ours.Process(target=processkit.double, args=(4,), after_any=[first, second])
    failed = ours.Process(target=processkit.double, args=(5,), after_failed=[first, third])
    for process in (first, second, third, anyhow, failed):
        process.start()
    assert anyhow.result() == 8
    assert failed.result() == 10
    with pytest.raises(
        DependencyFailed, match="second was not started: process first exited with code 3"
    ) as e:
        second.result()
    assert (e.value.other, e.value.exit) == ("first", first.exit)
    with pytest.raises(DependencyFailed, match="process second was not started itself"):
        third.join(check=True)
    third.join()
    assert (second.pid, second.exit, second.exitcode) == (None, None, None)
    assert second.state == "not started: process first exited with code 3"
    assert second not in ours.active_children()
    second.close()
    with pytest.raises(ValueError, match="closed"):
        second.result()


def test_giving_up_does_not_wait_for_the_others(ours: Any) -> None:
    slow = Held(ours, "slow")
    bad = ours.Process(target=processkit.leave, args=(3,))
    waiting = ours.Process(target=processkit.double, args=(1,), after=[slow.process, bad])
    slow.start()
    waiting.start()
    bad.start()
    with pytest.raises(DependencyFailed):
        waiting.join(check=True)
    slow.end()
    slow.process.join()


def test_a_handler_of_failures_is_not_needed_when_all_went_well(ours: Any) -> None:
    first = ours.Process(target=processkit.double, args=(1,), name="first")
    rescue = ours.Process(target=processkit.double, args=(2,), after_failed=[first])
    rescue.start()
    first.start()
    with pytest.raises(DependencyFailed, match="process first ended normally"):
        rescue.result()


def test_one_that_waits_can_be_called_off(ours: Any) -> None:
    first = Held(ours, "first")
    second = ours.Process(target=processkit.double, args=(1,), after=first.process)
    first.start()
    second.start()
    second.terminate()
    second.join()
    with pytest.raises(NotStarted, match="terminated before"):
        second.result()
    first.end()
    first.process.join()
    assert second.pid is None


def test_after_one_that_has_ended_long_ago(ours: Any) -> None:
    first = ours.Process(target=processkit.double, args=(1,))
    first.start()
    first.join()
    second = ours.Process(target=processkit.double, args=(2,), after=first)
    second.start()
    assert second.result() == 4


def test_the_timeout_begins_with_the_start(ours: Any) -> None:
    first = Held(ours, "first")
    first.start()
    second = ours.Process(target=processkit.wait_for_ever, after=first.process, timeout=0.2)
    second.start()
    second.join(0.3)
    assert "waiting" in second.state
    first.end()
    with pytest.raises(ProcessDied, match=r"timeout of 0\.2 s"):
        second.result()
    first.process.join()


def test_nobody_joins_and_the_next_starts_all_the_same(ours: Any) -> None:
    first = Held(ours, "first")
    mine, theirs = ours.Pipe(duplex=False)
    second = ours.Process(target=processkit.wait_for_ever, args=(theirs,), after=first.process)
    first.start()
    second.start()
    theirs.close()
    first.end()
    pid = mine.recv()  # the reaper has seen to it
    assert pid == second.pid
    second.kill()
    second.join()
    first.process.join()
    mine.close()


def test_arguments_that_cannot_be_sent_are_refused_at_once(ours: Any) -> None:
    if ours.get_start_method() == "fork":
        pytest.skip("a fork is given its arguments as they are")
    first = ours.Process(target=processkit.double, args=(1,))
    second = ours.Process(target=processkit.give, args=(processkit.returns_unpicklable(),), after=first)
    with pytest.raises(TypeError, match="lock"):
        second.start()
    first.start()
    first.join()


def test_only_processes_of_ours_can_be_waited_for(ours: Any) -> None:
    import multiprocessing

    stranger = multiprocessing.get_context("fork").Process()
    with pytest.raises(TypeError, match="no process of procession"):
        ours.Process(after=stranger).start()


def test_many_in_a_row(ours: Any) -> None:
    count = 4 if ours.get_start_method() == "spawn" else 15
    chain = [ours.Process(target=processkit.double, args=(0,))]
    for number in range(1, count):
        chain.append(ours.Process(target=processkit.double, args=(number,), after=chain[-1]))
    for process in reversed(chain):
        process.start()
    assert chain[-1].result() == 2 * (count - 1)
    for process in chain:
        process.join(check=True)


PROGRAM = """
    from procession.process.context import get_context
    import sys

    def say(words):
        print(words, flush=True)

    if __name__ == "__main__":
        ctx = get_context(sys.argv[1])
        first = ctx.Process(target=say, args=("first",), name="first")
        second = ctx.Process(target=say, args=("second",), after=first)
        second.start()
        if sys.argv[2] == "started":
            first.start()
"""


@pytest.mark.parametrize("what", ["started", "never"])
def test_a_program_that_ends_before_its_processes(ours: Any, what: str, tmp_path: Path) -> None:
    path = tmp_path / "program.py"
    path.write_text(textwrap.dedent(PROGRAM))
    done = subprocess.run(
        [sys.executable, str(path), ours.get_start_method(), what],
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert done.stdout == ("first\nsecond\n" if what == "started" else "")
    assert (done.returncode, done.stderr) == (0, "")


def test_a_held_child_that_is_killed_while_it_waits() -> None:
    from procession.process.process import ForkProcess

    first = ForkProcess(target=processkit.double, args=(1,))
    second = ForkProcess(target=processkit.double, args=(2,), after=first)
    second.start()
    held = second._popen._starter._handle  # type: ignore[union-attr]
    os.kill(held.pid, 9)
    first.start()
    with pytest.raises(ProcessDied, match="SIGKILL"):
        second.result()
    first.join()
