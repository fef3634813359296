"""From what a person types (pids, groups, names) to records, and whom to leave alone: pure functions of a snapshot."""

from __future__ import annotations

import os

from procession.records import record
from procession.table import files, refusal
from procession.table.match import Criteria, choose
from procession.table.spared import spared

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from procession.table.record import ProcessRecord
    from procession.table.snapshot import Snapshot


@record
class Targets:
    """``chosen``: whom to act on, each once.  ``wrong``: words about those who are not there or must not be touched.
    ``by_name``: how many were found by a name or a pattern, and not by a pid that somebody typed.
    """

    chosen: tuple[ProcessRecord, ...]
    wrong: tuple[str, ...]
    by_name: int


def is_pid(word: str) -> bool:
    """``7``, ``-7`` (a process group), ``7:123`` (a pid and the inode of its pidfd)."""
    pid, _, inode = word.partition(":")
    digits = pid.removeprefix("-")
    return digits.isascii() and digits.isdecimal() and (not inode or inode.isdecimal())


def by_words(words: Iterable[str], table: Snapshot, ourselves: int, *, harmless: bool = False) -> Targets:
    """``harmless``: for signal 0, which may also be sent to those who are spared."""
    alone = {} if harmless else spared(table, ourselves)
    chosen: dict[int, ProcessRecord] = {}
    wrong: list[str] = []
    by_name = 0
    for word in words:
        if not is_pid(word):
            found = _named(word, table, ourselves, alone)
            by_name += len(found)
            missing = f"no process is named {word!r}: -f looks at whole command lines"
        elif word.startswith("-") or word == "0":
            found, missing = _group(word, table)
            found = [each for each in found if each.pid not in alone]
        else:
            found, missing = _one(word, table, alone)
        chosen.update((each.pid, each) for each in found)
        if not found:
            wrong.append(missing)
    return Targets(tuple(chosen.values()), tuple(wrong), by_name)


def by_criteria(criteria: Criteria, table: Snapshot, ourselves: int) -> Targets:
    """Those that fit and are not spared.  Raises ValueError for a bad pattern."""
    alone = spared(table, ourselves)
    found = [each for each in choose(criteria, table, ourselves) if each.pid not in alone]
    return Targets(tuple(found), () if found else ("no process fits",), len(found))


def _named(word: str, table: Snapshot, ourselves: int, alone: dict[int, str]) -> list[ProcessRecord]:
    found = choose(Criteria(patterns=(word,), literal=True), table, ourselves)
    return [each for each in found if each.pid not in alone]


def _group(word: str, table: Snapshot) -> tuple[list[ProcessRecord], str]:
    number = abs(int(word))
    if word == "-1":
        return [], "-1 means every process there is, which pn does not do: name them"
    group = number or os.getpgrp()
    return [each for each in table if each.pgrp == group], f"process group {group}: nobody is in it"


def _one(word: str, table: Snapshot, alone: dict[int, str]) -> tuple[list[ProcessRecord], str]:
    digits, _, inode = word.partition(":")
    pid = int(digits)
    one = table.by_pid.get(pid)
    if one is None:
        return [], f"pid {pid}{_absent(pid, table)}"
    if pid in alone:
        return [], f"pid {pid} {alone[pid]}"
    if inode and not _has_inode(pid, int(inode)):
        return [], f"pid {pid} is another process now: its pidfd has not the inode {inode}"
    return [one], ""


def _absent(pid: int, table: Snapshot) -> str:
    """Why a pid is not in the table: words that follow it."""
    try:
        # Threads are in /proc by their ids too, and no listing has them.
        status = table.source.read_now(str(pid), files.STATUS)
    except OSError:
        for one in table:
            inner = one.status.get(b"NSpid", b"").split()
            if len(inner) > 1 and int(inner[-1]) == pid:
                return f": there is no such process here; in a pid namespace below it is {refusal.named(one)}"
        return ": there is no such process"
    process = status.partition(b"\nTgid:")[2].split()[0].decode()
    return f" is a thread of process {process}: signals are for the whole process, pn kill {process}"


def _has_inode(pid: int, inode: int) -> bool:
    """Since Linux 6.9 the inode of a pidfd is one process's for as long as the machine runs."""
    from procession.errors import NoSuchProcess
    from procession.linux.pidfd import open_pidfd

    try:
        pidfd = open_pidfd(pid)
    except NoSuchProcess:
        return False
    try:
        return os.fstat(pidfd).st_ino == inode
    finally:
        os.close(pidfd)
