"""What the daemon does after a step of the plan has been stored, in this order.  Nothing else makes it act.

Each may be lost (a daemon that is killed between the book and the act) or done twice (by the next one, which asks the
plan again), and must bear both.
"""

from __future__ import annotations

from procession.jobs.outcome import Outcome
from procession.jobs.spec import Spec
from procession.records import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


@record
class Order:
    """Make the folder of the run and order a keeper.  The job is in the book as starting with this run."""

    job: int
    run: int
    mark: str


@record
class Tell:
    """Send ``message`` (a JSON object) to the keeper of the run; without a connection to it: nothing."""

    job: int
    run: int
    message: dict[str, Any]


@record
class Sweep:
    """End what is left of the tree of a run whose keeper was killed; then tell the plan ``swept``."""

    job: int
    run: int
    mark: str


@record
class Notify:
    """The job has ended for good: run its ``spec.notify``.  It may be in no list any more.  The book keeps it with the
    step until that has been done."""

    job: int
    spec: Spec
    environment: str
    outcome: Outcome


@record
class Forget:
    """Remove the folder of the run: its outcome is in the book."""

    job: int
    run: int


@record
class DropLogs:
    """Remove the logs of all runs of the job: it is in the book no more."""

    job: int


Action = Order | Tell | Sweep | Notify | Forget | DropLogs
