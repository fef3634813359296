"""The fork server itself: one loop that forks when asked and tells how its children end.

It holds no lock and no thread, blocks SIGINT (a Ctrl-C is for the children and for who started us), and is
killed by the kernel when the process that started it ends (keepalive).  See served.py for the picture.
"""

# ruff: noqa: SLF001 - the parts of one Process, and what multiprocessing keeps private

from __future__ import annotations

import gc
import os
import pickle
import select
import signal
import socket
import sys
from multiprocessing import process as _process
from multiprocessing import spawn, util

from procession.errors import ChannelClosed
from procession.linux.keepalive import arm
from procession.linux.pidfd import open_pidfd
from procession.linux.seqpacket import FDS_MAX, MESSAGE_MAX, recv_packet
from procession.process import baggage, bootstrap, line  # imported here for all children
from procession.process.served import ENDED, ERR, IN_MEMORY, KEPT, OUT, PID, server
from procession.process.start import fork

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn


def main(requests: int, client: int, read_fd: int, memory: int) -> None:
    """The first words of the server's interpreter."""
    signal.pthread_sigmask(signal.SIG_SETMASK, {signal.SIGINT})
    given = (requests, client, memory)
    for fd in given:
        os.set_inheritable(fd, False)
    own = arm(read_fd)
    _preload(pickle.loads(line.read_whole(memory)))
    os.close(memory)
    util._close_stdin()  # type: ignore[attr-defined]
    Server(socket.socket(fileno=requests), client, own).serve()


def _preload(wanted: tuple[list[str], list[str], dict[str, str], Callable[[], None] | None]) -> None:
    modules, paths, main_module, install = wanted
    sys.path[:] = paths
    if install is not None:
        install()  # the main module is to find our multiprocessing
    me = _process.current_process()
    me._inheriting = True  # type: ignore[attr-defined]
    try:
        spawn.prepare(main_module)
    except BaseException:
        # Each child meets the same, and tells the user.
        baggage.refused = False
    finally:
        del me._inheriting  # type: ignore[attr-defined]
    import contextlib

    for name in modules:
        # It was a hint, and whoever needs the module will say what is wrong with it.
        with contextlib.suppress(Exception):
            __import__(name)


class Server:
    """``client`` is the other end of the socket of requests, for children that want children."""

    def __init__(self, requests: socket.socket, client: int, keepalive: int) -> None:
        self._requests = requests
        self._requests.setblocking(True)
        self._client = client
        self._keepalive = keepalive
        self._self = open_pidfd(os.getpid())
        self._epoll = select.epoll()
        self._epoll.register(requests, select.EPOLLIN)
        self._children: dict[int, tuple[int, socket.socket]] = {}  # by pidfd: pid, line

    def serve(self) -> None:
        """For ever."""
        gc.collect()
        gc.freeze()  # what has been imported stays on pages that all children share
        while True:
            for fd, _ in self._epoll.poll():
                if fd == self._requests.fileno():
                    self._answer()
                else:
                    self._reap(fd)

    def _answer(self) -> None:
        packet, descriptors = recv_packet(self._requests, MESSAGE_MAX, FDS_MAX)
        flags, data = packet[0], packet[1:]
        upward = socket.socket(fileno=descriptors[0])
        upward.setblocking(True)
        util._flush_std_streams()  # type: ignore[attr-defined]
        try:
            pid = fork()
        except OSError as error:
            _post(upward, line.REFUSED, f"{error.errno} {error.strerror}".encode())
            upward.close()
        else:
            if pid == 0:
                self._become(flags, data, upward, descriptors[1:])
            self._made(pid, upward)
        finally:
            for fd in descriptors[1:]:
                os.close(fd)

    def _made(self, pid: int, upward: socket.socket) -> None:
        pidfd = open_pidfd(pid)
        self._children[pidfd] = pid, upward
        self._epoll.register(pidfd, select.EPOLLIN)

    def _reap(self, pidfd: int) -> None:
        pid, upward = self._children.pop(pidfd)
        self._epoll.unregister(pidfd)
        _, status, used = os.wait4(pid, 0)
        _post(upward, line.EXIT, ENDED.pack(status, used.ru_utime, used.ru_stime, used.ru_maxrss))
        upward.close()
        os.close(pidfd)

    def _become(
        self, flags: int, data: bytes, upward: socket.socket, descriptors: tuple[int, ...]
    ) -> NoReturn:
        """In the child: drop what is the server's, then be the process that was asked for."""
        code = 1
        try:
            self._drop()
            _announce(upward)
            gc.unfreeze()
            rest = list(descriptors)
            read_fd = rest.pop(0)
            for number, flag in ((1, OUT), (2, ERR)):
                if flags & flag:
                    os.dup2(rest[0], number)
                    os.close(rest.pop(0))
            sentinel = read_fd if flags & KEPT else arm(read_fd)
            if flags & IN_MEMORY:
                data = line.read_whole(rest[0])
                os.close(rest.pop(0))
            server.inherit(os.getppid(), self._self, self._client)
            bootstrap.clear_exit_handlers()
            code, interrupted = bootstrap.arrive(data, tuple(rest), upward.detach(), sentinel)
            bootstrap.leave(code, interrupted)
        except BaseException:
            import traceback

            traceback.print_exc()
        finally:
            os._exit(code)

    def _drop(self) -> None:
        self._epoll.close()
        self._requests.close()
        os.close(self._keepalive)
        for pidfd, (_, upward) in self._children.items():
            upward.close()
            os.close(pidfd)


def _announce(upward: socket.socket) -> None:
    """The child speaks for itself: were it the server, its death in between would leave a child unknown."""
    pidfd = open_pidfd(os.getpid())
    if not _post(upward, line.STARTED, PID.pack(os.getpid()), (pidfd,)):
        os._exit(0)  # nobody wants us any more
    os.close(pidfd)


def _post(upward: socket.socket, kind: bytes, data: bytes, descriptors: tuple[int, ...] = ()) -> bool:
    """False when nobody is at the other end any more."""
    try:
        line.post(upward, kind, data, descriptors)
    except (ChannelClosed, OSError):
        return False
    return True
