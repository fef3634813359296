"""What a command prints, and what is typed into it: its terminal or its pipe, its log, and the modes of its screen."""

from __future__ import annotations

import os
import select
import time

from procession.jobs.log_read import LogReader
from procession.jobs.log_write import LogWriter
from procession.jobs.terminal_modes import Modes
from procession.linux import tty

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from procession.jobs.keeper_loop import Loop
    from procession.jobs.keeper_order import Order

_READ = 64 << 10
_TYPED_MAX = 64 << 10  # bytes that wait for a program that does not read
_REPLAY_MAX = 64 << 10  # bytes of the log that a new viewer is shown
_LEAVES = (b"\x1b[?1049l", b"\x1b[?1047l", b"\x1b[?47l")  # the alternate screen
_REPAINT = 0.05  # seconds between the two sizes that make a program paint its screen anew


class Output:
    """``stdin`` and ``stdout`` are for the command; ``show`` is called with all that it prints."""

    def __init__(self, order: Order, path: str, loop: Loop, show: Callable[[bytes], None]) -> None:
        self.pty = order.spec.pty
        self.modes = Modes()
        self._loop, self._show = loop, show
        self._typed = bytearray()
        self._text_from = 0  # an offset of the log
        self._fd = self.stdin = self.stdout = -1
        if self.pty:
            self._fd, slave = tty.open_terminal(order.spec.rows, order.spec.columns)
            self.stdin = self.stdout = slave
        else:
            self._fd, self.stdout = os.pipe2(os.O_CLOEXEC)
            self.stdin = os.open("/dev/null", os.O_RDONLY | os.O_CLOEXEC)
        os.set_blocking(self._fd, False)
        self.log = LogWriter(path, order.log_max, order.log_keep, order.log_age)

    def take_terminal(self) -> None:
        """The terminal becomes that of our session."""
        if self.pty:
            tty.take_terminal(self.stdin)

    def begun(self) -> None:
        """The command has its ends.  Ours of the terminal stays open: so there is no hang-up to be polled for while
        nobody has it open, and no moment in which output could be thrown away."""
        if not self.pty:
            os.close(self.stdin)
            os.close(self.stdout)
        self._loop.watch(self._fd, select.POLLIN, self._ready)

    def _ready(self, events: int) -> None:
        if events & select.POLLOUT:
            self._type_on()
        if events & ~select.POLLOUT:
            self._read()

    def _read(self) -> bool:
        """Take what there is; False: nothing was."""
        if self._fd < 0:
            return False
        try:
            data = os.read(self._fd, _READ)
        except BlockingIOError:
            return False
        except OSError:  # EIO: the other side of the terminal is closed
            data = b""
        if not data:
            self._close()
            return False
        self.log.write(data, time.time())
        if self.pty:
            self._watch_screen(data)
        self._show(data)
        return True

    def _watch_screen(self, data: bytes) -> None:
        """What was painted on the alternate screen is no text: a replay begins behind it."""
        full = self.modes.alternate
        self.modes.feed(data)
        left = max((data.rfind(word) + len(word) for word in _LEAVES if word in data), default=0)
        if (full or left) and not self.modes.alternate:
            self._text_from = max(self.log.offset - len(data) + left, 0)

    def drain(self) -> None:
        """All that is still under way.  A read looks once more for what the kernel has not passed on yet before it says
        that there is nothing (n_tty_read, drivers/tty/n_tty.c), so nothing of a dead process can be missed."""
        while self._read():
            pass

    def close(self) -> None:
        self._close()
        if self.pty:
            os.close(self.stdin)
        self.log.close(time.time())

    def _close(self) -> None:
        if self._fd >= 0:
            self._loop.forget(self._fd)
            os.close(self._fd)
            self._fd = -1

    def type(self, data: bytes) -> bool:
        """Into the terminal; False: there is none, or it has more than enough that nobody reads."""
        if not self.pty or self._fd < 0 or len(self._typed) + len(data) > _TYPED_MAX:
            return False
        self._typed += data
        self._type_on()
        return True

    def _type_on(self) -> None:
        try:
            while self._typed:
                del self._typed[: os.write(self._fd, self._typed)]
        except BlockingIOError:
            pass
        except OSError:
            self._typed.clear()
        if self._fd >= 0:
            self._loop.watch(self._fd, select.POLLIN | (select.POLLOUT if self._typed else 0), self._ready)

    @property
    def foreground(self) -> int:
        """The process group that Ctrl-C would reach; 0: none."""
        return tty.foreground(self._fd) if self.pty and self._fd >= 0 else 0

    def resize(self, rows: int, columns: int) -> bool:
        """Of the terminal: True if that changed anything."""
        if not self.pty or self._fd < 0 or tty.size_of(self._fd) == (rows, columns):
            return False
        tty.set_size(self._fd, rows, columns)
        self._loop.cancel("repaint")
        return True

    def repaint(self) -> None:
        """Make a full-screen program paint all of it: programs do when the size changes, and for an instant it does."""
        if not self.pty or self._fd < 0 or self._loop.left("repaint") is not None:
            return
        rows, columns = tty.size_of(self._fd)
        tty.set_size(self._fd, rows - 1 or 2, columns)
        self._loop.after(_REPAINT, "repaint", lambda: self._back_to(rows, columns))

    def _back_to(self, rows: int, columns: int) -> None:
        if self._fd >= 0:
            tty.set_size(self._fd, rows, columns)

    def replay(self) -> bytes:
        """What a new viewer has to see first.  A full-screen program is asked to paint besides (``repaint``); of
        others it is the end of the log."""
        if self.modes.alternate:
            return self.modes.restore()
        rows = tty.size_of(self._fd)[0] if self.pty and self._fd >= 0 else 24
        with LogReader(self.log.path) as reader:
            start = max(reader.last_lines(rows - 1, _REPLAY_MAX), self._text_from)
            return self.modes.restore() + b"".join(reader.pieces(start))
