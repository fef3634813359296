"""The fork server is killed at bad moments: its children go on, and the next start makes a new one."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from procession.errors import ProcessDied
from procession.linux.pidfd import exit_info, open_pidfd, wait_exit
from procession.process.context import get_context
from procession.process.served import server
from tests.contract import processkit
from tests.contract.test_process import started
from tests.faults.processkit import Program


@pytest.fixture
def ctx() -> Iterator[Any]:
    context = get_context("forkserver")
    yield context
    context.set_forkserver_preload(["__main__"])


def kill_server(signum: int = signal.SIGKILL) -> int:
    pid = server._forkserver_pid
    assert pid is not None
    pidfd = open_pidfd(pid)
    os.kill(pid, signum)
    assert wait_exit(pidfd, 20)
    os.close(pidfd)
    return pid


def can_tell() -> bool:
    """Does this kernel tell how somebody else's child ended (Linux 6.15)?"""
    pid = os.fork()
    if pid == 0:
        os._exit(5)
    pidfd = open_pidfd(pid)
    os.waitpid(pid, 0)
    told = exit_info(pid, pidfd)
    os.close(pidfd)
    return told is not None


def test_its_children_go_on(ctx: Any) -> None:
    mine, theirs = ctx.Pipe()
    process = started(ctx, processkit.wait_for_word, theirs)
    theirs.close()
    mine.recv()
    killed = kill_server()
    assert process.is_alive()
    assert (process.exitcode, process.is_alive()) == (None, True)
    assert started(ctx, processkit.double, 4).result() == 8
    assert server._forkserver_pid != killed
    mine.send("end")
    process.join(20)
    mine.close()
    if process.exit.code is None:
        assert process.exitcode == 255
        assert process.exit.reason == "ended, and the fork server that could have told how was killed"
    else:
        assert process.exitcode == 0


def test_nobody_joins_and_the_end_is_noticed_all_the_same(ctx: Any) -> None:
    mine, theirs = ctx.Pipe()
    process = started(ctx, processkit.wait_for_word, theirs)
    after = ctx.Process(target=processkit.double, args=(3,), after_any=process)
    after.start()
    theirs.close()
    mine.recv()
    kill_server()
    mine.send("end")
    assert after.result() == 6
    mine.close()


def test_a_result_outlives_the_server(ctx: Any) -> None:
    mine, theirs = ctx.Pipe()
    process = started(ctx, processkit.catches_interrupt, theirs)
    theirs.close()
    mine.recv()
    kill_server()
    process.interrupt()
    assert process.result() == "caught"
    mine.close()


def test_a_signal_is_told_where_the_kernel_can(ctx: Any) -> None:
    mine, theirs = ctx.Pipe()
    process = started(ctx, processkit.wait_for_ever, theirs)
    theirs.close()
    mine.recv()
    kill_server()
    process.kill()
    with pytest.raises(ProcessDied):
        process.result()
    assert process.exit.signal in ((signal.SIGKILL, None) if can_tell() else (None,))
    mine.close()


def test_it_is_killed_before_it_answers(ctx: Any) -> None:
    """While it imports what it was told to: the same module kills the second one, and the third does without."""
    ctx.set_forkserver_preload(["tests.faults.kills_its_importer"])
    server.stop()
    process = ctx.Process(target=processkit.double, args=(1,))
    with pytest.raises(EOFError, match="fork server ends before it has made a child"):
        process.start()
    assert process.pid is None
    ctx.set_forkserver_preload([])
    process = started(ctx, processkit.double, 2)
    assert process.result() == 4


def test_a_stopped_server_does_not_block_those_who_only_look(ctx: Any) -> None:
    mine, theirs = ctx.Pipe()
    process = started(ctx, processkit.wait_for_word, theirs)
    theirs.close()
    mine.recv()
    pid = server._forkserver_pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    try:
        mine.send("end")
        assert wait_exit(process.sentinel, 20)
        assert [process.exitcode] == [None]  # ended, and nobody can say how yet
        process.join(0.1)
    finally:
        os.kill(pid, signal.SIGCONT)
    process.join()
    assert process.exitcode == 0
    mine.close()


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_is_not_for_it(ctx: Any, signum: int) -> None:
    assert started(ctx, processkit.double, 2).result() == 4
    pid = server._forkserver_pid
    assert pid is not None
    if signum == signal.SIGINT:
        os.kill(pid, signum)
        assert started(ctx, processkit.double, 3).result() == 6
        assert server._forkserver_pid == pid
    else:
        kill_server(signum)
        assert started(ctx, processkit.double, 3).result() == 6


def test_children_of_its_children_use_the_same(ctx: Any) -> None:
    assert started(ctx, processkit.server_of_a_child, ctx.Process).result() == server._forkserver_pid


def test_a_fork_of_ours_uses_it_too(ctx: Any) -> None:
    assert started(ctx, processkit.double, 2).result() == 4
    forked = get_context("fork")
    assert started(forked, processkit.server_of_a_child, ctx.Process).result() == server._forkserver_pid


def test_the_server_is_gone_when_a_nested_process_needs_it(ctx: Any) -> None:
    mine, theirs = ctx.Pipe()
    process = started(ctx, processkit.nested_after_word, ctx.Process, theirs)
    theirs.close()
    mine.recv()
    kill_server()
    mine.send("go")
    assert process.result() == 8
    mine.close()


def test_modules_are_imported_beforehand(ctx: Any) -> None:
    ctx.set_forkserver_preload(["this_does_not_exist", "colorsys"])
    server.stop()
    assert started(ctx, processkit.is_loaded, "colorsys").result() is True
    with pytest.raises(TypeError, match="module_names must be a list of strings"):
        ctx.set_forkserver_preload([1])


def test_the_environment_of_now(ctx: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert started(ctx, processkit.environment, "PN_CONTRACT").result() is None
    monkeypatch.setenv("PN_CONTRACT", "later")
    assert started(ctx, processkit.environment, "PN_CONTRACT").result() == "later"
    monkeypatch.delenv("PN_CONTRACT")
    assert started(ctx, processkit.environment, "PN_CONTRACT").result() is None


def test_a_start_that_is_interrupted_leaves_nobody(tmp_path: Path) -> None:
    """Ctrl-C while the server is still importing: start raises, and no child comes after all."""
    text = """
        import os, signal, sys
        from procession.process.context import get_context
        from tests.faults import processkit

        if __name__ == "__main__":
            context = get_context("forkserver")
            context.set_forkserver_preload(["tests.faults.slow_to_import"])
            process = context.Process(target=processkit.stay)
            processkit.told(None)
            try:
                process.start()
            except KeyboardInterrupt:
                print("interrupted", process.pid, len(context.active_children()), flush=True)
            other = context.Process(target=processkit.told, args=(None,))
            other.start()
            other.join()
            print(other.exitcode)
    """
    with Program(tmp_path, text, stdin=-1) as program:
        program.pids(1)
        assert program.word() == "importing"  # the server
        program.process.send_signal(signal.SIGINT)
        assert program.word() == "interrupted None 0"
        assert program.process.stdin is not None
        program.process.stdin.close()  # now it goes on
        assert program.word().isdigit()
        assert program.word() == "0"
        assert program.process.wait(20) == 0
