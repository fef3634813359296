from __future__ import annotations

import ctypes
import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from procession.errors import NoSuchProcess
from procession.linux import pidfd, procfs
from procession.linux.procstat import ProcStat, parse_stat
from procession.records import fields_of, values_of

Fork = Callable[[Callable[[], object]], Any]

numbers = st.lists(st.integers(-(2**63), 2**64 - 1), min_size=49, max_size=49)


def line(pid: int, comm: bytes, state: bytes, rest: list[int]) -> bytes:
    return b"%d (%b) %b %b\n" % (pid, comm, state, b" ".join(b"%d" % number for number in rest))


@given(
    pid=st.integers(1, 2**22),
    comm=st.binary(max_size=63) | st.text("() \n0123456789R", max_size=15).map(str.encode),
    state=st.sampled_from([b"R", b"S", b"D", b"T", b"t", b"Z", b"X", b"I"]),
    rest=numbers,
)
def test_whatever_the_name_the_line_is_split_right(
    pid: int, comm: bytes, state: bytes, rest: list[int]
) -> None:
    stat = parse_stat(line(pid, comm, state, rest))
    assert values_of(stat) == (pid, comm, state.decode(), *rest)


@given(rest=numbers, count=st.integers(21, 49), more=st.lists(st.integers(0, 9), max_size=5))
def test_older_kernels_have_fewer_fields_and_newer_ones_more(
    rest: list[int], count: int, more: list[int]
) -> None:
    stat = parse_stat(line(1, b"x", b"S", rest[:count]))
    assert values_of(stat)[3:] == (*rest[:count], *[0] * (49 - count))
    assert parse_stat(line(1, b"x", b"S", rest + more)) == parse_stat(line(1, b"x", b"S", rest))


@pytest.mark.parametrize(
    "data", [b"", b"1 (x", b"1 x S 1 2", b"1 (x) S", b"1 (x) S 1 2 3", b"x (x) S" + b" 1" * 49]
)
def test_other_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError):
        parse_stat(data)


def test_the_fields_are_those_of_the_manual() -> None:
    names = fields_of(parse_stat(line(1, b"x", b"S", [0] * 49)))
    assert len(names) == 52
    # proc_pid_stat(5) counts from 1.
    for number, name in {14: "utime", 22: "starttime", 24: "rss", 39: "processor", 52: "exit_code"}.items():
        assert names[number - 1] == name


@pytest.mark.skipif(not shutil.which("ps"), reason="needs ps (procps), the oracle")
def test_ps_says_the_same(fork: Fork) -> None:
    child = fork(signal.pause)
    columns = "pid,ppid,pgrp,sess,tpgid,nice,nlwp,vsz,state,psr,comm"
    text = subprocess.run(
        ["ps", "-ww", "-o", columns, "--no-headers", "-p", str(child.pid)],
        capture_output=True, text=True, check=True,
    ).stdout.split(None, 10)  # fmt: skip
    stat = procfs.read_stat(child.pid)
    assert text == [
        *map(str, (stat.pid, stat.ppid, stat.pgrp, stat.session, stat.tpgid, stat.nice, stat.num_threads)),
        str(stat.vsize // 1024), stat.state, str(stat.processor), stat.comm.decode() + "\n",
    ]  # fmt: skip
    assert stat.ppid == os.getpid()


def test_own_times_agree_with_the_system() -> None:
    stat = procfs.read_stat(os.getpid())
    ticks = os.sysconf("SC_CLK_TCK")
    times = os.times()
    assert 0 <= times.user - stat.utime / ticks < 0.5
    assert stat.starttime == procfs.start_time(os.getpid())
    uptime = float(Path("/proc/uptime").read_text().split()[0])
    assert 0 < stat.starttime / ticks <= uptime


def test_a_strange_name_is_read_from_the_kernel(fork: Fork) -> None:
    from procession.linux.prctl import set_process_name

    ready, told = os.pipe()

    def body() -> None:
        set_process_name(b") R 1 (\n\xff")
        os.write(told, b"x")
        signal.pause()

    child = fork(body)
    os.read(ready, 1)
    stat = procfs.read_stat(child.pid)
    assert (stat.comm, stat.ppid) == (b") R 1 (\n\xff", os.getpid())
    os.close(ready)
    os.close(told)


def test_reading_through_a_descriptor_of_proc() -> None:
    fd = os.open("/proc", os.O_RDONLY | os.O_DIRECTORY)
    try:
        assert procfs.read_stat(os.getpid(), proc_fd=fd).pid == os.getpid()
    finally:
        os.close(fd)


def test_a_gone_process_is_named(fork: Fork) -> None:
    child = fork(lambda: 0)
    child.reap()
    for read in (procfs.read_stat, procfs.start_time, procfs.children_of):
        with pytest.raises(NoSuchProcess, match=str(child.pid)) as caught:
            read(child.pid)
        assert isinstance(caught.value.__cause__, OSError)


def test_a_process_that_ends_between_open_and_read(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: object) -> bytes:
        raise ProcessLookupError(3, "No such process")

    monkeypatch.setattr(os, "read", gone)
    with pytest.raises(NoSuchProcess):
        procfs.read_stat(os.getpid())


def test_alive_means_this_very_process_and_no_zombie(fork: Fork) -> None:
    child = fork(signal.pause)
    started = procfs.start_time(child.pid)
    assert procfs.is_alive(child.pid, started)
    assert not procfs.is_alive(child.pid, started + 1)
    pidfd.send_signal(child.pidfd, signal.SIGKILL)
    pidfd.wait_exit(child.pidfd)
    assert procfs.read_stat(child.pid).state == "Z"
    assert not procfs.is_alive(child.pid, started)
    child.reap()
    assert not procfs.is_alive(child.pid, started)


def test_boot_and_namespace_are_named() -> None:
    assert procfs.boot_id() == Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    assert procfs.pid_namespace() == os.stat(f"/proc/{os.getpid()}/ns/pid").st_ino


def test_children_of_all_threads_are_found(fork: Fork) -> None:
    ready, told = os.pipe()

    def body() -> None:
        def fork_and_wait() -> None:
            pid = os.fork()
            if pid == 0:
                ctypes.CDLL(None).prctl(1, 9)
                os.write(told, b"x")
                signal.pause()
            os.waitpid(pid, 0)

        threading.Thread(target=fork_and_wait).start()
        fork_and_wait()

    child = fork(body)
    for _ in range(2):
        os.read(ready, 1)
    found = procfs.children_of(child.pid)
    assert len(found) == 2
    assert all(procfs.read_stat(pid).ppid == child.pid for pid in found)
    ends = [pidfd.open_pidfd(pid) for pid in found]
    assert child.pid in procfs.children_of(os.getpid())
    for end in ends:
        pidfd.send_signal(end, signal.SIGKILL)
    assert child.reap().code == 0
    for fd in (*ends, ready, told):
        os.close(fd)


def test_without_the_children_file_all_processes_are_asked(
    fork: Fork, monkeypatch: pytest.MonkeyPatch
) -> None:
    child = fork(signal.pause)

    def missing(path: str) -> bytes:
        raise FileNotFoundError(2, "No such file", path)

    monkeypatch.setattr(procfs, "_read_file", missing)
    assert child.pid in procfs.children_of(os.getpid())
    assert procfs.children_of(child.pid) == []


@pytest.mark.parametrize("error", [ProcessLookupError(3, "gone"), FileNotFoundError(2, "gone")])
def test_a_thread_that_ends_meanwhile_has_no_children(
    error: OSError, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(_: str) -> bytes:
        raise error

    monkeypatch.setattr(procfs, "_read_file", gone)
    monkeypatch.setattr(os.path, "exists", lambda _: False)
    assert procfs.children_of(os.getpid()) == []


def test_processes_that_end_during_the_scan_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(pid: int) -> ProcStat:
        raise NoSuchProcess(3, str(pid))

    monkeypatch.setattr(procfs, "read_stat", gone)
    assert procfs._children_by_scan(1) == []
