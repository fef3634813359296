"""What the tasks of the pool's tests do: importable, so that each start method finds it; and their gate."""

from __future__ import annotations

import multiprocessing
import os
import select
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.harness import processes

PATIENCE = 30.0  # seconds that an event may take; nothing here waits so long
TASK_HELD = "held"


class Gate:
    """Where tasks report that they have come, and wait until they are let through: two FIFOs.

    It travels as a path, so tasks of any pool can use it; a task that is killed leaves nothing there.
    """

    def __init__(self, folder: Path) -> None:
        self.path = str(folder)
        self._descriptors = []
        for name in ("arrivals", "way"):
            os.mkfifo(folder / name)
            # Both ends are ours: nobody blocks in open(2), and there is no end of file.
            self._descriptors.append(os.open(folder / name, os.O_RDWR | os.O_CLOEXEC))
        self._text = b""

    def arrivals(self, count: int) -> list[int]:
        """Wait until so many have come; their pids."""
        deadline = time.monotonic() + PATIENCE
        while self._text.count(b"\n") < count:
            left = deadline - time.monotonic()
            ready, _, _ = select.select([self._descriptors[0]], [], [], max(0, left))
            assert ready, f"of {count} tasks came {self._text!r}"
            self._text += os.read(self._descriptors[0], 4096)
        lines = self._text.split(b"\n", count)
        self._text = lines[count]
        return [int(line) for line in lines[:count]]

    def nobody_came(self) -> bool:
        """So far, beyond those who were counted."""
        return not self._text and not select.select([self._descriptors[0]], [], [], 0)[0]

    def open(self, count: int = 1) -> None:
        """Let so many through, now or when they come."""
        os.write(self._descriptors[1], b"." * count)

    def close(self) -> None:
        for descriptor in self._descriptors:
            os.close(descriptor)


def held(gate: str, value: Any = TASK_HELD) -> Any:
    """Report at the gate; return when let through."""
    arrive(gate)
    with open(f"{gate}/way", "rb", buffering=0) as way:
        assert way.read(1)
    return value


def arrive(gate: str) -> int:
    """Report at the gate."""
    with open(f"{gate}/arrivals", "wb", buffering=0) as arrivals:
        arrivals.write(b"%d\n" % os.getpid())
    return os.getpid()


def stay(gate: str) -> None:
    """Report at the gate, and never return."""
    arrive(gate)
    while True:
        signal.pause()


def held_if(task: tuple[str, int]) -> int:
    """Task 0 is held, the others pass."""
    gate, number = task
    return held(gate, number) if number == 0 else number


class Counting:
    """An endless iterator that knows how far it was read; it ends if that is absurdly far."""

    def __init__(self, most: int = 1_000_000) -> None:
        self.read = 0
        self._most = most

    def __iter__(self) -> Iterator[int]:
        return self

    def __next__(self) -> int:
        if self.read >= self._most:
            raise StopIteration
        self.read += 1
        return self.read - 1


def wait_until(condition: Callable[[], object], what: str = "") -> None:
    """For a state that gives no event: look again and again."""
    deadline = time.monotonic() + PATIENCE
    pause = threading.Event()
    while not condition():
        assert time.monotonic() < deadline, f"not within {PATIENCE:g} s: {what or condition}"
        pause.wait(0.002)


def is_gone(pid: int) -> bool:
    """It has ended, and was reaped."""
    return processes.state_and_parent(pid)[0] == ""


# ── tasks ─────────────────────────────────────────────────────────────────────────────────────────


def double(number: Any) -> Any:
    return 2 * number


def add(first: Any, second: Any = 100) -> Any:
    return first + second


def own_pid(_: Any = None) -> int:
    return os.getpid()


def nothing(_: Any) -> None:
    return


def refuse_negative(number: int) -> int:
    if number < 0:
        raise ValueError(f"{number} is negative")
    return number


def refuse_three(number: int) -> int:
    if number == 3:
        raise KeyError("three")
    return number


def raises(kind: type[BaseException], *args: Any) -> None:
    raise kind(*args)


def chained() -> None:
    try:
        raise KeyError("first")
    except KeyError as error:
        raise ValueError("second") from error


def what_am_i() -> tuple[bool, str]:
    me = multiprocessing.process.current_process()
    return me.daemon, type(me).__name__


def die(_: Any = None) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def initializer_fails() -> None:
    raise LookupError("nothing to work with")


class Unloadable(Exception):
    """Pickles, and does not unpickle."""

    def __init__(self, first: object, second: object) -> None:
        super().__init__(f"{first} and {second}")


def raises_unloadable(_: Any = None) -> None:
    raise Unloadable(1, 2)


def a_lock(_: Any = None) -> Any:
    """Something that does not pickle."""
    return threading.Lock()


_set_up_with: list[Any] = []


def set_up(*args: Any) -> None:
    _set_up_with.extend(args)


def how_set_up(_: Any = None) -> list[Any]:
    return _set_up_with


class Broken:
    """A sequence that breaks off."""

    def __init__(self, after: int) -> None:
        self._after = after

    def __iter__(self) -> Iterator[int]:
        yield from range(self._after)
        raise OSError("the source has dried up")
