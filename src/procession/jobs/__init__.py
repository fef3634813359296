"""Floor 6, jobs in the background: a daemon that may die, a keeper for each run, a book on disk.

docs/decisions/0013-jobs.md has the design; ``procession.jobs.Client`` is the way in from Python.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procession.jobs.aclient import AsyncClient as AsyncClient
    from procession.jobs.client import Client as Client
    from procession.jobs.job import Job as Job
    from procession.jobs.job import Run as Run
    from procession.jobs.outcome import Outcome as Outcome
    from procession.jobs.spec import Spec as Spec

_HOMES = {
    "Client": "client",
    "AsyncClient": "aclient",
    "Job": "job",
    "Run": "job",
    "Outcome": "outcome",
    "Spec": "spec",
}

__all__ = ["AsyncClient", "Client", "Job", "Outcome", "Run", "Spec"]


def __getattr__(name: str) -> object:
    """Load a public name when it is first asked for (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    value = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value
