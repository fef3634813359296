"""Rows of text: cells of columns side by side, as ps sets them.

A cell that is too long for its column pushes the ones behind it to the right, and these give back what padding they
have until the columns stand where they should again.  Nearly always every cell fits; then one ``%`` does the row.
"""

from __future__ import annotations

from procession.cells import cells, cut
from procession.records import record
from procession.table.columns.base import FILLER, KERNEL, NAME, PROCESS, RIGHT, SIGNALS, THREAD, WIDE, Column

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from procession.table.columns.base import Text, View
    from procession.table.record import ProcessRecord

UNLIMITED = 1 << 17  # cells: what a line may have where nobody looks at a screen
_WIDEST_GAP = 144
_LAST = 3  # cells that the last column is given at least
_WIDE_SIGNALS = 16


@record
class Slot:
    """A column as it was asked for: perhaps under another heading, in another width.  Without a column: text that
    stands between two of them.  ``blank``: a dash, since this kind of line has no such value."""

    column: Column | None
    heading: str
    width: int
    blank: bool = False

    @property
    def align(self) -> str:
        return self.column.align if self.column is not None else FILLER


class Layout:
    """Makes rows.  ``room``: cells of the screen; a row that needs more takes whole lines of it."""

    def __init__(self, slots: list[Slot], view: View, room: int = UNLIMITED) -> None:
        self.slots = slots
        self._room, view.wide_signals = _measure(slots, room)
        self._numeric = view.numeric
        self._wide_signals = view.wide_signals
        self._texts = [_text(slot, view) for slot in slots]
        self._numbers = [_number(slot, view) for slot in slots]
        self._trees = [at for at, slot in enumerate(slots) if slot.column is not None and slot.column.tree]
        self._cut = [(at, slot.width) for at, slot in enumerate(slots[:-1]) if self._is_cut(slot)]
        self._last_is_cut = self._is_cut(slots[-1])
        self._format, self._before_last = self._simple_format()

    def header(self) -> str:
        """The headings, set like a row; "" when all are empty."""
        if not any(slot.heading for slot in self.slots if slot.column is not None):
            return ""
        return self._set([slot.heading for slot in self.slots], None)

    def row(self, record: ProcessRecord, branch: str = "") -> str:
        """Without an end of line.  ``branch``: what a forest has in front of a command."""
        found = [text(record) for text in self._texts]
        if branch:
            for at in self._trees:
                found[at] = branch + found[at]
        for at, width in self._cut:
            if len(found[at]) > width or not found[at].isascii():
                found[at] = self._shortened(at, found[at], width, record)
        if self._format:
            line = self._format % tuple(found)
            if line.isascii():
                last = len(found[-1])
                if len(line) - last == self._before_last and (
                    len(line) <= self._room or not self._last_is_cut
                ):
                    return line
                if self._last_is_cut and len(line) - last == self._before_last:
                    room = self._room - self._before_last
                    return line[: self._before_last] + self._shortened(-1, found[-1], room, record)
        return self._set(found, record)

    def _simple_format(self) -> tuple[str, int]:
        """For rows in which each cell fits, and the cells in front of the last one; "" when it cannot be told."""
        parts: list[str] = []
        before = 0
        for at, slot in enumerate(self.slots):
            if slot.column is None:
                parts.append(slot.heading.replace("%", "%%") + "%s")  # the cell of a filler is empty here
                before += len(slot.heading)
                continue
            pad, advance = self._pad(slot), self._advance(slot)
            if at == len(self.slots) - 1:
                if self._is_right(slot):
                    return "", 0
                parts.append("%s")
                break
            if pad > advance:
                return "", 0
            parts.append(f"%{'' if self._is_right(slot) else '-'}{pad}s{' ' * (advance - pad)}")
            before += advance
            if self.slots[at + 1].column is not None:
                parts.append(" ")
                before += 1
        return "".join(parts), before

    def _set(self, found: list[str], record: ProcessRecord | None) -> str:
        """Any row.  ``actual``: where the line ends so far; ``due``: where it would end if all cells had fit."""
        parts: list[str] = []
        actual = due = gap = 0
        for at, slot in enumerate(self.slots):
            text = found[at] if slot.column is not None else slot.heading
            is_last = at == len(self.slots) - 1
            if is_last and record is not None and self._last_is_cut:
                missing = due - actual
                room = self._room - (actual + gap if missing < 1 else max(due, actual))
                text = self._shortened(at, text, max(0, min(room, UNLIMITED - 1)), record)
            taken = cells(text)
            space = due - actual + (max(0, self._pad(slot) - taken) if self._is_right(slot) else 0)
            space = min(space if space >= 1 else gap, _WIDEST_GAP)
            parts.append(" " * space + text)
            if is_last:
                break
            actual += space + taken
            due += self._advance(slot)
            gap = 1 if slot.column is not None and self.slots[at + 1].column is not None else 0
            due += gap
        return "".join(parts)

    def _shortened(self, at: int, text: str, room: int, record: ProcessRecord) -> str:
        if self.slots[at].align != NAME:
            return cut(text, room)
        if cells(text) <= room:
            return text
        kept = text[: max(0, room - 1)]
        number = self._numbers[at]
        # In the midst of a wide character there is no place for the +.
        return kept + "+" if kept.isascii() or number is None else number(record)

    def _is_cut(self, slot: Slot) -> bool:
        return slot.align in (WIDE, KERNEL) or (slot.align == NAME and not self._numeric)

    def _is_right(self, slot: Slot) -> bool:
        return slot.align in (RIGHT, SIGNALS) or (slot.align in (NAME, KERNEL) and self._numeric)

    def _pad(self, slot: Slot) -> int:
        if slot.align == SIGNALS:
            return _WIDE_SIGNALS if self._wide_signals else 9
        return slot.width

    def _advance(self, slot: Slot) -> int:
        return slot.width + (7 if slot.align == SIGNALS and self._wide_signals else 0)


def for_processes(slots: Iterable[Slot]) -> list[Slot]:
    """The lines of processes in a listing that has threads, too."""
    return [_hidden(slot, THREAD) for slot in slots]


def for_threads(slots: Iterable[Slot]) -> list[Slot]:
    """Those of threads."""
    return [_hidden(slot, PROCESS) for slot in slots]


def _hidden(slot: Slot, shown: str) -> Slot:
    if slot.column is None or slot.column.shown != shown:
        return slot
    return Slot(slot.column, slot.heading, slot.width, blank=True)


def _text(slot: Slot, view: View) -> Text:
    if slot.column is None:
        return _nothing
    return _dash if slot.blank else slot.column.text(view)


def _nothing(_: ProcessRecord) -> str:
    return ""


def _dash(_: ProcessRecord) -> str:
    return "-"


def _number(slot: Slot, view: View) -> Text | None:
    column = slot.column
    return column.fallback(view) if column is not None and column.fallback is not None else None


def _measure(slots: list[Slot], room: int) -> tuple[int, bool]:
    """The cells of as many lines of the screen as a row needs, and whether wide masks of signals fit into them."""
    total = signals = 0
    after_column = False
    for at, slot in enumerate(slots):
        is_last = at == len(slots) - 1
        total += _LAST if slot.align == WIDE and is_last and slot.column is not None else slot.width
        if slot.column is not None and after_column:
            total += 1
        after_column = slot.column is not None
        signals += slot.align == SIGNALS
    lines = min(-(-total // room), max(1, -(-(UNLIMITED // 2) // room)))
    return room * max(1, lines), total + 7 * signals <= room * max(1, lines)
