"""The tab of pools: what each pool of this user's publishes of itself, its workers below it."""

from __future__ import annotations

from procession import units
from procession.pool.status import read_pools

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from procession.pool.status_record import PoolRecord
    from procession.table.meters import Line

read: Callable[[], list[PoolRecord]] = read_pools


def pool_lines(pools: list[PoolRecord], width: int) -> list[Line]:
    """Of each a line, and one for each of its workers."""
    if not pools:
        return [
            [],
            [("", "  No pool runs now.")],
            [],
            [("dim", "  A procession.Pool of this user shows itself here while it works:")],
            [("dim", "  its workers, what each is at and for how long, tasks done, failed and waiting.")],
        ]
    return [line for pool in pools for line in [*_pool(pool, width), []]]


def _pool(pool: PoolRecord, width: int) -> list[Line]:
    failed = "bad" if pool.failed else "dim"
    where = "" if pool.here else "  in another pid namespace"
    total = pool.done + pool.failed + pool.running + pool.queued
    share = (pool.done + pool.failed) / total if total else 0.0
    head: Line = [
        ("head", f" {pool.name}"),
        (
            "dim",
            f"   pid {pool.pid}{where}   {pool.start_method}   {units.number(len(pool.workers), 'worker')}",
        ),
    ]
    counts: Line = [
        ("dim", "   done "), ("good" if pool.done else "", f"{pool.done:,}"),
        ("dim", "   failed "), (failed, f"{pool.failed:,}"),
        ("dim", "   running "), ("", f"{pool.running:,}"),
        ("dim", "   waiting "), ("", f"{pool.queued:,}"),
        ("dim", "   "), ("", units.per_second(pool.rate)),
        ("dim", f"   {100 * share:.0f} % through"),
    ]  # fmt: skip
    return [head, counts, *(_worker(*worker, width) for worker in pool.workers)]


def _worker(pid: int, task: str, since: float, width: int) -> Line:
    room = max(10, width - 32)
    return [
        ("dim", "   └ "),
        ("", f"{pid:>7}"),
        ("dim", f"{units.seconds(since) if task else '':>10}   "),
        ("" if task else "dim", (task or "idle")[:room]),
    ]
