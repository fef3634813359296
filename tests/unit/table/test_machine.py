"""The machine: against recorded files, against psutil, and its invariants."""

from __future__ import annotations

import os
from pathlib import Path

import psutil
import pytest

from procession.linux.cputimes import CpuTimes, parse_kernel_stat
from procession.linux.meminfo import parse_meminfo
from procession.linux.pressure import Pressure, Stall, parse_pressure, read_pressure
from procession.table.cores import cgroup_limit
from procession.table.machine import memory_of, read_machine, shares

STAT = b"""cpu  100 10 50 800 20 5 5 10 7 3
cpu0 60 5 25 400 10 2 3 5 7 3
cpu2 40 5 25 400 10 3 2 5 0 0
intr 12345 0 1 2
ctxt 999
btime 1700000000
processes 77
procs_running 3
procs_blocked 1
softirq 5 1 2
"""


def test_kernel_stat() -> None:
    stat = parse_kernel_stat(STAT)
    assert stat.total == CpuTimes(100, 10, 50, 800, 20, 5, 5, 10, 7, 3)
    assert stat.total.total == 1000  # guests are in user and nice already
    assert list(stat.cpus) == [0, 2]
    assert (stat.context_switches, stat.boot_time, stat.forks) == (999, 1_700_000_000, 77)
    assert (stat.procs_running, stat.procs_blocked) == (3, 1)
    with pytest.raises(ValueError, match="not /proc/stat"):
        parse_kernel_stat(b"")


def test_an_older_kernel_has_fewer_columns() -> None:
    assert parse_kernel_stat(b"cpu 1 2 3 4 5 6 7\n").total == CpuTimes(1, 2, 3, 4, 5, 6, 7, 0)


def test_shares() -> None:
    before = CpuTimes(100, 0, 100, 1000, 0, 0, 0, 0)
    after = CpuTimes(150, 10, 120, 1100, 10, 2, 3, 5)
    found = shares(before, after)
    assert (found.us, found.ni, found.sy, found.id) == (0.25, 0.05, 0.1, 0.5)
    assert (found.wa, found.hi, found.si, found.st) == (0.05, 0.01, 0.015, 0.025)
    assert found.busy == pytest.approx(0.45)
    assert shares(after, after).id == 1
    # iowait may step back (proc_stat(5))
    assert shares(CpuTimes(0, 0, 0, 0, 9, 0, 0, 0), CpuTimes(0, 0, 0, 8, 7, 0, 0, 0)).id == 1


def test_memory_of_an_old_and_of_a_strange_kernel() -> None:
    old = memory_of(parse_meminfo(b"MemTotal: 1000 kB\nMemFree: 100 kB\nBuffers: 50 kB\nCached: 350 kB\n"))
    assert (old.total, old.available, old.used) == (1024_000, 512_000, 512_000)
    strange = memory_of(
        parse_meminfo(b"MemTotal: 100 kB\nMemFree: 10 kB\nMemAvailable: 200 kB\nHugePages: 3\n")
    )
    assert strange.available == strange.total
    assert strange.used == 0


def test_pressure() -> None:
    some = b"some avg10=1.50 avg60=0.25 avg300=0.00 total=12345\n"
    full = b"full avg10=0.10 avg60=0.00 avg300=0.00 total=99\n"
    assert parse_pressure(some + full) == Pressure(Stall(1.5, 0.25, 0, 12345), Stall(0.1, 0, 0, 99))
    assert parse_pressure(some) == Pressure(Stall(1.5, 0.25, 0, 12345), None)
    assert parse_pressure(full) == Pressure(Stall(0.1, 0, 0, 99), Stall(0.1, 0, 0, 99))
    assert parse_pressure(b"") is None
    assert read_pressure("cpu", "/nowhere") is None


def test_the_machine_as_psutil_sees_it() -> None:
    machine = read_machine()
    memory = psutil.virtual_memory()
    assert machine.memory.total == memory.total
    assert machine.memory.available == pytest.approx(memory.available, rel=0.1)
    assert machine.memory.swap_total == psutil.swap_memory().total
    assert machine.cores.online == psutil.cpu_count()
    assert machine.cores.usable == len(psutil.Process().cpu_affinity())
    assert machine.load == pytest.approx(psutil.getloadavg(), abs=1.0)
    assert machine.stat.boot_time == int(psutil.boot_time())
    assert machine.users == len(psutil.users())
    assert 0 < machine.runnable <= machine.tasks
    assert machine.uptime > 0
    cpus = machine.stat.cpus
    assert len(cpus) == len(psutil.cpu_times(percpu=True))
    assert machine.cores.effective <= machine.cores.usable


@pytest.mark.parametrize(
    ("lines", "quotas", "limit"),
    [
        ("0::/a/b\n", {"a/cpu.max": "150000 100000", "a/b/cpu.max": "max 100000"}, 1.5),
        ("0::/a/b\n", {"a/cpu.max": "400000 100000", "a/b/cpu.max": "50000 100000"}, 0.5),
        ("0::/\n", {}, None),
        (
            "3:cpu,cpuacct:/x\n0::/\n",
            {"cpu,cpuacct/x/cpu.cfs_quota_us": "200000", "cpu,cpuacct/x/cpu.cfs_period_us": "100000"},
            2.0,
        ),
        (
            "3:cpu:/x\n",
            {"cpu/x/cpu.cfs_quota_us": "-1", "cpu/x/cpu.cfs_period_us": "100000"},
            None,
        ),
        ("1:name=systemd:/\n0::/u\n", {"unified/u/cpu.max": "100000 100000"}, 1.0),
    ],
)
def test_what_control_groups_allow(
    tmp_path: Path, lines: str, quotas: dict[str, str], limit: float | None
) -> None:
    (tmp_path / "cgroup").write_text(lines)
    for name, text in quotas.items():
        (tmp_path / "fs" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "fs" / name).write_text(text + "\n")
    assert cgroup_limit(str(tmp_path), str(tmp_path / "fs")) == limit
    assert cgroup_limit(f"{tmp_path}/none", os.devnull) is None
