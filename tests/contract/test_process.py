"""What multiprocessing.Process promises: kept by the standard library and by us alike."""

from __future__ import annotations

import gc
import os
import signal
import weakref
from multiprocessing import connection
from pathlib import Path
from typing import Any

import pytest

from tests.contract import processkit


def started(ctx: Any, target: Any, *args: Any, **options: Any) -> Any:
    process = ctx.Process(target=target, args=args, **options)
    process.start()
    return process


def stays(ctx: Any, target: Any = processkit.wait_for_ever, **options: Any) -> Any:
    """A process that is known to run."""
    mine, theirs = ctx.Pipe(duplex=False)
    process = started(ctx, target, theirs, **options)
    theirs.close()
    assert mine.recv() == process.pid
    mine.close()
    return process


def reported(ctx: Any, *args: Any, **options: Any) -> tuple[Any, dict[str, Any]]:
    mine, theirs = ctx.Pipe(duplex=False)
    process = started(ctx, processkit.report, theirs, *args, **options)
    theirs.close()
    facts = mine.recv()
    mine.close()
    process.join()
    assert process.exitcode == 0
    return process, facts


def test_what_a_child_knows_of_itself(ctx: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PN_CONTRACT", "before")
    me = ctx.current_process()
    process, facts = reported(ctx, 1, "two", name="reporter", kwargs={"three": 3})
    assert facts["args"] == (1, "two")
    assert facts["kwargs"] == {"three": 3}
    assert facts["name"] == process.name == "reporter"
    assert facts["pid"] == facts["ident"] == facts["thread"] == process.pid
    assert facts["authkey"] == bytes(me.authkey)
    assert facts["parent"] == (os.getpid(), me.name, True)
    assert facts["alive"]
    assert facts["daemon"] is False
    assert facts["cwd"] == os.getcwd()


def test_a_life_in_the_words_of_the_parent(ctx: Any) -> None:
    process = ctx.Process(target=processkit.double, args=(1,))
    assert (process.pid, process.exitcode, process.is_alive()) == (None, None, False)
    assert "initial" in repr(process)
    with pytest.raises(ValueError, match="not started"):
        _ = process.sentinel
    process.start()
    assert process in ctx.active_children() or process.exitcode is not None
    process.join()
    assert (process.exitcode, process.is_alive()) == (0, False)
    assert process not in ctx.active_children()
    assert "stopped" in repr(process)
    process.close()
    process.close()
    for use in (process.is_alive, process.join, process.terminate, process.start, lambda: process.exitcode):
        with pytest.raises(ValueError, match="closed"):
            use()
    assert "closed" in repr(process)


def test_misuse(ctx: Any) -> None:
    process = ctx.Process(target=processkit.double, args=(1,))
    with pytest.raises(AssertionError, match="can only join a started process"):
        process.join()
    process.start()
    with pytest.raises(AssertionError, match="cannot start a process twice"):
        process.start()
    process.join()
    with pytest.raises(AssertionError, match="group argument must be None"):
        ctx.Process(group=1)


@pytest.mark.parametrize(
    ("reason", "code"), [(None, 0), (0, 0), (3, 3), (True, 1), ("words", 1), ([1, 2], 1), (256 + 7, 7)]
)
def test_sys_exit(ctx: Any, reason: Any, code: int) -> None:
    process = started(ctx, processkit.leave, reason)
    process.join()
    assert process.exitcode == code


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGKILL, signal.SIGUSR1])
def test_killed_by_a_signal(ctx: Any, signum: int) -> None:
    process = started(ctx, processkit.kill_ourselves, int(signum))
    process.join()
    assert process.exitcode == -signum


def test_an_exception_is_code_1_and_a_traceback(ctx: Any, capfd: pytest.CaptureFixture[str]) -> None:
    process = started(ctx, processkit.raises, ZeroDivisionError, "on purpose", name="unlucky")
    process.join()
    assert process.exitcode == 1
    words = capfd.readouterr().err
    assert "Process unlucky:\nTraceback" in words
    assert "ZeroDivisionError: on purpose" in words


@pytest.mark.parametrize(("way", "signum"), [("terminate", signal.SIGTERM), ("kill", signal.SIGKILL)])
def test_ending_it(ctx: Any, way: str, signum: int) -> None:
    process = stays(ctx)
    assert process.is_alive()
    process.join(0)
    process.join(-1)
    process.join(0.001)
    assert process.is_alive()
    assert (process.exitcode, process.is_alive()) == (None, True)
    with pytest.raises(ValueError, match="still running"):
        process.close()
    getattr(process, way)()
    process.join()
    assert process.exitcode == -signum
    getattr(process, way)()  # of no effect
    process.close()


def test_the_sentinel_tells_the_end(ctx: Any) -> None:
    mine, theirs = ctx.Pipe()
    process = started(ctx, processkit.wait_for_word, theirs)
    theirs.close()
    mine.recv()
    assert connection.wait([process.sentinel], 0) == []
    mine.send("end")
    mine.close()
    assert connection.wait([process.sentinel], 30) == [process.sentinel]
    process.join()
    assert process.exitcode == 0
    if not ctx.__module__.startswith("multiprocessing"):  # its fork server's sentinel tells only once
        assert connection.wait([process.sentinel], 0) == [process.sentinel]


def test_an_ended_process_is_forgotten(ctx: Any) -> None:
    process = started(ctx, processkit.double, 1)
    process.join()
    gone = weakref.ref(process)
    del process
    gc.collect()
    assert gone() is None


def test_the_arguments_are_let_go(ctx: Any) -> None:
    thing = processkit.Thing()
    gone = weakref.ref(thing)
    process = started(ctx, processkit.give, thing)
    del thing
    process.join()
    gc.collect()
    assert gone() is None


def test_exit_handlers_run(ctx: Any, tmp_path: Path) -> None:
    if ctx.__module__.startswith("multiprocessing") and ctx.get_start_method() != "spawn":
        pytest.skip("the standard library does so since 3.12")
    process = started(ctx, processkit.leaves_by_exit_handler, str(tmp_path / "out"))
    process.join()
    assert (tmp_path / "out").read_text() == "done"


def test_threads_are_waited_for(ctx: Any, tmp_path: Path) -> None:
    mine, theirs = ctx.Pipe()
    process = started(ctx, processkit.starts_a_thread, str(tmp_path / "out"), theirs)
    theirs.close()
    mine.send("go")
    process.join()
    mine.close()
    assert process.exitcode == 0
    assert (tmp_path / "out").read_text() == "done"


def test_daemon_is_inherited_and_can_be_set(ctx: Any) -> None:
    assert ctx.Process().daemon is False
    process = ctx.Process(target=processkit.double, args=(1,), daemon=True)
    assert process.daemon is True
    assert "daemon" in repr(process)
    process.start()
    with pytest.raises(AssertionError):
        process.daemon = False
    process.join()


def test_no_target_at_all(ctx: Any) -> None:
    process = ctx.Process()
    process.start()
    process.join()
    assert process.exitcode == 0


def test_names_are_numbered(ctx: Any) -> None:
    first, second = ctx.Process(), ctx.Process()
    kind, _, number = first.name.rpartition("-")
    assert kind.endswith("Process")
    assert second.name == f"{kind}-{int(number) + 1}"


def test_many_at_once(ctx: Any) -> None:
    count = 3 if ctx.get_start_method() == "spawn" else 20
    processes = [started(ctx, processkit.double, number) for number in range(count)]
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * count


def test_descriptors_do_not_add_up(ctx: Any) -> None:
    if ctx.get_start_method() == "fork":
        pytest.skip("a fork copies all descriptors")
    found = []
    processes = []
    for _ in range(3):
        mine, theirs = ctx.Pipe(duplex=False)
        processes.append(started(ctx, processkit.count_descriptors, theirs))
        theirs.close()
        found.append(mine.recv())
        mine.close()
    for process in processes:
        process.join()
    assert len(set(found)) == 1
