"""A running process as the kernel sees it."""

# ruff: noqa: SLF001 - the parts of one Process, and what multiprocessing keeps private

from __future__ import annotations

import os

from procession.errors import NoSuchProcess
from procession.linux.procfs import read_stat
from procession.process.order import Waiting
from procession.records import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procession.process.process import Process

# proc_pid_stat(5), field 3
_WORDS = {
    "R": "running",
    "S": "sleeping",
    "D": "waiting for a disk",
    "T": "stopped",
    "t": "stopped by a debugger",
    "I": "idle",
    "Z": "ended",
    "X": "ended",
    "x": "ended",
}


@record
class ProcessStats:
    """At one instant: ``cpu_seconds`` of user and system time, ``memory`` bytes in RAM, shared ones too."""

    state: str
    cpu_seconds: float
    memory: int
    threads: int


def stats_of(process: Process) -> ProcessStats:
    """Raises NoSuchProcess when it does not run."""
    handle = process._popen
    if handle is None or isinstance(handle, Waiting) or handle.poll() is not None:
        raise NoSuchProcess(f"process {process.name} does not run: {state_of(process)}")
    stat = read_stat(handle.pid)
    if handle.poll() is not None:  # else the number might be somebody else's by now
        raise NoSuchProcess(f"process {process.name} does not run: {state_of(process)}")
    return ProcessStats(
        _WORDS.get(stat.state, stat.state),
        (stat.utime + stat.stime) / os.sysconf("SC_CLK_TCK"),
        stat.rss * os.sysconf("SC_PAGE_SIZE"),
        stat.num_threads,
    )


def state_of(process: Process) -> str:
    """The kernel's word for a running process, else ours."""
    if process._closed:  # type: ignore[attr-defined]
        return "closed"
    handle = process._popen
    if handle is None:
        return "not started"
    if isinstance(handle, Waiting):
        return handle.state()
    if handle.poll() is None:
        try:
            state = _WORDS.get(read_stat(handle.pid).state, "running")
        except NoSuchProcess:
            state = "ended"
        if handle.poll() is None:
            return state
    return "ended"
