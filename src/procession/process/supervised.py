"""What the rules of a supervisor keep in mind: its children and their phases, and batches of things to do.

::

              launched            ready                    exited
    waiting ──────────▶ starting ───────▶ running ──────────────────────▶ down
                           │                 │ stop            ▲           │ to be started again
                           └────────────▶ stopping ────────────┘           ▼
                              too late        ▲                       restarting ──▶ starting
                                              └── TERM, after the grace KILL
"""

from __future__ import annotations

from collections import deque

from procession.process.status import ChildStatus

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from procession.process.childspec import ChildSpec
    from procession.process.restarts import End

DOWN = "down"
WAITING = "waiting"
RESTARTING = "restarting"
STARTING = "starting"
RUNNING = "running"
STOPPING = "stopping"
DUE = (WAITING, RESTARTING)
ALIVE = (STARTING, RUNNING, STOPPING)


class Supervised:
    """A child.  Only ``Supervision`` changes it."""

    __slots__ = (
        "again", "batch", "born", "doomed", "info", "last", "late", "new", "phase", "pid", "restarts",
        "spec", "stamp", "starter", "stoppers",
    )  # fmt: skip

    def __init__(self, spec: ChildSpec) -> None:
        self.spec = spec
        self.phase = DOWN
        self.stamp = 0  # changes with the phase: a timer of an earlier phase is out of date
        self.batch: Batch | None = None  # the one that took it last
        self.doomed = False  # it is being stopped, or will be
        self.again = False  # and then it is started again
        self.late = False  # it is being stopped because it was not ready in time
        self.new = False  # came by start_child and is not up yet: if that fails, it goes again
        self.starter: object = None  # who waits for its start
        self.stoppers: list[object] = []  # who wait for its end
        self.pid: int | None = None
        self.born = 0.0
        self.restarts = 0
        self.last: End | None = None
        self.info: object = None

    @property
    def temporary(self) -> bool:
        """Never started again, and forgotten when it ends."""
        return self.spec.restart == "temporary"

    @property
    def must_say_ready(self) -> bool:
        """It is up when it says so, not when its process exists.  A supervisor is up when its children are."""
        return self.spec.ready or self.spec.type == "supervisor"


class Batch:
    """Stop these, the last first; at ``resume_at`` start those, the first first."""

    __slots__ = ("resume_at", "starts", "stops")

    def __init__(self, stops: Iterable[Supervised], starts: Iterable[Supervised], resume_at: float) -> None:
        self.stops = list(stops)
        self.starts = deque(starts)
        self.resume_at = resume_at


def status_of(child: Supervised, now: float) -> ChildStatus:
    """The child as it is shown."""
    return ChildStatus(
        child.spec.id,
        child.spec.type,
        child.phase,
        child.pid,
        child.restarts,
        child.last.words if child.last is not None else "",
        now - child.born if child.pid is not None else 0.0,
        child.info,
    )
