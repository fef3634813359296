"""Handlers and payloads, at the top of a module that a spawned worker can import."""

from __future__ import annotations

import os
import signal
import socket
import sys
from typing import NoReturn

from procession.pool.worker import Context

MIB = 1 << 20


def double(_: Context, number: int) -> int:
    return 2 * number


def ignore(_: Context, _payload: object) -> None:
    return None


def pid(context: Context, _payload: object) -> int:
    assert context.pid == os.getpid()
    return os.getpid()


def setup(context: Context, _payload: object) -> object:
    return context.setup


def remember(context: Context, number: int) -> list[int]:
    """State is kept from task to task, in this worker."""
    if context.state is None:
        context.state = []
    context.state.append(number)
    return list(context.state)


def gauge(context: Context, number: int) -> None:
    """Count, and die at a negative number."""
    context.gauges[0] += 1
    context.gauges[1] += abs(number)
    if number < 0:
        kill_self()


def note(context: Context, text: bytes | None) -> None:
    """Note the text; die without a note at None."""
    if text is None:
        kill_self()
    context.note(text)


def note_and_die(context: Context, text: bytes) -> None:
    context.note(text)
    kill_self()


def note_and_wait(context: Context, text: bytes) -> bytes:
    """Note the text, and return once the parent wants us to stop."""
    context.note(text)
    while not context.stopping:
        os.sched_yield()
    return text


def kill_self(signum: int = signal.SIGKILL) -> NoReturn:
    os.kill(os.getpid(), signum)
    raise AssertionError("survived")


def die_at(context: Context, number: int) -> int:
    """Die at the numbers that the crew was set up with."""
    if number in context.setup:
        kill_self()
    return number


def exit_hard(_: Context, code: int) -> NoReturn:
    os._exit(code)


def big(_: Context, size: int) -> bytes:
    return bytes(size)


def big_error(_: Context, size: int) -> NoReturn:
    raise ValueError("x" * size)


class Unpicklable:
    """Does not pickle."""

    def __reduce__(self) -> NoReturn:
        raise TypeError("does not travel")


class Explodes:
    """Pickles, and does not unpickle."""

    def __reduce__(self) -> tuple[object, ...]:
        return _explode, ()


def _explode() -> NoReturn:
    raise ZeroDivisionError("exploded on arrival")


class KillsItsReader:
    """Pickles, and costs the worker that unpickles it its life."""

    def __reduce__(self) -> tuple[object, ...]:
        return kill_self, ()


def refuse_result(_: Context, number: int) -> object:
    return Unpicklable() if number % 2 else number


def explosive_result(_: Context, number: int) -> object:
    return Explodes() if number % 2 else number


class TwoArguments(Exception):
    """Pickles, and does not unpickle."""

    def __init__(self, first: str, second: str) -> None:
        super().__init__(f"{first} and {second}")


class Quits(BaseException):
    """Not an Exception."""


def throw(_: Context, what: str) -> object:
    errors: dict[str, BaseException] = {
        "value": ValueError("bad value"),
        "exit": SystemExit(3),
        "interrupt": KeyboardInterrupt(),
        "memory": MemoryError(),
        "base": Quits("enough"),
        "two": TwoArguments("a", "b"),
        "stop": StopIteration(5),
        "group": ExceptionGroup("several", [ValueError("inner")]),
        "channel": EOFError("no channel of yours"),
    }
    if what in errors:
        raise errors[what]
    return what


def close_everything(_: Context, number: int) -> int:
    """Close all descriptors at one number: the worker cannot speak any more."""
    if number == 3:
        os.closerange(0, 4096)
    return number


def close_and_wait(_: Context, number: int) -> int:
    """Close all descriptors and stay in the task: only the parent can end that."""
    if number == 3:
        os.closerange(0, 4096)
        while True:
            signal.pause()
    return number


def fork_and_die(context: Context, number: int) -> int:
    """Leave a grandchild that holds every descriptor of ours, and die."""
    if number == 3:
        listener = socket.socket(socket.AF_UNIX)
        listener.connect(context.setup)
        if os.fork() == 0:
            listener.send(b"here")
            listener.recv(1)  # until the test lets it go
            os._exit(0)
        listener.close()
        kill_self()
    return number


def fork_and_return(context: Context, number: int) -> int:
    """Forget that a fork returns twice."""
    with open(context.setup, "a", encoding="ascii") as file:
        file.write(f"{number}\n")
    if number == 3:
        sys.stderr = None
        pid = os.fork()
        if pid:
            os.waitpid(pid, 0)
    return number


def say(_: Context, text: str) -> None:
    sys.stdout.write(text)


def wait_for_others(context: Context, payload: object) -> object:
    """The heavy one stays until the parent has what it wanted of the light ones."""
    while payload == "heavy" and not context.stopping:
        os.sched_yield()
    return payload


def sockets(_context: Context | None, _payload: object) -> set[str]:
    """The sockets and pidfds that this process holds, by inode."""
    found = set()
    for fd in os.listdir("/proc/self/fd"):
        try:
            target = os.readlink(f"/proc/self/fd/{fd}")
        except FileNotFoundError:
            continue  # the descriptor of the listing
        if target.startswith("socket:"):
            found.add(target)
    return found
