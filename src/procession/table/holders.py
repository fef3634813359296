"""Who holds the other end: an index of the descriptors of all processes.

::

    /proc/*/fd ─▶ link (pipe:[7], socket:[8], /path) ─▶ holders: (pid, fd)
                                                          │ who can write what I read? who is behind that socket?

Built when it is asked first, of the processes that were there then.  Two things cannot be seen: the descriptors
of processes that are not ours (``refused``), and those that travel in a message (SCM_RIGHTS) just now.
"""

from __future__ import annotations

import os

from procession.records import record
from procession.table.descriptors import Descriptor, describe, kind_of, mode_of, read_info

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procession.linux.sockets import Socket
    from procession.table.source import Source

_INDEXED = ("pipe", "socket", "pty", "terminal", "file", "memfd")


@record
class Holder:
    """A process that has something open as ``fd``."""

    pid: int
    fd: int
    mode: str  # r, w, rw


class Holders:
    """``pids``: whose descriptors to look through; None: of all processes."""

    def __init__(self, source: Source, pids: list[int] | None = None) -> None:
        self._source = source
        self._pids = pids
        self._index: dict[str, list[tuple[int, int]]] | None = None
        self._sockets: dict[int, Socket] | None = None
        self._refused: set[int] = set()

    @property
    def refused(self) -> set[int]:
        """Pids that we may not look into: they may hold anything."""
        self._all()
        return self._refused

    @property
    def sockets(self) -> dict[int, Socket]:
        """Those of our network namespace, by inode."""
        if self._sockets is None:
            from procession.linux.sockets import read_sockets

            self._sockets = read_sockets()
        return self._sockets

    def of(self, link: str) -> list[Holder]:
        """Everybody who has this open: ``pipe:[7]``, ``socket:[8]``, a path; by pid and number."""
        found = []
        for pid, fd in self._all().get(link, ()):
            try:
                bits = os.lstat(f"{pid}/fd/{fd}", dir_fd=self._source.fd).st_mode
            except OSError:  # closed meanwhile, or gone
                continue
            found.append(Holder(pid, fd, mode_of(bits)))
        return found

    def socket(self, descriptor: Descriptor) -> Socket | None:
        """What is known of a socket; one of another network namespace is looked up there."""
        if descriptor.kind != "socket":
            return None
        found = self.sockets.get(descriptor.inode)
        if found is None:
            from procession.linux.sockets import read_sockets

            found = read_sockets(f"/proc/{descriptor.pid}/net", peers=False).get(descriptor.inode)
        return found

    def other_end(self, descriptor: Descriptor) -> list[Holder]:
        """Who can answer: of a pipe's or fifo's reading end the holders of a writing one and the other way round
        (the process itself too, if it holds both); of a socket those of its peer; of a terminal those of its
        master and the other way round.  []: nobody whom we can see."""
        if descriptor.kind == "socket":
            socket = self.socket(descriptor)
            return self.of(f"socket:[{socket.peer}]") if socket is not None and socket.peer else []
        if descriptor.kind == "terminal":
            return self.masters(descriptor.link)
        if descriptor.kind == "pty":
            return self.of(descriptor.terminal) if descriptor.terminal else []
        wanted = "w" if descriptor.mode == "r" else "r" if descriptor.mode == "w" else "rw"
        found = self.of(descriptor.link)
        return [each for each in found if set(wanted) & set(each.mode)]

    def masters(self, terminal: str) -> list[Holder]:
        """Who holds the master end of a pseudo-terminal: its terminal emulator, tmux, sshd."""
        found = []
        for link in ("/dev/ptmx", "/dev/pts/ptmx"):
            for holder in self.of(link):
                info = read_info(self._source, holder.pid, holder.fd)
                if f"/dev/pts/{info.get('tty-index')}" == terminal:
                    found.append(holder)
        return found

    def describe(self, holder: Holder) -> Descriptor | None:
        """The descriptor itself."""
        return describe(self._source, holder.pid, holder.fd)

    def _all(self) -> dict[str, list[tuple[int, int]]]:
        if self._index is None:
            index: dict[str, list[tuple[int, int]]] = {}
            for pid in self._source.pids() if self._pids is None else self._pids:
                self._add(index, pid)
            self._index = index
        return self._index

    def _add(self, index: dict[str, list[tuple[int, int]]], pid: int) -> None:
        try:
            folder = os.open(f"{pid}/fd", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=self._source.fd)
        except PermissionError:
            self._refused.add(pid)
            return
        except OSError:  # it has ended
            return
        try:
            for name in sorted(os.listdir(folder), key=int):
                try:
                    link = os.readlink(name, dir_fd=folder)
                except OSError:
                    continue
                if kind_of(link) in _INDEXED:
                    index.setdefault(link, []).append((pid, int(name)))
        except OSError:
            return
        finally:
            os.close(folder)
