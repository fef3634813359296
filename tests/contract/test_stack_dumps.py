"""Workers tell where they are, without py-spy."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path
from typing import Any

import pytest

from procession.mp import get_context
from procession.table.dumps import ask, parse
from procession.table.snapshot import snapshot
from tests.harness import specimens


def waits_here(path: str) -> int:
    """A task that lasts until somebody writes."""
    with open(path) as file:
        return len(file.read())


def waits_in_threads(path: str) -> int:
    """The same, with another thread."""
    thread = threading.Thread(target=waits_here, args=(path,), daemon=True)
    thread.start()
    thread.join()
    return 0


def stacks_of(pid: int) -> Any:
    table = snapshot(pids=[pid])
    return ask(table.source, table[pid])


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_a_worker_tells_where_it_is_again_and_again(tmp_path: Path, method: str) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    with get_context(method).Pool(1) as pool:
        pid = pool.apply(os.getpid)
        job = pool.apply_async(waits_here, (str(fifo),))
        specimens.sleeps_in(pid, "wait_for_partner")
        for _ in range(3):
            (stack,) = stacks_of(pid)
            assert stack.tid == pid
            assert (stack.frames[0].function, stack.frames[0].file) == ("waits_here", "test_stack_dumps.py")
        fifo.write_text("word")
        assert job.get() == 4  # the task has not noticed


def test_all_threads(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    with get_context("fork").Pool(1) as pool:
        pid = pool.apply(os.getpid)
        job = pool.apply_async(waits_in_threads, (str(fifo),))
        specimens.until(lambda: len(os.listdir(f"/proc/{pid}/task")) == 2, "two threads")
        specimens.until(
            lambda: "waits_here" in {each.function for s in stacks_of(pid) for each in s.frames}, "asleep"
        )
        main, other = stacks_of(pid)
        assert "waits_in_threads" in [each.function for each in main.frames]
        assert "waits_here" in [each.function for each in other.frames]
        fifo.write_text("word")
        assert job.get() == 0


def test_one_that_is_stopped_is_not_waited_for() -> None:
    with get_context("fork").Pool(1) as pool:
        pid = pool.apply(os.getpid)
        os.kill(pid, signal.SIGSTOP)
        try:
            specimens.asleep(pid, "T")
            with pytest.raises(TimeoutError, match="it is stopped"):
                stacks_of(pid)
        finally:
            os.kill(pid, signal.SIGCONT)
        assert pool.apply(os.getpid) == pid


def test_nobody_is_killed_who_does_not_offer_it() -> None:
    with specimens.idle() as found:
        assert stacks_of(found.pid) is None
        assert snapshot(pids=[found.pid])[found.pid].state == "S"


def test_a_mark_without_a_handler_is_not_believed() -> None:
    number = int(signal.SIGRTMAX - 3)
    with specimens.sleeping(
        f"os.memfd_create('pn-stacks:0:1:{number}')\nsay(it=os.getpid())\nnap()"
    ) as found:
        assert stacks_of(found.pid) is None


def test_what_faulthandler_writes() -> None:
    text = (
        "Thread 0x00007f01 (most recent call first):\n"
        '  File "/a/b c.py", line 12 in Thing.run\n'
        "\n"
        "Current thread 0x00007f02 (most recent call first):\n"
        '  File "<string>", line ??? in <module>\n'
    )
    main, other = parse(text, 7)
    assert (main.tid, other.tid) == (7, 0)
    assert [(each.function, each.file, each.line) for each in other.frames] == [("Thing.run", "b c.py", 12)]
    assert [(each.function, each.line) for each in main.frames] == [("<module>", 0)]
