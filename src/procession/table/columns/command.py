"""What runs: its short name, its arguments, its program."""

from __future__ import annotations

from procession.table import files
from procession.table.columns.base import LEFT, PROCESS, WIDE, Column
from procession.table.columns.printable import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from procession.table.columns.base import Text, Value, View
    from procession.table.record import ProcessRecord


def _words(record: ProcessRecord) -> bytes:
    """Arguments with spaces between; [name] where there are none."""
    data = record.read(files.CMDLINE)
    if data:
        # As procps has it: an end of line would break ours, and empty arguments at the end do not show.
        return data.rstrip(b"\0").replace(b"\0", b" ").replace(b"\n", b" ") or b"?"
    name = b"[" + record.comm_bytes + b"]"
    return name + b" <defunct>" if record.fields[0] == b"Z" else name


def _name(record: ProcessRecord) -> bytes:
    return record.comm_bytes


def _shown(bare: bool) -> Callable[[View], Text]:
    """``bare``: a column of the short name, which -f fills with the arguments."""

    def text(view: View) -> Text:
        utf8 = view.utf8
        get = _words if (view.full if bare else not view.true_name) else _name
        if view.environment:
            return lambda record: _with_environment(record, printable(get(record), utf8), utf8)
        return lambda record: printable(get(record), utf8)

    return text


def _with_environment(record: ProcessRecord, text: str, utf8: bool) -> str:
    data = (record.read(files.ENVIRON) or b"").rstrip(b"\0").replace(b"\0", b" ").replace(b"\n", b" ")
    return f"{text} {printable(data, utf8)}" if data else text


def _arguments(view: View) -> Value:
    return lambda record: record.arguments


def _by_words(view: View) -> Value:
    return lambda record: printable(_words(record), view.utf8)


def _short(view: View) -> Value:
    return lambda record: record.comm


def _by_name(view: View) -> Value:
    return lambda record: printable(record.comm_bytes, view.utf8)


def _fname(view: View) -> Text:
    from procession.cells import cut

    return lambda record: cut(printable(record.comm_bytes, view.utf8), 8)


def _program(view: View) -> Value:
    return lambda record: record.link(files.EXE)


def _program_text(view: View) -> Text:
    import os

    return lambda record: printable(os.fsencode(record.link(files.EXE) or "-"), view.utf8)


def _long(name: str, heading: str, standard: bool = False) -> Column:
    return Column(
        name, heading, 27, WIDE, _shown(bare=False), _arguments, (files.CMDLINE,), _by_words,
        PROCESS, standard=standard, tree=True,
    )  # fmt: skip


def _bare(name: str, heading: str, standard: bool = False) -> Column:
    return Column(
        name, heading, 15, WIDE, _shown(bare=True), _short, (), _by_name, PROCESS, standard=standard, tree=True
    )  # fmt: skip


COLUMNS = (
    _long("args", "COMMAND", standard=True),
    _long("cmd", "CMD"),
    _long("command", "COMMAND"),
    _bare("comm", "COMMAND", standard=True),
    _bare("ucmd", "CMD"),
    _bare("ucomm", "COMMAND"),
    Column("fname", "COMMAND", 8, LEFT, _fname, _short, (), _by_name, PROCESS, tree=True),
    Column("exe", "EXE", 27, WIDE, _program_text, _program, (), _program_text, PROCESS),
)
