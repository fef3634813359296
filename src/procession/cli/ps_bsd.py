"""Options without a dash."""

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
    if letter.isdecimal():
        reader.select("pid", lists.pids(reader.rest_from_here()))
    elif letter in _WITH_VALUE:
        _WITH_VALUE[letter](reader)
    elif letter in "agx":
        request.simple.add(letter)
    elif letter in "jlsuvX":
        request.formats.add(letter)
    elif letter in "Hm":
        request.threads.add(letter)
    elif letter == "M":
        request.threads.add("m")
    elif letter == "Z":
        request.modifiers.add("-M")
    elif letter in _SWITCHES:
        setattr(request, _SWITCHES[letter], True)
    elif letter == "f":
        request.tree = "drawn"
    elif letter == "h":
        request.set_header("none")
    elif letter == "w":
        request.wide += 1
    elif letter == "T":
        reader.select("tty", [my_terminal()])
    elif letter in "LV" and reader.is_alone(letter):
        request.only = "fields" if letter == "L" else "version"
    else:
        raise Improper(f"there is no option {letter}")


_SWITCHES = {"r": "running", "c": "true_name", "e": "environment", "n": "numeric", "S": "with_children"}


def my_terminal() -> int:
    """The device number of ours; 0: none."""
    with open("/proc/self/stat", "rb") as file:
        return int(file.read().rpartition(b")")[2].split()[4])


def _terminals(reader: Reader) -> None:
    """t: without a list it is T."""
    text = reader.value_or_none()
    reader.select("tty", [my_terminal()] if text is None else lists.terminals(text))


def _quick(reader: Reader) -> None:
    if reader.request.quick is not None:
        raise Improper("q can be given once only")
    reader.request.quick = lists.pids(reader.value("a list of process IDs"))


_WITH_VALUE: dict[str, Callable[[Reader], None]] = {
    "p": lambda reader: reader.select("pid", lists.pids(reader.value("a list of process IDs"))),
    "q": _quick,
    "t": _terminals,
    "U": lambda reader: reader.select(
        "euid", lists.users(reader.value("a list of users"), reader.request.negated)
    ),
    "o": lambda reader: reader.request.own.append(("o", reader.value("a list of columns"))),
    "O": lambda reader: reader.request.own.append(("O", reader.value("a list of columns, or sort keys"))),
    "k": lambda reader: reader.request.own.append(("sort", reader.value("a list of sort keys"))),
}
