"""``pn ps``: the processes of this machine, with the options of ps and some of our own.

Exit codes are those of ps: 0 something was listed, 1 nothing was, or the command line made no sense.
"""

from __future__ import annotations

import sys

from procession.cli.ps_request import Improper
from procession.cli.ps_standard import columns
from procession.cli.ps_words import read

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procession.cli.ps_formats import Key
    from procession.cli.ps_request import Request
    from procession.cli.ps_show import Listing
    from procession.table.layout import Slot


def main(words: list[str]) -> int:
    """Returns the exit code."""
    if sys.stdout is None:
        print("pn ps: standard output is closed: there is nowhere to list to", file=sys.stderr)
        return 1
    try:
        request, (slots, keys) = read(words, columns)
        code = _only(request.only) if request.only else _run(request, slots, keys)
        sys.stdout.flush()
    except Improper as error:
        print(f"pn ps: {error}: {error.advice}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        raise  # nothing is wrong, see cli/__init__.py
    except OSError as error:
        print(f"pn ps: {error.strerror}: see whether /proc and the output can be used", file=sys.stderr)
        return 1
    return code


def _run(request: Request, slots: list[Slot], keys: list[Key]) -> int:
    if request.json:
        from procession.cli.ps_json import run

        return run(request, slots, keys)
    if request.watch is not None:
        from procession.cli.ps_watch import watch

        return watch(request, slots, keys)
    from procession.cli.ps_show import listing

    return show(request, slots, listing(request, slots, keys))


def show(request: Request, slots: list[Slot], found: Listing) -> int:
    """Print it once; the exit code."""
    from procession.cli.ps_screen import room_and_rows
    from procession.cli.ps_show import lines

    room, rows = room_and_rows(request)
    text = lines(request, slots, found, room, rows)
    if sys.stdout.isatty():
        from procession.cli.ps_colour import coloured

        text = coloured(text, request, found)
    sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]
    sys.stdout.write("\n".join([*text, ""]))
    if found.rows:
        return 0
    if request.words:
        print(f"pn ps: no process fits {' '.join(request.words)!r}: see pn ps --help", file=sys.stderr)
    return 1


def _only(what: str) -> int:
    if what == "help":
        from procession.cli.ps_help import TEXT

        print(TEXT, end="")
    elif what == "version":
        from procession._version import __version__

        print(f"pn {__version__}")
    else:
        from procession.table.columns import column, names

        for name in names():
            found = column(name)
            if found is not None:
                print(f"{name:12} {found.heading:8}")
    return 0
