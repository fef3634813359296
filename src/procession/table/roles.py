"""What processes are to us: worker 3 of a pool, the owner of a pool, a ``pn`` at work.

Who knows something of processes is a *provider*: a function from a snapshot to texts by pid.  Floors that this one
may not import, such as jobs, are handed in by the caller.
"""

from __future__ import annotations

import os

from procession.pool.status_record import COPY
from procession.table import files
from procession.units import number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from procession.pool.status_record import PoolRecord
    from procession.table.record import ProcessRecord
    from procession.table.snapshot import Snapshot

    Provider = Callable[[Snapshot], Mapping[int, str]]


class Roles:
    """Asked once for a snapshot.  Where two providers know a process, the later one is right."""

    def __init__(self, snapshot: Snapshot, more: Iterable[Provider] = ()) -> None:
        self._found: dict[int, str] = {}
        for provider in (*PROVIDERS, *HANDED, *more):
            self._found.update(provider(snapshot))

    def of(self, record: ProcessRecord) -> str | None:
        """One phrase; None for a process that is nothing to us."""
        return self._found.get(record.pid)


def programs(snapshot: Snapshot) -> dict[int, str]:
    """Processes of the command ``pn``, by their verbs."""
    found = {}
    for record in snapshot:
        verb = _verb(record)
        if verb:
            found[record.pid] = f"pn {verb}"
    return found


def _verb(record: ProcessRecord) -> str | None:
    """Of ``python [-OPTION...] .../pn VERB`` and ``python -m procession VERB``."""
    if not (record.comm_bytes.startswith((b"python", b"pn"))):
        return None
    words = [os.fsdecode(word) for word in (record.read(files.CMDLINE) or b"").split(b"\0")[:8]]
    for at, word in enumerate(words[1:], 1):
        if word == "-m":
            is_ours = words[at + 1 : at + 2] == ["procession"]
            return _word(words, at + 2) if is_ours else None
        if word == "-c":
            return None
        if not word.startswith("-"):
            return _word(words, at + 1) if os.path.basename(word) == "pn" else None
    return None


def _word(words: list[str], at: int) -> str | None:
    word = words[at] if at < len(words) else ""
    return word if word.isascii() and word.isalpha() else None


# What stands in the command line of an interpreter that procession has started.
_HELPERS = (
    (b"procession.process.server.main(", "fork server"),
    (b"procession.process.spawned.main(", "spawned by procession"),
    (b"procession.pool.hand:arrive", "worker of a pool"),
)


def helpers(snapshot: Snapshot) -> dict[int, str]:
    """Interpreters that serve a program of ours; what a fork server forks has its command line, too."""
    found = {}
    for record in snapshot:
        if record.comm_bytes.startswith(b"python"):
            data = record.read(files.CMDLINE) or b""
            role = next((role for mark, role in _HELPERS if mark in data), None)
            if role is not None:
                parent = snapshot.by_pid.get(record.ppid)
                is_forked = parent is not None and (parent.read(files.CMDLINE) or b"") == data
                found[record.pid] = f"forked by a {role}" if is_forked else role
    return found


def pools(snapshot: Snapshot) -> dict[int, str]:
    """Owners and workers of the pools of this user (``pool/status.py``)."""
    from procession.pool.status import read_pools

    found: dict[int, str] = {}
    for pool in read_pools():  # their owners live
        owner = snapshot.by_pid.get(pool.pid)  # None: it is not listed
        if not pool.here or (owner is not None and pool.start and owner.starttime != pool.start):
            continue  # of another pid namespace, or another process by now
        found[pool.pid] = _of_owner(pool)
        what = "copy worker" if pool.kind == COPY else "pool worker"
        for index, (pid, task, _) in enumerate(pool.workers, 1):
            found[pid] = f'{what} {index} of "{pool.name}": {task or "idle"}'
    return found


def _of_owner(pool: PoolRecord) -> str:
    if pool.kind == COPY:
        share = (
            f"{100 * pool.share:.0f} %" if pool.share is not None else number(pool.done, "entry", "entries")
        )
        return f'copy {share} of "{pool.name}"'
    return f'pool "{pool.name}": {pool.running} running, {pool.queued} queued, {pool.done} done'


PROVIDERS: tuple[Provider, ...] = (programs, helpers, pools)
HANDED: list[Provider] = []  # by whoever may import what knows them: the command line, of jobs
