"""Entries of spawned children, found by name in a fresh interpreter: ``tests.unit.process.entries:...``."""

from __future__ import annotations

import os
import signal
import sys


def report(argument: str, *descriptors: int) -> None:
    """Write what this child finds in itself into the first descriptor."""
    facts = {
        "argument": argument,
        "descriptors": descriptors,
        "open": [os.readlink(f"/proc/self/fd/{fd}") for fd in os.listdir("/proc/self/fd") if exists(fd)],
        "inheritable": [fd for fd in descriptors if os.get_inheritable(fd)],
        "sigint": signal.getsignal(signal.SIGINT) is signal.SIG_IGN,
        "mask": [int(number) for number in signal.pthread_sigmask(signal.SIG_BLOCK, ())],
        "path": sys.path,
    }
    os.write(descriptors[0], repr(facts).encode())


def exists(fd: str) -> bool:
    """Not so for the descriptor of the listing itself."""
    return os.path.lexists(f"/proc/self/fd/{fd}")


def wait(_argument: str, told: int) -> None:
    """Say that we have arrived, then stay."""
    os.write(told, b"here")
    while True:
        signal.pause()


def fail(_argument: str, *_: int) -> None:
    """Raise."""
    raise ZeroDivisionError("on purpose")
