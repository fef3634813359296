"""What a copy bench found out, as records that can be stored and read back."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from bench.copy.listing import Totals
from bench.copy.verify import SAME
from bench.kit.stats import Summary, summarise


@dataclass(frozen=True)
class Measured:
    """One tool on one data set in one place; the lists hold the counted runs in their order."""

    tool: str
    seconds: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    synced: list[float] = field(default_factory=list)
    max_rss: int = 0
    floor_rss: int = 0
    copy: str = SAME
    lossy: bool = False
    failure: str = ""

    @property
    def whole(self) -> bool:
        """True if there is a time, and the copy it stands for lost no data."""
        return bool(self.seconds) and not self.failure and not self.lossy

    @property
    def time(self) -> Summary:
        """The wall clock, summarised."""
        return summarise(self.seconds)


@dataclass(frozen=True)
class Cell:
    """One data set in one place: its tools, or why it was left out."""

    place: str
    system: str
    dataset: str
    scale: float
    totals: Totals | None = None
    measured: tuple[Measured, ...] = ()
    skipped: str = ""

    @property
    def key(self) -> tuple[str, str]:
        """Cells of one key replace one another."""
        return self.place, self.dataset


@dataclass(frozen=True)
class Session:
    """One call of the bench, whole enough to write its section again."""

    date: str
    command: str
    machine: str
    tools: tuple[str, ...]
    missing: tuple[str, ...]
    runs: int
    cells: tuple[Cell, ...]


def joined(earlier: Iterable[Cell], later: Iterable[Cell]) -> tuple[Cell, ...]:
    """The cells of both, in order of place; a later cell replaces the earlier one of its key."""
    cells = {cell.key: cell for cell in [*earlier, *later]}
    places = list(dict.fromkeys(place for place, _ in cells))
    return tuple(sorted(cells.values(), key=lambda cell: places.index(cell.place)))


def store(file: Path, session: Session) -> None:
    """Write the raw figures, with the medians for readers without a calculator."""
    facts = asdict(session)
    for cell in facts["cells"]:
        for one in cell["measured"]:
            one["seconds"] = [round(value, 5) for value in one["seconds"]]
            one["synced"] = [round(value, 5) for value in one["synced"]]
            one["cpu"] = [round(value, 3) for value in one["cpu"]]
            one["median"] = summarise(one["seconds"]).median if one["seconds"] else None
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(facts, indent=1) + "\n")


def load(file: Path) -> Session:
    """Read what ``store`` wrote."""
    facts: dict[str, Any] = json.loads(file.read_text())
    cells = tuple(_cell(cell) for cell in facts.pop("cells"))
    tools, missing = tuple(facts.pop("tools")), tuple(facts.pop("missing"))
    return Session(**facts, tools=tools, missing=missing, cells=cells)


def _cell(facts: dict[str, Any]) -> Cell:
    totals = facts.pop("totals")
    measured = facts.pop("measured")
    for one in measured:
        one.pop("median", None)
    return Cell(
        **facts,
        totals=Totals(**totals) if totals else None,
        measured=tuple(Measured(**one) for one in measured),
    )
