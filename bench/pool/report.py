"""The section of docs/benchmarks.md."""

from __future__ import annotations

from collections.abc import Iterable

from bench.kit.figures import ROUNDS, Row, Session, head, notes, rows_table
from bench.pool.runs import BASE, EVERY, LONG, LULL, PATIENCE

TINY = "tiny tasks"
APPLY, SUBMIT = "one by one, apply", "submit"
START = "start and first result"
ARRAYS, UNEVEN, KILL = "8 MiB arrays, there and back", "uneven tasks", "SIGKILL to the failed result"
_GROUPS = ((TINY,), (APPLY, SUBMIT), (ARRAYS, UNEVEN, KILL), (START,))

METHOD = f"""Method: {ROUNDS} Each run is an interpreter of its own, ended with all that it started. All have as many \
workers as cores are usable, started by fork; loky, and joblib on it, start fresh interpreters. But for the rows \
of the start, the workers are there and have imported the task before the clock starts.

- Tiny tasks are `f(x) -> x` over a range. By `map`, ours chooses its chunksize; of each peer several were tried in \
the warm-up and the best one is in the table. joblib and mpire got fewer tasks, since the rate is what is compared.
- One by one: the next task is handed in when the result of the one before is there: `Pool.apply`, \
`submit(...).result()`, `schedule(...).result()`, `WorkerPool.apply`, `Parallel` over one task. Submit: an executor's \
(ours: `pool.executor()`), pebble's `schedule`, `apply_async` of multiprocessing and mpire.
- Arrays are numpy int64; the task returns `array + 1`; 16 in one `map`.
- Uneven tasks: one in {EVERY}, at random, takes {LONG * 1000:g} ms and the others {BASE * 1000:g} ms, by `map` as it is \
without a chunksize. They sleep, so that a busy core does not blur how they are distributed, and say how long that \
took in fact; the ideal is the sum of this over the workers, and never less than the longest.
- SIGKILL: a worker is killed {LULL * 1000:g} ms into its task; until the failed result is in its caller's hands. \
A pool that does not survive that is made anew, outside the time. "hangs": nothing within {PATIENCE:g} s.
- Start: the two start in turns, start by start, each in its own interpreter; the fork server is warm in both."""


def section(session: Session, raw: str = "") -> str:
    """The whole section, in Markdown."""
    parts = ["## Pools", head(session, raw), METHOD]
    parts += [rows_table(rows) for rows in groups(session.rows)]
    return "\n\n".join([*parts, *notes(session.rows)])


def groups(rows: Iterable[Row]) -> list[list[Row]]:
    """The rows of each table: a table has a column for each contestant of any of its rows."""
    found = [[row for row in rows if row.name.startswith(words)] for words in _GROUPS]
    return [group for group in found if group]
