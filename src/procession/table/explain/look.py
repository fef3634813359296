"""Looking: two readings, some time apart, and the explanations of what they show.

::

    reading ── seconds ── World ─▶ facts_of ─▶ explain        of given processes: ``examine``
    snapshot ─ seconds ─▶ suspects ─▶ facts_of ─▶ explain     of the whole machine: ``survey``
"""

from __future__ import annotations

import time

from procession.records import record
from procession.table.explain.every import explain
from procession.table.explain.finding import FINE, Finding
from procession.table.explain.rings import ring_of, rings_among
from procession.table.explain.runaway import LIFE, LONG, NOW
from procession.table.facts import Facts, facts_of
from procession.table.facts_rates import read_once
from procession.table.family import LEFT, STRAY, origin
from procession.table.rates import Rates
from procession.table.record import is_same
from procession.table.snapshot import snapshot
from procession.table.world import World

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from procession.table.graph import Ring
    from procession.table.record import ProcessRecord

INTERVAL = 0.2  # seconds between two readings: long enough for shares of a CPU, short enough to wait for


@record
class Explained:
    """A process and what there is to say of it."""

    facts: Facts
    findings: tuple[Finding, ...]


@record
class Survey:
    """Of the whole machine: what is not as it should be, deadlocks first.  ``looked_at``: processes; ``refused``: how
    many of them are not ours to look into."""

    found: tuple[Explained, ...]
    looked_at: int
    refused: int


def examine(pids: Iterable[int], seconds: float = INTERVAL) -> list[Explained]:
    """These processes, in this order; one that is gone is left out.  ``seconds`` between the readings; 0: one only,
    and nothing is said of rates."""
    wanted = list(pids)
    first = World(snapshot())
    before = {pid: read_once(first, first.snapshot[pid]) for pid in wanted if pid in first.snapshot.by_pid}
    if seconds > 0:
        time.sleep(seconds)
    world = World(snapshot(source=first.source)) if seconds > 0 else first
    found = []
    for pid in wanted:
        process, earlier = world.snapshot.by_pid.get(pid), before.get(pid)
        if process is None or earlier is None or not is_same(process, earlier.record):
            continue
        found.append(
            _explained(facts_of(world, process, earlier if seconds > 0 else None, ring_of(world, pid)))
        )
    return found


def survey(seconds: float = INTERVAL) -> Survey:
    """Zombies, orphans, the stopped, the deaf (state D), deadlocks, runaways."""
    first = snapshot()
    if seconds > 0:
        time.sleep(seconds)
    world = World(snapshot(source=first.source))
    rates = Rates(first, world.snapshot) if seconds > 0 else None
    rings = rings_among(world, [process.pid for process in world.snapshot if not process.is_kernel_thread])
    by_pid = _first_of_each(rings)
    suspects = [
        process for process in world.snapshot if _is_suspect(world, rates, process) or process.pid in by_pid
    ]
    found = []
    for process in suspects:
        before = first.by_pid.get(process.pid)
        earlier = read_once(World(first), before) if before is not None and seconds > 0 else None
        one = _explained(facts_of(world, process, earlier, by_pid.get(process.pid)))
        findings = tuple(each for each in one.findings if each.severity != FINE)
        if findings:
            found.append(Explained(one.facts, findings))
    found.sort(key=lambda each: (each.findings[0].kind != "deadlock", each.facts.me.pid))
    return Survey(tuple(found), len(world.snapshot), len(world.holders.refused))


def deadlocks(pids: Iterable[int] = ()) -> list[Explained]:
    """All rings of waits, or those that these processes are in or wait for; one process stands for each."""
    world = World(snapshot())
    wanted = list(pids)
    if wanted:
        rings = [ring for pid in wanted if (ring := ring_of(world, pid)) is not None]
    else:
        rings = rings_among(
            world, [process.pid for process in world.snapshot if not process.is_kernel_thread]
        )
    found = []
    for pid, ring in _first_of_each(rings).items():
        process = world.snapshot.by_pid.get(pid)
        if process is not None:
            one = _explained(facts_of(world, process, None, ring))
            found.append(
                Explained(one.facts, tuple(each for each in one.findings if each.kind == "deadlock"))
            )
    return found


def _explained(facts: Facts) -> Explained:
    return Explained(facts, tuple(explain(facts)))


def _first_of_each(rings: Iterable[Ring]) -> dict[int, Ring]:
    return {ring.pids[0]: ring for ring in rings}


def _is_suspect(world: World, rates: Rates | None, process: ProcessRecord) -> bool:
    """Cheaply, from its stat line: the explanations decide."""
    if process.is_kernel_thread:
        return process.state == "D"
    if process.state in "ZDTt":
        return True
    if origin(world.snapshot, process) in (STRAY, LEFT):
        return True
    if rates is None:
        return False
    age = world.snapshot.age(process)
    return age >= LONG and rates.cpu(process) >= NOW and process.cpu_seconds >= LIFE * age
