"""Signals, pids, groups and names out of the words of ``pn kill``, in all the spellings of kill(1) and pkill(1).

What is left are plain options, for ``options.parse``.
"""

from __future__ import annotations

from procession.cli.criteria import Wrong
from procession.records import record
from procession.table.signals import signal_number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from procession.cli.options import Command


@record
class Words:
    """``signal``: None when none is given.  ``listing``: "-l" or "-L" and the words behind it.  ``targets``: pids, -pgids
    and names, as they stand.  ``options``: all else.
    """

    signal: int | None
    listing: tuple[str, ...] | None
    targets: tuple[str, ...]
    options: tuple[str, ...]


def read_words(argv: list[str], command: Command) -> Words:
    """Take them apart.  Raises Wrong for a signal that there is not, or two of them."""
    valued = {flag for option in command.options if option.convert for flag in option.flags}
    signals: list[int] = []
    targets: list[str] = []
    options: list[str] = []
    rest = iter(argv)
    for word in rest:
        name, equals, value = word.partition("=")
        if word == "--":
            targets.extend(rest)
        elif not word.startswith("-") or word == "-":
            targets.append(word)
        elif name in ("-l", "-L", "--list", "--table"):
            kind = "-L" if name in ("-L", "--table") else "-l"
            return Words(None, (kind, *([value] if value else []), *rest), (), ())
        elif name in ("-s", "--signal"):
            signals.append(_signal(value if equals else next(rest, "")))
        elif word[1:].isdecimal():
            number = None if signals else signal_number(word[1:])
            if number is None:
                targets.append(word)  # a process group
            else:
                signals.append(number)
        elif not word.startswith("--") and (number := signal_number(word[1:])) is not None:
            signals.append(number)
        elif word.startswith("-l") and not word.startswith("--"):
            return Words(None, ("-l", word[2:], *rest), (), ())
        else:
            options.extend((word, *_value(word, valued, rest)))
    if len(set(signals)) > 1:
        raise Wrong("two signals are given: one at a time")
    return Words(signals[0] if signals else None, None, tuple(targets), tuple(options))


def _signal(word: str) -> int:
    number = signal_number(word)
    if number is None:
        raise Wrong(f"there is no signal {word!r}: pn kill -l names all")
    return number


def _value(word: str, valued: set[str], rest: Iterator[str]) -> list[str]:
    """The word that belongs to an option, if it does not stand in the same word."""
    if word.startswith("--"):
        wants = "=" not in word and word in valued
    else:  # -fu USER: of joined letters the first that wants a value has all that follows
        wants = f"-{word[-1]}" in valued and not any(f"-{letter}" in valued for letter in word[1:-1])
    return [value for value in [next(rest, None)] if value is not None] if wants else []
