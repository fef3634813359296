"""What became of a process: its value, its exception, its exit, whatever they are made of."""

from __future__ import annotations

import multiprocessing
import os
import resource
import signal
import traceback
from typing import Any

import pytest

from procession.errors import NoSuchProcess, ProcessDied, RemoteError
from procession.ipc.faults import RemoteTraceback
from procession.process.options import Limits
from tests.contract import processkit
from tests.contract.test_process import started, stays

MIB = 1 << 20


# ── values ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "value", [0, None, "words", b"x" * (3 * MIB), b"y" * (48 * 1024), {"a": [1, 2]}, processkit.double]
)
def test_the_value_arrives(ours: Any, value: Any) -> None:
    process = started(ours, processkit.give, value)
    assert process.result() == value
    assert process.result() is process.result()
    process.join(check=True)


def test_a_value_with_a_descriptor_inside_outlives_its_maker(ours: Any) -> None:
    mine, theirs = ours.Pipe()
    process = started(ours, processkit.give, theirs)
    process.join()
    theirs.close()
    again = process.result()
    again.send("through it")
    assert mine.recv() == "through it"
    again.close()
    mine.close()


def test_a_value_that_nobody_asks_for_is_let_go_with_the_process(ours: Any) -> None:
    mine, theirs = ours.Pipe()
    process = started(ours, processkit.give, [theirs, b"x" * MIB])
    theirs.close()
    mine.close()
    process.join()
    process.close()


def test_a_value_that_cannot_be_sent_is_no_failure_until_it_is_asked_for(ours: Any) -> None:
    process = started(ours, processkit.returns_unpicklable)
    process.join(check=True)
    assert process.exitcode == 0
    with pytest.raises(TypeError, match="lock") as caught:
        process.result()
    assert "cannot be sent" in "".join(caught.value.__notes__)


def test_a_value_that_explodes_on_arrival(ours: Any) -> None:
    process = started(ours, processkit.returns_what_explodes)
    for _ in range(2):
        with pytest.raises(RemoteError, match="cannot be here"):
            process.result()
    process.join(check=True)


def test_result_in_time(ours: Any) -> None:
    process = stays(ours)
    with pytest.raises(TimeoutError, match=r"still runs after 0\.01 s"):
        process.result(0.01)
    process.join(0.01, check=True)
    process.kill()
    process.join()


@pytest.mark.parametrize("target", [lambda: 42, lambda outer=20: outer + 22])
def test_lambdas(ours: Any, target: Any) -> None:
    assert started(ours, target).result() == 42


def test_closures(ours: Any) -> None:
    captured = [1, 2]

    def inner(number: int) -> list[int]:
        return [*captured, number]

    assert started(ours, inner, 3).result() == [1, 2, 3]


def test_subclasses_that_encapsulate_a_process(ours: Any) -> None:
    mine, theirs = ours.Pipe()
    process = processkit.DOUBLERS[ours.get_start_method()](theirs)
    process.start()
    theirs.close()
    mine.send(21)
    assert mine.recv() == 42
    mine.send(None)
    assert process.result() == "finished"
    mine.close()


# ── exceptions ────────────────────────────────────────────────────────────────────────────────────


def failing(ours: Any, target: Any, *args: Any) -> tuple[Any, BaseException]:
    process = started(ours, target, *args)
    with pytest.raises(BaseException) as caught:
        process.result()
    return process, caught.value


def test_an_exception_is_raised_here_with_the_remote_traceback(
    ours: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    process, error = failing(ours, processkit.raises_chain)
    assert type(error) is ValueError
    assert error.args == ("second",)
    assert isinstance(error.__cause__, RemoteTraceback)
    words = "".join(traceback.format_exception(error))
    assert "raise ValueError" in words
    assert "KeyError: 'first'" in words
    assert process.exitcode == 1
    assert process.exit.reason == "raised ValueError: second"
    with pytest.raises(ValueError, match="second"):
        process.join(check=True)
    process.join()
    assert capfd.readouterr().err.count("ValueError: second") == 1


@pytest.mark.parametrize(
    ("target", "args", "kind", "words"),
    [
        (processkit.raises, (processkit.Unloadable, 1, 2), RemoteError, "1 and 2"),
        (processkit.raises_unpicklable, (), RemoteError, "kept here"),
        (processkit.raises, (processkit.Mute,), processkit.Mute, None),
        (processkit.raises, (processkit.NotAnException, "bare"), processkit.NotAnException, "bare"),
        (processkit.raises, (GeneratorExit, "odd"), GeneratorExit, "odd"),
        (processkit.raises, (ValueError, "x" * MIB), ValueError, "x" * MIB),
    ],
)
def test_whatever_the_exception_is_made_of(
    ours: Any, target: Any, args: Any, kind: type[BaseException], words: str | None
) -> None:
    process, error = failing(ours, target, *args)
    assert type(error) is kind
    if words is not None:
        assert words in str(error)
    assert process.exit.code == 1
    assert len(process.exit.reason) < 1000


def test_an_exit_code_is_no_result(ours: Any) -> None:
    process, error = failing(ours, processkit.leave, 3)
    assert isinstance(error, ProcessDied)
    assert (error.name, error.pid, error.exit.code) == (process.name, process.pid, 3)
    assert str(error) == f"process {process.name} (pid {process.pid}) exited with code 3"
    assert started(ours, processkit.leave, 0).result() is None
    assert isinstance(failing(ours, processkit.leave_at_once, 9)[1], ProcessDied)


def test_a_killed_process_says_so(ours: Any) -> None:
    process, error = failing(ours, processkit.kill_ourselves, 9)
    assert isinstance(error, ProcessDied)
    assert process.exit.signal == 9
    assert "was killed by SIGKILL (9)" in str(error)


def test_what_does_not_arrive_is_told(ours: Any, capfd: pytest.CaptureFixture[str]) -> None:
    if ours.get_start_method() == "fork":
        pytest.skip("a fork is given its arguments as they are")
    process, error = failing(ours, processkit.give, processkit.ExplodesOnArrival())
    assert (type(error), error.args) == (RuntimeError, ("cannot be here",))
    assert process.exitcode == 1
    assert "cannot be here" in capfd.readouterr().err


def test_what_cannot_be_sent_is_refused_at_the_start(ours: Any) -> None:
    if ours.get_start_method() == "fork":
        pytest.skip("a fork is given its arguments as they are")
    process = ours.Process(target=processkit.give, args=(processkit.returns_unpicklable(),))
    with pytest.raises(TypeError, match="lock"):
        process.start()
    assert process.pid is None
    assert process not in ours.active_children()


# ── exits ─────────────────────────────────────────────────────────────────────────────────────────


def test_the_exit_of_one_that_ended_well(ours: Any) -> None:
    process = ours.Process(target=processkit.burn, args=(0.2,))
    assert process.exit is None
    process.start()
    process.join()
    exit: Any = process.exit
    assert (exit.code, exit.signal, exit.core_dumped, exit.reason) == (0, None, False, "ended normally")
    assert exit.cpu_seconds >= 0.19
    assert 4 * MIB < exit.peak_memory < 1 << 40


def test_peak_memory_is_measured(ours: Any) -> None:
    process = started(ours, processkit.take_memory, 64 * MIB)
    process.join()
    assert process.exit.peak_memory > 60 * MIB


@pytest.mark.parametrize(
    ("way", "words"),
    [("terminate", "asked it to end"), ("kill", "killed it"), ("interrupt", "interrupted it")],
)
def test_who_sent_the_signal(ours: Any, way: str, words: str) -> None:
    process = stays(ours)
    getattr(process, way)()
    process.join()
    assert process.exit.reason.endswith(f"its parent {words}")


def test_a_signal_from_elsewhere_is_not_ours(ours: Any) -> None:
    process = stays(ours)
    os.kill(process.pid, signal.SIGTERM)
    process.join()
    assert process.exit.reason == "was killed by SIGTERM (15)"


def test_a_core_dump_is_told(ours: Any) -> None:
    process = started(ours, processkit.kill_ourselves, signal.SIGSEGV)
    process.join()
    assert process.exit.signal == signal.SIGSEGV
    assert process.exit.core_dumped in (True, False)  # as the machine is set up


def test_an_exit_that_other_code_took_is_unknown() -> None:
    from procession.process.process import ForkProcess

    mine, theirs = multiprocessing.Pipe()
    process = ForkProcess(target=processkit.wait_for_word, args=(theirs,))
    process.start()
    from procession.process import reaper

    with reaper.lock():  # or the reaper would be first
        mine.recv()
        mine.send("end")
        os.waitpid(process.pid or 0, 0)
    process.join()
    mine.close()
    theirs.close()
    assert process.exitcode == 255
    assert "taken by other code" in process.exit.reason  # type: ignore[union-attr]


# ── a running one ─────────────────────────────────────────────────────────────────────────────────


def test_states_in_words(ours: Any) -> None:
    mine, theirs = ours.Pipe(duplex=False)
    process = ours.Process(target=processkit.wait_for_ever, args=(theirs,))
    assert process.state == "not started"
    process.start()
    theirs.close()
    mine.recv()
    assert process.state in ("running", "sleeping")
    process.suspend()
    assert becomes(process, "stopped")
    process.resume()
    assert becomes(process, "sleeping")
    process.kill()
    process.join()
    assert process.state == "ended"
    process.close()
    assert process.state == "closed"
    mine.close()


def becomes(process: Any, state: str) -> bool:
    """The kernel needs a moment to stop a process: each look gives it one."""
    return any(process.state == state for _ in range(100_000))


def test_stats(ours: Any) -> None:
    process = stays(ours)
    stats = process.stats()
    assert stats.threads == 1
    assert MIB < stats.memory < 1 << 40
    assert 0 <= stats.cpu_seconds < 60
    process.kill()
    process.join()
    with pytest.raises(NoSuchProcess, match="does not run: ended"):
        process.stats()
    with pytest.raises(NoSuchProcess, match="not started"):
        ours.Process().stats()


def test_a_suspended_process_can_be_ended(ours: Any) -> None:
    process = stays(ours)
    process.suspend()
    assert becomes(process, "stopped")
    process.terminate(grace=0.01)
    assert process.exit.signal == signal.SIGKILL
    process.join()


def test_the_target_may_catch_the_interrupt(ours: Any, capfd: pytest.CaptureFixture[str]) -> None:
    process = stays(ours, processkit.catches_interrupt)
    process.interrupt()
    assert process.result() == "caught"
    assert capfd.readouterr().err == ""


def test_an_interrupt_that_is_not_caught_ends_it_quietly(
    ours: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    process = stays(ours)
    process.interrupt()
    process.join()
    assert process.exitcode == -signal.SIGINT
    assert capfd.readouterr().err == ""


# ── deadlines and limits ──────────────────────────────────────────────────────────────────────────


def test_a_timeout_ends_it(ours: Any) -> None:
    process = started(ours, processkit.wait_for_ever, timeout=0.2)
    with pytest.raises(ProcessDied, match=r"SIGTERM \(15\): it took longer than its timeout of 0.2 s"):
        process.result()


def test_after_the_grace_it_is_killed(ours: Any) -> None:
    process = stays(ours, processkit.deaf, timeout=1, grace=0.1)
    process.join()
    assert process.exit.reason == "was killed by SIGKILL (9): it took longer than its timeout of 1 s"


def test_one_that_is_in_time(ours: Any) -> None:
    assert started(ours, processkit.double, 2, timeout=60).result() == 4


@pytest.mark.parametrize(
    ("options", "words"),
    [({"timeout": 0}, "more than 0"), ({"grace": -1}, "negative"), ({"orphans": "eat"}, "'die' or 'keep'")],
)
def test_options_that_mean_nothing(ours: Any, options: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        ours.Process(**options)


def test_a_limit_of_memory(ours: Any) -> None:
    process = started(ours, processkit.take_memory, 300 * MIB, limits=Limits(memory=200 * MIB))
    with pytest.raises(MemoryError):
        process.result()
    assert process.exit.reason == f"raised MemoryError (its memory limit is {200 * MIB} bytes)"
    assert started(ours, processkit.take_memory, MIB, limits=Limits(memory=200 * MIB)).result() == MIB


def test_a_limit_of_cpu(ours: Any) -> None:
    process = started(ours, processkit.burn_for_ever, limits=Limits(cpu_seconds=1))
    process.join()
    assert process.exit.signal == signal.SIGXCPU
    assert "it had used up its limit of 1 s of CPU" in process.exit.reason
    assert process.exit.cpu_seconds < 3


def test_a_limit_of_open_files(ours: Any) -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    process = started(ours, processkit.open_many, 100, limits=Limits(open_files=64))
    with pytest.raises(OSError, match="Too many open files"):
        process.result()
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == before


# ── children of children ──────────────────────────────────────────────────────────────────────────


def test_a_daemon_may_have_children(ours: Any) -> None:
    process = started(ours, processkit.has_a_child, ours.Process, daemon=True)
    assert process.result() == 8


def test_the_standard_library_goes_on_working_inside(ours: Any) -> None:
    assert started(ours, processkit.has_std_child).result() == 0


def test_output_goes_where_ours_goes_now(ours: Any, capfd: pytest.CaptureFixture[str]) -> None:
    started(ours, processkit.says, "hello").join()
    assert capfd.readouterr() == ("hello\n", "hello (err)\n")


def test_standard_objects_as_arguments(ours: Any) -> None:
    standard = multiprocessing.get_context("fork" if ours.get_start_method() == "fork" else "spawn")
    mine, theirs = standard.Pipe()
    process = started(ours, processkit.wait_for_word, theirs)
    theirs.close()
    assert mine.recv() == process.pid
    mine.send("end")
    process.join(check=True)
    mine.close()
    lock = standard.Lock()
    assert started(ours, processkit.try_lock, lock).result() is True
