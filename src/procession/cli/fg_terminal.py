"""The terminal of who is attached: raw while a job has it, and as it was in every case."""

from __future__ import annotations

import os
import termios

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_IFLAG, _OFLAG, _CFLAG, _LFLAG, _CC = 0, 1, 2, 3, 6  # termios.tcgetattr


class Keyboard:
    """A terminal by descriptor; one that is no terminal has no keys, and nothing is changed."""

    def __init__(self, fd: int = 0) -> None:
        self.fd = fd
        self._saved: list[Any] | None = None
        self._through = False

    @property
    def is_terminal(self) -> bool:
        """Is it one?"""
        return os.isatty(self.fd)

    def take(self, *, through: bool) -> None:
        """Each key as it is typed, without echo; ``through``: what is written goes through unchanged, too."""
        if not self.is_terminal:
            return
        if self._saved is None:
            self._saved = termios.tcgetattr(self.fd)
        self._through = through
        # TCSADRAIN: what has been typed ahead is kept.
        termios.tcsetattr(self.fd, termios.TCSADRAIN, _raw(self._saved, through=through))

    def again(self) -> None:
        """After somebody has stopped and continued us: the shell has put its own modes there."""
        if self._saved is not None:
            self.take(through=self._through)

    def give_back(self) -> None:
        """As it was.  A terminal that is gone is no error."""
        if self._saved is not None:
            try:
                termios.tcsetattr(self.fd, termios.TCSADRAIN, self._saved)
            except termios.error:
                pass


def _raw(saved: list[Any], *, through: bool) -> list[Any]:
    """cfmakeraw(3); without ``through`` output is still processed, as lines of a pipe need it."""
    modes = [*saved[:_CC], list(saved[_CC])]
    modes[_IFLAG] &= ~(
        termios.IGNBRK | termios.BRKINT | termios.PARMRK | termios.ISTRIP | termios.INLCR | termios.IGNCR
        | termios.ICRNL | termios.IXON
    )  # fmt: skip
    modes[_LFLAG] &= ~(termios.ECHO | termios.ECHONL | termios.ICANON | termios.ISIG | termios.IEXTEN)
    modes[_CFLAG] = modes[_CFLAG] & ~(termios.CSIZE | termios.PARENB) | termios.CS8
    if through:
        modes[_OFLAG] &= ~termios.OPOST
    modes[_CC][termios.VMIN], modes[_CC][termios.VTIME] = 1, 0
    return modes


def window() -> tuple[int, int]:
    """(rows, columns) of the first of our streams that is a terminal; 24 by 80 where none is."""
    for fd in (0, 1, 2):
        try:
            columns, rows = os.get_terminal_size(fd)
        except OSError:
            continue
        if rows > 0 and columns > 0:
            return rows, columns
    return 24, 80
