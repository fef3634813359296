"""What the rules of a supervisor want done (``supervision.Supervision`` gives, its loop obeys)."""

from __future__ import annotations

from procession.records import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procession.process.childspec import ChildSpec


@record
class Launch:
    """Start the child; answered by ``launched``, ``not_launched`` or ``ignored``."""

    spec: ChildSpec


@record
class Terminate:
    """Ask the child to end."""

    child: str


@record
class Kill:
    """End the child, without asking."""

    child: str


@record
class Answer:
    """What somebody asked for (start_child, ...) is done, or cannot be."""

    token: object
    child: str
    error: Exception | None = None


@record
class Tell:
    """For those who watch: what has happened to whom, in words."""

    child: str
    what: str
    words: str = ""


@record
class Up:
    """All children have been started."""


@record
class Down:
    """No child is left, and none will be started again; with a ``cause`` the supervisor has failed."""

    cause: Exception | None = None


Order = Launch | Terminate | Kill | Answer | Tell | Up | Down
