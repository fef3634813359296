"""``pn ps --json`` beside psutil, field by field, for specimens in different states."""

from __future__ import annotations

import contextlib
import io
import json
import os
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import psutil
import pytest

from procession.cli import main
from tests.harness.places import Unprivileged
from tests.harness.program import Program
from tests.harness.specimens import asleep, made, odd_name, stopped, threads, zombie

COLUMNS = (
    "pid,ppid,pgid,sid,state,uid,ruid,suid,gid,rgid,sgid,user,nice,nlwp,comm,args,exe,lstart,time,rss,vsz,tty,"
    "psr,rbytes,wbytes,rops,wops,min_flt,maj_flt,uss,pss,etimes,pmem"
)
STATES = {"S": "sleeping", "Z": "zombie", "T": "stopped", "R": "running", "D": "disk-sleep"}


@pytest.fixture(scope="module")
def pids() -> Iterator[dict[str, int]]:
    with (
        zombie() as dead,
        stopped() as still,
        threads(3) as several,
        odd_name(b") (\x1b[7m\n\xff") as odd,
        made("say(it=os.getpid())\nnap()", "a b", "", "c\nd") as plain,
    ):
        asleep(plain.pid)
        yield {
            "zombie": dead.pid,
            "stopped": still.pid,
            "threads": several.pid,
            "odd name": odd.pid,
            "plain": plain.pid,
            "us": os.getpid(),
        }


def row(pn: Program, pid: int) -> dict[str, Any]:
    ran = pn("ps", "--json", "-o", COLUMNS, "-q", str(pid))
    assert ran.code == 0, ran.err
    found: dict[str, Any] = json.loads(ran.out)
    return found


@pytest.mark.parametrize("kind", ["zombie", "stopped", "threads", "odd name", "plain"])
def test_every_shared_field(pn: Program, pids: dict[str, int], kind: str) -> None:
    ours, other = row(pn, pids[kind]), psutil.Process(pids[kind])
    assert ours["pid"] == other.pid
    assert ours["ppid"] == other.ppid()
    assert ours["pgid"] == os.getpgid(other.pid)
    assert ours["sid"] == os.getsid(other.pid)
    assert STATES[ours["state"]] == other.status()
    assert (ours["ruid"], ours["uid"], ours["suid"]) == tuple(other.uids())
    assert (ours["rgid"], ours["gid"], ours["sgid"]) == tuple(other.gids())
    assert ours["user"] == other.username()
    assert ours["nice"] == other.nice()
    assert ours["nlwp"] == other.num_threads()
    assert datetime.fromisoformat(ours["lstart"]).timestamp() == pytest.approx(other.create_time(), abs=1.1)
    assert ours["time"] == pytest.approx(sum(other.cpu_times()[:2]), abs=0.011)
    assert (ours["tty"] and f"/dev/{ours['tty']}") == other.terminal()
    assert ours["psr"] == other.cpu_num()
    if kind != "zombie":
        assert ours["args"] == other.cmdline()
        assert ours["exe"] == other.exe()
        memory = other.memory_full_info()
        assert ours["vsz"] == memory.vms
        # psutil reads statm, where older kernels count in batches
        assert ours["rss"] == pytest.approx(memory.rss, abs=1 << 20)
        assert ours["pss"] == pytest.approx(memory.pss, rel=0.2, abs=1 << 17)
        assert ours["uss"] == pytest.approx(memory.uss, rel=0.2, abs=1 << 17)
        assert ours["pmem"] == pytest.approx(other.memory_percent(), abs=0.02)
        io = other.io_counters()
        assert [ours[name] for name in ("rbytes", "wbytes", "rops", "wops")] == [
            io.read_bytes, io.write_bytes, io.read_count, io.write_count,
        ]  # fmt: skip


def test_names_that_psutil_shows_too(pn: Program, pids: dict[str, int]) -> None:
    for kind in ("plain", "threads", "stopped"):
        ours, other = row(pn, pids[kind]), psutil.Process(pids[kind])
        # psutil lengthens a short name that is the beginning of the program's
        assert other.name().startswith(ours["comm"])


def test_what_a_zombie_no_longer_has(pn: Program, pids: dict[str, int]) -> None:
    ours = row(pn, pids["zombie"])
    assert ours["args"] == []
    assert ours["exe"] is None
    assert ours["rss"] == ours["vsz"] == 0


def test_the_identity_is_of_this_boot_and_this_process(pn: Program, pids: dict[str, int]) -> None:
    identity = row(pn, pids["plain"])["identity"]
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
        assert identity["boot_id"] == file.read().strip()
    with open(f"/proc/{pids['plain']}/stat", "rb") as stat:
        assert identity["start"] == int(stat.read().rpartition(b")")[2].split()[19])
    assert identity["pid"] == pids["plain"]


def test_all_processes_that_psutil_knows_are_listed(pn: Program) -> None:
    """Those that are there before and after, at least."""
    before = set(psutil.pids())
    listed = {json.loads(line)["pid"] for line in pn("ps", "--json", "-eo", "pid").out.splitlines()}
    assert before & set(psutil.pids()) <= listed


def as_json(*words: str) -> dict[str, Any]:
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        assert main(["ps", "--json", *words]) == 0
    found: dict[str, Any] = json.loads(out.getvalue())
    return found


def test_what_may_not_be_known_is_null(unprivileged: Unprivileged) -> None:
    """Not 0, and not an error."""
    if os.geteuid():
        pytest.skip("needs root: somebody whose files are not ours")
    words = ("-p", "1", "-o", "pid,user,rbytes,pss,exe,mntns,rss")
    as_json(*words)  # so that all is imported
    found = unprivileged.call(lambda: as_json(*words))
    assert (found["pid"], found["user"]) == (1, "root")
    assert [found[name] for name in ("rbytes", "pss", "exe", "mntns")] == [None] * 4
    assert found["rss"] > 0
