"""An order as the nursery gets it: what to keep, checked."""

from __future__ import annotations

from procession.jobs.plain import Malformed, to_record
from procession.jobs.spec import Spec
from procession.records import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


@record
class Order:
    """Run ``run`` of job ``job``; ``log_max`` (bytes a file), ``log_keep`` (files), ``log_age`` (seconds): of its log."""

    job: int
    run: int
    mark: str
    spec: Spec
    env: dict[str, str]
    log_max: int
    log_keep: int
    log_age: float

    @property
    def name(self) -> str:
        return f"{self.job}.{self.run}"


def order_of(found: dict[str, Any]) -> Order:
    """Raises Malformed."""
    from procession.jobs.log_write import KEEP, SIZE

    spec = to_record(Spec, found.get("spec"), "spec")
    env, mark = found.get("env"), found.get("mark")
    job, run = found.get("job"), found.get("run")
    if type(job) is not int or type(run) is not int or not isinstance(mark, str) or not mark.isalnum():
        raise Malformed("an order without a job, a run or a mark")
    if not isinstance(env, dict) or any("\0" in f"{name}{value}" for name, value in env.items()):
        raise Malformed("an order without an environment")
    limits = [found.get(name) or default for name, default in (("log_max", SIZE), ("log_age", 0.0))]
    keep = found.get("log_keep")
    return Order(
        job, run, mark, spec, env, int(limits[0]), KEEP if keep is None else int(keep), float(limits[1])
    )
