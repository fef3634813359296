"""What a column is, and what its cells may ask for.

::

    Column ─ text(view)  ─▶ record -> what ps prints in its cell, whole: the layout cuts and pads
           ─ value(view) ─▶ record -> the exact value for JSON: bytes, seconds, ISO 8601; also the sort key
                                     where ``sort`` is not given

A listing asks each of its columns for these two functions once and then calls them for every row.
"""

from __future__ import annotations

import os
import time

from procession.linux import procfs
from procession.records import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from procession.table.record import ProcessRecord
    from procession.table.roles import Provider, Roles
    from procession.table.snapshot import Snapshot

    Text = Callable[[ProcessRecord], str]
    Value = Callable[[ProcessRecord], Any]

# How a cell stands in its column, and what happens to one that is too long.
LEFT = "left"  # overflows, and pushes what follows
RIGHT = "right"
NAME = "name"  # of a user or group: cut, with a + for what is missing; right if numbers are wanted
WIDE = "wide"  # left, cut at the width; as the last column it takes the rest of the line
KERNEL = "kernel"  # cut at the width; right if numbers are wanted
SIGNALS = "signals"  # right, 16 characters where there is room for them, else 9
FILLER = "filler"  # no column at all but text between two of them (AIX formats)

# On which lines of a listing that has both processes and threads.
ALWAYS = "always"
PROCESS = "process"
THREAD = "thread"


@record
class Column:
    """``width``: in screen cells.  ``pid``: at least as wide as the largest pid of this machine.  ``standard``: of
    Unix98.  ``needs``: files of /proc/PID beside stat (``files.py``).  ``tree``: the branches of a forest stand in
    front of it.  ``size``: its value is a number of bytes, which people may want in short."""

    name: str
    heading: str
    width: int
    align: str
    text: Callable[[View], Text]
    value: Callable[[View], Value]
    needs: tuple[str, ...] = ()
    sort: Callable[[View], Value] | None = None
    shown: str = ALWAYS
    pid: bool = False
    standard: bool = False
    tree: bool = False
    size: bool = False
    fallback: Callable[[View], Text] | None = None

    def key(self, view: View) -> Value:
        """Sorts by it."""
        return (self.sort or self.value)(view)


class View:
    """One listing: its snapshot and what was asked for.  Facts of the machine are read when a column wants them."""

    def __init__(
        self,
        snapshot: Snapshot,
        *,
        numeric: bool = False,
        with_children: bool = False,
        true_name: bool = False,
        environment: bool = False,
        full: bool = False,
        human: bool = False,
        utf8: bool = True,
        date_format: str = "",
        providers: tuple[Provider, ...] = (),
    ) -> None:
        self.snapshot = snapshot
        self.numeric = numeric  # users, groups by number (n)
        self.with_children = (
            with_children  # CPU time and faults of children that have been waited for, too (S)
        )
        self.true_name = true_name  # no arguments (c)
        self.environment = environment  # behind the arguments (e)
        self.full = full  # arguments even in the columns of short names (-f)
        self.human = human  # sizes
        self.utf8 = utf8
        self.date_format = date_format
        self.providers = providers  # of roles, beside those that are found here
        self.wide_signals = True  # set by the layout
        self.began_ticks = int(snapshot.began * 100)
        self.now = time.time()
        self._boot_time: int | None = None
        self._memory: int | None = None
        self._roles: Roles | None = None

    @property
    def boot_time(self) -> int:
        """Unix time in whole seconds, as the kernel rounds it (proc_stat(5), btime)."""
        if self._boot_time is None:
            self._boot_time = procfs.boot_time()
        return self._boot_time

    @property
    def memory_total(self) -> int:
        """Bytes."""
        if self._memory is None:
            from procession.linux.meminfo import read_meminfo

            self._memory = read_meminfo()["MemTotal"]
        return self._memory

    @property
    def roles(self) -> Roles:
        """What processes are to us."""
        if self._roles is None:
            from procession.table.roles import Roles

            self._roles = Roles(self.snapshot, self.providers)
        return self._roles

    def elapsed(self, record: ProcessRecord) -> int:
        """Clock ticks since the start of the process, when the snapshot began; may be 0."""
        return max(0, self.began_ticks - record.starttime)

    def ticks(self, record: ProcessRecord) -> int:
        """CPU time."""
        fields = record.fields
        if self.with_children:
            return int(fields[11]) + int(fields[12]) + int(fields[13]) + int(fields[14])
        return int(fields[11]) + int(fields[12])


def as_text(value: Callable[[View], Value]) -> Callable[[View], Text]:
    """A column that prints its value as it is."""

    def text(view: View) -> Text:
        get = value(view)
        return lambda record: str(get(record))

    return text


def stat_text(index: int) -> Callable[[View], Text]:
    """A number of the stat line (field ``index`` + 3 of proc_pid_stat(5)) as it stands there."""
    return lambda view: lambda record: record.fields[index].decode("ascii")


def stat_value(index: int) -> Callable[[View], Value]:
    """The same as a number."""
    return lambda view: lambda record: int(record.fields[index])


def utf8_wanted() -> bool:
    """Does the environment (locale(7)) ask for UTF-8?  Python itself writes it where none is named."""
    for name in ("LC_ALL", "LC_CTYPE", "LANG"):
        value = os.environ.get(name)
        if value:
            return "UTF-8" in value.upper() or "UTF8" in value.upper()
    return True
