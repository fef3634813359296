"""The loop of who is attached to a job: keys to its keeper, output to this terminal, until it ends or is left."""

from __future__ import annotations

import os
import select
import signal
import sys

from procession.cli import fg_keys
from procession.cli.fg_terminal import window
from procession.jobs.log_read import LogReader
from procession.jobs.outcome import Outcome
from procession.jobs.plain import to_record
from procession.jobs.wire import DATA, Frames, data_frame, json_frame, json_of
from procession.records import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    from typing import Any

    from procession.cli.fg_terminal import Keyboard
    from procession.cli.interrupts import Interrupts
    from procession.jobs.terminal_modes import Modes

_PIECE = 65536
_ENOUGH = 1 << 20  # bytes that the keeper has not taken yet: no more keys are read until it has
SIGNALS = (signal.SIGWINCH, signal.SIGCONT, signal.SIGTSTP)

# how it came to an end
ENDED, LEFT, SUSPENDED, SIGNALLED, LOST, REFUSED = (
    "ended",
    "left",
    "suspended",
    "signalled",
    "lost",
    "refused",
)


@record
class Parting:
    """Why the loop is over: ``how`` is one of the above; ``outcome`` of what ENDED, ``signal`` of what SIGNALLED us.
    ``begun``: we were attached, and have seen what there was to be seen."""

    how: str
    outcome: Outcome | None = None
    signal: int = 0
    why: str = ""
    begun: bool = False


class Loop:
    """``line``: connected to the keeper.  ``write``: keys go to the job, if nobody else's do; else it is only watched.
    ``wake``: a job that is suspended is continued.  ``log``: of its run, which is shown from its first byte on; "":
    only what the keeper shows to somebody who comes later."""

    def __init__(
        self, line: socket.socket, keyboard: Keyboard, interrupts: Interrupts, modes: Modes,
        *, write: bool, wake: bool, log: str = "",
    ) -> None:  # fmt: skip
        self._line = line
        self._keyboard = keyboard
        self._interrupts = interrupts
        self._modes = modes
        self._asked = write  # somebody who may write is here
        self._wake = wake
        self._log = log
        self._writes = False  # the keeper has agreed
        self._through = False
        self._attached_once = False
        self._frames = Frames()
        self._out = bytearray()
        self._parting: Parting | None = None

    def run(self) -> Parting:
        """Until there is a reason to part.  The terminal is left as it is: the caller puts it right."""
        rows, columns = window()
        self._line.setblocking(False)
        with_keys = self._asked and self._keyboard.is_terminal
        self._say(do="attach", rows=rows, columns=columns, write=with_keys, replay=not self._log)
        while self._parting is None:
            self._turn()
        return self._parting

    def _turn(self) -> None:
        poller = select.poll()
        poller.register(self._line, select.POLLIN | (select.POLLOUT if self._out else 0))
        poller.register(self._interrupts, select.POLLIN)
        if self._keyboard.is_terminal and len(self._out) < _ENOUGH:
            poller.register(self._keyboard.fd, select.POLLIN)
        for fd, events in poller.poll():
            if fd == self._interrupts.fileno():
                for number in self._interrupts.numbers():
                    self._signalled(number)
            elif fd == self._line.fileno():
                if events & select.POLLOUT:
                    self._flush()
                if events & ~select.POLLOUT:
                    self._receive()
            else:
                self._typed()
            if self._parting is not None:
                return

    # ── from the keeper ───────────────────────────────────────────────────────────────────────────

    def _receive(self) -> None:
        try:
            piece = self._line.recv(_PIECE)
        except BlockingIOError:
            return
        except ConnectionError:
            piece = b""
        if not piece:
            self._parting = Parting(LOST, begun=self._attached_once)
            return
        for kind, body in self._frames.feed(piece):
            if kind == DATA:
                self._modes.feed(body)
                self._show(body)
            else:
                self._told(json_of(body))
            if self._parting is not None:
                return

    def _told(self, message: dict[str, Any]) -> None:
        event = message.get("event")
        if event == "attached":
            self._attached(message)
        elif event == "ended":
            self._parting = Parting(ENDED, to_record(Outcome, message.get("outcome"), "outcome"))
        elif event == "suspended" and self._asked:
            self._parting = Parting(SUSPENDED, why=str(message.get("why", "")))
        elif event == "error":
            self._parting = Parting(REFUSED, why=str(message.get("why", "")))

    def _attached(self, message: dict[str, Any]) -> None:
        self._attached_once = True
        self._writes = bool(message.get("write"))
        self._through = bool(message.get("pty")) and self._writes
        if message.get("why") and message.get("pty"):
            sys.stderr.write(f"{message['why']}; Ctrl-\\ leaves\r\n")
            sys.stderr.flush()
        self._keyboard.take(through=bool(message.get("pty")))
        if self._wake:
            self._say(do="cont")
        if self._log:
            with LogReader(self._log) as reader:
                for piece in reader.pieces(0, int(message.get("log", 0))):
                    self._modes.feed(piece)
                    self._show(piece)

    def _show(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            try:
                view = view[os.write(1, view) :]
            except BlockingIOError:  # somebody has left our terminal in that mode
                select.select([], [1], [])
            except OSError:  # EIO: it is gone; EPIPE: whoever reads us is
                self._parting = Parting(SIGNALLED, signal=signal.SIGHUP)
                return

    # ── to the keeper ─────────────────────────────────────────────────────────────────────────────

    def _typed(self) -> None:
        try:
            data = os.read(self._keyboard.fd, 4096)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:  # the terminal has hung up
            self._parting = Parting(SIGNALLED, signal=signal.SIGHUP)
            return
        for act, keys in fg_keys.acts_of(data, through=self._through):
            self._act(act, keys)

    def _act(self, act: str, keys: bytes) -> None:
        if act == fg_keys.SEND:
            self._send(data_frame(keys))
        elif act == fg_keys.DETACH or not self._asked:
            self._parting = Parting(LEFT)
        elif act == fg_keys.INTERRUPT:
            self._say(do="signal", signal=int(signal.SIGINT), tree=False)
        else:
            self._say(do="stop")

    def _signalled(self, number: int) -> None:
        if number == signal.SIGWINCH:
            self._resize()
        elif number == signal.SIGCONT:
            self._keyboard.again()
            self._resize()
            self._say(do="redraw")
        elif number == signal.SIGTSTP:
            self._rest()
        elif number == signal.SIGINT and self._asked:
            self._say(
                do="signal", signal=int(signal.SIGINT), tree=False
            )  # kill -INT, or Ctrl-C without raw keys
        else:
            self._parting = Parting(SIGNALLED, signal=number)

    def _rest(self) -> None:
        """Somebody stops us, not the job: with the terminal in order.  SIGCONT brings it back."""
        self._show(self._modes.reset())
        self._keyboard.give_back()
        os.kill(os.getpid(), signal.SIGSTOP)

    def _resize(self) -> None:
        if self._writes:
            rows, columns = window()
            self._say(do="size", rows=rows, columns=columns)

    def _say(self, **message: object) -> None:
        self._send(json_frame(message))

    def _send(self, frame: bytes) -> None:
        self._out += frame
        self._flush()

    def _flush(self) -> None:
        try:
            sent = self._line.send(self._out)
        except BlockingIOError:
            return
        except ConnectionError:
            return  # what it still had to say, how the job ended, is read before the end of file
        del self._out[:sent]
