"""How much room there is."""

from __future__ import annotations

import os

from procession.table.layout import UNLIMITED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procession.cli.ps_request import Request

_WIDE = 132


def room_and_rows(request: Request) -> tuple[int, int]:
    """Cells of a line and rows of the screen: of the options, else of COLUMNS and LINES, else of the terminal.
    Lines that no terminal shows are not cut."""
    columns, rows = _terminal()
    if not os.isatty(1):
        columns = UNLIMITED
    columns = request.columns or _number("COLUMNS") or columns
    if request.wide:
        columns = max(columns, _WIDE)
    if request.wide > 1:
        columns = UNLIMITED
    return columns, request.rows or _number("LINES") or rows


def _number(name: str) -> int | None:
    text = os.environ.get(name, "")
    return int(text) if text.isascii() and text.isdecimal() and 0 < int(text) < UNLIMITED else None


def _terminal() -> tuple[int, int]:
    for fd in (1, 2, 0):
        try:
            size = os.get_terminal_size(fd)
        except OSError:
            continue
        if size.columns > 0 and size.lines > 0:
            return size.columns, size.lines
    return 80, 24
