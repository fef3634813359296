"""Pressure stall information: how long work had to wait for CPU, memory or storage.

/proc/pressure since Linux 4.20, where the kernel was built and booted with it (PSI,
Documentation/accounting/psi.rst); a cgroup v2 has files of the same form (cpu.pressure, ...).
"""

from __future__ import annotations

from procession.records import record


@record
class Stall:
    """``avg10``, ``avg60``, ``avg300``: per cent of the last so many seconds; ``total``: microseconds since boot."""

    avg10: float
    avg60: float
    avg300: float
    total: int


@record
class Pressure:
    """``some``: at least one task waited.  ``full``: all that were not idle did; None where the kernel does not say
    (cpu, before 5.13)."""

    some: Stall
    full: Stall | None


def read_pressure(name: str, folder: str = "/proc/pressure") -> Pressure | None:
    """``name``: cpu, memory, io, irq, or of a cgroup cpu.pressure and so on; None where there is no such file."""
    try:
        with open(f"{folder}/{name}", "rb") as file:
            return parse_pressure(file.read())
    except OSError:  # also EOPNOTSUPP: built in, and not switched on
        return None


def parse_pressure(data: bytes) -> Pressure | None:
    """The same, from the text of such a file; None for an empty one."""
    lines: dict[str, Stall] = {}
    for line in data.decode("ascii", "replace").splitlines():
        kind, *pairs = line.split()
        facts = dict(pair.split("=", 1) for pair in pairs)
        lines[kind] = Stall(
            float(facts["avg10"]), float(facts["avg60"]), float(facts["avg300"]), int(facts["total"])
        )
    # irq has "full" only
    return Pressure(lines.get("some") or lines["full"], lines.get("full")) if lines else None
