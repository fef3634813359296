"""A run begins once, and ends once: two files in its folder.

``claim``: written under another name, locked (flock(2): the lock lies on the open file description), then linked.
A link fails where there is a name already: so one claim wins, and nobody ever sees one that is not locked yet.
Locked means that its keeper lives; not locked and no ``outcome`` means that it was killed.  A daemon that finds a
run ordered and not begun links a claim of its own ("void"): no keeper of that order can begin then.

``outcome``: written under another name, fsync, rename.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os

from procession.jobs.outcome import Outcome
from procession.jobs.plain import Malformed, plain, to_record
from procession.linux.procfs import boot_id, start_time
from procession.records import record

VOID = "void"


@record
class Claim:
    """Who began a run: a keeper by ``pid`` and ``start`` (clock ticks after boot), at boot ``boot``; pid 0: nobody may."""

    pid: int
    start: int
    boot: str


def take(folder: str) -> int | None:
    """Claim the run for this process; the descriptor that holds the lock, or None: another was first.

    Raises OSError.  The descriptor must stay open, and no child may keep a copy of it.
    """
    return _link(folder, Claim(os.getpid(), start_time(os.getpid()), boot_id()), f"claim.{os.getpid()}")


def warm() -> None:
    """Load what ``take`` and ``write_outcome`` load when they are first called: a codec, the writer of JSON."""
    json.dumps(plain(Claim(os.getpid(), start_time(os.getpid()), boot_id())))


def void(folder: str) -> bool:
    """See to it that nobody can begin this run any more; False: somebody did already.  Raises OSError."""
    fd = _link(folder, Claim(0, 0, VOID), f"claim.void.{os.getpid()}")
    if fd is not None:
        os.close(fd)
    return fd is not None


def holder(folder: str) -> tuple[Claim | None, bool]:
    """(who began the run, does it live).  (None, False): nobody did.  Raises OSError."""
    try:
        fd = os.open(f"{folder}/claim", os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None, False
    try:
        claim = _claim_of(os.read(fd, 4096))
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return claim, True
        return claim, False
    finally:
        os.close(fd)


def _claim_of(data: bytes) -> Claim:
    try:
        return to_record(Claim, json.loads(data), "claim")
    except (Malformed, ValueError):
        return Claim(-1, 0, "")  # a disk that was full or torn by a power cut


def write_outcome(folder: str, outcome: Outcome) -> None:
    """Put it there for good.  Raises OSError (ENOSPC, EDQUOT, EIO: nothing has been changed then)."""
    name = f"{folder}/outcome.{os.getpid()}"
    try:
        with open(name, "wb", buffering=0) as file:
            file.write(json.dumps(plain(outcome)).encode("ascii"))
            os.fsync(file.fileno())
        os.rename(name, f"{folder}/outcome")
    except OSError:
        _unlink(name)
        raise
    _sync(folder)


def read_outcome(folder: str) -> Outcome | None:
    """What its keeper wrote; None: nothing, or not yet."""
    try:
        with open(f"{folder}/outcome", "rb") as file:
            return to_record(Outcome, json.loads(file.read()), "outcome")
    except FileNotFoundError:
        return None
    except (Malformed, ValueError):
        return None


def _link(folder: str, claim: Claim, name: str) -> int | None:
    path = f"{folder}/{name}"
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        os.write(fd, json.dumps(plain(claim)).encode("ascii"))
        os.link(path, f"{folder}/claim")
    except OSError as error:
        os.close(fd)
        if error.errno == errno.EEXIST:
            return None
        raise
    finally:
        _unlink(path)
    return fd


def _unlink(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass


def _sync(folder: str) -> None:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
