"""A follower tells what a snapshot tells, and reads less."""

from __future__ import annotations

import os
import resource
import signal
from collections.abc import Iterator

import pytest

from procession.table.follow import ROUND, Follower
from procession.table.snapshot import snapshot
from tests.harness import specimens
from tests.harness.processes import read
from tests.harness.specimens import until


@pytest.fixture
def follower() -> Iterator[Follower]:
    with Follower() as made:
        made.refresh()
        yield made
    made.source.close()


def test_all_that_a_snapshot_has(follower: Follower) -> None:
    with specimens.idle() as one, specimens.zombie() as two, specimens.threads(3) as three:
        ours, theirs = follower.refresh(), snapshot()
        for pid in (one.pid, two.pid, two["parent"], three.pid):
            assert ours[pid].fields[:11] == theirs[pid].fields[:11]
            assert ours[pid].identity == theirs[pid].identity
            assert ours[pid].uid == theirs[pid].uid
        assert [record.pid for record in ours] == sorted(record.pid for record in ours)


def test_who_sleeps_keeps_its_record_and_who_ended_has_none(follower: Follower) -> None:
    with specimens.idle() as found:
        first = follower.refresh()[found.pid]
        if found.pid % ROUND == (follower._turn + 1) % ROUND:
            first = follower.refresh()[found.pid]  # its turn to be read anyway
        assert follower.refresh()[found.pid] is first
    assert found.pid not in follower.refresh().by_pid


def test_what_has_run_is_read(follower: Follower) -> None:
    with specimens.busy() as found:
        before = follower.refresh()[found.pid].cpu_ticks
        until(lambda: follower.refresh()[found.pid].cpu_ticks > before + 2, "its time goes on")


def test_a_thread_that_runs_while_the_main_one_sleeps(follower: Follower) -> None:
    code = """
def spin():
    while True: pass
threading.Thread(target=spin, daemon=True).start()
say(it=os.getpid())
nap()
"""
    with specimens.made(code) as found:
        before = follower.refresh()[found.pid].cpu_ticks
        until(lambda: follower.refresh()[found.pid].cpu_ticks > before + 2, "its time goes on")


def test_a_new_parent_is_seen_at_once(follower: Follower) -> None:
    code = """
r, w = os.pipe()
def middle():
    pid = child(nap)
    os.write(w, str(pid).encode())
    nap()
parent = child(middle)
say(parent=parent, it=int(os.read(r, 20)))
os.waitpid(parent, 0)
nap()
"""
    with specimens.made(code) as found:
        specimens.asleep(found.pid)
        assert follower.refresh()[found.pid].ppid == found["parent"]
        os.kill(found["parent"], signal.SIGKILL)
        until(lambda: not os.path.exists(f"/proc/{found['parent']}"), "its parent is gone")
        assert follower.refresh()[found.pid].ppid != found["parent"]


def test_what_others_do_to_a_sleeper_is_seen_within_a_round(follower: Follower) -> None:
    with specimens.idle() as found:
        follower.refresh()
        os.setpriority(os.PRIO_PROCESS, found.pid, 5)
        assert 5 in [follower.refresh()[found.pid].nice for _ in range(ROUND)]
        os.setpriority(os.PRIO_PROCESS, found.pid, 6)
        assert follower.refresh({found.pid})[found.pid].nice == 6


def test_a_stopped_one_is_seen_at_once(follower: Follower) -> None:
    with specimens.idle() as found:
        assert follower.refresh()[found.pid].state == "S"
        os.kill(found.pid, signal.SIGSTOP)
        specimens.asleep(found.pid, "T")
        assert follower.refresh()[found.pid].state == "T"


def test_the_command_line_is_read_once_a_program(follower: Follower) -> None:
    with specimens.busy() as found:
        first = follower.refresh()[found.pid]
        assert first.command == read(found.pid, "cmdline").rstrip(b"\0").replace(b"\0", b" ").decode()
        until(lambda: follower.refresh()[found.pid] is not first, "it has run")
        assert follower.refresh()[found.pid]._got.keys() >= {"cmdline"}


def test_with_few_descriptors_it_tells_the_same() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    open_now = len(os.listdir("/proc/self/fd"))
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(140, open_now + 20), hard))
    try:
        with Follower() as follower, specimens.idle() as found:
            for _ in range(3):
                assert follower.refresh()[found.pid].state == "S"
            assert follower._open <= max(140, open_now + 20) - 128
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_hundred_refreshes_keep_no_descriptor_too_many(follower: Follower) -> None:
    for _ in range(5):
        with specimens.idle():
            follower.refresh()
    snapshot_now = follower.refresh()
    assert follower._open <= 2 * len(snapshot_now)
    follower.close()
    assert follower._open == 0
