"""The account of one task, and the gauges of a copy worker."""

from __future__ import annotations

from procession.copying.messages import Failure, Tally

ENTRIES, BYTES, SKIPPED_BYTES, FAILED = 0, 1, 2, 3  # the gauges of a copy worker
GAUGES = 4


class Account:
    """What one task has done so far; becomes its Tally."""

    __slots__ = ("bytes", "failures", "files", "folders", "links", "skipped", "skipped_bytes", "specials")

    def __init__(self) -> None:
        self.files = self.links = self.specials = self.folders = 0
        self.bytes = self.skipped = self.skipped_bytes = 0
        self.failures: list[Failure] = []

    def tally(self) -> Tally:
        """The account, closed."""
        return Tally(
            self.files,
            self.links,
            self.specials,
            self.folders,
            self.bytes,
            self.skipped,
            self.skipped_bytes,
            tuple(self.failures),
        )
