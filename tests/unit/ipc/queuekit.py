"""Queues of every kind, and what runs in children (importable, for spawn)."""

from __future__ import annotations

import fcntl
import os
import sys
from collections.abc import Callable
from typing import Any

from procession.ipc.queues import JoinableQueue, Queue, SimpleQueue

KINDS: dict[str, Callable[[], Any]] = {
    "Queue": Queue,
    "bounded": lambda: Queue(5000),
    "JoinableQueue": JoinableQueue,
    "SimpleQueue": SimpleQueue,
}


def fork(body: Callable[..., object], *args: object) -> int:
    """Run ``body`` in a forked child; its pid.  Code 0, or 1 with a traceback."""
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            body(*args)
            code = 0
        except BaseException:
            import traceback

            traceback.print_exc()
        finally:
            os._exit(code)
    return pid


def ended(pid: int) -> int:
    """Wait for a child; its exit code, or minus the signal."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def narrow(queue: Any, records: int = 8) -> Any:
    """Give a queue a pipe so small that most of what is put goes to the log."""
    fcntl.fcntl(queue._line.reader, fcntl.F_SETPIPE_SZ, records * 512)
    queue._line.capacity = fcntl.fcntl(queue._line.reader, fcntl.F_GETPIPE_SZ) // 512
    return queue


def put_numbers(queue: Any, start: int, stop: int) -> None:
    for number in range(start, stop):
        queue.put(number)


def echo(source: Any, target: Any) -> None:
    """Send what comes back, until None."""
    while (got := source.get()) is not None:
        target.put(got)


def put_into_each(queues: list[Any], item: Any) -> None:
    for queue in queues:
        queue.put(item)


def use_lock_from(queue: Any) -> None:
    lock, answers = queue.get()
    with lock:
        answers.put("locked")


class Picky:
    """Pickles, and does not unpickle."""

    def __reduce__(self) -> Any:
        return refuse, ("no",)


def refuse(word: str) -> None:
    raise LookupError(word)


class Unpicklable:
    def __reduce__(self) -> Any:
        raise AttributeError("not this one")
