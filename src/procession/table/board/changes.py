"""What a key does to the view: (view) -> view, by the name of the key's act."""

from __future__ import annotations

from procession.records import replace
from procession.table.board.columns import COLUMNS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from procession.table.board.board import Key, View

_UNITS = "kmg"


def sorted_by(view: View, name: str) -> View:
    """By that column, in its own direction; the other way round when it is sorted by it already."""
    if name == view.sort and not view.tree:
        return replace(view, flipped=not view.flipped)
    return replace(view, sort=name, flipped=False, tree=False)


def folded(view: View, key: Key) -> View:
    """What is below a row hidden, or shown again."""
    return replace(view, folded=view.folded ^ {key})


def with_columns(view: View, names: tuple[str, ...]) -> View:
    """These, the one without a width last; no change when none is left."""
    if not names:
        return view
    wide = [name for name in names if not COLUMNS[name].width]
    return replace(view, columns=(*(name for name in names if name not in wide), *wide))


def _next_column(step: int) -> Callable[[View], View]:
    def change(view: View) -> View:
        at = view.columns.index(view.sort) if view.sort in view.columns else -step
        return replace(view, sort=view.columns[(at + step) % len(view.columns)], flipped=False, tree=False)

    return change


def _style(view: View, **changes: object) -> View:
    return replace(view, style=replace(view.style, **changes))


def _plain(view: View) -> View:
    return replace(view, filter="", user=None, pids=())


def _sort(name: str) -> Callable[[View], View]:
    return lambda view: replace(view, sort=name, flipped=False, tree=False)


CHANGES: dict[str, Callable[[View], View]] = {
    "by_cpu": _sort("cpu"),
    "by_mem": _sort("mem"),
    "by_time": _sort("time"),
    "by_pid": _sort("pid"),
    "flip": lambda view: replace(view, flipped=not view.flipped),
    "sort_left": _next_column(-1),
    "sort_right": _next_column(1),
    "tree": lambda view: replace(view, tree=not view.tree),
    "idle": lambda view: replace(view, idle=not view.idle),
    "kernel": lambda view: replace(view, kernel=not view.kernel),
    "threads": lambda view: replace(view, threads=not view.threads),
    "whole": lambda view: _style(view, whole=not view.style.whole),
    "per_core": lambda view: _style(view, per_core=not view.style.per_core),
    "unit": lambda view: _style(view, unit=_UNITS[(_UNITS.find(view.style.unit) + 1) % len(_UNITS)]),
    "release": _plain,
}


def left_out(view: View, user: str = "") -> str:
    """What the list does not show, in words; "" when it shows all."""
    words = []
    if view.filter:
        words.append(f"filter: {view.filter}")
    if view.user is not None:
        words.append(f"user: {user}")
    if view.pids:
        words.append(f"{len(view.pids)} pids only")
    if not view.idle:
        words.append("idle hidden")
    if not view.kernel:
        words.append("kernel threads hidden")
    return ", ".join(words)
