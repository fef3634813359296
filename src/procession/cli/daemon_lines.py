"""The answer of the daemon about itself, as lines."""

from __future__ import annotations

from procession.cli.times import clock
from procession.copying.words import shown
from procession.units import seconds

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any


def status_lines(status: Mapping[str, Any]) -> Iterator[str]:
    """Of ``status``, without its warnings."""
    yield f"the daemon runs: pid {status['pid']}, version {status['version']}, since {clock(status['since'])}"
    if status.get("nursery"):
        yield f"  nursery  pid {status['nursery']}"
    counts = [f"{count} {state}" for state, count in (status.get("jobs") or {}).items() if count]
    yield f"  jobs     {', '.join(counts) or 'none'}"
    idle = status.get("idle")
    yield f"  idle     {'it stays' if idle is None else f'it ends after {seconds(idle)} with nothing to do'}"
    if status.get("book"):
        yield f"  book     {shown(str(status['book']))}"
