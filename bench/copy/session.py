"""One data set in one place: all tools, in alternation.

    round 0 (warm-up, not counted; each copy is verified)      round 1 .. runs (counted)
    tool a · tool b · tool c                                   b · c · a      c · a · b ...

Before each run, outside its time: the old copy is deleted, then ``syncfs``, so that no tool writes back
what the one before it left dirty.  The source was read whole just before (to know what a right copy
is), so it is in the page cache as far as memory allows.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from bench.copy.listing import Listing, scan
from bench.copy.peers import Job, Tool
from bench.copy.results import Measured
from bench.copy.verify import lossy, verify, words
from bench.kit import measure
from bench.kit.measure import Run
from bench.kit.places import remove, settle
from bench.kit.rounds import WARM_UP, rotated, rounds
from bench.kit.units import seconds

Log = Callable[[str], None]
Launch = Callable[[Sequence[str]], Run]


def compete(
    tree: Path,
    arena: Path,
    tools: Sequence[Tool],
    runs: int,
    log: Log,
    *,
    sync: bool = False,
    launch: Launch = measure.run,
) -> list[Measured]:
    """Let every tool copy ``tree`` into the folder ``arena`` (which is emptied) ``runs`` times."""
    truth = scan(tree, contents=True)
    found = {tool.name: Measured(tool.name) for tool in tools}
    try:
        for number in rounds(runs):
            for tool in rotated(tools, number):
                so_far = found[tool.name]
                if so_far.failure:
                    continue
                job = _fresh(tree, arena)
                done = launch(tool.command(job))
                if done.code != 0:
                    found[tool.name] = _failed(so_far, done, job)
                elif number == WARM_UP:
                    found[tool.name] = _verified(so_far, truth, job)
                else:
                    found[tool.name] = _counted(so_far, done, _settling(arena) if sync else None)
                log(f"  round {number}: {tool.name} {seconds(done.seconds)} s")
    finally:
        remove(arena)
    return list(found.values())


def _fresh(tree: Path, arena: Path) -> Job:
    remove(arena)
    job = Job(tree, arena / "copy", arena / "work", len(os.sched_getaffinity(0)))
    job.work.mkdir(parents=True)
    settle(arena)
    return job


def _failed(so_far: Measured, done: Run, job: Job) -> Measured:
    """A failure ends the tool's part in this cell: its time would be that of half a copy."""
    lines = done.stderr.splitlines() or ["nothing on stderr"]
    how = f"exit {done.code}" if done.code > 0 else f"signal {-done.code}"
    told = lines[-1].replace(str(job.target.parent), "").replace(str(job.source), "")
    return replace(so_far, failure=f"{how}: {told[:160]}")


def _verified(so_far: Measured, truth: Listing, job: Job) -> Measured:
    differences = verify(truth, job.target)
    return replace(so_far, copy=words(differences), lossy=lossy(differences))


def _counted(so_far: Measured, done: Run, sync: float | None) -> Measured:
    return replace(
        so_far,
        seconds=[*so_far.seconds, done.seconds],
        cpu=[*so_far.cpu, done.cpu],
        synced=so_far.synced if sync is None else [*so_far.synced, done.seconds + sync],
        max_rss=max(so_far.max_rss, done.max_rss),
        floor_rss=max(so_far.floor_rss, done.floor_rss),
    )


def _settling(arena: Path) -> float:
    start = time.perf_counter()
    settle(arena)
    return time.perf_counter() - start
