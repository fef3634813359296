"""Medians and ratios: the only figures that a table may judge by."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Summary:
    """Several runs of the same thing."""

    count: int
    median: float
    minimum: float
    iqr: float


def summarise(values: Sequence[float]) -> Summary:
    """Median, minimum and interquartile range (quartiles between the runs, inclusive method)."""
    if not values:
        raise ValueError("no run to summarise")
    if len(values) == 1:
        return Summary(1, values[0], values[0], 0.0)
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    return Summary(len(values), middle, min(values), high - low)


def ratio(theirs: float, ours: float) -> float:
    """How many times faster ours is: above 1 we win."""
    if ours <= 0:
        raise ValueError(f"a time of {ours} s cannot be compared")
    return theirs / ours


def slope(points: Sequence[tuple[float, float]]) -> float:
    """The least-squares slope through (x, y) points: what one more x costs."""
    return statistics.linear_regression([x for x, _ in points], [y for _, y in points]).slope
