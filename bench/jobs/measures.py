"""The figures, in alternating rounds."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.jobs.peers import Ours, Peer, Spooler, Supervisor, descendants, named, pss
from bench.kit import measure
from bench.kit.contest import log
from bench.kit.rounds import WARM_UP, rotated, rounds

SLOTS = 2
SLEEP = "86399.25"  # seconds; found again by this word


def all_of(kinds: Sequence[type[Peer]], count: int, jobs: int, keepers: int, waiting: int) -> dict[str, Any]:
    """``submit``, ``whole``: seconds a job; ``memory``: bytes a job; ``latency``: seconds; ``listing``: seconds."""
    found: dict[str, Any] = {"submit": {}, "whole": {}, "memory": {}, "keeper": []}
    for number in rounds(count):
        log(f"round {number} of {count}")
        for kind in rotated(kinds, number):
            submit, whole = _batch(kind, jobs)
            if number != WARM_UP:
                found["submit"].setdefault(kind.name, []).append(submit)
                found["whole"].setdefault(kind.name, []).append(whole)
    log("memory")
    for kind in kinds:
        found["memory"][kind.name], each = _memory(kind, keepers)
        if each:
            found["keeper"], found["wakeups"] = each
    log("latency and listing")
    found["latency"] = _latency(max(20, count * 10))
    found["listing"] = _listing(waiting, max(10, count * 4))
    return found


def _with(kind: type[Peer], work: Callable[[Any], Any]) -> Any:
    peer = kind()
    try:
        peer.start()
        return work(peer)
    finally:
        peer.stop()


def _batch(kind: type[Peer], jobs: int) -> tuple[float, float]:
    """Seconds a job: handing it in by the peer's command, and until all have ended."""

    def work(peer: Any) -> tuple[float, float]:
        if isinstance(peer, (Ours, Spooler)):
            peer.slots(SLOTS)
        began = time.perf_counter()
        if isinstance(peer, Supervisor):
            names = peer.submit_many([["true"]] * jobs)
        else:
            names = [peer.submit(["true"]) for _ in range(jobs)]
        submitted = time.perf_counter()
        for name in names[-SLOTS:]:
            peer.wait(name)
        ended = time.perf_counter()
        return (submitted - began) / jobs, (ended - began) / jobs

    found: tuple[float, float] = _with(kind, work)
    return found


def _memory(kind: type[Peer], keepers: int) -> tuple[float, tuple[list[int], str] | None]:
    """PSS in bytes of everything but the commands, a job; of ours also that of each keeper, and their wake-ups."""

    def work(peer: Any) -> tuple[float, tuple[list[int], str] | None]:
        if isinstance(peer, Spooler):
            peer.slots(keepers)
        commands = [["sleep", SLEEP]] * keepers
        if isinstance(peer, Supervisor):
            peer.submit_many(commands)
        else:
            for command in commands:
                peer.submit(command)
        until = time.monotonic() + 30
        while len(named(SLEEP)) < keepers and time.monotonic() < until:
            time.sleep(0.05)
        sleepers = named(SLEEP)
        overhead = peer.overhead(sleepers) / keepers
        own = None
        if isinstance(peer, Ours):
            top = peer.nursery()
            own = (
                [pss(pid) for pid in descendants(top) - sleepers - {peer.server()}],
                _wakeups([top, *sorted(descendants(top) - sleepers)]),
            )
        _end(peer, sleepers)
        return overhead, own

    found: tuple[float, tuple[list[int], str] | None] = _with(kind, work)
    return found


def _end(peer: Peer, sleepers: set[int]) -> None:
    import os
    import signal

    if not isinstance(peer, Ours):  # it ends them itself
        for pid in sleepers:
            os.kill(pid, signal.SIGTERM)


def _wakeups(pids: Sequence[int], seconds: int = 10) -> str:
    """System calls of these processes in so many seconds, as strace counts them; "" without strace."""
    try:
        done = subprocess.run(
            ["timeout", "-s", "INT", str(seconds), "strace", "-f", "-qq", *(f"-p{pid}" for pid in pids)],
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError:
        return ""
    lines = [line for line in done.stderr.splitlines() if "resumed" in line or ") = " in line]
    return f"{len(lines)} in {seconds} s of {len(pids)} processes"


def _latency(times: int) -> list[float]:
    """Seconds from the request until the command runs (by its keeper's clock), one after the other."""

    def work(peer: Ours) -> list[float]:
        script = Path(__file__).with_name("latency.py")
        said = peer.call(sys.executable, str(script), str(times))
        return [float(word) for word in said.split()]

    found: list[float] = _with(Ours, work)
    return found


def _listing(waiting: int, times: int) -> Mapping[str, list[float]]:
    """Seconds of ``pn jobs`` with so many waiting jobs, and of ``pn --version``, in turns."""

    def work(peer: Ours) -> Mapping[str, list[float]]:
        script = Path(__file__).with_name("waiting.py")
        peer.call(sys.executable, str(script), str(waiting))
        found: dict[str, list[float]] = {"pn jobs": [], "pn --version": []}
        for number in rounds(times):
            for name in rotated(list(found), number):
                done = measure.run([peer.program, *name.split()[1:]], env=peer.environment)
                if number != WARM_UP:
                    found[name].append(done.seconds)
        return found

    found: Mapping[str, list[float]] = _with(Ours, work)
    return found


def median(values: Sequence[float]) -> float:
    """For the report."""
    return statistics.median(values)
