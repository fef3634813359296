"""What a supervisor is told: a ``ChildSpec`` for each child, and the rules for all of them.

A spec that makes no sense is refused in words that name the child and the field, before anything starts.
"""

from __future__ import annotations

import math

from procession.records import record, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any

STRATEGIES = ("one_for_one", "one_for_all", "rest_for_one", "simple_one_for_one")
RESTARTS = ("permanent", "transient", "temporary")
AUTO_SHUTDOWNS = ("never", "any_significant", "all_significant")
WORKER_GRACE = 5.0  # seconds between SIGTERM and SIGKILL


@record
class ChildSpec:
    """One child: ``target(*args, **kwargs)`` in a process of its own.

    ``restart``: ``permanent`` (always), ``transient`` (only after a bad end) or ``temporary`` (never).
    A good end is exit code 0, or SIGTERM, SIGINT or SIGHUP: somebody asked it to end.

    ``shutdown``: seconds between SIGTERM and SIGKILL, ``"brutal"`` for SIGKILL at once, None to wait for
    ever.  ``"auto"`` is 5 seconds for a worker and None for a supervisor.

    ``ready``: True when the child itself says that it is ready, with ``procession.process.ready.ready()``;
    the next child waits for that, at most ``ready_timeout`` seconds.

    ``start_method``: fork, spawn, forkserver; None is the default of the library.
    ``significant``: its end may end the supervisor, see ``Supervisor(auto_shutdown=...)``.
    """

    id: str
    target: Callable[..., object] | Any
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] | None = None
    restart: str = "permanent"
    shutdown: float | str | None = "auto"
    type: str = "worker"
    significant: bool = False
    start_method: str | None = None
    ready: bool = False
    ready_timeout: float | None = 30.0


@record
class Backoff:
    """How long to wait before a restart, in seconds: ``delay``, then twice that, and so on up to ``cap``.

    ``jitter`` is the part (0 to 1) of the wait that is left to chance, so that many supervisors on one
    machine do not restart in step.  The wait counts the restarts of this child within the window, and is
    also held below a limit that the window sets: see ``restarts.Restarts``.
    """

    delay: float = 0.05
    cap: float = 5.0
    jitter: float = 0.1


@record
class Rules:
    """What holds for all children of a supervisor."""

    strategy: str = "one_for_one"
    max_restarts: int = 1
    within: float = 5.0
    auto_shutdown: str = "never"
    backoff: Backoff = Backoff()


def check_rules(rules: Rules) -> Rules:
    """The same rules; ValueError or TypeError when they make no sense."""
    _one_of("strategy", rules.strategy, STRATEGIES)
    _one_of("auto_shutdown", rules.auto_shutdown, AUTO_SHUTDOWNS)
    if not _number(rules.max_restarts, int):
        raise ValueError(f"max_restarts must be a whole number, 0 or more, not {rules.max_restarts!r}")
    if not _seconds(rules.within) or rules.within <= 0:
        raise ValueError(f"within must be a number of seconds above 0, not {rules.within!r}")
    backoff = rules.backoff
    if not isinstance(backoff, Backoff):
        raise TypeError(f"backoff must be a Backoff, not {backoff!r}")
    if not (_seconds(backoff.delay) and _seconds(backoff.cap) and 0 <= backoff.jitter <= 1):
        raise ValueError(
            f"backoff: delay and cap are seconds, 0 or more, and jitter is 0 to 1, not {backoff!r}"
        )
    return rules


def check_spec(spec: ChildSpec, rules: Rules) -> ChildSpec:
    """The spec with ``shutdown`` filled in; ValueError or TypeError when it makes no sense."""
    if not isinstance(spec, ChildSpec):
        raise TypeError(f"a child is given as a ChildSpec (or a Supervisor), not as {spec!r}")
    if not _name(spec.id):
        raise TypeError(f"a child needs a name: ChildSpec(id={spec.id!r}) is none")
    where = f"child {spec.id!r}: "
    _one_of(where + "type", spec.type, ("worker", "supervisor"))
    _one_of(where + "restart", spec.restart, RESTARTS)
    if spec.type == "worker" and not callable(spec.target):
        raise TypeError(f"{where}target must be callable, not {spec.target!r}")
    grace = spec.shutdown
    if grace == "auto":
        grace = WORKER_GRACE if spec.type == "worker" else None
    if grace is not None and grace != "brutal" and not _seconds(grace):
        raise ValueError(
            f"{where}shutdown must be seconds, 'brutal' or None (wait for ever), not {spec.shutdown!r}"
        )
    if spec.ready_timeout is not None and not _seconds(spec.ready_timeout):
        raise ValueError(f"{where}ready_timeout must be seconds or None, not {spec.ready_timeout!r}")
    if spec.start_method not in (None, "fork", "spawn", "forkserver"):
        raise ValueError(f"{where}start_method must be fork, spawn or forkserver, not {spec.start_method!r}")
    if spec.significant and (rules.auto_shutdown == "never" or spec.restart == "permanent"):
        raise ValueError(
            f"{where}a significant child must be transient or temporary, below auto_shutdown="
            "'any_significant' or 'all_significant'"
        )
    return replace(spec, shutdown=grace)


def check_specs(specs: Iterable[ChildSpec], rules: Rules) -> tuple[ChildSpec, ...]:
    """All of them; ValueError also for a name that is there twice."""
    checked = tuple(check_spec(spec, rules) for spec in specs)
    seen: set[str] = set()
    for spec in checked:
        if spec.id in seen:
            raise ValueError(f"two children are named {spec.id!r}")
        seen.add(spec.id)
    if rules.strategy == "simple_one_for_one" and len(checked) != 1:
        raise ValueError(f"simple_one_for_one needs exactly one ChildSpec, the pattern, not {len(checked)}")
    return checked


def _one_of(what: str, value: object, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise ValueError(f"{what} must be {', '.join(allowed[:-1])} or {allowed[-1]}, not {value!r}")


def _name(value: object) -> bool:
    return isinstance(value, str) and bool(value)


def _number(value: object, kind: type[int | float]) -> bool:
    return isinstance(value, kind) and math.isfinite(value) and value >= 0


def _seconds(value: object) -> bool:
    return _number(value, int) or _number(value, float)
