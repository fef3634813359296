"""What the user chose for ``pn top`` and will find again: columns, order, delay.

A JSON file in the user's configuration folder.  One that cannot be read, or is not ours, counts as none: the
screen has to come up.
"""

from __future__ import annotations

import os

from procession.records import record
from procession.table.board.board import View
from procession.table.board.columns import CLASSIC, COLUMNS, Style

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_VERSION = 1
_SIZE = 1 << 16  # bytes; ours are below 1 KiB


@record
class Kept:
    """``delay``: seconds between refreshes.  ``cores``: a bar for each CPU.  ``graph``: the history graphs."""

    view: View = View()
    delay: float = 3.0
    cores: bool = False
    graph: bool = False


def path() -> str:
    """Of the file (XDG_CONFIG_HOME, else ~/.config)."""
    from platformdirs import user_config_dir

    return os.path.join(user_config_dir("procession", appauthor=False), "top.json")


def load(name: str | None = None) -> Kept:
    """What was kept, or the defaults."""
    import json

    try:
        with open(name or path(), encoding="utf-8") as file:
            return from_facts(json.loads(file.read(_SIZE)))
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return Kept(view=from_facts({"version": _VERSION}).view)


def save(kept: Kept, name: str | None = None) -> None:
    """Put it in the place of what was kept before.  Raises OSError."""
    import json

    target = name or path()
    os.makedirs(os.path.dirname(target), mode=0o700, exist_ok=True)
    temporary = f"{target}.{os.getpid()}.tmp"
    try:
        with open(temporary, "w", encoding="utf-8") as file:
            json.dump(to_facts(kept), file, indent=1)
        os.replace(temporary, target)
    except OSError:
        if os.path.exists(temporary):
            os.unlink(temporary)
        raise


def to_facts(kept: Kept) -> dict[str, Any]:
    """As it stands in the file.  What belongs to one look only (a filter, a user, folds) is not kept."""
    view = kept.view
    return {
        "version": _VERSION,
        "columns": list(view.columns),
        "sort": view.sort,
        "flipped": view.flipped,
        "tree": view.tree,
        "kernel": view.kernel,
        "whole": view.style.whole,
        "per_core": view.style.per_core,
        "unit": view.style.unit,
        "delay": kept.delay,
        "cores": kept.cores,
        "graph": kept.graph,
    }


def from_facts(facts: dict[str, Any]) -> Kept:
    """The same, from what anybody may have written.  Raises ValueError, TypeError, KeyError."""
    from procession.table.board.frame import pid_width

    if facts["version"] != _VERSION:
        raise ValueError(f"settings of version {facts['version']!r}")
    columns = tuple(name for name in facts.get("columns", CLASSIC) if name in COLUMNS)
    sort = facts.get("sort", "cpu")
    delay = float(facts.get("delay", 3.0))
    unit = str(facts.get("unit", "k"))
    style = Style(
        unit=unit if unit in ("k", "m", "g", "t", "p") else "k",
        per_core=bool(facts.get("per_core", True)),
        whole=bool(facts.get("whole", False)),
        pid=pid_width(),
    )
    view = View(
        columns=columns or CLASSIC,
        sort=sort if sort in COLUMNS else "cpu",
        flipped=bool(facts.get("flipped", False)),
        tree=bool(facts.get("tree", False)),
        kernel=bool(facts.get("kernel", True)),
        style=style,
    )
    return Kept(
        view=view,
        delay=delay if 0 < delay <= 1e6 else 3.0,
        cores=bool(facts.get("cores", False)),
        graph=bool(facts.get("graph", False)),
    )
