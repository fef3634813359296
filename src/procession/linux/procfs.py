"""/proc: bytes to records.  Fields and units are those of proc_pid_stat(5)."""

from __future__ import annotations

import os

from procession.errors import NoSuchProcess

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procession.linux.procstat import ProcStat

_STAT_MAX = 4096  # bytes; 52 numbers and a name are at most about 1.1 KB
_DEAD = "ZXx"  # zombie; dead (for an instant)


def read_stat(pid: int, *, proc_fd: int | None = None) -> ProcStat:
    """/proc/PID/stat of now.  ``proc_fd``: an open descriptor of /proc, which saves a path walk.

    Raises NoSuchProcess (also for a process that hidepid hides), OSError.
    """
    from procession.linux.procstat import parse_stat

    path = f"{pid}/stat" if proc_fd is not None else f"/proc/{pid}/stat"
    return parse_stat(_read_of(pid, path, proc_fd))


def start_time(pid: int) -> int:
    """When the process started: clock ticks (sysconf SC_CLK_TCK, 100 a second) after boot."""
    return _state_and_start(pid)[1]


def is_alive(pid: int, starttime: int) -> bool:
    """Is this very process still running?  A zombie counts as dead, a later holder of the pid as another."""
    try:
        state, started = _state_and_start(pid)
    except NoSuchProcess:
        return False
    return started == starttime and state not in _DEAD


def _state_and_start(pid: int) -> tuple[str, int]:
    # Fields 3 and 22.  A short cut past the 52 fields of ProcStat, whose class takes 1 ms to load.
    after_name = _read_of(pid, f"/proc/{pid}/stat", None).rpartition(b")")[2].split()
    return after_name[0].decode(), int(after_name[19])


def boot_id() -> str:
    """A UUID that the kernel draws at each boot (random(4)); containers of one machine share it."""
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
        return file.read().strip()


def boot_time() -> int:
    """Unix time of the boot by the clock as it is set now, in whole seconds (proc_stat(5), btime)."""
    with open("/proc/stat", "rb", buffering=0) as file:
        data = file.readall()
    at = data.index(b"\nbtime ") + len(b"\nbtime ")
    return int(data[at : data.index(b"\n", at)])


def pid_namespace() -> int:
    """The inode of our pid namespace: pids compare only within one (namespaces(7))."""
    return os.stat("/proc/self/ns/pid").st_ino


def children_of(pid: int) -> list[int]:
    """The pids of the living and zombie children of a process, those of all its threads together.

    A child that is born or ends meanwhile may be missing: the kernel promises a full list for frozen
    children only (proc_tid_children(5)).  Who must have all asks again until none is left.
    Raises NoSuchProcess.
    """
    try:
        threads = os.listdir(f"/proc/{pid}/task")
    except FileNotFoundError as error:
        raise NoSuchProcess(error.errno, f"pid {pid} is gone") from error
    found: list[int] = []
    for thread in threads:
        try:
            found += map(int, _read_file(f"/proc/{pid}/task/{thread}/children").split())
        except ProcessLookupError:
            continue
        except FileNotFoundError:
            if os.path.exists(f"/proc/{pid}/task/{thread}"):  # there, but without its file
                return _children_by_scan(pid)
    return sorted(found)


def _children_by_scan(pid: int) -> list[int]:
    """For a kernel without CONFIG_PROC_CHILDREN: the parent of every process there is."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                if read_stat(int(name)).ppid == pid:
                    found.append(int(name))
            except NoSuchProcess:
                continue
    return sorted(found)


def _read_of(pid: int, path: str, dir_fd: int | None) -> bytes:
    # ENOENT: gone before the open; ESRCH: between open and read.
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC, dir_fd=dir_fd)
        try:
            return os.read(fd, _STAT_MAX)
        finally:
            os.close(fd)
    except (FileNotFoundError, ProcessLookupError) as error:
        raise NoSuchProcess(error.errno, f"pid {pid} is gone") from error


def _read_file(path: str) -> bytes:
    with open(path, "rb", buffering=0) as file:
        return file.readall()
