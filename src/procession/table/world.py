"""What explanations look at: one snapshot, and what is asked of the kernel beside it, each thing once."""

from __future__ import annotations

from procession.table import files
from procession.table.board.formats import printable
from procession.table.holders import Holders

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procession.linux.filelocks import FileLock
    from procession.table.record import ProcessRecord
    from procession.table.roles import Roles
    from procession.table.snapshot import Snapshot
    from procession.table.source import Source
    from procession.table.waits import Wait

_NAME = 48  # characters of a command in a sentence


class World:
    """Nothing is read before it is asked for.  ``waits`` of a thread are looked up once."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.source = snapshot.source
        self.holders = Holders(snapshot.source)
        self._roles: Roles | None = None
        self._locks: list[FileLock] | None = None
        self._waits: dict[int, Wait | None] = {}
        self._owners: dict[int, int] = {}

    @property
    def roles(self) -> Roles:
        """What processes are to this package."""
        if self._roles is None:
            from procession.table.roles import Roles

            self._roles = Roles(self.snapshot)
        return self._roles

    @property
    def locks(self) -> list[FileLock]:
        """Of files, of the whole machine."""
        if self._locks is None:
            from procession.linux.filelocks import read_locks

            self._locks = read_locks()
        return self._locks

    def wait(self, pid: int, tid: int) -> Wait | None:
        """What a thread waits for; None when it runs, or is gone."""
        if tid not in self._waits:
            from procession.table.facts_waits import wait_of

            self._waits[tid] = wait_of(self, pid, tid)
        return self._waits[tid]

    def waits(self, pid: int) -> list[Wait | None]:
        """Of all its threads, the main one first."""
        return [self.wait(pid, tid) for tid in self.source.tids(pid)]

    def process_of(self, tid: int) -> int | None:
        """The pid that a thread belongs to."""
        if not self._owners:
            for record in self.snapshot.by_pid.values():
                if record.num_threads > 1:
                    for each in self.source.tids(record.pid):
                        self._owners[each] = record.pid
                else:
                    self._owners[record.pid] = record.pid
        return self._owners.get(tid)

    def outer(self, pid: int, number: int) -> int | None:
        """Our number for the thread or process that ``pid`` knows by ``number``: another one where it lives in a pid
        namespace of its own (NSpid, Linux 4.1; pid_namespaces(7)).  None: not found."""
        record = self.snapshot.by_pid.get(pid)
        if record is None or not _is_inside(record.status.get(b"NSpid", b"")):
            return number
        for tid in self.source.tids(pid):
            if _innermost(_status_line(self.source, f"{pid}/task/{tid}")) == number:
                return tid
        home = record.link("ns/pid")
        for other in self.snapshot.by_pid.values():
            if other.link("ns/pid") == home and _innermost(other.status.get(b"NSpid", b"")) == number:
                return other.pid
        return None

    def name(self, pid: int) -> str:
        """``pid 4711 (python feeder.py)``, safe to print."""
        record = self.snapshot.by_pid.get(pid)
        return f"pid {pid} ({command(record)})" if record is not None else f"pid {pid}"


def _is_inside(words: bytes) -> bool:
    return len(words.split()) > 1


def _innermost(words: bytes) -> int:
    return int((words.split() or [b"0"])[-1])


def _status_line(source: Source, path: str) -> bytes:
    try:
        data = source.read_now(path, files.STATUS)
    except OSError:
        return b""
    return data.partition(b"\nNSpid:")[2].partition(b"\n")[0]


def command(record: ProcessRecord, limit: int = _NAME) -> str:
    """What it runs, in one short line that is safe to print."""
    text = printable(record.command.replace("\n", " "))
    words = text.split(" ")
    if words[0].startswith("/"):
        words[0] = words[0].rpartition("/")[2] or words[0]
        text = " ".join(words)
    return text if len(text) <= limit else text[: limit - 1] + "…"
