"""Reaching the daemon, and starting it where there is none.  Cheap to import.

Who waits for the daemon listens on a datagram socket ``start.PID.sock`` of its own in the runtime folder; a daemon that
has begun to listen sends a byte to each of them.  Starters hold ``start.lock`` one after the other, so that two
commands do not start two; if it happens all the same, the second daemon finds the lock of the first and ends.
"""

from __future__ import annotations

import fcntl
import os
import sys
import time
from _socket import AF_UNIX, SOCK_CLOEXEC, SOCK_DGRAM, SOCK_STREAM

from procession.errors import DaemonGone, JobsError
from procession.jobs.places import places as found_places
from procession.jobs.places import prepare

TYPE_CHECKING = False
if TYPE_CHECKING:
    from socket import socket
    from typing import Self

    from procession.jobs.places import Places

_PATIENCE = 20.0  # seconds until a daemon must listen
_WORDS_MAX = 4096  # bytes
_LOOK = 1.0  # seconds after which we look again whether somebody is about to


def connected(places: Places | None = None, *, may_start: bool = True) -> socket:
    """A connection to the daemon.  Raises DaemonGone, JobsError."""
    places = places or found_places()
    sock = _attempt(places)
    if sock is not None:
        return sock
    if not may_start:
        raise DaemonGone("the daemon of the jobs does not run")
    try:
        prepare(places)
        return _started(places)
    except OSError as error:
        raise DaemonGone(f"the daemon of the jobs cannot be started: {error}") from None


def _attempt(places: Places) -> socket | None:
    import _socket

    # The type below `socket.socket`, whose module would cost a tenth of the time of `pn jobs`.
    sock = _socket.socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC)
    try:
        sock.connect(places.socket)
    except (FileNotFoundError, ConnectionRefusedError):
        sock.close()
        return None
    except OSError as error:
        sock.close()
        raise DaemonGone(f"the daemon of the jobs cannot be reached: {places.socket}: {error}") from None
    if not _is_ours(sock):
        sock.close()
        raise JobsError(f"{places.socket} belongs to another user: nothing was sent to it")
    return sock  # type: ignore[return-value]


def _is_ours(sock: object) -> bool:
    """Does a process of this user, or of root, listen there (SO_PEERCRED, unix(7))?"""
    from _socket import SO_PEERCRED, SOL_SOCKET

    found = sock.getsockopt(SOL_SOCKET, SO_PEERCRED, 12)  # type: ignore[attr-defined]
    return int.from_bytes(found[4:8], sys.byteorder) in (0, os.geteuid())


def _started(places: Places) -> socket:
    deadline = time.monotonic() + _PATIENCE
    fd = os.open(f"{places.runtime}/start.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        launched = 0
        with _Bell(places) as bell:
            is_awaited = _has_nursery(places)  # asked when the bell hangs: who ends now rings it
            while time.monotonic() < deadline:
                sock = _attempt(places)
                if sock is not None:
                    return sock
                if launched < 2 and not is_awaited and not _is_there(places):
                    _launch(places)
                    launched += 1
                is_awaited = False
                left = max(0.0, deadline - time.monotonic())
                why = bell.wait(min(_LOOK if launched < 2 else _PATIENCE, left))
                if why:
                    raise DaemonGone(f"the daemon of the jobs cannot begin: {why}")
    finally:
        os.close(fd)
    raise DaemonGone(f"the daemon of the jobs did not begin{_last_words(places)}")


def _launch(places: Places) -> None:
    from procession.jobs.nursery import launch

    launch(places)


def _is_there(places: Places) -> bool:
    """Does a process hold the daemon's lock: is there one that begins or ends?"""
    try:
        fd = os.open(places.lock, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(fd)
    return False


def _has_nursery(places: Places) -> bool:
    """Has a daemon been killed whose nursery lives, and starts the next one at once?"""
    from procession.linux.procfs import is_alive

    try:
        with open(places.lock, "rb") as file:
            _, pid, start = map(int, file.read(200).split())
    except (OSError, ValueError):
        return False
    return is_alive(pid, start)


def _last_words(places: Places) -> str:
    path = f"{places.runtime}/daemon.log"
    try:
        with open(path, "rb") as file:
            file.seek(max(0, os.path.getsize(path) - 4096))
            lines = file.read().decode("utf-8", "replace").splitlines()
    except OSError:
        lines = []
    return f": {lines[-1].removeprefix('pn: ')} (see {path})" if lines else f": see {path}"


class _Bell:
    """Rings when a daemon has begun to listen."""

    def __init__(self, places: Places) -> None:
        import _socket

        self._path = f"{places.runtime}/start.{os.getpid()}.sock"
        self._sock = _socket.socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC)
        _unlink(self._path)
        self._sock.bind(self._path)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._sock.close()
        _unlink(self._path)

    def wait(self, seconds: float) -> str:
        """Until it rings, but no longer than that; why the daemon cannot begin, or ""."""
        self._sock.settimeout(max(seconds, 0.001))
        try:
            return self._sock.recv(_WORDS_MAX)[1:].decode("utf-8", "replace")
        except TimeoutError:
            return ""


def tell_waiting(places: Places, why: str = "") -> None:
    """Of the daemon: ring all bells.  ``why``: it cannot begin."""
    message = b"!" + why.encode("utf-8", "replace")[: _WORDS_MAX - 1]
    import _socket

    sock = _socket.socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC)
    try:
        for name in os.listdir(places.runtime):
            if name.startswith("start.") and name.endswith(".sock"):
                path = f"{places.runtime}/{name}"
                try:
                    sock.setblocking(False)
                    sock.sendto(message, path)
                except ConnectionRefusedError:  # it was killed while it waited
                    _unlink(path)
                except OSError:
                    pass
    finally:
        sock.close()


def _unlink(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass
