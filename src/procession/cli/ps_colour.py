"""The state of a process as the colour of its line, on a terminal (see no-color.org)."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from procession.cli.ps_request import Request
    from procession.cli.ps_show import Listing

_COLOURS = {
    b"R": "32",  # runs, or could: green
    b"D": "33",  # waits and cannot be interrupted: yellow
    b"T": "36",  # stopped: cyan
    b"t": "36",
    b"Z": "31",  # nobody has fetched its exit: red
    b"X": "31",
}


def coloured(lines: Iterable[str], request: Request, found: Listing) -> Iterator[str]:
    """The same lines.  Those of a listing with threads below processes, or with several headings, stay plain."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" or request.header == "repeated":
        yield from lines
        return
    if request.threads & {"m", "-m"}:
        yield from lines
        return
    all_lines = list(lines)
    headings = len(all_lines) - len(found.rows)
    yield from all_lines[:headings]
    for line, (record, _) in zip(all_lines[headings:], found.rows, strict=True):
        colour = _COLOURS.get(record.fields[0])
        yield f"\x1b[{colour}m{line}\x1b[0m" if colour else line
