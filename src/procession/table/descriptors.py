"""The open descriptors of a process: what each is, in words (proc_pid_fd(5), proc_pid_fdinfo(5)).

Nothing here touches the file behind a descriptor: a stat(2) of one on a dead network file system would hang, and
who asks often asks because of just that.
"""

from __future__ import annotations

import os

from procession.records import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procession.linux.sockets import Socket
    from procession.table.source import Source

_DELETED = " (deleted)"
_READ, _WRITE = 0o400, 0o200  # of the link in /proc/PID/fd: how it was opened
_ANONYMOUS = {
    "[eventpoll]": "epoll",
    "[eventfd]": "eventfd",
    "[timerfd]": "timerfd",
    "[signalfd]": "signalfd",
    "[pidfd]": "pidfd",
    "[userfaultfd]": "userfaultfd",
    "[io_uring]": "io_uring",
    "[fanotify]": "fanotify",
    "[perf_event]": "perf event",
    "inotify": "inotify",
}
_FLAGS = (
    (os.O_APPEND, "append"),
    (os.O_NONBLOCK, "nonblocking"),
    (os.O_DIRECT, "direct"),
    (os.O_SYNC & ~os.O_DSYNC, "sync"),
    (os.O_PATH, "path only"),
    (os.O_CLOEXEC, "closed on exec"),
)


@record
class Descriptor:
    """``kind``: file (or folder, fifo: only a stat would tell), pipe, socket, terminal, pty (the master end), device,
    memfd, epoll, eventfd, timerfd, signalfd, pidfd, inotify, io_uring and so on, or anonymous.  ``link``: as
    the kernel has it (``pipe:[123]``, ``/var/log/syslog``).  ``mode``: r, w, rw, or "" for O_PATH.  ``info``:
    fdinfo, {} where it may not be read.
    """

    pid: int
    fd: int
    kind: str
    link: str
    mode: str
    inode: int  # of a pipe or socket; of others where fdinfo tells (Linux 5.14), else 0
    info: dict[str, str]

    @property
    def flags(self) -> int:
        """O_*."""
        return int(self.info.get("flags", "0"), 8)

    @property
    def flag_words(self) -> list[str]:
        return [word for bits, word in _FLAGS if self.flags & bits == bits]

    @property
    def position(self) -> int:
        """Of the next read or write; bytes."""
        return int(self.info.get("pos", "0"))

    @property
    def terminal(self) -> str:
        """The slave's path of a pty's master (Linux 4.14), or of itself when it is a terminal; else ""."""
        if self.kind == "terminal":
            return self.link
        return f"/dev/pts/{self.info['tty-index']}" if "tty-index" in self.info else ""

    def words(self, socket: Socket | None = None) -> str:
        """In a phrase; of a socket that is known, with its addresses."""
        if self.kind == "socket":
            return socket.words if socket is not None else f"socket {self.inode}"
        if self.kind == "pipe":
            return f"pipe {self.inode}"
        if self.kind == "pidfd":
            return f"pidfd of pid {self.info.get('Pid', '?')}"
        if self.kind == "pty":
            return f"master end of {self.terminal}" if self.terminal else "master end of a terminal"
        if self.kind in ("file", "terminal", "device"):
            return f"{self.kind} {self.link}"
        return f"{self.kind} {_name(self.link)}".rstrip()


def descriptors_of(source: Source, pid: int, *, info: bool = True) -> list[Descriptor] | None:
    """All that are open now, by number; None when the process is gone or not ours to look into.

    ``info``: read fdinfo too, which takes as long again.  One that is closed meanwhile is left out.
    """
    numbers = source.descriptors(pid)
    if numbers is None:
        return None
    found = (describe(source, pid, fd, info=info) for fd in numbers)
    return [each for each in found if each is not None]


def describe(source: Source, pid: int, fd: int, *, info: bool = True) -> Descriptor | None:
    """One descriptor; None when it is not open, or not ours to see."""
    try:
        link = os.readlink(f"{pid}/fd/{fd}", dir_fd=source.fd)
        bits = os.lstat(f"{pid}/fd/{fd}", dir_fd=source.fd).st_mode
    except OSError:
        return None
    facts = read_info(source, pid, fd) if info else {}
    return Descriptor(pid, fd, kind_of(link), link, mode_of(bits), _inode(link, facts), facts)


def read_info(source: Source, pid: int, fd: int) -> dict[str, str]:
    """The lines of fdinfo by name.  Names that stand there several times (``lock``, ``tfd``) have their lines joined by
    newlines; {} when it cannot be read."""
    try:
        data = source.read_now(str(pid), f"fdinfo/{fd}")
    except OSError:
        return {}
    found: dict[str, str] = {}
    for line in os.fsdecode(data).split("\n"):
        name, colon, value = line.partition(":")
        if colon:
            found[name] = f"{found[name]}\n{value.strip()}" if name in found else value.strip()
    return found


def kind_of(link: str) -> str:
    """By what /proc/PID/fd/N points to."""
    head, colon, rest = link.partition(":")
    if link.startswith("/"):
        return _kind_of_path(link)
    if head in ("pipe", "socket", "net", "mnt", "user", "pid", "uts", "ipc", "cgroup", "time"):
        return head if head in ("pipe", "socket") else "namespace"
    if head == "anon_inode" and colon:
        if rest.startswith("bpf"):
            return "bpf"
        return _ANONYMOUS.get(rest, "anonymous")
    return "pidfd" if head == "pidfd" else "anonymous"


def _kind_of_path(path: str) -> str:
    if path.startswith("/memfd:"):
        return "memfd"
    if path in ("/dev/ptmx", "/dev/pts/ptmx"):
        return "pty"
    if path.startswith(("/dev/pts/", "/dev/tty", "/dev/console")):
        return "terminal"
    if path.startswith("/dev/") and not path.startswith(("/dev/shm/", "/dev/mqueue/", "/dev/hugepages/")):
        return "device"
    return "file"


def mode_of(bits: int) -> str:
    """From the permission bits of the link."""
    return ("r" if bits & _READ else "") + ("w" if bits & _WRITE else "")


def _inode(link: str, info: dict[str, str]) -> int:
    if link.endswith("]") and link.startswith(("pipe:[", "socket:[")):
        return int(link[link.index("[") + 1 : -1])
    return int(info.get("ino", "0"))


def _name(link: str) -> str:
    """What is worth saying of a link beside its kind."""
    if link.startswith("/memfd:"):
        return link.removeprefix("/memfd:").removesuffix(_DELETED)
    kind = kind_of(link)
    return "" if kind in _ANONYMOUS.values() else link.removeprefix("anon_inode:").strip("[]")
