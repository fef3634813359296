"""``pn ps --watch``: the listing again and again, until Ctrl-C."""

from __future__ import annotations

import sys
import time

from procession.cells import cut
from procession.cli.ps_screen import room_and_rows
from procession.cli.ps_show import lines, listing
from procession.cli.screen import again_and_again, painted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procession.cli.ps_formats import Key
    from procession.cli.ps_request import Request
    from procession.table.layout import Slot


def watch(request: Request, slots: list[Slot], keys: list[Key]) -> int:
    """128 plus the number of the signal that ended it.  Into a pipe it writes one listing after the other."""
    seconds = request.watch or 2.0
    sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]

    def page(is_screen: bool) -> str:
        return _screen(request, slots, keys, seconds) if is_screen else _page(request, slots, keys)

    return again_and_again(page, seconds)


def _page(request: Request, slots: list[Slot], keys: list[Key]) -> str:
    room, rows = room_and_rows(request)
    return "\n".join([*lines(request, slots, listing(request, slots, keys), room, rows), "", ""])


def _screen(request: Request, slots: list[Slot], keys: list[Key], seconds: float) -> str:
    """As much as the terminal has rows for, and how much is missing."""
    from procession.cli.ps_colour import coloured

    room, rows = room_and_rows(request)
    found = listing(request, slots, keys)
    text = [cut(line, room) for line in lines(request, slots, found, room, rows)]
    shown = list(coloured(text, request, found))
    place = max(1, rows - 1)
    title = f"{time.strftime('%H:%M:%S')}  {len(found.rows)} shown, every {seconds:g} s, Ctrl-C ends"
    if len(shown) > place:
        title += f"; {len(shown) - place} more below"
    return painted([cut(title, room), *shown[:place]])
