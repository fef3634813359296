"""What a copy has done, in figures."""

from __future__ import annotations

from procession.copying.messages import Failure, Tally
from procession.records import record


@record
class CopyReport:
    """The result of a copy.

    ``files``, ``links`` and ``specials`` (fifos, sockets, devices) were copied, ``bytes`` with them;
    ``folders`` are in place; ``skipped`` entries were whole at the target already
    (``skipped_bytes``); ``failed`` lists each path that was not copied with its cause;
    ``targets`` are the paths that were written to; ``interrupted`` tells that the copy was stopped
    before its end.
    """

    files: int
    folders: int
    links: int
    specials: int
    bytes: int
    skipped: int
    skipped_bytes: int
    failed: tuple[Failure, ...]
    seconds: float
    targets: tuple[str, ...]
    interrupted: bool = False

    @property
    def ok(self) -> bool:
        """True when all is copied."""
        return not self.failed and not self.interrupted


class Sums:
    """Running totals of all tallies; failures of one path count once."""

    __slots__ = ("_failed", "bytes", "files", "folders", "links", "skipped", "skipped_bytes", "specials")

    def __init__(self) -> None:
        self.files = self.links = self.specials = self.folders = 0
        self.bytes = self.skipped = self.skipped_bytes = 0
        self._failed: dict[str, str] = {}

    def add(self, tally: Tally) -> tuple[Failure, ...]:
        """Take a tally in; returns the failures that are new."""
        self.files += tally.files
        self.links += tally.links
        self.specials += tally.specials
        self.folders += tally.folders
        self.bytes += tally.bytes
        self.skipped += tally.skipped
        self.skipped_bytes += tally.skipped_bytes
        # A task that is done again after a worker's death may meet the same failure twice.
        new = tuple(failure for failure in tally.failures if failure.path not in self._failed)
        self._failed.update((failure.path, failure.cause) for failure in new)
        return new

    @property
    def failed(self) -> tuple[Failure, ...]:
        """All failures so far, by path."""
        return tuple(Failure(path, cause) for path, cause in sorted(self._failed.items()))

    def report(self, seconds: float, targets: tuple[str, ...], *, interrupted: bool) -> CopyReport:
        """The totals as a CopyReport."""
        return CopyReport(
            files=self.files,
            folders=self.folders,
            links=self.links,
            specials=self.specials,
            bytes=self.bytes,
            skipped=self.skipped,
            skipped_bytes=self.skipped_bytes,
            failed=self.failed,
            seconds=seconds,
            targets=targets,
            interrupted=interrupted,
        )
