"""Who it is and to whom it belongs: pid, parent, group, session, thread.  All from stat."""

from __future__ import annotations

from procession.table.columns.base import (
    PROCESS,
    RIGHT,
    THREAD,
    Column,
    as_text,
    stat_text,
    stat_value,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from procession.table.columns.base import Text, Value, View


def _pid(view: View) -> Value:
    return lambda record: record.pid


def _tid(view: View) -> Value:
    return lambda record: record.tid


def _column(
    name: str, heading: str, text: Callable[[View], Text], value: Callable[[View], Value], shown: str = PROCESS,
    *, standard: bool = False, width: int = 5, pid: bool = True,
) -> Column:  # fmt: skip
    return Column(name, heading, width, RIGHT, text, value, shown=shown, standard=standard, pid=pid)


def _of_stat(name: str, heading: str, index: int, standard: bool = False) -> Column:
    return _column(name, heading, stat_text(index), stat_value(index), standard=standard)


COLUMNS = (
    _column("pid", "PID", as_text(_pid), _pid, standard=True),
    _column("tgid", "TGID", as_text(_pid), _pid),
    _column("lwp", "LWP", as_text(_tid), _tid, THREAD),
    _column("spid", "SPID", as_text(_tid), _tid, THREAD),
    _column("tid", "TID", as_text(_tid), _tid, THREAD),
    _of_stat("ppid", "PPID", 1, standard=True),
    _of_stat("pgid", "PGID", 2, standard=True),
    _of_stat("pgrp", "PGRP", 2),
    _of_stat("sess", "SESS", 3),
    _of_stat("session", "SESS", 3),
    _of_stat("sid", "SID", 3),
    _of_stat("tpgid", "TPGID", 5),
    _column("nlwp", "NLWP", stat_text(17), stat_value(17), width=4, pid=False),
    _column("thcount", "THCNT", stat_text(17), stat_value(17), pid=False),
)
