"""The other screen of a terminal, so that what was there comes back, painted anew again and again (xterm's ctlseqs)."""

from __future__ import annotations

import select
import sys

from procession.cli.interrupts import Interrupts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

# The cursor would flicker.
ENTER, LEAVE = "\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l"
_HOME, _END_OF_LINE, _BELOW = "\x1b[H", "\x1b[K", "\x1b[J"


def painted(lines: Sequence[str]) -> str:
    """These lines from the top, and nothing else; there must not be more than there are rows."""
    return _HOME + f"{_END_OF_LINE}\r\n".join(lines) + _END_OF_LINE + _BELOW


def again_and_again(page: Callable[[bool], str], seconds: float) -> int:
    """Writes ``page(is it a screen)`` every so many seconds until Ctrl-C; into a pipe one after the other.

    Returns 128 plus the number of the signal that ended it."""
    is_screen = sys.stdout.isatty()
    interrupts = Interrupts()
    try:
        if is_screen:
            sys.stdout.write(ENTER)
        while not interrupts.take():
            sys.stdout.write(page(is_screen))
            sys.stdout.flush()
            select.select([interrupts], [], [], seconds)
    finally:
        interrupts.close()
        if is_screen:
            sys.stdout.write(LEAVE)
            sys.stdout.flush()
    return interrupts.exit_code
