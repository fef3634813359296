"""Where a daemon may be killed between two steps, for tests: nothing happens anywhere unless one has been armed.

Armed with ``NAME:COUNT``, the COUNT-th time (1: the next) that point NAME is passed, or any for the name ``any``, the
process ends by SIGKILL right there.  Only where the variable PN_JOBS_FAULTS is 1, and only for one daemon:

- by the request ``{"do": "fault", "point": NAME, "count": COUNT}``, for the daemon that runs;
- by a file ``fault`` in the runtime folder, for the next one, which takes it away as the first thing it does.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procession.jobs.places import Places

VARIABLE = "PN_JOBS_FAULTS"

_name: str | None = None
_left = 0


def point(name: str) -> None:
    """A step has been done."""
    if _name is not None:
        _passed(name)


def arm(name: str, count: int) -> None:
    """End at the ``count``-th passing of this point from now."""
    global _name, _left
    _name, _left = name, count


def are_allowed() -> bool:
    """Is this a daemon of tests?"""
    return os.environ.get(VARIABLE) == "1"


def arm_from_file(places: Places) -> None:
    """For a daemon that begins."""
    if not are_allowed():
        return
    path = f"{places.runtime}/fault"
    try:
        with open(path, encoding="ascii") as file:
            name, _, count = file.read().strip().partition(":")
        os.unlink(path)
    except FileNotFoundError:
        return
    arm(name, int(count or 1))


def _passed(name: str) -> None:
    global _left
    if _name in (name, "any"):
        _left -= 1
        if _left <= 0:
            import signal

            os.kill(os.getpid(), signal.SIGKILL)
