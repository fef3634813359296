"""What the parent and a worker say to each other.

::

    parent ── Setup ──────────────▶ worker     once, only to a spawned one (a fork has it already)
    parent ── Batch ──────────────▶ worker     at most WINDOW batches are under way to one worker
    parent ◀── Ready ────────────── worker     once, when the handler is loaded
    parent ◀── Spilled ──────────── worker     a result too large for the journal, before it counts
    parent ◀── BatchDone ────────── worker     the results lie in the journal on the shared page
    parent ── (end of file) ──────▶ worker     no more work: go home

Everything else that passes between them is a plain store into the shared page (``page.py``), which
outlives the worker.
"""

from __future__ import annotations

from procession.records import record

WINDOW = 2  # batches under way to one worker: one running, one waiting in its socket


@record
class Setup:
    """What a spawned worker has to know: where to import from, and (handler, setup) pickled."""

    path: tuple[str, ...]
    data: bytes


@record
class Batch:
    """Tasks for one worker, in order: (task number, pickled payload)."""

    number: int
    tasks: tuple[tuple[int, bytes], ...]


@record
class Ready:
    """The worker has loaded its handler and waits for work."""

    pid: int


@record
class Spilled:
    """An outcome of one task that the journal has no room for: kind and data as in ``page.py``."""

    task: int
    kind: int
    data: bytes


@record
class BatchDone:
    """All tasks of the batch have ended or the worker was told to stop; read its journal."""

    number: int
    seconds: float
