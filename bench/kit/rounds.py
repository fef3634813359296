"""Alternation: every contestant once a round, each round begun by the next one.

A machine drifts (heat, a neighbour, the page cache): runs done back to back charge the drift to whoever
came last.  Alternating spreads it over all, and rotating the order spreads also what a contestant
inherits from the one before it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")

WARM_UP = 0


def rotated(items: Sequence[T], number: int) -> list[T]:
    """The items in the order of round ``number``."""
    start = number % len(items) if items else 0
    return [*items[start:], *items[:start]]


def rounds(runs: int) -> Iterator[int]:
    """Round numbers: the warm-up round, which is not counted, then ``runs`` counted ones."""
    yield from range(WARM_UP, runs + 1)
