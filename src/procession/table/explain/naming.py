"""Which processes a word on the command line means: a pid, a name, a part of a command."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procession.table.record import ProcessRecord
    from procession.table.snapshot import Snapshot


def named(table: Snapshot, word: str) -> list[ProcessRecord]:
    """By pid; else those of this name (short name, or the file of one of their first words); else those whose
    command or short name has it somewhere.  Not we ourselves; by pid in ascending order."""
    if word.isascii() and word.isdecimal():
        record = table.by_pid.get(int(word))
        return [record] if record is not None else []
    others = [record for record in table if record.pid != os.getpid()]
    exact = [record for record in others if word in _names(record)]
    return exact or [record for record in others if word in record.command or word in record.comm]


def _names(record: ProcessRecord) -> list[str]:
    words = record.arguments[:3]
    return [record.comm, *words, *(os.path.basename(each) for each in words)]
