"""Pairs of connections of every kind, and children that work on them."""

from __future__ import annotations

import multiprocessing.connection as std
import os
import select
import signal
import socket
import sys
import threading
from collections.abc import Callable
from typing import Any

from procession.ipc.connection import Client, Connection, Listener, Pipe

Ends = tuple[Any, Any]


def pipe() -> Ends:
    return Pipe()


def one_way() -> Ends:
    receiver, sender = Pipe(duplex=False)
    return sender, receiver


def tcp() -> Ends:
    return _accepted(("localhost", 0), None, Client)


def unix_with_key() -> Ends:
    return _accepted(None, b"secret", Client)


def ours_to_std() -> Ends:
    left, right = socket.socketpair()
    return Connection(left.detach()), std.Connection(right.detach())


def std_to_ours() -> Ends:
    left, right = ours_to_std()
    return right, left


def std_client() -> Ends:
    return _accepted(("localhost", 0), b"secret", std.Client)


def _accepted(address: Any, key: bytes | None, client: Callable[..., Any]) -> Ends:
    with Listener(address, authkey=key) as listener:
        accepted: list[Any] = []
        thread = threading.Thread(target=lambda: accepted.append(listener.accept()))
        thread.start()
        made = client(listener.address, authkey=key)
        thread.join()
        return made, accepted[0]


KINDS: dict[str, Callable[[], Ends]] = {
    "pipe": pipe,
    "one-way pipe": one_way,
    "tcp": tcp,
    "unix with authkey": unix_with_key,
    "ours to the standard library's": ours_to_std,
    "the standard library's to ours": std_to_ours,
    "the standard library's client": std_client,
}


def fork(body: Callable[[], object]) -> int:
    """Run ``body`` in a plain copy of this process; its pid.  Code 0, or 1 with a traceback."""
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            body()
            code = 0
        except BaseException:
            import traceback

            traceback.print_exc()
        finally:
            os._exit(code)
    return pid


def ended(pid: int, code: int = 0) -> None:
    """Wait for the end of our child, which must be this one (negative: a signal)."""
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == code


def in_child(body: Callable[[], object]) -> None:
    """Run ``body`` in a forked child and wait for its good end."""
    ended(fork(body))


def kill(pid: int) -> None:
    """SIGKILL our own child, not reaped yet, and wait for its end."""
    os.kill(pid, signal.SIGKILL)
    ended(pid, -signal.SIGKILL)


def die() -> None:
    """End as by the out-of-memory killer."""
    os.kill(os.getpid(), signal.SIGKILL)


def blocked_in(pid: int, *calls: str) -> None:
    """Wait until a process sleeps (in one of these kernel functions, if the kernel tells which)."""
    deadline = 20_000
    poller = select.poll()
    while deadline:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            if file.read().rpartition(")")[2].split()[0] == "S":
                return
        poller.poll(1)
        deadline -= 1
    raise AssertionError(f"process {pid} does not come to rest in {calls}")


def open_fds() -> set[str]:
    return set(os.listdir("/proc/self/fd"))
