"""The other screen of a terminal, so that what was there comes back, painted anew again and again (xterm's ctlseqs)."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

# The cursor would flicker.
ENTER, LEAVE = "\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l"
_HOME, _END_OF_LINE, _BELOW = "\x1b[H", "\x1b[K", "\x1b[J"


def painted(lines: Sequence[str]) -> str:
    """These lines from the top, and nothing else; there must not be more than there are rows."""
    return _HOME + f"{_END_OF_LINE}\r\n".join(lines) + _END_OF_LINE + _BELOW
