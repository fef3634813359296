"""``pn jobs --watch``: the table again and again, until Ctrl-C."""

from __future__ import annotations

import os
import time

from procession.cli.jobs import colours_wanted
from procession.cli.screen import again_and_again, painted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_EVERY = 1.0  # seconds: times pass in it


def watch(table: Callable[[int, bool], bytes]) -> int:
    """``table``: of a width, in colour or not.  128 plus the number of the signal that ended it.  Raises JobsError."""
    return again_and_again(lambda is_screen: _screen(table) if is_screen else _page(table), _EVERY)


def _page(table: Callable[[int, bool], bytes]) -> str:
    return table(0, False).decode("utf-8", "replace") + "\n"


def _screen(table: Callable[[int, bool], bytes]) -> str:
    columns, rows = os.get_terminal_size(1)
    lines = table(columns or 80, colours_wanted()).decode("utf-8", "replace").splitlines()
    place = max(1, rows - 1)
    title = f"{time.strftime('%H:%M:%S')}  Ctrl-C ends"
    if len(lines) > place:
        title += f"; {len(lines) - place} more below"
    return painted([title[: columns or 80], *lines[:place]])
