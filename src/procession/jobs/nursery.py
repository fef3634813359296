"""The nursery: a warm process from which keepers are forked, and which starts the daemon and the next one.

::

    pn run ─ launch ─▶ interpreter ─ fork ─▶ nursery ── exec ─▶ daemon        (the next one when it dies)
                        (ends at once)          ├───── fork ─▶ keeper 3.1     (goes on without us)
                                                └───── fork ─▶ sweeper        (after a keeper was killed)

It has loaded what a keeper needs and nothing else, and forks: so its pages are shared by all keepers.  One thread, one
poll, no time-out unless a daemon has to be started later.  It holds nothing that cannot be lost: a daemon that finds it
dead starts another.  Messages: docs/decisions/0013-jobs.md.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    from typing import Any

    from procession.jobs.places import Places

_CODE = "from procession.jobs.nursery import main; main()"
_DAEMON = ("-P", "-m", "procession.jobs.daemon", "--nursery")
_SHORT_LIFE = 1.0  # seconds: a daemon that dies sooner would do so again
_FIRST, _LAST = 0.1, 10.0  # seconds before the next one then; doubled each time
_FD_MOST = 1 << 20


def launch(places: Places) -> None:
    """Start a nursery for these folders, which are there; returns when it exists.  The daemon follows in a moment.

    Nothing of the caller passes on but its environment, without the mark of a tree that it may belong to: so the end of
    that tree is not the end of the jobs.  Raises DaemonGone, OSError.
    """
    from procession.errors import DaemonGone

    env = {name: value for name, value in os.environ.items() if name != "PN_TREE"}
    argv = [sys.executable, "-P", "-c", _CODE, places.state, places.runtime]
    pid = os.posix_spawn(sys.executable, argv, env, setsigmask=())
    try:
        _, status = os.waitpid(pid, 0)
    except ChildProcessError:  # reaped by other code of this process
        return
    if status:
        raise DaemonGone(f"the jobs' nursery could not be started: see {places.runtime}/daemon.log")


def main() -> None:
    """``sys.argv``: the two folders of the jobs; then, for tests, arguments of the interpreter that are the daemon."""
    from procession.jobs.places import Places

    places = Places(*sys.argv[1:3])
    _leave(places)
    if os.fork():
        os._exit(0)
    os.setsid()
    _Nursery(places, tuple(sys.argv[3:]) or _DAEMON).run()


def _leave(places: Places) -> None:
    """Let go of the terminal, the folder and the descriptors that we were started with."""
    os.closerange(3, _FD_MOST)
    log = os.open(
        f"{places.runtime}/daemon.log",
        os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW,
        0o600,
    )
    null = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
    for fd, to in ((null, 0), (null, 1), (log, 2)):
        os.dup2(fd, to)
    os.closerange(3, _FD_MOST)
    os.chdir("/")
    os.umask(0o077)


class _Nursery:
    def __init__(self, places: Places, program: tuple[str, ...]) -> None:
        self._load()
        from procession.jobs.keeper_loop import Loop
        from procession.linux.prctl import set_process_name

        set_process_name("pn-nursery")
        self._places, self._program = places, program
        self._loop = Loop()
        self._line: socket.socket | None = None
        self._daemon = -1  # its pidfd
        self._begun = 0.0
        self._deaths = 0  # in a row, soon after their begin
        self._ends = False  # no further daemon
        self._children: set[int] = set()  # pidfds of keepers and sweepers
        self._listen_for_signals()

    def run(self) -> None:
        self._start_daemon()
        self._loop.run()

    def _load(self) -> None:
        """All that a keeper needs; then what is there now is never looked at again by the garbage collector, whose
        marks would make copies of shared pages."""
        import encodings.idna  # noqa: F401  # what json and sockets load only when they are used
        import gc
        import json.decoder
        import json.encoder  # noqa: F401

        from procession.jobs import claims, keeper, keeper_adopt, keeper_order, sweeper  # noqa: F401
        from procession.linux import libc, procstat  # noqa: F401
        from procession.linux.prctl import is_child_subreaper

        is_child_subreaper()  # loads ctypes
        claims.warm()
        gc.disable()
        gc.collect()
        gc.freeze()

    def _listen_for_signals(self) -> None:
        import select
        import signal

        self._signals, self._wake = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        signal.set_wakeup_fd(self._wake, warn_on_full_buffer=False)
        signal.signal(signal.SIGTERM, lambda *_: None)
        for signum in (signal.SIGINT, signal.SIGHUP):
            signal.signal(signum, signal.SIG_IGN)
        self._loop.watch(self._signals, select.POLLIN, self._told_to_end)

    def _told_to_end(self, _: int) -> None:
        """SIGTERM: pass it on, and end; the keepers go on."""
        import signal

        from procession.errors import NoSuchProcess
        from procession.linux.pidfd import send_signal

        os.read(self._signals, 512)
        self._ends = True
        if self._daemon >= 0:
            try:
                send_signal(self._daemon, signal.SIGTERM)
            except NoSuchProcess:
                pass
        self._loop.stop()

    # ── the daemon ──

    def _start_daemon(self) -> None:
        import select
        import signal
        import time

        from procession.linux.pidfd import open_pidfd
        from procession.linux.seqpacket import seqpacket_pair

        self._begun = time.monotonic()
        self._line, theirs = seqpacket_pair()
        os.set_inheritable(theirs.fileno(), True)
        try:
            pid = os.posix_spawn(
                sys.executable,
                [sys.executable, *self._program, str(theirs.fileno())],
                os.environ,
                setsigmask=(),
                setsigdef=(signal.SIGINT, signal.SIGHUP, signal.SIGPIPE, signal.SIGXFSZ),
            )
        finally:
            theirs.close()
        self._daemon = open_pidfd(pid)
        self._line.setblocking(False)
        self._loop.watch(self._line.fileno(), select.POLLIN, self._hear)
        self._loop.watch(self._daemon, select.POLLIN, self._daemon_died)

    def _daemon_died(self, _: int) -> None:
        import time

        from procession.linux.pidfd import reap

        reap(self._daemon)
        self._loop.forget(self._daemon)
        os.close(self._daemon)
        self._daemon = -1
        while self._line is not None:  # what it had ordered is done
            self._hear(0)
        if self._ends:
            self._loop.stop()
            return
        short = time.monotonic() - self._begun < _SHORT_LIFE
        wait = min(_FIRST * 2**self._deaths, _LAST) if short else 0.0
        self._deaths = self._deaths + 1 if short else 0
        if wait:
            self._loop.after(wait, "daemon", self._start_daemon)
        else:
            self._start_daemon()

    def _hear(self, _: int) -> None:
        """One message of the daemon."""
        from procession.errors import ChannelClosed, MessageTooLarge
        from procession.linux.seqpacket import recv_packet

        if self._line is None:
            return
        try:
            fds = recv_packet(self._line)[1]
        except BlockingIOError:
            if self._daemon < 0:  # dead, but somebody else has its end still: nothing more comes from there
                self._hang_up()
            return
        except MessageTooLarge:
            return
        except (ChannelClosed, OSError):
            self._hang_up()
            return
        try:
            self._obey(fds)
        except Exception as error:  # one order that makes no sense must not end the others
            sys.stderr.write(f"pn: nursery: an order was not carried out: {type(error).__name__}: {error}\n")
        finally:
            for fd in fds:
                os.close(fd)

    def _hang_up(self) -> None:
        if self._line is not None:
            self._loop.forget(self._line.fileno())
            self._line.close()
            self._line = None

    # ── orders ──

    def _obey(self, fds: tuple[int, ...]) -> None:
        import json

        message = json.loads(os.pread(fds[0], os.fstat(fds[0]).st_size, 0))
        what = message.get("do")
        if what == "end":
            self._ends = True
        elif what == "keep":
            self._keep(message, fds)
        elif what == "sweep":
            self._sweep(str(message["mark"]), fds)
        else:
            raise ValueError(f"nobody knows {what!r}")

    def _keep(self, message: dict[str, Any], fds: tuple[int, ...]) -> None:
        from procession.jobs.keeper_order import order_of

        order, line = order_of(message), fds[1]
        if not self._fork():
            try:
                import socket

                from procession.jobs.keeper import keep

                self._forget_all((line,))
                keep(order, self._places, socket.socket(fileno=line))
            except BaseException:
                self._die()
            os._exit(0)

    def _sweep(self, mark: str, fds: tuple[int, ...]) -> None:
        if not mark.isalnum():
            raise ValueError("a sweep without a mark")
        if not self._fork():
            try:
                from procession.jobs.sweeper import sweep

                self._forget_all((fds[1],))
                sweep(mark)
            except BaseException:
                self._die()
            os._exit(0)

    def _fork(self) -> int:
        """The child's pid, and in the child 0."""
        import select

        from procession.linux.pidfd import open_pidfd

        pid = os.fork()
        if pid:
            pidfd = open_pidfd(pid)
            self._children.add(pidfd)
            self._loop.watch(pidfd, select.POLLIN, lambda _: self._child_ended(pidfd))
        return pid

    def _child_ended(self, pidfd: int) -> None:
        from procession.linux.pidfd import reap

        reap(pidfd)
        self._loop.forget(pidfd)
        self._children.discard(pidfd)
        os.close(pidfd)

    def _forget_all(self, keep: tuple[int, ...]) -> None:
        """In a child: every descriptor of the nursery but these goes."""
        import signal

        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        low = 3
        for fd in sorted(keep):
            os.closerange(low, fd)
            low = fd + 1
        os.closerange(low, _FD_MOST)

    def _die(self) -> None:
        import traceback

        traceback.print_exc()
        os._exit(1)
