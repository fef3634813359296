"""Programs whose manager is killed: run by test_manager_kill.py, each in a process of its own."""

from __future__ import annotations

import os
import select
import signal
import sys
import threading
import time
from typing import Any

from procession import mp
from procession.errors import ManagerDied
from tests.unit.mp.programs import main

AT_ONCE = 2.0  # seconds; a machine under load included


def wait_for_ever(held: Any, ready: Any, told: Any) -> None:
    """A client that sits in a call when its manager is killed."""
    queue, event, _lock = held
    ready.send("here")
    begun = time.monotonic()
    try:
        queue.get()
    except ManagerDied as error:
        told.send((time.monotonic(), error.pid, str(error), begun))
    try:
        event.wait()
    except ManagerDied as error:
        told.send((time.monotonic(), error.pid, str(error), begun))


def kill_under_clients(method: str) -> None:
    """Threads here and processes elsewhere, all in a call or about to be: everybody is told at once."""
    context: Any = mp.get_context(method)
    m: Any = context.Manager()
    pid = m._process.pid
    held = m.Queue(), m.Event(), m.Lock()
    assert held[2].acquire()
    ready, ready_there = context.Pipe(duplex=False)
    told, told_there = context.Pipe(duplex=False)
    children = [context.Process(target=wait_for_ever, args=(held, ready_there, told_there)) for _ in range(3)]
    for child in children:
        child.start()
    errors: list[BaseException] = []
    threads = [threading.Thread(target=expect_death, args=(held[2].acquire, errors)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for _ in children:
        assert ready.recv() == "here"
    killed = time.monotonic()
    os.kill(pid, signal.SIGKILL)
    for thread in threads:
        thread.join(20)
    assert len(errors) == 3, errors
    for error in errors:
        assert isinstance(error, ManagerDied), error
        assert str(pid) in str(error), error
    assert "SIGKILL" in str(errors[0]) or "signal 9" in str(errors[0]), errors[0]
    for _ in range(2 * len(children)):
        assert told.poll(20), "a client was not told"
        at, known, words, _begun = told.recv()
        assert at - killed < AT_ONCE, (at - killed, words)
        assert known in (pid, None)
    for child in children:
        child.join()
        assert child.exitcode == 0
    error = expect_death(held[0].qsize, errors)
    assert isinstance(error, (EOFError, ConnectionError))
    m.shutdown()


def expect_death(function: Any, errors: list[BaseException]) -> BaseException:
    try:
        function()
    except BaseException as error:
        errors.append(error)
        return error
    raise AssertionError("no error")


def kill_while_it_works(method: str) -> None:
    """A stream of calls, the manager killed in the middle of one of them."""
    context: Any = mp.get_context(method)
    for count in (0, 1, 10, 100):
        m: Any = context.Manager()
        items = m.list()
        for number in range(count):
            items.append(number)
        os.kill(m._process.pid, signal.SIGKILL)
        begun = time.monotonic()
        error = expect_death(lambda items=items: [items.append(0) for _ in range(10**6)], [])
        assert isinstance(error, ManagerDied), error
        assert time.monotonic() - begun < AT_ONCE
        m.shutdown()


def hold(locks: Any, ready: Any) -> None:
    """Acquires all, some twice, and waits to be killed."""
    for lock in locks:
        lock.acquire()
    locks[1].acquire()
    ready.send("held")
    signal.pause()


def killed_with_locks(method: str) -> None:
    """What a killed client held of the manager's locks, others get."""
    context: Any = mp.get_context(method)
    m: Any = context.Manager()
    locks = m.Lock(), m.RLock(), m.Condition(), m.Semaphore(1), m.BoundedSemaphore(1)
    ready, ready_there = context.Pipe(duplex=False)
    for _ in range(2):
        child = context.Process(target=hold, args=(locks, ready_there))
        child.start()
        assert ready.recv() == "held"
        for lock in locks:
            assert not lock.acquire(False)
        child.kill()
        for lock in locks:
            assert lock.acquire(True, 20), lock
        child.join()
        for lock in locks:
            lock.release()
    m.shutdown()


def parent_of_a_manager(method: str) -> None:
    """Tells the pid of a manager, and waits to be killed."""
    m: Any = mp.get_context(method).Manager()
    items = m.list()
    print(m._process.pid, flush=True)
    signal.pause()
    items.append(1)


def interrupted_group(method: str) -> None:
    """Ctrl-C in the terminal reaches the manager too: it serves until its parent has finished."""
    m: Any = mp.get_context(method).Manager()
    items = m.list()
    try:
        os.killpg(0, signal.SIGINT)
        select.select([], [], [], 10)
        raise AssertionError("no interrupt")
    except KeyboardInterrupt:
        items.append("saved")
    assert list(items) == ["saved"]
    pid = m._process.pid
    m.shutdown()
    assert not os.path.exists(f"/proc/{pid}")


def interrupted_call(method: str) -> None:
    """After an interrupt in a call, the next call gets its own answer."""
    m: Any = mp.get_context(method).Manager()
    queue, items = m.Queue(), m.list(["mine"])
    timer = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    try:
        queue.get()
        raise AssertionError("no interrupt")
    except KeyboardInterrupt:
        queue.put("late")
    assert items[0] == "mine"
    timer.join()
    m.shutdown()


if __name__ == "__main__":
    if sys.argv[1] == "interrupted_group":
        os.setpgid(0, 0)
    main(globals())
