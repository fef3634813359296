"""Which fields of a job may still be changed."""

from __future__ import annotations

from procession.errors import JobsError
from procession.jobs.job import OCCUPYING
from procession.jobs.plain import Malformed, plain, to_record
from procession.jobs.spec import Spec
from procession.records import fields_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from procession.jobs.job import Job

# These are read when a run ends, or by the plan alone; all others are in its keeper's hands once a run has begun.
_ANY_TIME = frozenset(
    ("name", "group", "priority", "retries", "backoff", "restart", "restart_delay", "restart_cap", "restart_limit",
     "restart_within", "jitter", "remove", "notify")
)  # fmt: skip
_NEVER = frozenset(("adopt", "adopt_start"))


def edited(job: Job, changes: Mapping[str, object], has_environment: bool) -> Spec:
    """The spec with these fields, as JSON has them.  Raises JobsError for one that cannot be changed (any more), or has
    no such value."""
    known = fields_of(job.spec)
    for name in changes:
        if name not in known:
            raise JobsError(f"there is no field {name!r}")
    under_way = isinstance(job.state, OCCUPYING)
    for name in (*changes, *(("env",) if has_environment else ())):
        if name in _NEVER:
            raise JobsError(f"job {job.id}: {name} cannot be changed")
        if under_way and name not in _ANY_TIME:
            raise JobsError(
                f"job {job.id} has begun: {name.replace('_', ' ')} can be changed only before that"
            )
    if job.spec.adopt is not None and "command" in changes:
        raise JobsError(f"job {job.id} was adopted: it has no command of its own")
    new = {name: list(value) if isinstance(value, tuple) else value for name, value in changes.items()}
    try:
        return to_record(Spec, {**plain(job.spec), **new}, "edit")
    except Malformed as error:
        raise JobsError(str(error)) from None
