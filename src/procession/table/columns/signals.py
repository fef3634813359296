"""Masks of signals, in hexadecimal: bit N-1 stands for signal N (signal(7))."""

from __future__ import annotations

from procession.table import files
from procession.table.columns.base import ALWAYS, SIGNALS, THREAD, Column

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from procession.table.columns.base import Text, Value, View
    from procession.table.record import ProcessRecord


def _mask(name: bytes) -> Callable[[ProcessRecord], str]:
    return lambda record: record.status_line(name).decode("ascii")


def _pending(record: ProcessRecord) -> str:
    """Of a process: what waits for any of its threads; of a thread: what waits for this one."""
    return (_mask(b"SigPnd") if record.tid != record.pid else _mask(b"ShdPnd"))(record)


def narrow(mask: str) -> str:
    """In 9 characters: the lower 32 signals; "<" in front if there are others."""
    return f"<{mask[-8:]}" if len(mask.lstrip("0")) > 8 else mask[-8:].rjust(8, "0")


def _column(name: str, heading: str, get: Callable[[ProcessRecord], str], shown: str = THREAD) -> Column:
    def text(view: View) -> Text:
        if view.wide_signals:
            return lambda record: get(record).rjust(16, "0")
        return lambda record: narrow(get(record))

    def value(view: View) -> Value:
        return get

    return Column(name, heading, 9, SIGNALS, text, value, (files.STATUS,), shown=shown)


COLUMNS = (
    _column("pending", "PENDING", _pending, ALWAYS),
    _column("sig", "PENDING", _pending, ALWAYS),
    _column("sig_pend", "SIGNAL", _pending, ALWAYS),
    _column("tsig", "PENDING", _mask(b"SigPnd"), ALWAYS),
    _column("blocked", "BLOCKED", _mask(b"SigBlk")),
    _column("sigmask", "BLOCKED", _mask(b"SigBlk")),
    _column("sig_block", "BLOCKED", _mask(b"SigBlk")),
    _column("ignored", "IGNORED", _mask(b"SigIgn")),
    _column("sigignore", "IGNORED", _mask(b"SigIgn")),
    _column("sig_ignore", "IGNORED", _mask(b"SigIgn")),
    _column("caught", "CAUGHT", _mask(b"SigCgt")),
    _column("sigcatch", "CAUGHT", _mask(b"SigCgt")),
    _column("sig_catch", "CATCHED", _mask(b"SigCgt")),
)
