"""What happened to a process between two readings of its counters."""

from __future__ import annotations

from procession.records import record, replace
from procession.table import files
from procession.table.facts_cgroup import Throttle, throttle_of
from procession.table.record import TICKS, is_same

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procession.table.record import ProcessRecord
    from procession.table.world import World


@record
class Rate:
    """Over ``seconds``.  ``cpu``: cores in use; ``waiting``: of the thread that had to wait longest for a CPU, the
    share of the time that it did (None: the kernel keeps no schedstat); ``faults``: pages read from storage or
    swap, a second."""

    seconds: float
    cpu: float
    waiting: float | None
    faults: float


@record
class Turns:
    """Of a thread: nanoseconds on a CPU and of waiting for one (schedstat); how often it went to sleep, if it could run
    just then, else None."""

    ran: int
    waited: int
    sleeps: int | None


@record
class Reading:
    """One of the two."""

    taken: float
    record: ProcessRecord
    turns: dict[int, Turns]  # by thread
    throttle: Throttle | None


def read_once(world: World, process: ProcessRecord) -> Reading:
    """The counters of a process as they are in this world."""
    turns = {tid: each for tid in world.source.tids(process.pid) if (each := _turns(world, process.pid, tid))}
    return Reading(world.snapshot.taken, process, turns, throttle_of(process))


def rate_between(before: Reading, now: Reading) -> Rate | None:
    """None when the process is another one, or no time has passed."""
    seconds = now.taken - before.taken
    if seconds <= 0 or not is_same(before.record, now.record):
        return None
    ticks = now.record.cpu_ticks - before.record.cpu_ticks
    common = now.turns.keys() & before.turns.keys()
    waits = [_waited(before.turns[tid], now.turns[tid], seconds) for tid in common]
    faults = (now.record.majflt - before.record.majflt) / seconds
    return Rate(seconds, max(0, ticks) / TICKS / seconds, max(waits, default=None), faults)


def throttle_between(before: Throttle | None, now: Throttle | None) -> Throttle | None:
    """The later one, with what came to it."""
    if before is None or now is None or before.group != now.group:
        return now
    return replace(now, recent=now.throttled - before.throttled, recent_periods=now.periods - before.periods)


def _turns(world: World, pid: int, tid: int) -> Turns | None:
    path = f"{pid}/task/{tid}"
    try:
        words = world.source.read_now(path, files.SCHEDSTAT).split()
        status = world.source.read_now(path, files.STATUS)
    except OSError:
        return None
    if len(words) < 2:
        return None
    facts = dict(line.split(b":\t", 1) for line in status.split(b"\n") if b":\t" in line)
    can_run = facts.get(b"State", b"").startswith(b"R")
    sleeps = int(facts.get(b"voluntary_ctxt_switches", b"-1"))
    return Turns(int(words[0]), int(words[1]), sleeps if can_run and sleeps >= 0 else None)


def _waited(before: Turns, now: Turns, seconds: float) -> float:
    """Which share of the time a thread had to wait for a CPU."""
    ran = (now.ran - before.ran) / 1e9 / seconds
    if now.sleeps is not None and now.sleeps == before.sleeps:
        # It could run all the time.  The kernel counts a wait when it is over (kernel/sched/stats.h), so one that lasts
        # would not show.
        return min(1.0, max(0.0, 1.0 - ran))
    return min(1.0, (now.waited - before.waited) / 1e9 / seconds)
