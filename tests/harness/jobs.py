"""Jobs of a test: a short folder of its own, and at the end nothing of it is left."""

from __future__ import annotations

import fcntl
import os
import select
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from procession.jobs.places import Places
from tests.harness import processes

_PATIENCE = 20.0  # seconds for what ends by itself once its daemon has ended
_LOOKS = 4


@pytest.fixture
def jobs_place(monkeypatch: pytest.MonkeyPatch) -> Iterator[Places]:
    """PN_JOBS in a folder with a short path (unix(7): 107 bytes of a socket's), faults allowed.  At the end whatever
    has the folder in its environment or its arguments is ended, pid by pid."""
    folder = Path(tempfile.mkdtemp(prefix="pnj-", dir="/tmp"))
    folder.chmod(0o700)
    monkeypatch.setenv("PN_JOBS", str(folder))
    monkeypatch.setenv("PN_JOBS_FAULTS", "1")
    try:
        yield Places(f"{folder}/state", f"{folder}/run")
    finally:
        end_all(folder)
        shutil.rmtree(folder, ignore_errors=True)


def end_all(folder: Path | str) -> None:
    """End every process of these jobs: nurseries, daemons, keepers, commands, until some looks in a row find none."""
    # One look is not enough: a nursery begins the next one by two forks and an exec.  Whoever was listed may be gone
    # when it is read, its child is not in the list yet, and in the midst of an exec a process has no environment.
    deadline = time.monotonic() + _PATIENCE
    empty = 0
    while empty < _LOOKS and time.monotonic() < deadline:
        found = pids_of(folder)
        empty = 0 if found else empty + 1
        for pid in found:
            _end(pid, folder)


def pids_of(folder: Path | str) -> list[int]:
    """Processes of the jobs in this folder, but not this one nor those it descends from."""
    ours, pid = {os.getpid()}, os.getpid()
    while pid > 1:
        pid = processes.state_and_parent(pid)[1]
        ours.add(pid)
    return [pid for pid in processes.pids() if pid not in ours and _is_of(pid, os.fsencode(str(folder)))]


def _is_of(pid: int, folder: bytes) -> bool:
    state, _ = processes.state_and_parent(pid)
    if not state or state in "ZX":
        return False
    words = processes.read(pid, "environ").split(b"\0")
    # A keeper has the environment of its nursery, a command may have cleaned its own: then the folder of its
    # nursery's arguments is what is left.
    return b"PN_JOBS=" + folder in words or folder + b"/run" in processes.read(pid, "cmdline").split(b"\0")


def _end(pid: int, folder: Path | str) -> None:
    with suppress(ProcessLookupError):
        pidfd = os.pidfd_open(pid)
        try:
            if _is_of(pid, os.fsencode(str(folder))):  # and no other that has got its number
                processes.kill(pid)
                poll = select.poll()
                poll.register(pidfd, select.POLLIN)
                poll.poll(_PATIENCE * 1000)
        finally:
            os.close(pidfd)


def pid_of_daemon(places: Places) -> int:
    """The one that holds the lock; 0: there is none."""
    try:
        with open(places.lock, "rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return int((file.read().split() or [b"0"])[0])
    except FileNotFoundError:
        pass
    return 0


def kill_daemon(places: Places) -> int:
    """SIGKILL, and wait until it is gone; its pid."""
    pid = pid_of_daemon(places)
    assert pid, "no daemon runs"
    _end(pid, os.path.dirname(places.state))
    return pid
