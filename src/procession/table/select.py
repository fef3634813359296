"""Which processes a listing has: a pure function of one record, by the rules of ps(1)."""

from __future__ import annotations

from procession.records import record as frozen
from procession.table import files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from procession.table.record import ProcessRecord


@frozen
class Simple:
    """Conditions that must all hold: what is selected without a list, and by the options a, d, g and x."""

    mine: bool = False
    on_my_terminal: bool = False
    on_any_terminal: bool = False
    no_leaders: bool = False
    leaders_on_terminals: bool = False  # those of sessions without a terminal are left out only


@frozen
class Selection:
    """``everything``, or what ``simple`` accepts, or what is in one of the ``lists``: pairs of a field and its
    values.  Of these only the ``running`` ones; ``negated``: all the others.  ``uid`` and ``tty``: ours."""

    everything: bool = False
    simple: Simple | None = None
    lists: tuple[tuple[str, frozenset[int] | frozenset[bytes]], ...] = ()
    running: bool = False
    negated: bool = False
    uid: int = 0
    tty: int = 0

    @property
    def needs(self) -> tuple[str, ...]:
        """Files beside stat that it looks at."""
        return (files.STATUS,) if any(field in ("ruid", "rgid") for field, _ in self.lists) else ()

    @property
    def all(self) -> bool:
        """Is nothing left out?"""
        return self.everything and not self.running and not self.negated


def accepts(selection: Selection, record: ProcessRecord) -> bool:
    """Does the listing have it?"""
    found = selection.everything or _simply(selection, record) or _listed(selection, record)
    if selection.running and record.fields[0] not in (b"R", b"D"):
        found = False
    return found != selection.negated


def _simply(selection: Selection, record: ProcessRecord) -> bool:
    simple = selection.simple
    return (
        simple is not None
        and (not simple.mine or record.uid == selection.uid)
        and (not simple.on_my_terminal or record.tty_nr == selection.tty)
        and (not simple.on_any_terminal or record.tty_nr != 0)
        and (
            not simple.no_leaders
            or record.session != record.pid
            or (simple.leaders_on_terminals and record.tty_nr != 0)
        )
    )


def _listed(selection: Selection, record: ProcessRecord) -> bool:
    return any(_FIELDS[field](record) in values for field, values in selection.lists)


_FIELDS: dict[str, Callable[[ProcessRecord], int | bytes]] = {
    "pid": lambda record: record.pid,
    "ppid": lambda record: record.ppid,
    "pgrp": lambda record: record.pgrp,
    "session": lambda record: record.session,
    "tty": lambda record: record.tty_nr,
    "euid": lambda record: record.uid,
    "ruid": lambda record: record.uids[0],
    "egid": lambda record: record.gid,
    "rgid": lambda record: record.gids[0],
    "name": lambda record: record.comm_bytes,
}
