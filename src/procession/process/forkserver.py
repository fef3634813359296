"""The client's side of the fork server: making one, knowing whether it lives, ending it."""

from __future__ import annotations

import os
import pickle
import socket
import sys
import threading

from procession.ipc import classic
from procession.linux.memfd import create_memfd
from procession.linux.pidfd import open_pidfd, wait_exit
from procession.linux.seqpacket import seqpacket_pair
from procession.process import reaper
from procession.process.exits import Usage
from procession.process.handle import Own
from procession.process.lifeline import lifeline
from procession.process.line import write_whole
from procession.process.start import SignalsHeld, hold_or_kill

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from procession.linux.pidfd import Status
    from procession.process.handle import Handle

MAIN = "__main__"


class Link(Own):
    """A server as this process sees it: its own child, or that of a process further up."""

    method = "forkserver"

    def __init__(self, pid: int, pidfd: int, client: socket.socket, ours: bool) -> None:
        super().__init__(pid, pidfd, client, "fork server")
        self.client = client
        self.ours = ours
        self._children: set[Handle] = set()

    @property
    def over(self) -> bool:
        """Has the server ended?"""
        return self.exit is not None

    def add(self, child: Handle) -> None:
        """Tell this child when the server ends."""
        with reaper.lock():
            self._children.add(child)
            if not self.watched and not self.over:
                reaper.watch(self)

    def remove(self, child: Handle) -> None:
        """It has ended.  Called with the reaper's lock held."""
        self._children.discard(child)
        if not self.ours and not self._children and self.watched:
            reaper.unwatch(self)

    def look(self) -> None:
        """Notice its end at once."""
        reaper.look(self)

    def announce(self) -> None:
        """The server is gone: from now on only the pidfds tell of its children."""
        with reaper.lock():
            children = [child for child in self._children if child.exit is None]
            for child in children:
                reaper.watch(child)
        reaper.look_again(children)
        super().announce()

    def let_go(self) -> None:
        """Its socket is closed with the link."""

    def close_in_fork(self) -> None:
        """A forked child may use the same server."""

    def _drain(self) -> None:
        """Requests go down this socket and nothing comes up."""

    def _status(self) -> tuple[Status | None, Usage | None] | None:
        if self.ours:
            return super()._status()
        return (None, None) if wait_exit(self.sentinel, 0) else None


class ForkServer:
    """The server of this process.  Names with an underscore are those that CPython's tests touch."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._link: Link | None = None
        self._inherited: tuple[int, int, int] | None = None
        self._preload_modules = [MAIN]
        self._warm: set[str] = set()
        os.register_at_fork(after_in_child=self._in_forked_child)

    @property
    def _forkserver_pid(self) -> int | None:
        return self._link.pid if self._link is not None else None

    def set_forkserver_preload(self, modules_names: list[str]) -> None:
        """Modules to import before the first child is made; ``"__main__"``: the main module."""
        if not all(type(name) is str for name in modules_names):
            raise TypeError("module_names must be a list of strings")
        self._preload_modules = list(modules_names)

    def warm(self, module: str) -> None:
        """Something of ours that children will need: have a server that is started from now on load it, too."""
        self._warm.add(module)

    def get_inherited_fds(self) -> list[int] | None:
        """Descriptors travel otherwise here; the name is that of the standard library."""
        return None

    def ensure_running(self) -> None:
        """Start the server unless there is one; does not wait until it is ready."""
        self.running()

    def running(self, with_main: bool = True) -> Link:
        """The link to a living server.  ``with_main``: a new one imports the main module beforehand."""
        with self._lock:
            link = self._link
            if link is not None and not link.over and wait_exit(link.sentinel, 0):
                link.look()
            if link is None or link.over:
                if link is not None:
                    link.close()
                self._link = link = self._start(with_main)
            return link

    def give_up(self, link: Link) -> None:
        """This server does not answer: it is dying, and its descriptors are closed already."""
        if link.wait(reaper.PATIENCE) is None and link.ours:
            link.kill()
            link.wait()
        with self._lock:
            if self._link is link:
                self._link = None
                link.close()

    def stop(self) -> None:
        """End the server.  Its children go on, and how they end cannot be told any more."""
        with self._lock:
            link, self._link = self._link, None
        if link is None:
            return
        if link.ours:
            link.terminate()
            link.wait()
        link.close()

    _stop = stop

    def inherit(self, pid: int, pidfd: int, client: int) -> None:
        """In a child of a server: the server is there for us too."""
        sock = socket.socket(fileno=client)
        sock.setblocking(True)
        self._link = Link(pid, pidfd, sock, ours=False)

    def _in_forked_child(self) -> None:
        self._lock = threading.RLock()
        if self._link is not None:
            self._link = Link(self._link.pid, self._link.sentinel, self._link.client, ours=False)

    def _start(self, with_main: bool) -> Link:
        from procession.process.spawned import run_interpreter

        memory = create_memfd("pn-preload", 0)
        theirs, mine = seqpacket_pair()
        mine.setblocking(True)
        theirs.setblocking(True)
        try:
            write_whole(memory, pickle.dumps(self._preloads(with_main)))
            given = (theirs.fileno(), mine.fileno(), lifeline().read_fd, memory)
            with SignalsHeld():
                pid = run_interpreter(f"procession.process.server:main{given}", given)
                link = Link(pid, hold_or_kill(pid, open_pidfd), mine, ours=True)
                reaper.watch(link)
        except BaseException:
            mine.close()
            raise
        finally:
            theirs.close()
            os.close(memory)
        return link

    def _preloads(
        self, with_main: bool
    ) -> tuple[list[str], list[str], dict[str, str], Callable[[], None] | None]:
        from procession.process.baggage import check_not_importing, main_module

        check_not_importing()
        modules = [name for name in self._preload_modules if name != MAIN] + sorted(self._warm)
        main = main_module() if with_main and MAIN in self._preload_modules else {}
        return modules, list(sys.path), main, classic.installer
