"""Jobs by name in lists of processes: what runs in a job, and who keeps it."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from procession.table.record import ProcessRecord
    from procession.table.snapshot import Snapshot

_KEEPER = b"pn-keeper"  # and "JOB.RUN": the names that the nursery gives (comm, 15 bytes)
_OTHERS = {b"pn-nursery": "nursery of the jobs", b"pn-daemon": "daemon of the jobs"}


def hand_in() -> None:
    """Let the tables of processes know of jobs."""
    from procession.table import roles

    if of_jobs not in roles.HANDED:
        roles.HANDED.append(of_jobs)


def of_jobs(snapshot: Snapshot) -> dict[int, str]:
    """Roles by pid, of this user's jobs."""
    import os

    from procession.jobs.peek import peek

    found: dict[int, str] = {}
    uid = os.geteuid()
    for record in snapshot:
        comm = record.comm_bytes
        if comm.startswith(b"pn-") and record.uid == uid:
            if comm in _OTHERS:
                found[record.pid] = _OTHERS[comm]
            elif comm.startswith(_KEEPER):
                number = comm[len(_KEEPER) + 1 :].partition(b".")[0]
                found[record.pid] = f"keeper of job {number.decode('ascii', 'replace')}"
    answer = peek("list", all=False)
    for job in answer["jobs"] if answer is not None else ():
        _of_job(snapshot, job, found)
    return found


def _of_job(snapshot: Snapshot, job: Mapping[str, Any], found: dict[int, str]) -> None:
    pid = job["state"].get("pid")
    first = snapshot.by_pid.get(pid) if pid else None
    if first is None or first.starttime != job["state"].get("start"):
        return
    name = f'job {job["id"]} "{_name(job["spec"])}"'
    found[first.pid] = name
    for below in _below(snapshot, first):
        found.setdefault(below.pid, f"in {name}")


def _name(spec: Mapping[str, Any]) -> str:
    from procession.copying.words import shown

    text = shown(spec["name"] or " ".join(spec["command"]))
    return text if len(text) <= 40 else f"{text[:37]}..."


def _below(snapshot: Snapshot, first: ProcessRecord) -> list[ProcessRecord]:
    children: dict[int, list[ProcessRecord]] = {}
    for record in snapshot.by_pid.values():
        children.setdefault(record.ppid, []).append(record)
    found, left = [], [first.pid]
    while left:
        for child in children.get(left.pop(), ()):
            found.append(child)
            left.append(child.pid)
    return found
