"""A row of the live list as pieces of text, each with the name of a style (those of ``meters.py``)."""

from __future__ import annotations

from procession.table.board.columns import COLUMNS, width_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procession.table.board.board import Listing, View
    from procession.table.board.frame import Frame
    from procession.table.meters import Line
    from procession.table.record import ProcessRecord

_STATES = {"R": "good", "D": "warn", "T": "warn", "t": "warn", "Z": "bad", "X": "bad"}
_QUIET = frozenset(("0.0", "0", "-", "?"))


def row_spans(
    one: ProcessRecord, frame: Frame, listing: Listing, view: View, *, tagged: bool = False, shift: int = 0
) -> Line:
    """``shift``: characters of the command that have moved out to the left."""
    line: Line = [("head" if tagged else "", "*" if tagged else " ")]
    for name in view.columns:
        text = COLUMNS[name].cell(one, frame, view.style)
        if name == "command":
            line += _command(one, text, listing, shift)
        else:
            line.append((_style(name, text.strip(), one), text))
        line.append(("", " "))
    return line[:-1]


def _style(name: str, text: str, one: ProcessRecord) -> str:
    if name == "state":
        return _STATES.get(text, "dim")
    if name == "cpu" and text not in _QUIET:
        return "good" if float(text) < 50 else "warn"
    if name in ("pr", "ni", "tty", "wchan", "cgroup", "virt", "shr"):
        return "dim" if text in ("20", *_QUIET) or name in ("virt", "shr") else ""
    return "dim" if text in _QUIET or one.is_kernel_thread else ""


def _command(one: ProcessRecord, text: str, listing: Listing, shift: int) -> Line:
    style = "bad" if one.fields[0] == b"Z" else "dim" if one.is_kernel_thread else ""
    branch = listing.branches.get(one.tid, "")
    hidden = listing.hidden.get(one.tid, 0)
    more = f" [+{hidden}]" if hidden else ""
    spans: Line = [("dim", branch), (style, text), ("head", more)]
    return spans if not shift else _shifted(spans, shift)


def _shifted(spans: Line, by: int) -> Line:
    kept: Line = []
    for style, text in spans:
        kept.append((style, text[by:]))
        by = max(0, by - len(text))
    return kept


def heading_spans(view: View) -> Line:
    """The names of the columns; that of the order is marked with its direction."""
    line: Line = [("heading", " ")]
    for name in view.columns:
        column = COLUMNS[name]
        width = width_of(column, view.style) or len(column.heading) + 2
        text = column.heading
        chosen = name == view.sort and not view.tree
        if chosen:
            arrow = "▼" if column.down != view.flipped else "▲"
            text = (arrow + text if column.right else text + arrow) if len(text) < width else text
        text = text.rjust(width) if column.right else text.ljust(width)
        line += [("chosen" if chosen else "heading", text), ("heading", " ")]
    return line


def column_at(view: View, x: int) -> str | None:
    """The column whose heading stands at a cell; None between two."""
    start = 1
    for name in view.columns:
        width = width_of(COLUMNS[name], view.style) or 1 << 16
        if start <= x < start + width:
            return name
        start += width + 1
    return None
