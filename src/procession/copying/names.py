"""Copy the entries of one folder, name by name, and keep the account."""

from __future__ import annotations

import os
import stat

from procession.copying.account import BYTES, ENTRIES, FAILED, SKIPPED_BYTES
from procession.copying.entry import copy_file, copy_link, copy_special, whole_already
from procession.copying.messages import Failure
from procession.copying.swift import copy_plain_files
from procession.copying.words import Changed, cause_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from procession.copying.account import Account
    from procession.copying.entry import Place
    from procession.copying.job import Gauges, Job


class Entries:
    """Copies entries of one Place; the account and the worker's gauges follow."""

    __slots__ = ("_account", "_advance", "_gauges", "_job", "_note", "_place", "_shown")

    def __init__(self, job: Job, place: Place, account: Account, shown: str) -> None:
        self._job = job
        self._place = place
        self._account = account
        self._shown = shown
        self._gauges = job.gauges
        self._note = job.note
        self._advance = _adder(job.gauges)

    def swift(self, names: Sequence[str]) -> int:
        """Copy names from the front as long as they are plain small files; how many that were."""
        place = self._place
        if not place.fresh or place.clone or place.aspects.plain_owner is None:
            return 0
        if not self._job.desk.note_steps("\0".join(names).encode("utf-8", "surrogateescape")):
            return 0
        return copy_plain_files(place, names, self._account, self._gauges, self._job.desk.step)

    def file(self, name: str, new_name: str, *, defer: bool = False) -> int:
        """Copy what the folder's listing calls a file; returns its size when it is to be done later,
        else -1.  Failures go to the account."""
        self._note(name.encode("utf-8", "surrogateescape"))
        place = self._place
        try:
            if not place.fresh and self._skip(name, new_name):
                return -1
            size, copied = copy_file(place, name, new_name, self._advance, defer=defer)
        except (OSError, Changed) as error:
            self.fail(name, error)
            return -1
        if not copied:
            return size
        self._account.files += 1
        self._account.bytes += size
        self._gauges[ENTRIES] += 1
        return -1

    def other(self, name: str, new_name: str) -> int:
        """Copy an entry of any other kind than a folder; as ``file`` where it is a file by now."""
        self._note(name.encode("utf-8", "surrogateescape"))
        place = self._place
        try:
            found = os.stat(name, dir_fd=place.source, follow_symlinks=False)
            if stat.S_ISREG(found.st_mode):
                return self.file(name, new_name)
            if stat.S_ISDIR(found.st_mode):
                raise Changed("it became a folder while the copy ran")
            if not place.fresh and self._skip(name, new_name):
                return -1
            copy = copy_link if stat.S_ISLNK(found.st_mode) else copy_special
            copy(place, name, new_name, found)
        except (OSError, Changed) as error:
            self.fail(name, error)
            return -1
        self._count_other(found)
        self._gauges[ENTRIES] += 1
        return -1

    def fail(self, name: str, error: BaseException) -> None:
        """An entry could not be copied."""
        path = f"{self._shown}/{name}" if self._shown else name
        self._account.failures.append(Failure(path, cause_of(error)))
        self._gauges[FAILED] += 1

    def _skip(self, name: str, new_name: str) -> bool:
        """Is the entry whole at the target already?  Then it is counted."""
        place = self._place
        try:
            there = os.stat(new_name, dir_fd=place.target, follow_symlinks=False)
        except FileNotFoundError:
            return False
        found = os.stat(name, dir_fd=place.source, follow_symlinks=False)
        if not whole_already(place, name, new_name, found, there):
            return False
        size = found.st_size if stat.S_ISREG(found.st_mode) else 0
        if place.since is not None and there.st_ctime_ns >= place.since:
            # A worker of this very run copied it and died before it could say so.
            if stat.S_ISREG(found.st_mode):
                self._account.files += 1
                self._account.bytes += size
            else:
                self._count_other(found)
        else:
            self._account.skipped += 1
            self._account.skipped_bytes += size
            self._gauges[SKIPPED_BYTES] += size
        self._gauges[ENTRIES] += 1
        return True

    def _count_other(self, found: os.stat_result) -> None:
        if stat.S_ISLNK(found.st_mode):
            self._account.links += 1
        else:
            self._account.specials += 1


def _adder(gauges: Gauges) -> Callable[[int], None]:
    def advance(count: int) -> None:
        gauges[BYTES] += count

    return advance
