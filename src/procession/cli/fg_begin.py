"""To the keeper of a job that runs, or is about to."""

from __future__ import annotations

import socket

from procession.jobs.outcome import Outcome
from procession.jobs.plain import to_record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procession.jobs.client import Client


def connected(client: Client, number: int) -> tuple[socket.socket | None, Outcome | None, bool]:
    """(connection to its keeper, None, is it suspended), or (None, its outcome, False) when it has ended.  Waits while
    the job waits; Ctrl-C then raises KeyboardInterrupt.  Raises NoSuchJob when somebody removes it."""
    with client.watch() as changes:  # from now: no change between the looks is missed
        while True:
            found = client.request("show", job=number)
            state = found["job"]["state"]
            if state["kind"] in ("running", "suspended", "ending", "starting"):
                line = _connect(found["places"].get("socket"))
                if line is not None:
                    return line, None, state["kind"] == "suspended"
            elif state["kind"] == "ended":
                return None, to_record(Outcome, state["outcome"], "outcome"), False
            _ = next(changes)


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
