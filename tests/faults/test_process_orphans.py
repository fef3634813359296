"""Children end when their parent does, however it ends and whatever they are doing."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from procession.linux.pidfd import open_pidfd, send_signal, wait_exit
from tests.faults.processkit import Program
from tests.harness import processes

METHODS = ["fork", "spawn", "forkserver"]

PARENT = """
    import os, sys
    from procession.process.context import get_context
    from tests.faults import processkit

    if __name__ == "__main__":
        context = get_context(sys.argv[1])
        children = [context.Process(target=processkit.spin) for _ in range(int(sys.argv[2]))]
        for child in children:
            child.start()
        processkit.stay()
"""

NESTED = """
    import sys
    from tests.faults import processkit

    if __name__ == "__main__":
        processkit.nest(sys.argv[1], int(sys.argv[2]))
"""


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("signum", [signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV, signal.SIGINT])
def test_children_that_hold_the_gil(method: str, signum: int, tmp_path: Path) -> None:
    with Program(tmp_path, PARENT, method, "2") as program:
        told = program.pids(3)
        program.end(signum)
        for pid in told:
            assert program.gone(pid), f"{pid} outlives its parent"


@pytest.mark.parametrize("method", METHODS)
def test_the_children_of_children(method: str, tmp_path: Path) -> None:
    with Program(tmp_path, NESTED, method, "2") as program:
        told = program.pids(3)
        assert told[0] == program.process.pid
        program.end()
        for pid in told:
            assert program.gone(pid)


@pytest.mark.parametrize("method", METHODS)
def test_one_in_the_middle(method: str, tmp_path: Path) -> None:
    """Who dies takes its own children with it, and no others."""
    with Program(tmp_path, NESTED, method, "3") as program:
        top, child, grandchild, last = program.pids(4)
        os.kill(grandchild, signal.SIGKILL)
        assert program.gone(last)
        assert not program.gone(child, 0)
        assert not program.gone(top, 0)
        program.end()
        assert program.gone(child)


@pytest.mark.parametrize("method", METHODS)
def test_a_parent_that_is_killed_while_it_starts_children(method: str, tmp_path: Path) -> None:
    """At whatever step: afterwards nobody is left (the harness looks)."""
    text = """
        import sys
        from procession.process.context import get_context
        from tests.faults import processkit

        if __name__ == "__main__":
            context = get_context(sys.argv[1])
            processkit.told(None)
            while True:
                context.Process(target=processkit.spin).start()
    """
    for count in (0, 1, 3):
        with Program(tmp_path, text, method) as program:
            program.pids(1 + count)
            descendants = processes.descendants(program.process.pid)
            pidfds = [open_pidfd(pid) for pid in descendants if processes.state_and_parent(pid)[0]]
            program.end()
            assert all(wait_exit(pidfd, 20) for pidfd in pidfds)
            for pidfd in pidfds:
                os.close(pidfd)


@pytest.mark.parametrize("method", METHODS)
def test_orphans_that_are_kept(method: str, tmp_path: Path) -> None:
    text = """
        import os, sys
        from procession.process.context import get_context
        from tests.faults import processkit

        if __name__ == "__main__":
            context = get_context(sys.argv[1])
            kept = context.Process(target=processkit.stay, name="keeper", orphans="keep")
            kept.start()
            if sys.argv[2] == "killed":
                processkit.stay()
            while True:
                pass_on = sys.stdin.readline()
                break
    """
    for how in ("killed", "ended"):
        with Program(tmp_path, text, method, how, stdin=-1) as program:
            if how == "killed":
                told = program.pids(2)
                told.remove(program.process.pid)
                program.process.kill()
            else:
                told = program.pids(1)
                assert program.process.stdin is not None
                program.process.stdin.close()
            program.process.wait(20)
            pid = told[0]
            assert not program.gone(pid, 0.1)
            links = [os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")]
            assert f"/memfd:pn-kept:{program.process.pid}:keeper (deleted)" in links
            processes.kill(pid)
            assert program.gone(pid)


def test_a_plain_fork_of_the_user_does_not_keep_our_children_alive(tmp_path: Path) -> None:
    text = """
        import os, sys
        from procession.process.context import get_context
        from tests.faults import processkit

        if __name__ == "__main__":
            child = get_context("fork").Process(target=processkit.spin)
            child.start()
            os.write(1, f"{child.pid}\\n".encode())
            if os.fork() == 0:
                processkit.stay()
            processkit.stay()
    """
    with Program(tmp_path, text) as program:
        told = program.pids(4)
        child = next(pid for pid in told if told.count(pid) == 2)  # it says so itself, and its parent does
        program.process.kill()
        program.process.wait(20)
        assert program.gone(child)
        for pid in {*told}:
            if not program.gone(pid, 0):
                pidfd = open_pidfd(pid)
                send_signal(pidfd, signal.SIGKILL)
                os.close(pidfd)
                assert program.gone(pid)
