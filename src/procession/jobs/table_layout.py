"""Rows of ``pn jobs``: cells side by side, cut so that a row fits into a line of the screen."""

from __future__ import annotations

from procession.cells import cells, cut

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from procession.jobs.job import Job
    from procession.jobs.table_columns import Column

_TITLE = 20  # cells that the last column keeps, if it needs them


class Layout:
    """Of rows by number: the job, its mark, ``columns``, the state, what it runs.  ``width``: cells of the screen; 0:
    no row is cut."""

    def __init__(self, columns: Sequence[Column], rows: Mapping[int, tuple[str, ...]], width: int) -> None:
        self._rows = rows
        headings = ("JOB", "", *(column.heading for column in columns), "STATE", "COMMAND")
        found = list(zip(headings, *rows.values(), strict=True))
        widths = [_width(values) for values in found]
        widths[1] = 1
        self._widths = self._fitted(widths, width)
        sides = ("", "-", *("" if column.right else "-" for column in columns), "-")
        cells_of = [f"%{side}{size}s" for side, size in zip(sides, self._widths, strict=False)]
        self._format = "  ".join((*cells_of, "%s")).replace("  ", " ", 1)
        self._fits = self._widths == widths and all(map(str.isascii, (*found[-2], *found[-1])))
        self.heading = self._set(headings)

    def _fitted(self, widths: list[int], room: int) -> list[int]:
        state, title = widths[-2:]
        if room:
            free = max(2, room - sum(widths[:-2]) - 2 * len(widths) + 3)
            state = min(state, max(free - min(title, _TITLE), free // 2, 1))
            title = min(title, max(1, free - state))
        return [*widths[:-2], state, title]

    def row(self, job: Job) -> str:
        """Of one of those jobs."""
        found = self._rows[job.id]
        return self._format % found if self._fits else self._set(found)

    def _set(self, found: tuple[str, ...]) -> str:
        *front, state, title = found
        wide, last = self._widths[-2:]
        state, title = _shortened(state, wide), _shortened(title, last)
        state += " " * (wide - cells(state))  # which % cannot do for wide characters
        return (self._format % (*front, state, title)).rstrip()


def _width(values: Sequence[str]) -> int:
    return max(map(len if all(map(str.isascii, values)) else cells, values))


def _shortened(text: str, room: int) -> str:
    if len(text) <= room and text.isascii():
        return text
    if cells(text) <= room:
        return text
    return cut(text, room) if room < 4 else cut(text, room - 3) + "..."
