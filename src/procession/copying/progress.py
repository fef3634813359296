"""How far a copy is: exact figures so far, and an honest guess at the end."""

from __future__ import annotations

from procession.records import record

FILE_COST = 64 * 1024  # bytes that take about as long as the fixed work on one file


@record
class Worker:
    """What one worker is at: the path of an entry or folder, "" between two tasks."""

    pid: int
    entry: str


@record
class Progress:
    """One look at a running copy.

    ``entries`` and ``bytes`` are done (copied or skipped), ``failed`` is out of ``entries``;
    ``found_entries`` and ``found_bytes`` are what the scan has seen so far, the totals once it is
    ``scanned``.  Seconds since the start.
    """

    seconds: float
    entries: int
    bytes: int
    skipped_bytes: int
    failed: int
    found_entries: int
    found_bytes: int
    scanned: bool
    workers: tuple[Worker, ...]

    @property
    def rate(self) -> float:
        """Bytes copied a second, from the start."""
        return self.bytes / self.seconds if self.seconds > 0 else 0.0

    @property
    def fraction(self) -> float | None:
        """The share of the work that is done, 0 to 1; None while the scan has not ended."""
        if not self.scanned:
            return None
        total = _work(self.found_entries, self.found_bytes)
        done = _work(self.entries + self.failed, self.bytes + self.skipped_bytes)
        return min(1.0, done / total) if total else 1.0

    @property
    def eta(self) -> float | None:
        """Seconds to go, or None while there is no ground for a guess.

        While the scan runs it is a lower bound: what has been found and is not yet done.  Bytes that
        are skipped cost nothing, so they are left out of the speed and of the rest alike.
        """
        spent = _work(self.entries, self.bytes)
        if self.seconds <= 0 or not spent:
            return None
        left_bytes = max(0, self.found_bytes - self.bytes - self.skipped_bytes)
        left = _work(max(0, self.found_entries - self.entries - self.failed), left_bytes)
        return left * self.seconds / spent


def _work(entries: int, size: int) -> int:
    return size + FILE_COST * entries
