"""Start method ``forkserver``: a small, clean process of ours forks for us.

::

    this process ── request: baggage, line, keepalive, stdout, stderr ──▶ fork server ──▶ child
         ▲                                                                     │            │
         ├──────── line: EXIT status usage ────────────────────────────────────┘            │
         └──────── line: STARTED pid pidfd · VALUE / FAILED ────────────────────────────────┘

The server has one thread, has imported what most children need, and does nothing but fork and reap; so
its forks are safe whatever threads and locks there are here.  A request is one packet and its answers come
on the line of that child, so any number of processes may use one server: a child of it that makes children
uses the same.  The child hangs on the keepalive pipe of who asked for it, and the server on that of who
started it.  When the server is killed its children go on; the next start makes a new one.
"""

# ruff: noqa: SLF001 - the parts of one Process, and what multiprocessing keeps private

from __future__ import annotations

import os
import select
import signal
import socket
import struct
from multiprocessing import util

from procession.errors import ChannelClosed, NoSuchProcess
from procession.linux.memfd import create_memfd
from procession.linux.pidfd import Status, exit_info, send_signal, wait_exit
from procession.linux.seqpacket import send_packet
from procession.process import ending, line, reaper
from procession.process.exits import UNKNOWN, Usage, explained
from procession.process.forkserver import ForkServer, Link
from procession.process.handle import Handle, status_of, usage_of
from procession.process.lifeline import lifeline
from procession.process.line import make_line, write_whole
from procession.process.options import KEEP
from procession.process.start import SignalsHeld

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from procession.ipc.carry import Parcel
    from procession.process.options import Options
    from procession.process.process import Process

PID = struct.Struct("=i")
ENDED = struct.Struct("=iddq")  # wait status, user and system seconds, ru_maxrss
KEPT, OUT, ERR, IN_MEMORY = 1, 2, 4, 8  # what the first byte of a request says of the rest
_TRIES = 3

server = ForkServer()


class Served(Handle):
    """A child of the fork server: it is not ours to reap, so the server tells how it ended."""

    method = "forkserver"
    unknown = explained(UNKNOWN, "ended, and the fork server that could have told how was killed")

    link: Link  # to the server that made it
    _told: tuple[Status, Usage] | None = None  # by the server

    def descriptors(self) -> tuple[int, ...]:
        """The line, on which the server speaks; without a server the pidfd."""
        heard = () if self._line_over else (self._line.fileno(),)
        return (self.sentinel, *heard) if self._deserted() else heard

    def collect(self, patience: float = 0) -> bool:
        """As Handle says; waits at most ``patience`` seconds for the word of the server."""
        if self.exit is None:
            self._drain()
            if self._told is None and patience and not self._deserted():
                self._hear(patience)
        return super().collect()

    def let_go(self) -> None:
        """It has ended."""
        super().let_go()
        self.link.remove(self)

    def _deserted(self) -> bool:
        return self._line_over or self.link.over

    def _hear(self, patience: float) -> None:
        """It has ended, so the server is about to say how, or is dead."""
        poll = select.poll()
        poll.register(self._line, select.POLLIN)
        poll.register(self.link.sentinel, select.POLLIN)
        poll.poll(patience * 1000)
        self.link.look()
        self._drain()

    def _received(self, message: line.Message) -> None:
        if message.kind == line.EXIT:
            status, user, system, peak = ENDED.unpack(message.data)
            self._told = status_of(self.pid, status), usage_of(user, system, peak)
        super()._received(message)

    def _status(self) -> tuple[Status | None, Usage | None] | None:
        if self._told is not None:
            return self._told
        if self._deserted() and wait_exit(self.sentinel, 0):
            return exit_info(self.pid, self.sentinel), None
        return None


def launch(process: Process) -> Handle:
    """Pack the process object and have the server fork a child that unpacks and runs it."""
    from procession.process.baggage import pack_up

    parcel = pack_up(process, signal.pthread_sigmask(signal.SIG_BLOCK, ()), environment=True)
    try:
        return launch_packed(parcel, process.name, process._options, process._begun)
    finally:
        parcel.close()


def launch_packed(parcel: Parcel, name: str, options: Options, begun: Callable[[Handle], None]) -> Handle:
    """Have a child made for a process object that is packed already; any thread may do that.

    ``begun`` is called with the handle while signals are held.
    """
    util._flush_std_streams()  # type: ignore[attr-defined]
    ending.arrange()
    for attempt in range(_TRIES):
        link = server.running(with_main=attempt == 0)
        mine, theirs = make_line()
        handle = None
        place = -1
        try:
            try:
                place = os.dup(mine.fileno())  # for the pidfd, which would get lost without a free number
                _ask(link, parcel, theirs, options)
            finally:
                theirs.close()
            _wait_for_answer(mine, link)
            with SignalsHeld():
                os.close(place)
                place = -1
                handle = _received(mine, name, options, link)
                if handle is not None:
                    begun(handle)
                    return handle
            server.give_up(link)  # it has died, or is about to, before it had got to us: once more
        finally:
            if place >= 0:
                os.close(place)
            if handle is None:
                _call_off(mine)
    raise ChannelClosed("the fork server ends before it has made a child: see its messages on stderr")


def _ask(link: Link, parcel: Parcel, theirs: socket.socket, options: Options) -> None:
    """Send the request; a server that is gone shows in the answer."""
    flags = KEPT if options.orphans == KEEP else 0
    given = [theirs.fileno(), lifeline().read_fd]
    for fd, flag in ((1, OUT), (2, ERR)):
        if _is_open(fd):
            given.append(fd)
            flags |= flag
    memory = -1
    data = parcel.data
    try:
        if len(data) > line.INLINE:
            memory = create_memfd("pn-baggage", 0)
            write_whole(memory, data)
            given.append(memory)
            flags |= IN_MEMORY
            data = b""
        send_packet(link.client, bytes([flags]) + data, (*given, *parcel.descriptors))
    except ChannelClosed:
        pass
    finally:
        if memory >= 0:
            os.close(memory)


def _wait_for_answer(mine: socket.socket, link: Link) -> None:
    """Wait for the child's first word, which takes as long as what the server is importing.

    When the server dies, there either is a child already, which will speak, or nobody has the other end of
    the line any more: an end of file.
    """
    poll = select.poll()
    poll.register(mine, select.POLLIN)
    poll.register(link.sentinel, select.POLLIN)
    if all(fd == link.sentinel for fd, _ in poll.poll()):
        link.look()
        poll.unregister(link.sentinel)
        poll.poll(reaper.PATIENCE * 1000)


def _received(mine: socket.socket, name: str, options: Options, link: Link) -> Handle | None:
    """The child, as it describes itself; None when the server has died before."""
    try:
        message = line.take(mine)
    except ChannelClosed:
        return None
    if message is None:
        return None
    if message.kind == line.REFUSED:
        number, _, words = message.data.decode().partition(" ")
        raise OSError(int(number), f"the fork server could not fork: {words}")
    (pid,) = PID.unpack(message.data)
    handle = Served(pid, message.descriptors[0], mine, name, options)
    handle.link = link
    link.add(handle)
    reaper.watch(handle)
    return handle


def _call_off(mine: socket.socket) -> None:
    """We give up: the child must not live, whether or not it has been made already.

    After the shutdown the child cannot say that it is there any more, and ends; if it has already said so,
    we have its pidfd.
    """
    try:
        mine.shutdown(socket.SHUT_RD)
        while (message := line.take(mine)) is not None:
            if message.kind == line.STARTED:
                send_signal(message.descriptors[0], signal.SIGKILL)
            message.close()
    except (ChannelClosed, NoSuchProcess, OSError):
        pass  # all has been read, or it has ended already
    mine.close()


def _is_open(fd: int) -> bool:
    try:
        os.fstat(fd)
    except OSError:
        return False
    return True
