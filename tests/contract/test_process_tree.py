"""Whole trees are ended: sessions of their own, daemons that were adopted, programs that were executed."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable
from typing import Any

import pytest

from procession.linux.pidfd import open_pidfd, wait_exit
from tests.contract import processkit


def grow_child(conn: Any) -> None:
    if os.fork() == 0:
        processkit.wait_for_ever(conn)
    processkit.wait_for_ever(conn)


def grow_session(conn: Any) -> None:
    if os.fork() == 0:
        os.setsid()
        processkit.wait_for_ever(conn)
    processkit.wait_for_ever(conn)


def grow_daemon(conn: Any) -> None:
    """The classic: fork, setsid, fork, close everything."""
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            conn.send(os.getpid())
            os.closerange(3, 1000)
            processkit.wait_for_ever()
        os._exit(0)
    os.wait()
    processkit.wait_for_ever(conn)


def grow_program(conn: Any) -> None:
    """A shell that starts a program in a session of its own and forgets it."""
    words = "setsid sleep 1000 > /dev/null 2>&1 & echo $!"
    done = subprocess.run(["sh", "-c", words], capture_output=True, text=True, check=True)
    conn.send(int(done.stdout))
    processkit.wait_for_ever(conn)


def grow_deaf(conn: Any) -> None:
    """Nobody here listens to SIGTERM."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    grow_session(conn)


def grow_process_of_ours(conn: Any) -> None:
    from procession.process.process import Process

    Process(target=processkit.wait_for_ever, args=(conn,)).start()
    processkit.wait_for_ever(conn)


def grow_without_end(conn: Any) -> None:
    """Each forks the next when it is asked to end."""

    def again(*_: object) -> None:
        if os.fork() == 0:
            os.setsid()

    signal.signal(signal.SIGTERM, again)
    conn.send(os.getpid())
    processkit.wait_for_ever(conn)


GROWERS: list[Callable[[Any], None]] = [
    grow_child,
    grow_session,
    grow_daemon,
    grow_program,
    grow_deaf,
    grow_process_of_ours,
    grow_without_end,
]


@pytest.mark.parametrize("grow", GROWERS)
def test_the_whole_tree_ends(ours: Any, grow: Callable[[Any], None]) -> None:
    mine, theirs = ours.Pipe(duplex=False)
    process = ours.Process(target=grow, args=(theirs,))
    process.start()
    theirs.close()
    pidfds = {}
    for pid in {mine.recv(), mine.recv()}:
        with contextlib.suppress(ProcessLookupError):
            pidfds[pid] = open_pidfd(pid)
    patient = grow in (grow_deaf, grow_without_end)
    begun = time.monotonic()
    process.terminate(tree=True, grace=0.3 if patient else 30)
    assert time.monotonic() - begun < 15
    assert not process.is_alive()
    assert "its parent ended its whole tree" in process.exit.reason
    assert process.exit.signal == (signal.SIGKILL if patient else signal.SIGTERM)
    for pid, pidfd in pidfds.items():
        assert wait_exit(pidfd, 0), f"{pid} lives on"
        os.close(pidfd)
    mine.close()


def test_a_daemon_that_outlived_its_maker_is_found(ours: Any) -> None:
    mine, theirs = ours.Pipe(duplex=False)
    process = ours.Process(target=leaves_a_daemon, args=(theirs,))
    process.start()
    theirs.close()
    pidfd = open_pidfd(mine.recv())
    process.join()
    assert not wait_exit(pidfd, 0)
    process.terminate(tree=True)
    assert wait_exit(pidfd, 0)
    os.close(pidfd)
    mine.close()


def leaves_a_daemon(conn: Any) -> None:
    if os.fork() == 0:
        os.setsid()
        processkit.wait_for_ever(conn)


def test_others_are_left_alone(ours: Any) -> None:
    mine, theirs = ours.Pipe(duplex=False)
    other = ours.Process(target=processkit.wait_for_ever, args=(theirs,))
    other.start()
    process = ours.Process(target=processkit.wait_for_ever, args=(theirs,))
    process.start()
    theirs.close()
    assert {mine.recv(), mine.recv()} == {other.pid, process.pid}
    process.terminate(tree=True)
    assert process.exitcode == -signal.SIGTERM
    assert other.is_alive()
    other.kill()
    other.join()
    mine.close()
