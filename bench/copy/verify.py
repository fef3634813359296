"""Is the copy the same tree?  The answer is given in words, for the table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.copy.listing import FILE, FOLDER, LINK, OTHER, Entry, Listing, scan
from bench.kit.units import counted

SAME = "same"
MISSING, EXTRA = "missing", "extra"
TYPE, CONTENT, TARGET = "type", "content", "target"
MODE, MTIME, OWNER = "mode", "mtime", "owner"

#: A copy with one of these is not a copy, and its time is not compared with anybody's.
LOSSES = frozenset({MISSING, EXTRA, TYPE, CONTENT, TARGET})

_ORDER = (MISSING, EXTRA, TYPE, CONTENT, TARGET, MODE, MTIME, OWNER)
_KINDS = (FILE, FOLDER, LINK, OTHER)


@dataclass(frozen=True)
class Difference:
    """One thing that is not as it was."""

    what: str
    kind: str
    path: bytes


def verify(truth: Listing, copy: Path) -> list[Difference]:
    """Read the copy, contents and all, and compare it with the listing of its source."""
    if not copy.is_dir():
        return [Difference(MISSING, entry.kind, path) for path, entry in truth.items()]
    return compare(truth, scan(copy, contents=True))


def compare(truth: Listing, copy: Listing) -> list[Difference]:
    """All differences, in the order of the paths."""
    found = []
    for path in sorted(truth.keys() | copy.keys()):
        old, new = truth.get(path), copy.get(path)
        if old is None:
            found.append(Difference(EXTRA, copy[path].kind, path))
        elif new is None:
            found.append(Difference(MISSING, old.kind, path))
        else:
            found += [Difference(what, old.kind, path) for what in _unlike(old, new)]
    return found


def words(differences: Sequence[Difference]) -> str:
    """``same``, or what differs: ``1 file missing; mtime of 5,200 folders differs``."""
    counts = Counter((difference.what, difference.kind) for difference in differences)
    phrases = [
        _phrase(what, kind, counts[what, kind]) for what in _ORDER for kind in _KINDS if counts[what, kind]
    ]
    return "; ".join(phrases) or SAME


def lossy(differences: Sequence[Difference]) -> bool:
    """True if data was lost or altered, not only metadata."""
    return any(difference.what in LOSSES for difference in differences)


def _unlike(old: Entry, new: Entry) -> Iterator[str]:
    if old.kind != new.kind:
        yield TYPE
        return
    if (old.size, old.content) != (new.size, new.content):
        yield TARGET if old.kind == LINK else CONTENT
    if old.mode != new.mode:
        yield MODE
    if old.mtime_ns != new.mtime_ns:
        yield MTIME
    if old.owner != new.owner:
        yield OWNER


def _phrase(what: str, kind: str, count: int) -> str:
    if what in (MISSING, EXTRA):
        return f"{counted(count, kind)} {what}"
    return f"{what} of {counted(count, kind)} differs"
