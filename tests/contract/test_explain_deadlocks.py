"""Rings of waits: found, named and proved; and nothing claimed where there is none."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from procession.table.explain.finding import WRONG
from procession.table.explain.look import deadlocks
from tests.contract.explainkit import all_text, explained, finding
from tests.harness import specimens
from tests.harness.processes import read


def kinds(pid: int) -> list[str]:
    return [each.kind for each in explained(pid).findings]


def test_two_processes_that_read_from_each_other() -> None:
    with specimens.pipe_deadlock() as found:
        one = finding(found.pid, "deadlock")
        pids = {found.pid, found["other"]}
        assert one.severity == WRONG
        assert set(one.pids) == pids
        first, second = one.pids
        assert one.headline.startswith(f"in a deadlock: pid {first} → pid {second} → pid {first}")
        assert "asleep" not in kinds(found.pid)
        assert {pid for each in deadlocks([found.pid]) for pid in each.findings[0].pids} == pids
        assert "deadlock" not in kinds(found["parent"])


def test_who_waits_for_a_deadlock() -> None:
    code = """
r, w = os.pipe()
def hopeless():
    os.read(r, 1)
pid = child(hopeless)
say(it=os.getpid(), ring=pid)
os.waitpid(pid, 0)
"""
    # The child reads what only it and its parent could write, and the parent waits for the child.
    with specimens.sleeping(code) as found:
        specimens.sleeps_in(found.pid, "do_wait")
        specimens.sleeps_in(found["ring"], "pipe_read")
        assert set(finding(found["ring"], "deadlock").pids) == {found.pid, found["ring"]}
        assert set(finding(found.pid, "deadlock").pids) == {found.pid, found["ring"]}


def test_the_classic_mistake_with_a_full_pipe() -> None:
    """Wait for a child first and read its output then."""
    code = """
r, w = os.pipe()
def talk():
    os.close(r)
    os.write(w, bytes(1 << 20))
pid = child(talk)
os.close(w)
say(it=os.getpid(), child=pid)
os.waitpid(pid, 0)
"""
    with specimens.sleeping(code) as found:
        specimens.sleeps_in(found["child"], "pipe_write")
        specimens.sleeps_in(found.pid, "do_wait")
        one = finding(found.pid, "deadlock")
        assert set(one.pids) == {found.pid, found["child"]}
        text = all_text(one)
        assert "waits for the end of its child" in text
        assert "which is full" in text


def test_threads_with_two_mutexes() -> None:
    with specimens.futex_deadlock() as found:
        one = finding(found.pid, "deadlock")
        first, second = one.headline.split("threads: ")[1].split(":")[0].split(" → ")[:2]
        assert {int(first), int(second)} == set(found.said["threads"])
        assert one.pids == (found.pid,)


def test_locks_on_two_files(tmp_path: Path) -> None:
    code = """
a, b = os.pipe(), os.pipe()
def take(mine, other, said, heard):
    first = os.open(mine, os.O_RDWR | os.O_CREAT)
    fcntl.flock(first, fcntl.LOCK_EX)
    os.write(said, b"x")
    os.read(heard, 1)
    fcntl.flock(os.open(other, os.O_RDWR | os.O_CREAT), fcntl.LOCK_EX)
one, two = sys.argv[1:]
pids = child(take, one, two, a[1], b[0]), child(take, two, one, b[1], a[0])
say(it=pids[0], other=pids[1])
nap()
"""
    with specimens.made(code, str(tmp_path / "one"), str(tmp_path / "two")) as found:
        for pid in found.parts.values():
            specimens.sleeps_in(pid, "lock")
        assert set(finding(found.pid, "deadlock").pids) == set(found.parts.values())


def test_sockets_and_pipes_in_one_ring() -> None:
    code = """
one, other = socket.socketpair()
r, w = os.pipe()
def far():
    one.close(); os.close(r)
    other.recv(1)
pid = child(far)
other.close(); os.close(w)
say(it=os.getpid(), far=pid)
os.read(r, 1)
"""
    with specimens.sleeping(code) as found:
        specimens.sleeps_in(found.pid, "pipe_read")
        specimens.sleeps_in(found["far"], "unix")
        assert set(finding(found.pid, "deadlock").pids) == {found.pid, found["far"]}


@pytest.mark.parametrize("specimen", ["full_pipe", "child_waiter", "idle", "zombie", "stopped", "busy"])
def test_no_deadlock_is_claimed(specimen: str) -> None:
    with getattr(specimens, specimen)() as found:
        for pid in found.parts.values():
            assert "deadlock" not in kinds(pid)
        assert deadlocks(found.parts.values()) == []


def test_a_time_limit_breaks_a_ring() -> None:
    code = """
r, w = os.pipe()
def reader():
    select.select([r], [], [], 86400)
pid = child(reader)
say(it=os.getpid(), child=pid)
os.waitpid(pid, 0)
"""
    with specimens.sleeping(code) as found:
        assert deadlocks([found.pid, found["child"]]) == []


def test_another_thread_that_is_free_breaks_a_ring() -> None:
    code = """
r, w = os.pipe()
def rest():
    signal.sigwait([signal.SIGUSR1])
threading.Thread(target=rest, daemon=True).start()
say(it=os.getpid())
os.read(r, 1)
"""
    with specimens.made(code) as found:
        specimens.sleeps_in(found.pid, "pipe_read")
        assert "deadlock" not in kinds(found.pid)


@pytest.mark.root
def test_threads_of_another_pid_namespace() -> None:
    """Their mutexes hold numbers that mean others to us."""
    code = """
first, second = ctypes.create_string_buffer(64), ctypes.create_string_buffer(64)
meet = threading.Barrier(2)
def lock(mine, other):
    libc.pthread_mutex_lock(mine)
    meet.wait()
    libc.pthread_mutex_lock(other)
threads = [threading.Thread(target=lock, args=pair, daemon=True) for pair in ((first, second), (second, first))]
for each in threads:
    each.start()
say(ready="numbers are not ours")
pid = child(nap)
os.waitpid(pid, 0)
"""
    with specimens.made(code, prefix=("unshare", "-pf", "--kill-child")) as found:
        (inside,) = map(int, read(found.pid, f"task/{found.pid}/children").split())
        specimens.sleeps_in(inside, "do_wait")
        tids = sorted(int(name) for name in os.listdir(f"/proc/{inside}/task") if int(name) != inside)
        for tid in tids:
            specimens.sleeps_in(inside, "futex", tid)
        (child,) = map(int, read(inside, f"task/{inside}/children").split())
        one = finding(inside, "deadlock")
        assert sorted(map(int, one.headline.split("threads: ")[1].split(":")[0].split(" → ")[:2])) == tids
        assert finding(inside, "asleep").headline.startswith(
            f"asleep: waits for the end of its child pid {child} ("
        )
