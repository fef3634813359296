"""The tabs beside the processes: a name and what makes its lines.  A further kind of thing is a further line here."""

from __future__ import annotations

from procession.table.board import pools

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from procession.table.meters import Line


def _pools(width: int) -> list[Line]:
    return pools.pool_lines(pools.read(), width)


TABS: tuple[tuple[str, Callable[[int], list[Line]]], ...] = (("Pools", _pools),)
