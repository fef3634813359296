"""Options with one dash."""

from __future__ import annotations

from procession.cli import ps_lists as lists
from procession.cli.ps_request import Improper

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from procession.cli.ps_words import Reader


def read_letter(reader: Reader, letter: str) -> None:
    """Raises Improper."""
    request = reader.request
    if letter in _LISTS:
        _LISTS[letter](reader)
    elif letter in "Ae":
        request.everything = True
    elif letter in "fF":
        request.formats.add("-f")
        request.full = True
        if letter == "F":
            request.modifiers.add("-F")
    elif letter == "l":
        request.formats.add("-l")
    elif letter in "ad":
        request.simple.add(f"-{letter}")
    elif letter in "LTm":
        request.threads.add(f"-{letter}")
    elif letter in "MZ":
        request.modifiers.add("-M")
    elif letter in "Pcjy":
        request.modifiers.add(f"-{letter}")
    elif letter == "H":
        request.tree = "indented"
    elif letter == "N":
        request.negated = True
    elif letter == "w":
        request.wide += 1
    elif letter == "h":
        request.human = True
    elif letter == "V" and reader.is_alone("-V"):
        request.only = "version"
    else:
        raise Improper(f"there is no option -{letter}")


def _group(reader: Reader) -> None:
    """-g: sessions if all are numbers, else effective groups."""
    text = reader.value("a list of sessions or groups")
    try:
        reader.select("session", lists.pids(text))
    except Improper:
        reader.select("egid", lists.groups(text, reader.request.negated))


def _quick(reader: Reader) -> None:
    if reader.request.quick is not None:
        raise Improper("-q can be given once only")
    reader.request.quick = lists.pids(reader.value("a list of process IDs"))


def _users(field: str, reader: Reader) -> None:
    reader.select(field, lists.users(reader.value("a list of users"), reader.request.negated))


_LISTS: dict[str, Callable[[Reader], None]] = {
    "o": lambda reader: reader.request.own.append(("-o", reader.value("a list of columns"))),
    "O": lambda reader: reader.request.own.append(("-O", reader.value("a list of columns"))),
    "g": _group,
    "q": _quick,
    "p": lambda reader: reader.select("pid", lists.pids(reader.value("a list of process IDs"))),
    "s": lambda reader: reader.select("session", lists.pids(reader.value("a list of sessions"))),
    "t": lambda reader: reader.select("tty", lists.terminals(reader.value("a list of terminals"))),
    "u": lambda reader: _users("euid", reader),
    "U": lambda reader: _users("ruid", reader),
    "G": lambda reader: reader.select(
        "rgid", lists.groups(reader.value("a list of groups"), reader.request.negated)
    ),
    "C": lambda reader: reader.select("name", lists.names(reader.value("a list of command names"))),
}
