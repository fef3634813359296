"""Which processes a pattern and criteria choose: the rules of pgrep(1), pkill(1) and pidwait(1), as one pure function.

A pattern is an extended regular expression, read by Python's ``re`` (of POSIX it lacks only classes such as
[[:alpha:]], which are translated) and laid on the name, at most 15 bytes of it, or with ``full`` on the whole command
line.  It sees what is printed: control characters are question marks, newlines of a command line are spaces.
"""

from __future__ import annotations

from procession.records import record
from procession.table import files
from procession.table.columns.printable import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from procession.table.record import ProcessRecord
    from procession.table.snapshot import Snapshot

    Test = Callable[[str], bool]

NAME_MAX = 15  # bytes that the kernel keeps of a name, TASK_COMM_LEN less its end
_SPECIAL = frozenset("\\^$.|?*+()[]{}")
_CLASSES = {
    "alpha": "a-zA-Z", "digit": "0-9", "alnum": "a-zA-Z0-9", "upper": "A-Z", "lower": "a-z", "space": r"\s",
    "blank": r" \t", "punct": r"!-/:-@\[-`{-~", "xdigit": "0-9A-Fa-f", "print": " -~", "graph": "!-~",
    "cntrl": r"\x00-\x1f\x7f",
}  # fmt: skip


@record
class Criteria:
    """What must hold of a process; each None does not matter, and all others must hold together.

    ``patterns``: one of them must fit.  ``ttys``: numbers as in stat.  ``older``, ``younger``: seconds.
    ``namespaces``: pairs of a name below /proc/PID/ns and the inode that it must be, as readlink(2) shows it.
    """

    patterns: tuple[str, ...] = ()
    full: bool = False
    exact: bool = False
    literal: bool = False
    ignore_case: bool = False
    inverse: bool = False
    newest: bool = False
    oldest: bool = False
    euids: frozenset[int] | None = None
    uids: frozenset[int] | None = None
    gids: frozenset[int] | None = None
    parents: frozenset[int] | None = None
    groups: frozenset[int] | None = None
    sessions: frozenset[int] | None = None
    ttys: frozenset[int] | None = None
    states: str | None = None
    older: float | None = None
    younger: float | None = None
    cgroups: frozenset[str] | None = None
    namespaces: tuple[tuple[str, str], ...] = ()
    pids: frozenset[int] | None = None
    ignore_ancestors: bool = False

    @property
    def needs(self) -> tuple[str, ...]:
        """Files beside stat."""
        wanted = []
        if self.full and self.patterns:
            wanted.append(files.CMDLINE)
        if self.euids is not None or self.uids is not None or self.gids is not None:
            wanted.append(files.STATUS)
        if self.cgroups is not None:
            wanted.append(files.CGROUP)
        return tuple(wanted)

    @property
    def is_empty(self) -> bool:
        """Would it choose everybody?"""
        return self == Criteria(
            full=self.full,
            exact=self.exact,
            literal=self.literal,
            ignore_case=self.ignore_case,
            inverse=self.inverse,
            ignore_ancestors=self.ignore_ancestors,
        )


def choose(criteria: Criteria, table: Snapshot, ourselves: int) -> list[ProcessRecord]:
    """Those that fit, in the order of their pids; never process ``ourselves``.  Raises ValueError for a bad pattern."""
    test = pattern_test(criteria) if criteria.patterns else None
    hidden = {ourselves}
    if criteria.ignore_ancestors:
        hidden.update(each.pid for each in table.ancestors(ourselves))
    found = [
        each
        for each in table
        if each.pid not in hidden and _fits(criteria, test, each, table.age(each)) != criteria.inverse
    ]
    if found and criteria.newest:
        return [max(found, key=lambda each: (each.starttime, each.tid))]
    if found and criteria.oldest:
        return [min(found, key=lambda each: (each.starttime, each.tid))]
    return found


def matched_text(one: ProcessRecord, full: bool) -> str:
    """What a pattern is laid on, and what is printed of a process."""
    return command_of(one) if full else printable(one.comm_bytes)


def command_of(one: ProcessRecord) -> str:
    """The command line, fit for a terminal, as pgrep -a has it."""
    data = one.cmdline_bytes.rstrip(b"\0")
    if data:
        return printable(data.replace(b"\0", b" ").replace(b"\n", b" "))
    name = f"[{printable(one.comm_bytes)}]"
    return f"{name} <defunct>" if one.state == "Z" else name


def pattern_test(criteria: Criteria) -> Test:
    """One function that tells whether a text fits one of the patterns."""
    tests = [_one_test(pattern, criteria) for pattern in criteria.patterns]
    return tests[0] if len(tests) == 1 else lambda text: any(test(text) for test in tests)


def _one_test(pattern: str, criteria: Criteria) -> Test:
    if criteria.literal:
        cut = pattern if criteria.full else _name_of(pattern)
        return lambda text: text == cut
    if not criteria.ignore_case and not _SPECIAL.intersection(pattern):
        # re would take 8 ms to load.
        return (lambda text: text == pattern) if criteria.exact else (lambda text: pattern in text)
    import re

    translated = _translated(pattern)
    try:
        made = re.compile(
            f"^(?:{translated})$" if criteria.exact else translated,
            re.IGNORECASE if criteria.ignore_case else 0,
        )
    except re.error as error:
        raise ValueError(f"{pattern!r} is no regular expression: {error}") from None
    return lambda text: made.search(text) is not None


def _name_of(word: str) -> str:
    """A program's name as the kernel keeps it."""
    import os

    return printable(os.fsencode(word)[:NAME_MAX])


def _translated(pattern: str) -> str:
    for name, inside in _CLASSES.items():
        pattern = pattern.replace(f"[:{name}:]", inside)
    return pattern


def _fits(criteria: Criteria, test: Test | None, one: ProcessRecord, age: float) -> bool:
    # The cheap ones first; the pattern last, for which a file may have to be read.
    return (
        _in(one.pid, criteria.pids)
        and _in(one.ppid, criteria.parents)
        and _in(one.pgrp, criteria.groups)
        and _in(one.session, criteria.sessions)
        and _in(one.tty_nr, criteria.ttys)
        and (criteria.states is None or one.state in criteria.states)
        and (criteria.older is None or age >= criteria.older)
        and (criteria.younger is None or age < criteria.younger)
        and (criteria.euids is None or one.uids[1] in criteria.euids)
        and (criteria.uids is None or one.uids[0] in criteria.uids)
        and (criteria.gids is None or one.gids[0] in criteria.gids)
        and (criteria.cgroups is None or one.cgroup in criteria.cgroups)
        and all(one.link(f"ns/{name}") == inode for name, inode in criteria.namespaces)
        and (test is None or test(matched_text(one, criteria.full)))
    )


def _in(value: int, wanted: Collection[int] | None) -> bool:
    return wanted is None or value in wanted
