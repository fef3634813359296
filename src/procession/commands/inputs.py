"""Where inputs come from: the words behind COMMAND, or the lines of standard input or a file.

A stream is read only as far as there is room (``READ_AHEAD``), so an endless one costs no memory.
"""

from __future__ import annotations

import os
from collections import deque

from procession.commands.templates import has_place, is_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

READ_AHEAD = 1 << 20  # bytes of inputs that wait; enough to know the total of most lists
INPUT_MAX = 128 * 1024  # bytes; the kernel takes no longer word (execve(2), MAX_ARG_STRLEN)
_PIECE = 1 << 16


def split_words(words: Sequence[str], *, listed: bool) -> tuple[list[str], list[str] | None]:
    """COMMAND and the inputs among the words; None: they are to be read.  ``listed``: a file was named.

    Behind ``:::`` all are inputs.  Without it COMMAND is the first word and the inputs follow, unless a
    place for the input stands further behind: then all words are COMMAND.  Raises ValueError.
    """
    if ":::" in words:
        at = words.index(":::")
        command, given = list(words[:at]), list(words[at + 1 :])
        if ":::" in given:
            raise ValueError("there is more than one ':::': give one list of inputs")
        if listed:
            raise ValueError("inputs behind ':::' and --arg-file: give one of them")
    elif listed or (words and not is_line(words[0]) and any(map(has_place, words[1:]))):
        command, given = list(words), []
        return _checked(command), None
    else:
        command, given = list(words[:1]), list(words[1:])
        dashed = next((word for word in given if word.startswith("-")), None)
        if dashed is not None:
            # Far more often an option of COMMAND, or of ours behind it, than the name of a file.
            raise ValueError(f"is {dashed!r} an input? Then write ':::' before the inputs; see --help")
        return _checked(command), given or None
    return _checked(command), given


def _checked(command: list[str]) -> list[str]:
    if not command or not command[0].strip():
        raise ValueError("COMMAND is missing: pn map COMMAND INPUT..., or ... | pn map COMMAND")
    return command


class InputTooLong(ValueError):
    """No program can be given an input of that length."""


class Splitter:
    """Bytes in pieces of any size; inputs out.  Empty lines count only when zero bytes separate."""

    def __init__(self, *, zero: bool) -> None:
        self._separator = b"\0" if zero else b"\n"
        self._empty_too = zero
        self._rest = bytearray()

    def feed(self, data: bytes) -> list[str]:
        """The inputs that have become complete.  Raises InputTooLong."""
        *whole, rest = data.split(self._separator)
        if whole:
            whole[0] = bytes(self._rest) + whole[0]
            self._rest.clear()
        self._rest += rest
        if len(self._rest) >= INPUT_MAX:
            raise InputTooLong(
                f"an input of more than {INPUT_MAX:,} bytes, beginning with {bytes(self._rest[:40])!r}: "
                "are the inputs separated otherwise (-0)?"
            )
        return self._inputs(whole)

    def end(self) -> list[str]:
        """What stood behind the last separator."""
        rest = bytes(self._rest)
        self._rest.clear()
        return self._inputs([rest] if rest else [])

    def _inputs(self, whole: list[bytes]) -> list[str]:
        return [os.fsdecode(item) for item in whole if item or self._empty_too]


class Source:
    """Inputs in groups of ``per``, from a list or, piece by piece, from a descriptor."""

    def __init__(self, given: list[str] | None, fd: int = -1, *, zero: bool = False, per: int = 1) -> None:
        self._waiting = deque(given or ())
        self._waiting_bytes = 0
        self._splitter = Splitter(zero=zero)
        self._fd = fd if given is None else -1
        self._per = per
        self._taken = 0
        #: why reading ended before its end, in words
        self.trouble = ""

    @property
    def wanted_fd(self) -> int:
        """The descriptor to wait for; -1: nothing more is to be read, at the moment or at all."""
        return self._fd if self._waiting_bytes < READ_AHEAD else -1

    @property
    def total(self) -> int | None:
        """The number of groups, once it is known."""
        return None if self._fd >= 0 else self._taken + -(-len(self._waiting) // self._per)

    @property
    def over(self) -> bool:
        """Is there nothing left to take, now or later?"""
        return self._fd < 0 and not self._waiting

    def read(self) -> None:
        """Take in what the descriptor has; blocks when it has nothing."""
        try:
            data = os.read(self._fd, _PIECE)
            inputs = self._splitter.feed(data) if data else self._splitter.end()
        except (InputTooLong, OSError) as error:
            self.trouble = str(error) if isinstance(error, InputTooLong) else error.strerror or str(error)
            self.close()
            return
        if not data:
            self.close()
        self._waiting.extend(inputs)
        self._waiting_bytes += sum(map(len, inputs)) + len(inputs)

    def take(self) -> tuple[str, ...] | None:
        """The next group; None when there is none, yet (``total`` is None) or any more."""
        if not self._waiting or (self._fd >= 0 and len(self._waiting) < self._per):
            return None  # a stream may yet fill the group
        count = min(self._per, len(self._waiting))
        group = tuple(self._waiting.popleft() for _ in range(count))
        self._waiting_bytes -= sum(map(len, group)) + count
        self._taken += 1
        return group

    def close(self) -> None:
        """Read no more."""
        self._fd = -1
