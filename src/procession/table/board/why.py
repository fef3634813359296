"""The page that says why: the explanations of ``pn explain``, of one process, refresh after refresh."""

from __future__ import annotations

import textwrap

from procession.table.explain.every import explain
from procession.table.explain.rings import ring_of
from procession.table.facts import facts_of
from procession.table.facts_rates import Reading, read_once
from procession.table.world import World

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procession.table.board.frame import Frame
    from procession.table.explain.finding import Finding
    from procession.table.meters import Line
    from procession.table.record import ProcessRecord

_STYLES = {"fine": "good", "note": "warn", "wrong": "bad"}
_SIGNS = {"fine": "  ", "note": "! ", "wrong": "✗ "}


class Why:
    """Keeps the reading of the last page: rates are since then.  The first page has none."""

    def __init__(self) -> None:
        self._before: Reading | None = None

    def page(self, one: ProcessRecord, frame: Frame, width: int) -> list[Line]:
        """Of a record in its frame."""
        world = World(frame.snapshot)
        process = frame.snapshot.by_pid.get(one.pid)
        if process is None:
            return [[("bad", " it has ended")]]
        reading = read_once(world, process)
        before = self._before if self._before is not None and self._before.taken < reading.taken else None
        findings = explain(facts_of(world, process, before, ring_of(world, process.pid)))
        self._before = reading
        lines = [line for finding in findings for line in [*_finding(finding, width), []]]
        refused = len(world.holders.refused)
        if refused:
            lines.append([("dim", f" {refused} processes are not ours to look into: root sees more")])
        return lines


def _finding(one: Finding, width: int) -> list[Line]:
    style = _STYLES[one.severity]
    lines = _wrapped(f"{_SIGNS[one.severity]}{one.headline}", style, 1, width)
    for words in one.why:
        lines += _wrapped(words, "", 5, width)
    for words in one.todo:
        lines += _wrapped(f"→ {words}", "label", 5, width)
    return lines


def _wrapped(words: str, style: str, indent: int, width: int) -> list[Line]:
    parts = textwrap.wrap(words, max(20, width - indent - 2), subsequent_indent="  ")
    return [[("", " " * indent), (style, part)] for part in parts]
