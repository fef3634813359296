"""One process, or one of its threads, at one instant: what the kernel told, decoded when it is asked for.

Fields and units are those of proc_pid_stat(5) and proc_pid_status(5).  A record never changes; what it was not
made with is read when it is asked for first, if the same process still has the pid, and is None (or 0, or "")
when it has not, or when the file is not ours to read.
"""

from __future__ import annotations

import os

from procession.errors import NotPermitted
from procession.table import files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procession.table.source import Source

TICKS = os.sysconf("SC_CLK_TCK")  # a second: 100
PAGE = os.sysconf("SC_PAGE_SIZE")  # bytes

KERNEL_THREAD = 0x00200000  # PF_KTHREAD, include/linux/sched.h

# Where a number stands behind the name in the stat line: its field in proc_pid_stat(5), less 3.
_STARTTIME = 19


class ProcessRecord:
    """``fields``: what follows the name in the stat line, as bytes, the state first.

    ``tid`` is the thread's when this is one of several rows of a process, else the pid.
    """

    __slots__ = ("_got", "_links", "_source", "_status", "comm_bytes", "fields", "pid", "tid", "uid_of_file")

    def __init__(self, source: Source, pid: int, tid: int, stat: bytes, uid_of_file: int = -1) -> None:
        opened, closed = stat.index(b"("), stat.rindex(b")")  # the LAST: a name may hold any bytes
        self.comm_bytes = stat[opened + 1 : closed]
        self.fields = stat[closed + 2 :].split()
        self.pid = pid
        self.tid = tid
        #: owner of the /proc files: the effective user, or root when it may not be traced (PR_SET_DUMPABLE)
        self.uid_of_file = uid_of_file
        self._source = source
        self._got: dict[str, bytes | None] = {}
        self._links: dict[str, str | None] | None = None
        self._status: dict[bytes, bytes] | None = None

    def __repr__(self) -> str:
        thread = f", tid={self.tid}" if self.tid != self.pid else ""
        return f"ProcessRecord(pid={self.pid}{thread}, comm={self.comm!r}, state={self.state!r})"

    # -- identity and family ---------------------------------------------------------------------------

    @property
    def starttime(self) -> int:
        """Clock ticks after boot."""
        return int(self.fields[_STARTTIME])

    @property
    def identity(self) -> tuple[str, int, int]:
        """(boot id, pid, starttime): never that of another process."""
        return self._source.boot_id, self.pid, self.starttime

    @property
    def created(self) -> float:
        """Unix time of its start, by the clock as it is set now."""
        return self._source.boot_time + self.starttime / TICKS

    @property
    def comm(self) -> str:
        """Its short name: at most 15 bytes, of a program's choosing."""
        return os.fsdecode(self.comm_bytes)

    @property
    def state(self) -> str:
        """R running or waiting for a CPU, S asleep, D asleep and deaf to signals, T stopped, t traced, Z zombie,
        I idle kernel thread, X dead."""
        return self.fields[0].decode("ascii")

    @property
    def ppid(self) -> int:
        return int(self.fields[1])

    @property
    def pgrp(self) -> int:
        return int(self.fields[2])

    @property
    def session(self) -> int:
        return int(self.fields[3])

    @property
    def tty_nr(self) -> int:
        """Device number of the controlling terminal; 0: none.  Names: ``ttys.py``."""
        return int(self.fields[4])

    @property
    def tpgid(self) -> int:
        """The foreground process group of its terminal; -1 without one."""
        return int(self.fields[5])

    @property
    def flags(self) -> int:
        """PF_* bits."""
        return int(self.fields[6])

    @property
    def is_kernel_thread(self) -> bool:
        return bool(self.flags & KERNEL_THREAD)

    # -- times -----------------------------------------------------------------------------------------

    @property
    def utime(self) -> int:
        """Clock ticks in user mode."""
        return int(self.fields[11])

    @property
    def stime(self) -> int:
        """Clock ticks in the kernel."""
        return int(self.fields[12])

    @property
    def cpu_ticks(self) -> int:
        """In user mode and in the kernel together."""
        fields = self.fields
        return int(fields[11]) + int(fields[12])

    @property
    def cpu_seconds(self) -> float:
        return self.cpu_ticks / TICKS

    @property
    def cutime(self) -> int:
        """Clock ticks in user mode of children that ended and were waited for."""
        return int(self.fields[13])

    @property
    def cstime(self) -> int:
        return int(self.fields[14])

    @property
    def delayacct_blkio_ticks(self) -> int:
        return int(self.fields[39])

    # -- scheduling ------------------------------------------------------------------------------------

    @property
    def priority(self) -> int:
        return int(self.fields[15])

    @property
    def nice(self) -> int:
        return int(self.fields[16])

    @property
    def num_threads(self) -> int:
        return int(self.fields[17])

    @property
    def processor(self) -> int:
        """The CPU that it last ran on."""
        return int(self.fields[36])

    @property
    def rt_priority(self) -> int:
        """1 to 99 for SCHED_FIFO and SCHED_RR, else 0."""
        return int(self.fields[37])

    @property
    def policy(self) -> int:
        """SCHED_*: 0 other, 1 fifo, 2 rr, 3 batch, 5 idle, 6 deadline, 7 ext."""
        return int(self.fields[38])

    # -- memory ----------------------------------------------------------------------------------------

    @property
    def minflt(self) -> int:
        return int(self.fields[7])

    @property
    def majflt(self) -> int:
        return int(self.fields[9])

    @property
    def vsize(self) -> int:
        """Bytes of address space."""
        return int(self.fields[20])

    @property
    def rss(self) -> int:
        """Bytes in memory, shared ones too; inexact, since the kernel batches its counters."""
        return int(self.fields[21]) * PAGE

    # -- other files -----------------------------------------------------------------------------------

    def read(self, name: str) -> bytes | None:
        """A file of /proc/PID (``files.py``) as bytes; None when it cannot be had, ``refused`` tells why."""
        got = self._got
        if name not in got:
            got[name] = self._source.read_late(self, name)
        return got[name]

    def keep(self, name: str, data: bytes | None) -> None:
        """Used while the record is being made: what a file held."""
        self._got[name] = data

    def inherit(self, before: ProcessRecord) -> None:
        """Take over what does not change while a program runs, if ``before`` is of the same one."""
        if is_same(before, self) and before.comm_bytes == self.comm_bytes and files.CMDLINE in before._got:
            self._got[files.CMDLINE] = before._got[files.CMDLINE]

    def link(self, name: str) -> str | None:
        """Where exe, cwd, root or a ns/* points to."""
        if self._links is None:
            self._links = {}
        if name not in self._links:
            self._links[name] = self._source.link_late(self, name)
        return self._links[name]

    def is_current(self) -> bool:
        """Does this very process still exist (as a zombie, perhaps)?"""
        return self._source.is_current(self)

    @property
    def path(self) -> str:
        """Of its folder below /proc."""
        return f"{self.pid}/task/{self.tid}" if self.tid != self.pid else str(self.pid)

    @property
    def cmdline_bytes(self) -> bytes:
        """Its arguments, each ended by a NUL byte; b"" for kernel threads and zombies."""
        return self.read(files.CMDLINE) or b""

    @property
    def arguments(self) -> list[str]:
        """As it was started, or as it has set them (setproctitle: then one text)."""
        data = self.cmdline_bytes
        if not data:
            return []
        return os.fsdecode(data[:-1] if data.endswith(b"\0") else data).split("\0")

    @property
    def command(self) -> str:
        """Arguments with spaces between, as ps shows them, else [comm]; may hold any characters."""
        data = self.cmdline_bytes.rstrip(b"\0")
        if data:
            return os.fsdecode(data.replace(b"\0", b" "))
        return f"[{self.comm}] <defunct>" if self.state == "Z" else f"[{self.comm}]"

    @property
    def status(self) -> dict[bytes, bytes]:
        """/proc/PID/status: name to value, both stripped (``b"SigCgt": b"0000000000000000"``); {} when it is gone."""
        if self._status is None:
            lines = (self.read(files.STATUS) or b"").split(b"\n")
            self._status = {
                name: value.strip()
                for name, colon, value in (line.partition(b":") for line in lines)
                if colon
            }
        return self._status

    def status_mask(self, name: bytes) -> int:
        """A signal mask of status (SigPnd, ShdPnd, SigBlk, SigIgn, SigCgt): bit N-1 stands for signal N."""
        return int(self.status.get(name, b"0"), 16)

    def status_line(self, name: bytes) -> bytes:
        """One value of status, without the cost of all of them; b"" when it has none."""
        data = self.read(files.STATUS) or b""
        at = data.find(b"\n" + name + b":")
        return data[at + len(name) + 2 : data.index(b"\n", at + 1)].strip() if at >= 0 else b""

    def status_kilobytes(self, name: bytes) -> int:
        """A size of status (VmSwap, RssAnon, ...) in KiB; 0 when there is none."""
        return int((self.status_line(name) or b"0").split()[0])

    @property
    def uids(self) -> tuple[int, int, int, int]:
        """Real, effective, saved and file system user id; all those of the file when status cannot be read."""
        return self._ids(b"\nUid:", self.uid_of_file)

    @property
    def gids(self) -> tuple[int, int, int, int]:
        return self._ids(b"\nGid:", -1)

    @property
    def uid(self) -> int:
        """The effective user's, whom ps shows as USER."""
        owner = self.uid_of_file
        if files.STATUS in self._got:
            return self.uids[1]
        # Not root: then it is the effective user for certain.
        return owner if owner > 0 else self._source.owner(self)[0]

    @property
    def gid(self) -> int:
        """The effective group's; -1 when it is gone."""
        return self.gids[1] if files.STATUS in self._got else self._source.owner(self)[1]

    def _ids(self, line: bytes, otherwise: int) -> tuple[int, int, int, int]:
        data = self.read(files.STATUS) or b""
        at = data.find(line)
        if at < 0:
            return otherwise, otherwise, otherwise, otherwise
        real, effective, saved, fs = data[at + len(line) : data.index(b"\n", at + 1)].split()
        return int(real), int(effective), int(saved), int(fs)

    def smaps(self, name: bytes) -> int | None:
        """A size of smaps_rollup (Pss, Rss, Private_Dirty, Swap, ...) in KiB; None where it may not be read."""
        data = self.read(files.SMAPS_ROLLUP)
        if not data:
            return None
        at = data.find(b"\n" + name + b":")
        return int(data[at + len(name) + 2 : data.index(b"\n", at + 1)].split()[0]) if at >= 0 else 0

    @property
    def pss(self) -> int | None:
        """KiB; shared pages count in parts."""
        return self.smaps(b"Pss")

    @property
    def uss(self) -> int | None:
        """KiB that only this process uses: what its end would free."""
        clean, dirty = self.smaps(b"Private_Clean"), self.smaps(b"Private_Dirty")
        return None if clean is None or dirty is None else clean + dirty

    @property
    def io(self) -> dict[str, int]:
        """/proc/PID/io: rchar, wchar, syscr, syscw, read_bytes, write_bytes, cancelled_write_bytes; {} if not ours."""
        return {
            name.decode(): int(value)
            for name, _, value in (line.partition(b":") for line in (self.read(files.IO) or b"").splitlines())
        }

    @property
    def wchan(self) -> str:
        """The kernel function that it sleeps in; "" when it runs, or may not be known."""
        name = (self.read(files.WCHAN) or b"").decode("ascii", "replace")
        return "" if name == "0" else name

    @property
    def environ(self) -> dict[str, str]:
        """As it was when the program began; {} if not ours to read."""
        pairs = (os.fsdecode(each).partition("=") for each in (self.read(files.ENVIRON) or b"").split(b"\0"))
        return {name: value for name, equals, value in pairs if equals}

    @property
    def cgroup(self) -> str:
        """Its path in the v2 tree, else the v1 line ps would show first; "/" for the root; "" unknown."""
        lines = (self.read(files.CGROUP) or b"").decode("utf-8", "surrogateescape").splitlines()
        for line in lines:
            if line.startswith("0::"):
                return line[3:]
        return lines[0].split(":", 2)[2] if lines else ""

    def refused(self, name: str) -> bool:
        """Was this file kept from us, so that None means "not ours" and not "gone"?"""
        try:
            self._source.read_now(self.path, name)
        except NotPermitted:
            return True
        except OSError:
            return False
        return False


def is_same(one: ProcessRecord, other: ProcessRecord) -> bool:
    """Are both records of one process (of one thread of it)?"""
    return one.tid == other.tid and one.fields[_STARTTIME] == other.fields[_STARTTIME]
