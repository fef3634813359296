"""What tests of a crew share: a lazy source, a run with its outcomes, and the rule that binds them."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any, NoReturn

from procession.errors import WorkerDied
from procession.pool.crew import Crew, Portion
from procession.pool.outcomes import Cancelled, Done, Failed, Lost, Outcome

if TYPE_CHECKING:
    from procession.pool.worker import Handler

METHODS = ["fork", "spawn"]


class Payloads:
    """A source over any iterable; takes from it only when it is asked."""

    def __init__(self, payloads: Iterable[object], *, heavy: Callable[[object], bool] = bool) -> None:
        self._payloads = iter(payloads)
        self._heavy = heavy
        self.taken: list[object] = []

    def take(self, limit: int) -> Portion | None:
        portion = tuple(islice(self._payloads, limit))
        self.taken += portion
        return Portion(portion) if portion else None


class Portions:
    """A source of portions that are made beforehand."""

    def __init__(self, *portions: Portion) -> None:
        self._portions: Iterator[Portion] = iter(portions)

    def take(self, _limit: int) -> Portion | None:
        return next(self._portions, None)


def run(
    handler: Handler, payloads: Iterable[object], method: str, *, workers: int = 2, **more: Any
) -> list[Outcome]:
    """All the outcomes, in the order in which they came, each task once."""
    outcomes: list[Outcome] = []
    source = Payloads(payloads)
    with Crew(handler, workers=workers, start_method=method, **more) as crew:
        crew.run(source, outcomes.append)
    each_once(outcomes, len(source.taken))
    return outcomes


def each_once(outcomes: Iterable[Outcome], count: int) -> None:
    """The tasks 0 to count-1 have one outcome each."""
    seen = Counter(outcome.task for outcome in outcomes)
    assert seen == Counter(range(count)), {n: seen[n] for n in {*seen, *range(count)} if seen[n] != 1}


def values(outcomes: Iterable[Outcome]) -> list[Any]:
    """The values, in the order of the tasks; all must be Done."""
    found = []
    for outcome in sorted(outcomes, key=lambda outcome: outcome.task):
        assert isinstance(outcome, Done), outcome
        found.append(outcome.value)
    return found


def only(outcomes: Iterable[Outcome], kind: type[Any]) -> list[Any]:
    """Those of one kind, in the order of the tasks."""
    return sorted((o for o in outcomes if isinstance(o, kind)), key=lambda outcome: outcome.task)


def failures(outcomes: Iterable[Outcome]) -> dict[object, BaseException]:
    """The error of each payload that failed."""
    return {outcome.payload: outcome.error for outcome in only(outcomes, Failed)}


def deaths(outcomes: Iterable[Outcome]) -> dict[object, WorkerDied]:
    """The death of the worker of each payload that was lost, checked against the task itself."""
    found = {}
    for outcome in only(outcomes, Lost):
        assert isinstance(outcome.error, WorkerDied)
        assert outcome.error.task == outcome.task
        assert outcome.error.doing == outcome.note.decode("utf-8", "backslashreplace")
        assert outcome.error.exit.reason in str(outcome.error)
        found[outcome.payload] = outcome.error
    return found


def count_of(outcomes: Iterable[Outcome]) -> dict[str, int]:
    """How many there are of each kind."""
    kinds = {Done: "done", Failed: "failed", Lost: "lost", Cancelled: "cancelled"}
    return dict(Counter(kinds[type(outcome)] for outcome in outcomes))


def refuse(outcome: Outcome) -> NoReturn:
    """For a crew that has nothing to deliver."""
    raise AssertionError(outcome)


def children() -> list[int]:
    """Our own children, zombies included."""
    with open(f"/proc/self/task/{os.getpid()}/children", encoding="ascii") as file:
        return [int(word) for word in file.read().split()]
