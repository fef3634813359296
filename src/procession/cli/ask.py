"""Ask on the terminal for what is to be copied, with completion of paths."""

from __future__ import annotations

import glob
import io
import os
import sys

from procession.copying.words import shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


def ask_for_copy() -> list[str]:
    """SOURCE, or SOURCE and TARGET.  Ctrl-C and Ctrl-D leave by KeyboardInterrupt."""
    _complete_paths()
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(errors="surrogateescape")  # a name need not be UTF-8
    try:
        source = ""
        while not source:
            source = os.path.expanduser(input("Folder to copy: ").strip())
            if source and not os.path.lexists(source):
                print(f"{shown(source)} does not exist")
                source = ""
        target = os.path.expanduser(input("Copy to (Enter: a sibling beside it): ").strip())
    except EOFError:
        print()
        raise KeyboardInterrupt from None
    return [source, target] if target else [source]


def _complete_paths() -> None:
    try:
        import readline
    except ImportError:  # a Python that was built without it
        return
    readline.set_completer_delims("")
    readline.set_completer(_completer())
    readline.parse_and_bind("tab: complete")


def _completer() -> Callable[[str, int], str | None]:
    matches: list[str] = []

    def complete(text: str, state: int) -> str | None:
        nonlocal matches
        if state == 0:  # readline(3) asks again and again, with a growing number, until it hears None
            matches = matching_paths(text)
        return matches[state] if state < len(matches) else None

    return complete


def matching_paths(text: str) -> list[str]:
    """The paths that begin like ``text``; folders end in a slash; ``~`` is the home folder."""
    found = sorted(glob.glob(glob.escape(os.path.expanduser(text)) + "*"))
    return [path + "/" if os.path.isdir(path) else path for path in found]
