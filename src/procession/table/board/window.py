"""What of a long list is in view, and where the cursor is: both stay with a process, not with a row number."""

from __future__ import annotations

from procession.records import record, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procession.table.board.board import Key, Listing


@record
class Window:
    """``top``: the first row in view, of ``height``.  ``cursor``: a row; ``key``: whose row that is.  ``held``: the
    user has gone to that process, so the cursor follows it; else it stays where it is (at first the top row)."""

    height: int = 1
    top: int = 0
    cursor: int = 0
    key: tuple[int, bytes] | None = None
    held: bool = False


def settled(window: Window, listing: Listing) -> Window:
    """After the list has changed: a held process keeps its line on the screen where the list's ends allow it.

    One that is gone leaves the cursor on the row that took its place.
    """
    count = len(listing.records)
    cursor, held = window.cursor, window.held
    if held and window.key is not None:
        found = _place(window.key, cursor, listing)
        if found >= 0:
            return _fitted(replace(window, top=window.top + found - cursor, cursor=found), listing)
        held = False
    return _fitted(replace(window, cursor=min(cursor, max(0, count - 1)), held=held), listing)


def moved(window: Window, listing: Listing, by: int) -> Window:
    """The cursor ``by`` rows down (negative: up)."""
    return at_row(window, listing, window.cursor + by)


def at_row(window: Window, listing: Listing, row: int) -> Window:
    """The cursor on a row; going there holds it, and the very first row lets go."""
    row = max(0, min(row, len(listing.records) - 1))
    return _fitted(replace(window, cursor=row, held=row > 0), listing)


def scrolled(window: Window, listing: Listing, by: int) -> Window:
    """The view ``by`` rows down; the cursor comes along only as far as it must to stay in view."""
    top = max(0, min(window.top + by, len(listing.records) - window.height))
    cursor = max(top, min(window.cursor, top + window.height - 1))
    return _fitted(replace(window, top=top, cursor=cursor, held=window.held or cursor > 0), listing)


def resized(window: Window, listing: Listing, height: int) -> Window:
    """Another number of rows in view."""
    return _fitted(replace(window, height=max(1, height)), listing)


def thumb(window: Window, count: int) -> tuple[int, int]:
    """First cell and length of the scroll bar's thumb on ``height`` cells; (0, 0) when all is in view."""
    height = window.height
    if count <= height:
        return 0, 0
    size = max(1, height * height // count)
    return round(window.top * (height - size) / (count - height)), size


def _place(key: Key, near: int, listing: Listing) -> int:
    records = listing.records
    if near < len(records) and (records[near].tid, records[near].fields[19]) == key:
        return near
    return listing.index(key)


def _fitted(window: Window, listing: Listing) -> Window:
    count, height = len(listing.records), window.height
    top = max(0, min(window.top, count - height))
    top = min(top, window.cursor)
    top = max(top, window.cursor - height + 1)
    key = None
    if count:
        one = listing.records[window.cursor]
        key = one.tid, one.fields[19]
    return replace(window, top=max(0, top), key=key)
