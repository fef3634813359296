"""Temporary names: unique to a run and a worker, and recognisable by the next run.

``.pn~HHHHBBBB-PID-START~WORKER``: HHHH stands for the host and its pid namespace, BBBB for the boot,
PID and START (clock ticks, base 36) for the process that runs the copy, WORKER for the worker's pid.
A name of this host and boot is litter when that process is gone; one of another boot of this host is
litter; one of another host (a shared file system) only when it has not changed for a day.
"""

from __future__ import annotations

import os
import time

from procession.linux import procfs

PREFIX = ".pn~"
FOREIGN_AGE = 24 * 3600.0  # seconds


class Run:
    """The temporary names of one run."""

    __slots__ = ("_token",)

    def __init__(self, token: str) -> None:
        self._token = token

    @classmethod
    def of_this_process(cls) -> Run:
        """The run that this process leads."""
        pid = os.getpid()
        return cls(f"{_scope()}-{pid}-{_base36(procfs.start_time(pid))}")

    @property
    def token(self) -> str:
        """What all names of this run begin with, after the prefix."""
        return self._token

    def name(self, worker: int) -> str:
        """The temporary name that a worker uses: it has one file or folder in the making at a time."""
        return f"{PREFIX}{self._token}~{worker}"

    def is_litter(self, name: str, folder: int) -> bool:
        """Is ``name`` in the folder (a descriptor) the leftover of a run that has ended?"""
        if not name.startswith(PREFIX):
            return False
        token, tilde, worker = name[len(PREFIX) :].rpartition("~")
        parts = token.split("-")
        if not tilde or not worker.isdecimal() or len(parts) != 3 or len(parts[0]) != 8:
            return False
        if token == self._token:
            return False
        scope, pid, start = parts
        if not pid.isdecimal():
            return False
        try:
            ticks = int(start, 36)
        except ValueError:
            return False
        mine = _scope()
        if scope == mine:
            return not procfs.is_alive(int(pid), ticks)
        if scope[:4] == mine[:4]:
            return True
        return _age(name, folder) > FOREIGN_AGE


def _scope() -> str:
    host = f"{os.uname().nodename} {procfs.pid_namespace()}"
    return _short(host) + _short(procfs.boot_id())


def _short(text: str) -> str:
    # Four digits of it are enough, and must be the same in every process: no hash(), no module to load.
    return f"{int.from_bytes(text.encode('utf-8', 'surrogateescape'), 'big') % 65521:04x}"


def _base36(number: int) -> str:
    digits = "0123456789abcdefghijklmnopqrstuvwxyz"
    text = ""
    while True:
        number, last = divmod(number, 36)
        text = digits[last] + text
        if not number:
            return text


def _age(name: str, folder: int) -> float:
    try:
        return time.time() - os.stat(name, dir_fd=folder, follow_symlinks=False).st_ctime
    except OSError:
        return 0.0
