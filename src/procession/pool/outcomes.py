"""What became of a task: exactly one of these four."""

from __future__ import annotations

from procession.errors import WorkerDied
from procession.records import record


@record
class Done:
    """The handler returned ``value``."""

    task: int
    payload: object
    value: object


@record
class Failed:
    """The handler raised ``error``; its remote traceback is the error's cause."""

    task: int
    payload: object
    error: BaseException


@record
class Lost:
    """The worker ended in the middle of this task; ``note`` is the last thing it noted down."""

    task: int
    payload: object
    error: WorkerDied
    note: bytes


@record
class Cancelled:
    """The crew was stopped before the task began."""

    task: int
    payload: object


Outcome = Done | Failed | Lost | Cancelled
