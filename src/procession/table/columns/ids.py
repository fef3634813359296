"""Users and groups: real, effective, saved and of the file system; by name and by number."""

from __future__ import annotations

from procession.table import files
from procession.table.columns.base import NAME, RIGHT, Column, as_text
from procession.table.columns.printable import printable
from procession.table.users import group_name, user_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from procession.table.columns.base import Text, Value, View

_REAL, _SAVED, _FILES = 0, 2, 3  # in the lines Uid and Gid of proc_pid_status(5); 1: effective


def _effective_user(view: View) -> Value:
    return lambda record: record.uid


def _effective_group(view: View) -> Value:
    return lambda record: record.gid


def _user(which: int) -> Callable[[View], Value]:
    return lambda view: lambda record: record.uids[which]


def _group(which: int) -> Callable[[View], Value]:
    return lambda view: lambda record: record.gids[which]


def _named(number: Callable[[View], Value], name_of: Callable[[int], str]) -> Callable[[View], Text]:
    def text(view: View) -> Text:
        get = number(view)
        if view.numeric:
            return lambda record: str(get(record))
        safe: dict[int, str] = {}

        def name(record: object) -> str:
            number = get(record)  # type: ignore[arg-type]
            if number not in safe:
                safe[number] = printable(name_of(number).encode("utf-8", "surrogateescape"), view.utf8)
            return safe[number]

        return name

    return text


def _name(
    name: str, heading: str, number: Callable[[View], Value], name_of: Callable[[int], str],
    needs: tuple[str, ...] = (), *, standard: bool = False,
) -> Column:  # fmt: skip
    text = _named(number, name_of)
    return Column(name, heading, 8, NAME, text, text, needs, standard=standard, fallback=as_text(number))


def _number(name: str, heading: str, number: Callable[[View], Value], needs: tuple[str, ...] = ()) -> Column:
    return Column(name, heading, 5, RIGHT, as_text(number), number, needs)


_S = (files.STATUS,)

COLUMNS = (
    _name("user", "USER", _effective_user, user_name, standard=True),
    _name("uname", "USER", _effective_user, user_name),
    _name("uid_hack", "UID", _effective_user, user_name),
    _name("euser", "EUSER", _effective_user, user_name),
    _name("ruser", "RUSER", _user(_REAL), user_name, _S, standard=True),
    _name("suser", "SUSER", _user(_SAVED), user_name, _S),
    _name("svuser", "SVUSER", _user(_SAVED), user_name, _S),
    _name("fuser", "FUSER", _user(_FILES), user_name, _S),
    _name("fsuser", "FSUSER", _user(_FILES), user_name, _S),
    _name("group", "GROUP", _effective_group, group_name, standard=True),
    _name("egroup", "EGROUP", _effective_group, group_name),
    _name("rgroup", "RGROUP", _group(_REAL), group_name, _S, standard=True),
    _name("sgroup", "SGROUP", _group(_SAVED), group_name, _S),
    _name("svgroup", "SVGROUP", _group(_SAVED), group_name, _S),
    _name("fgroup", "FGROUP", _group(_FILES), group_name, _S),
    _name("fsgroup", "FSGROUP", _group(_FILES), group_name, _S),
    _number("uid", "UID", _effective_user),
    _number("euid", "EUID", _effective_user),
    _number("ruid", "RUID", _user(_REAL), _S),
    _number("suid", "SUID", _user(_SAVED), _S),
    _number("svuid", "SVUID", _user(_SAVED), _S),
    _number("fuid", "FUID", _user(_FILES), _S),
    _number("fsuid", "FSUID", _user(_FILES), _S),
    _number("gid", "GID", _effective_group),
    _number("egid", "EGID", _effective_group),
    _number("rgid", "RGID", _group(_REAL), _S),
    _number("sgid", "SGID", _group(_SAVED), _S),
    _number("svgid", "SVGID", _group(_SAVED), _S),
    _number("fgid", "FGID", _group(_FILES), _S),
    _number("fsgid", "FSGID", _group(_FILES), _S),
)
