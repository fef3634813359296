from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from procession.copying.progress import FILE_COST, Progress


def progress(
    seconds: float = 1.0,
    done: tuple[int, int] = (0, 0),
    found: tuple[int, int] = (0, 0),
    *,
    skipped: tuple[int, int] = (0, 0),
    failed: int = 0,
    scanned: bool = True,
) -> Progress:
    """(entries, bytes) copied, found and skipped."""
    facts = {
        "seconds": seconds,
        "entries": done[0] + skipped[0],
        "bytes": done[1],
        "skipped_bytes": skipped[1],
        "failed": failed,
        "found_entries": found[0],
        "found_bytes": found[1],
        "scanned": scanned,
        "workers": (),
    }
    return Progress(**facts)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("look", "fraction", "rate"),
    [
        (progress(2.0, (0, 0), (0, 0)), 1.0, 0.0),  # an empty folder
        (progress(2.0, (0, 1000), (0, 4000)), 0.25, 500.0),
        (progress(2.0, (0, 1000), (0, 4000), scanned=False), None, 500.0),
        (progress(2.0, (1, 0), (4, 0)), 0.25, 0.0),  # empty files are work too
        (progress(2.0, (1, 0), (4, 0), failed=1), 0.5, 0.0),
        (progress(1.0, (0, 9000), (0, 4000)), 1.0, 9000.0),  # the tree has grown since it was counted
        (progress(0.0), 1.0, 0.0),
    ],
)
def test_fraction_and_rate(look: Progress, fraction: float | None, rate: float) -> None:
    assert look.fraction == (None if fraction is None else pytest.approx(fraction))
    assert look.rate == pytest.approx(rate)


def test_eta_of_a_steady_copy() -> None:
    half = progress(10.0, (0, 50_000_000), (0, 100_000_000))
    assert half.eta == pytest.approx(10.0)
    small = progress(10.0, (1000, 0), (4000, 0))
    assert small.eta == pytest.approx(30.0)


def test_there_is_no_guess_without_ground() -> None:
    assert progress(10.0, (0, 0), (5, 5000)).eta is None
    assert progress(0.0, (1, 1), (5, 5000)).eta is None


@given(
    copied=st.integers(1, 10**12),
    left=st.integers(0, 10**12),
    skipped=st.integers(0, 10**12),
    seconds=st.floats(0.1, 10**6),
)
def test_skipped_bytes_are_neither_speed_nor_rest(
    copied: int, left: int, skipped: int, seconds: float
) -> None:
    plain = progress(seconds, (0, copied), (0, copied + left))
    resumed = progress(seconds, (0, copied), (0, copied + left + skipped), skipped=(0, skipped))
    assert resumed.eta == pytest.approx(plain.eta)
    assert resumed.rate == plain.rate


@given(
    st.integers(0, 10**6),
    st.integers(0, 10**12),
    st.integers(0, 10**6),
    st.integers(0, 10**12),
    st.booleans(),
)
def test_fraction_and_eta_are_never_absurd(
    entries: int, size: int, found_entries: int, found_bytes: int, scanned: bool
) -> None:
    look = progress(3.0, (entries, size), (found_entries, found_bytes), scanned=scanned)
    assert look.fraction is None or 0 <= look.fraction <= 1
    assert (look.fraction is None) == (not scanned)
    assert look.eta is None or look.eta >= 0


def test_a_file_costs_as_much_as_its_share_of_bytes() -> None:
    files = progress(1.0, (10, 0), (20, 0))
    data = progress(1.0, (0, 10 * FILE_COST), (0, 20 * FILE_COST))
    assert files.eta == data.eta
    assert files.fraction == data.fraction
