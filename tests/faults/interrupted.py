"""A program for the tests of Ctrl-C: ``python -m tests.faults.interrupted METHOD WHAT [uncaught]``.

It writes ``ready`` when it may be interrupted, and at its end what it was interrupted by and who is left.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from procession.pool.crew import Crew, Portion

if TYPE_CHECKING:
    from procession.pool.worker import Context


class Source:
    """So many payloads, one at a time."""

    def __init__(self, payloads: int) -> None:
        self.left = payloads

    def take(self, _limit: int) -> Portion | None:
        self.left -= 1
        return Portion((self.left,)) if self.left >= 0 else None


def stay(context: Context, _payload: object) -> None:
    """A task without end."""
    context.note(b"staying")
    while True:
        pass


def pass_by(_: Context, payload: object) -> object:
    return payload


def main(method: str, what: str, *uncaught: str) -> None:
    body = long_tasks if what == "long tasks" else many_crews
    if uncaught:
        body(method)
    try:
        body(method)
    except KeyboardInterrupt:
        name = "KeyboardInterrupt"
    # Only now is the traceback gone, and what it held: an interrupt in the first line of __exit__ leaves the
    # rest to __del__.
    with open(f"/proc/self/task/{os.getpid()}/children", encoding="ascii") as file:
        print(f"{name}, left: {file.read().split()}")


def long_tasks(method: str) -> None:
    """Two workers in the middle of a task, one flight more for each of them."""
    told: list[bool] = []

    def on_tick() -> None:
        if not told and [sight.note for sight in crew.sights()] == [b"staying"] * 2:
            told.append(True)
            print("ready", flush=True)

    with Crew(stay, workers=2, start_method=method) as crew:
        crew.run(Source(4), print, tick=0.001, on_tick=on_tick)


def many_crews(method: str) -> None:
    """Somebody is always about to be hired, to work or to go home."""
    while True:
        print("ready", flush=True)
        with Crew(pass_by, workers=2, start_method=method) as crew:
            crew.run(Source(6), lambda _outcome: None)


if __name__ == "__main__":
    from tests.faults import interrupted  # by its importable name, for spawned workers

    interrupted.main(*sys.argv[1:])
