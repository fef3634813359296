"""What became of a run: written by its keeper, kept in the book."""

from __future__ import annotations

from procession.records import record

# kind
DONE = "done"  # exited with code 0
FAILED = "failed"  # exited with another code
KILLED = "killed"  # by a signal
TIMEOUT = "timeout"  # we ended it: its time was over
MEMORY = "memory"  # it, or one of its tree, was ended for the memory limit
STOPPED = "stopped"  # we ended it: somebody asked (pn kill, pn restart)
UNSTARTED = "unstarted"  # the command could not be executed
LOST = "lost"  # its keeper was killed, or the machine went down
UNKNOWN = "unknown"  # an adopted process whose status nobody could read


@record
class Outcome:
    """The end of a run.  ``kind``: one of the above; ``code`` or ``signal``, never both.  ``reason`` is a phrase that
    follows a subject ("exited with code 3").  ``began``, ``ended``: Unix times, None where it never began.
    ``cpu_seconds``, ``peak_memory`` (bytes): of the whole tree where a control group counted it, otherwise of the
    processes that were waited for (getrusage(2)).  ``leftovers``: processes that outlived the command and were ended.
    ``log_bytes`` were written, ``log_lost`` could not be (a full disk).
    """

    kind: str
    reason: str
    code: int | None = None
    signal: int | None = None
    core_dumped: bool = False
    pid: int | None = None
    began: float | None = None
    ended: float | None = None
    cpu_seconds: float | None = None
    peak_memory: int | None = None
    leftovers: int = 0
    log_bytes: int = 0
    log_lost: int = 0

    @property
    def is_well(self) -> bool:
        """Did it end as one hopes?"""
        return self.kind == DONE
