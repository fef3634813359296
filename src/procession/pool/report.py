"""The figures of a pool as plain text: for a log as well as for a terminal of any width."""

from __future__ import annotations

from procession.pool.short import one_line
from procession.units import duration, number, size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from procession.pool.stats import PoolStats, WorkerStats

_WORDS = 200  # characters of a name or a reason
_REASONS = 10  # so many of the latest replacements are listed


def report(stats: PoolStats) -> str:
    """Several lines without a newline at the end: the sums, the workers, the slowest tasks."""
    parts = [_head(stats), *_workers(stats), *_slowest(stats), *_replaced(stats), *_batches(stats)]
    return "\n".join(parts)


def _head(stats: PoolStats) -> str:
    name = one_line(stats.name, _WORDS)
    first = (
        f"{name}: {number(len(stats.workers), 'worker')} by {stats.start_method}, {duration(stats.seconds)}"
    )
    counts = [f"{stats.done:,} done", f"{stats.failed:,} failed"]
    counts += [f"{stats.running:,} running", f"{stats.queued:,} queued"]
    if stats.retried:
        counts.append(number(stats.retried, "retry", "retries"))
    return f"{first}\n{', '.join(counts)}"


def _workers(stats: PoolStats) -> list[str]:
    if not stats.workers:
        return []
    rows: list[tuple[str, ...]] = [("worker", "pid", "state", "tasks", "busy", "alive", "memory", "at")]
    rows += [_row(worker) for worker in stats.workers]
    return ["", *_table(rows, left=(2,))]


def _row(worker: WorkerStats) -> tuple[str, ...]:
    share = min(1.0, worker.busy / worker.alive) if worker.alive > 0 else 0.0
    at = f"{one_line(worker.task, _WORDS)} for {duration(worker.since)}" if worker.task else ""
    return (
        str(worker.number), str(worker.pid), worker.state, f"{worker.tasks:,}", f"{100 * share:.0f} %",
        duration(worker.alive), size(worker.memory), at,
    )  # fmt: skip


def _slowest(stats: PoolStats) -> list[str]:
    if not stats.slowest:
        return []
    rows = [("slowest", "task", "pid", "call")]
    rows += [
        (duration(slow.seconds), f"{slow.task:,}", str(slow.pid), one_line(slow.words, _WORDS))
        for slow in stats.slowest
    ]
    return ["", *_table(rows)]


def _replaced(stats: PoolStats) -> list[str]:
    if not stats.replaced:
        return []
    lines = ["", f"{number(len(stats.replaced), 'worker')} replaced"]
    if len(stats.replaced) > _REASONS:
        lines[-1] += f", the last {_REASONS} of them:"
    return lines + [f"  {one_line(why, _WORDS)}" for why in stats.replaced[-_REASONS:]]


def _batches(stats: PoolStats) -> list[str]:
    return ["", f"latest batches: {' '.join(map(str, stats.batches))}"] if stats.batches else []


def _table(rows: Sequence[Sequence[str]], left: Sequence[int] = ()) -> list[str]:
    """Columns aligned to the right but for those in ``left`` and the last, whose width may be anything."""
    last = len(rows[0]) - 1
    widths = [max(len(row[column]) for row in rows) for column in range(last)]
    lines = []
    for row in rows:
        cells = [
            text.ljust(widths[column]) if column in left else text.rjust(widths[column])
            for column, text in enumerate(row[:last])
        ]
        lines.append("  ".join([*cells, row[last]]).rstrip())
    return lines
