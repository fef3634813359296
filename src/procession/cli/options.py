"""The options of a verb, as a table, and two readers of it.

A command line without mistakes is read by ``_read``, which imports nothing.  Whatever it does not know
(an abbreviation, a joined short option, an error, ``--help``) is left to argparse, built from the same
table: it has the last word, and costs 12 ms only then.  A test gives both the same lines.
"""

from __future__ import annotations

from procession.records import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any


@record
class Option:
    """One option.  ``convert`` makes its value from a word; without it the option is a switch.  ``many``: it may be
    given again and again; its value is a list then."""

    flags: tuple[str, ...]
    name: str
    help: str
    metavar: str = ""
    convert: Callable[[str], object] | None = None
    many: bool = False


@record
class Command:
    """A verb's command line: ``words`` names the positional arguments, of which there may be any number."""

    verb: str
    usage: str
    summary: str
    words: str
    words_help: str
    options: tuple[Option, ...]
    epilog: str = ""


def parse(command: Command, argv: list[str]) -> dict[str, Any]:
    """The values by option name (None or False where not given) and the positional words as "words".

    A mistake prints one line on stderr and raises SystemExit(2); ``--help`` raises SystemExit(0).
    """
    values = _read(command, argv)
    return _ask_argparse(command, argv) if values is None else values


def _read(command: Command, argv: list[str]) -> dict[str, Any] | None:
    """Read a plain command line; None when there is anything that needs argparse."""
    by_flag = {flag: option for option in command.options for flag in option.flags}
    values: dict[str, Any] = _defaults(command)
    words: list[str] = values["words"]
    rest = iter(argv)
    for word in rest:
        if word == "--":
            words.extend(rest)
        elif not word.startswith("-") or word == "-":
            words.append(word)
        else:
            flag, equals, value = word.partition("=") if word.startswith("--") else (word, "", "")
            option = by_flag.get(flag)
            if option is None or (equals and option.convert is None):
                return None
            if option.convert is None:
                values[option.name] = True
                continue
            value = value if equals else next(rest, "-")
            if value.startswith("-"):
                return None
            try:
                found = option.convert(value)
            except ValueError:
                return None
            values[option.name] = [*(values[option.name] or ()), found] if option.many else found
    return values


def leading(command: Command, argv: Sequence[str]) -> int:
    """How many words come before the first that is no option and no value of one: where that begins a line which is
    not ours to read.  A ``--`` before it is counted."""
    valued = {flag for option in command.options if option.convert for flag in option.flags}
    flags = [flag for option in command.options for flag in option.flags]
    at = 0
    while at < len(argv):
        word = argv[at]
        if word == "--":
            return at + 1
        if not word.startswith("-") or word == "-":
            return at
        at += 1
        if word.startswith("--"):
            matching = [flag for flag in flags if flag.startswith(word)] if "=" not in word else []
            takes = word in valued or (len(matching) == 1 and matching[0] in valued)
        else:
            first = next((index for index, letter in enumerate(word) if f"-{letter}" in valued), 0)
            takes = bool(first) and first == len(word) - 1  # -qj 8, but not -j8
        at += takes
    return min(at, len(argv))


def _defaults(command: Command) -> dict[str, Any]:
    values: dict[str, Any] = {o.name: None if o.convert else False for o in command.options}
    values["words"] = []
    return values


def _ask_argparse(command: Command, argv: list[str]) -> dict[str, Any]:
    import argparse
    import sys

    class Parser(argparse.ArgumentParser):
        def error(self, message: str) -> Any:
            print(f"{self.prog}: {message}: see {self.prog} --help", file=sys.stderr)
            sys.exit(2)

    parser = Parser(
        prog=f"pn {command.verb}",
        usage=command.usage,
        description=command.summary,
        epilog=command.epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    words_help = command.words_help if command.words else argparse.SUPPRESS
    parser.add_argument("words", nargs="*", metavar=command.words, help=words_help)
    for option in command.options:
        if option.convert is None:
            parser.add_argument(*option.flags, dest=option.name, action="store_true", help=option.help)
        else:
            parser.add_argument(
                *option.flags,
                dest=option.name,
                action="append" if option.many else "store",
                type=option.convert,
                metavar=option.metavar,
                help=option.help,
            )
    # Split at "--" by hand: the intermixed way drops it in its first pass and takes the rest for options.
    end = argv.index("--") if "--" in argv else len(argv)
    values = vars(parser.parse_intermixed_args(argv[:end]))
    values["words"] += argv[end + 1 :]
    return values


def positive(word: str) -> int:
    """A whole number above 0, for ``convert``."""
    number = int(word)
    if number < 1:
        raise ValueError(word)
    return number


positive.__name__ = "number above 0"  # argparse puts the function's name into its message
