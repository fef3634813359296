"""Options with two dashes."""

from __future__ import annotations

from procession.cli import ps_lists as lists
from procession.cli.ps_request import Improper

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from procession.cli.ps_request import Request
    from procession.cli.ps_words import Reader

_NUMBER_MAX = 2_000_000_000


def read_long(reader: Reader, word: str) -> None:
    """Raises Improper."""
    ends = [at for at in (word.find("="), word.find(":")) if at > 0]
    end = min(ends, default=len(word))
    name, given = word[2:end], word[end:]
    if name in _SWITCHES:
        if given:
            raise Improper(f"--{name} takes no value")
        _SWITCHES[name](reader.request)
    elif name in _WITH_VALUE:
        what, apply = _WITH_VALUE[name]
        value = given[1:] if given else reader.next_word()
        if not value:
            raise Improper(f"{what} must follow --{name}")
        apply(reader, value)
    elif name == "watch":
        _watch(reader.request, given[1:] if given else None)
    elif name == "help":
        reader.request.only = "help"
        reader.next_word()  # a section of it, for ps
    else:
        raise Improper(f"there is no option --{name}")


def _no_header(request: Request) -> None:
    request.set_header("none")


def _headers(request: Request) -> None:
    request.set_header("repeated")


def _set(name: str, value: object = True) -> Callable[[Request], None]:
    return lambda request: setattr(request, name, value)


def _watch(request: Request, value: str | None) -> None:
    try:
        seconds = 2.0 if value is None else float(value)
    except ValueError:
        seconds = -1.0
    if not 0.05 <= seconds <= 86400:
        raise Improper("--watch takes a number of seconds from 0.05 to 86400")
    request.watch = seconds


def _number(name: str) -> Callable[[Reader, str], None]:
    def apply(reader: Reader, value: str) -> None:
        if not (value.isascii() and value.isdecimal()) or not 0 < int(value) < _NUMBER_MAX:
            raise Improper(f"{value!r} is no number of {name}")
        setattr(reader.request, name, int(value))

    return apply


def _pids(field: str) -> Callable[[Reader, str], None]:
    return lambda reader, value: reader.select(field, lists.pids(value))


def _users(field: str) -> Callable[[Reader, str], None]:
    return lambda reader, value: reader.select(field, lists.users(value, reader.request.negated))


def _groups(field: str) -> Callable[[Reader, str], None]:
    return lambda reader, value: reader.select(field, lists.groups(value, reader.request.negated))


def _quick(reader: Reader, value: str) -> None:
    if reader.request.quick is not None:
        raise Improper("--quick-pid can be given once only")
    reader.request.quick = lists.pids(value)


def _format(reader: Reader, value: str) -> None:
    reader.request.own.append(("-o", value))


def _sort(reader: Reader, value: str) -> None:
    reader.request.own.append(("sort", value))


def _date_format(reader: Reader, value: str) -> None:
    reader.request.date_format = value


def _terminals(reader: Reader, value: str) -> None:
    reader.select("tty", lists.terminals(value))


_SWITCHES: dict[str, Callable[[Request], None]] = {
    "deselect": _set("negated"),
    "cumulative": _set("with_children"),
    "forest": _set("tree", "drawn"),
    "context": lambda request: request.formats.add("--context"),
    "json": _set("json"),
    "human": _set("human"),
    "version": _set("only", "version"),
    **dict.fromkeys(("header", "headers", "heading", "headings"), _headers),
    **dict.fromkeys(
        (
            "no-header", "no-headers", "no-heading", "no-headings",
            "noheader", "noheaders", "noheading", "noheadings",
        ),
        _no_header,
    ),
}  # fmt: skip
_WITH_VALUE: dict[str, tuple[str, Callable[[Reader, str], None]]] = {
    "pid": ("a list of process IDs", _pids("pid")),
    "ppid": ("a list of process IDs", _pids("ppid")),
    "sid": ("a list of sessions", _pids("session")),
    "quick-pid": ("a list of process IDs", _quick),
    "user": ("a list of users", _users("euid")),
    "User": ("a list of users", _users("ruid")),
    "group": ("a list of groups", _groups("egid")),
    "Group": ("a list of groups", _groups("rgid")),
    "tty": ("a list of terminals", _terminals),
    "format": ("a list of columns", _format),
    "sort": ("a list of sort keys", _sort),
    "date-format": (
        "a format of strftime(3)",
        _date_format,
    ),
    **dict.fromkeys(("cols", "columns", "width"), ("a number of columns", _number("columns"))),
    **dict.fromkeys(("rows", "lines"), ("a number of rows", _number("rows"))),
}
