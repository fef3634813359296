"""A job, its state and its runs, as the book keeps them.  States carry only their own facts.

::

    WAITING ──▶ STARTING ──▶ RUNNING ◀──▶ SUSPENDED          ended badly, and to be run again:
       ▲            │            │  ╲        │  ╲                RUNNING ──▶ RESTING ──▶ WAITING
       │            └────────────┴───╲───────┴───▶ ENDED
       └── pn restart                 ╲▶ ENDING ──▶ ENDED (or RESTING, WAITING: pn restart of a running one)

``plan.py`` knows the ways between them and refuses all others.
"""

from __future__ import annotations

from procession.jobs.outcome import Outcome
from procession.jobs.spec import Spec
from procession.records import record

WAITING, STARTING, RUNNING, SUSPENDED = "waiting", "starting", "running", "suspended"
ENDING, RESTING, ENDED = "ending", "resting", "ended"


@record
class Waiting:
    """For what it waits is worked out from the spec and the others (``words.py``); nothing is kept twice."""


@record
class Starting:
    """Run ``run`` has been ordered at ``since``; nobody has said yet that it began."""

    run: int
    since: float


@record
class Running:
    """Run ``run``: the command is process ``pid`` (start time ``start``, in clock ticks) since ``since``.
    ``ready``: since when it is ready, None: not yet; a job without a condition is ready at once.  ``level``: how its
    limits are kept, in words."""

    run: int
    since: float
    pid: int
    start: int
    ready: float | None
    level: str = ""


@record
class Suspended:
    """Stopped at ``at``, otherwise as Running.  ``why``: a phrase, "by SIGTSTP"; "" where nobody knows."""

    run: int
    since: float
    pid: int
    start: int
    ready: float | None
    at: float
    level: str = ""
    why: str = ""


@record
class Ending:
    """Somebody asked for its end at ``at`` (of one that had not begun: since it has); ``why`` is a phrase.  ``pid`` 0:
    it has not begun.  ``again``: it is to be run anew (pn restart).  ``grace``: seconds from ``at`` to SIGKILL."""

    run: int
    since: float
    pid: int
    start: int
    at: float
    why: str
    again: bool = False
    grace: float = 5.0


@record
class Resting:
    """It ended badly (or is to run always) and starts again at ``until``; ``why`` is a phrase."""

    until: float
    why: str


@record
class Ended:
    """For good.  ``outcome`` of its last run, or why there was none (kind "unstarted": a job it waited for failed,
    or somebody took it back)."""

    outcome: Outcome


State = Waiting | Starting | Running | Suspended | Ending | Resting | Ended
OCCUPYING = (Starting, Running, Suspended, Ending)  # a run is under way, and a slot of the group is taken


@record
class Job:
    """``touched``: a number that grows with whatever a person did to it: the largest is ``%+``, the next ``%-``.
    ``runs``: how many there have been.  ``failures``: in a row (for the back-off).  ``restarts``: when it was restarted
    (Unix times within the window).  ``environment``: the hash by which the book keeps it."""

    id: int
    spec: Spec
    environment: str
    state: State
    created: float
    touched: int
    runs: int = 0
    failures: int = 0
    restarts: tuple[float, ...] = ()


@record
class Run:
    """One execution.  ``mark``: of its tree (``process/tree.py``).  ``outcome``: None while it is under way."""

    job: int
    run: int
    mark: str
    ordered: float
    outcome: Outcome | None = None


@record
class Group:
    """Jobs that share ``slots`` (0: as many as there are).  ``paused``: none is begun."""

    name: str
    slots: int = 0
    paused: bool = False
