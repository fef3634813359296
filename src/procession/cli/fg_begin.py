"""To the keeper of a job that runs, or is about to; and what became of a run."""

from __future__ import annotations

import socket

from procession.jobs.outcome import Outcome
from procession.jobs.plain import to_record
from procession.records import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from procession.jobs.client import Client


@record
class Reached:
    """Run ``run`` of a job: ``line`` is connected to its keeper, or the job has ended for good with ``outcome``."""

    run: int
    line: socket.socket | None = None
    suspended: bool = False
    outcome: Outcome | None = None


def reach(client: Client, number: int, waits: Callable[[str], None] | None = None) -> Reached:
    """The keeper of the run that is under way, or of the next one.  Waits while the job waits, and says so to ``waits``;
    Ctrl-C then raises KeyboardInterrupt.  Raises NoSuchJob when somebody removes it."""
    with client.watch() as changes:  # from now: no change between the looks is missed
        while True:
            found = client.request("show", job=number)
            state, run = found["job"]["state"], found["job"]["runs"]
            if state["kind"] == "ended":
                return Reached(run, outcome=to_record(Outcome, state["outcome"], "outcome"))
            if state["kind"] in ("running", "suspended", "ending", "starting"):
                line = _connect(found["places"].get("socket"))
                if line is not None:
                    return Reached(run, line, state["kind"] == "suspended")
            elif waits is not None:
                waits(found["words"])
            next(changes)


def fate(client: Client, number: int, run: int) -> Outcome | None:
    """How a run has ended whose keeper is gone; waits until the daemon knows.  None: it is not in the list any more."""
    with client.watch() as changes:
        while True:
            runs = client.request("show", job=number)["runs"]
            found = next((each for each in runs if each["run"] == run), None)
            if found is None:
                return None
            if found["outcome"] is not None:
                return to_record(Outcome, found["outcome"], "outcome")
            next(changes)


def _connect(path: str | None) -> socket.socket | None:
    """None: nobody listens there, yet or any more."""
    if not path:
        return None
    line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        line.connect(path)
    except OSError:
        line.close()
        return None
    return line
