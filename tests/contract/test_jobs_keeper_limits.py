"""Limits: by control groups, else by looking; and that nothing of them is left."""

from __future__ import annotations

import os

import pytest

from procession.linux import cgroup_limits
from tests.contract.keeperkit import Room, wait_until
from tests.harness import processes

HOG = "import time; x = bytearray(300 << 20); print('got it', flush=True); time.sleep(1000)"


@pytest.fixture
def groups() -> None:
    group = cgroup_limits.limit_memory("pn-tests-try", 1 << 30)
    if group is None:
        pytest.skip("no control group with a memory limit may be made here")
    cgroup_limits.remove(group)


@pytest.mark.usefixtures("groups")
def test_memory_by_a_control_group(jobs: Room) -> None:
    run = jobs.keep("python3", "-c", HOG, memory=100 << 20)
    told = run.began()
    assert told["level"] in ("memory: cgroup v1", "memory: cgroup v2")
    outcome = run.ended()
    assert (outcome.kind, outcome.signal) == ("memory", 9)
    assert "memory limit" in outcome.reason
    assert outcome.peak_memory is not None
    assert 50 << 20 < outcome.peak_memory <= 100 << 20
    assert cgroup_limits.left_behind(f"-{run.mark}") == []


@pytest.mark.usefixtures("groups")
def test_a_child_that_goes_over_the_limit_is_told_of(jobs: Room) -> None:
    outcome = jobs.keep("sh", "-c", f'python3 -c "{HOG}"; exit 6', memory=100 << 20).ended()
    assert (outcome.kind, outcome.code) == ("memory", 6)


@pytest.mark.usefixtures("groups")
def test_who_stays_below_is_left_alone(jobs: Room) -> None:
    run = jobs.keep("echo", "small", memory=100 << 20, cpu=0.5)
    assert run.ended().kind == "done"
    assert cgroup_limits.left_behind(f"-{run.mark}") == []


@pytest.mark.usefixtures("groups")
def test_the_groups_of_a_killed_keeper_are_swept(jobs: Room) -> None:
    run = jobs.keep(
        "sh", "-c", "env -i setsid sleep 1000 & echo up; wait", memory=100 << 20, cpu=0.5, ready="log:up"
    )
    run.began()
    run.event("ready")
    wait_until(lambda: len(processes.descendants(run.keeper)) == 2, "its child")
    tree = processes.descendants(run.keeper)
    assert cgroup_limits.left_behind(f"-{run.mark}")
    processes.kill(run.keeper)
    run._gone()
    jobs.sweep(run.mark)
    assert cgroup_limits.left_behind(f"-{run.mark}") == []
    assert all(processes.state_and_parent(pid)[0] in ("", "Z") for pid in tree)  # even who carried no mark


def test_the_level_is_in_words(jobs: Room) -> None:
    run = jobs.keep("true", files=64)
    assert run.began()["level"] == "files: each process (RLIMIT_NOFILE)"
    run.ended()


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_memory_by_looking_where_no_group_may_be_made() -> None:
    import subprocess

    # A nursery that sees an empty folder where the control groups are, in a mount namespace of its own.
    program = (
        "from tests.contract.keeperkit import room\n"
        "with room() as jobs:\n"
        f"    run = jobs.keep('python3', '-c', {HOG!r}, memory=100 << 20, cpu=0.5)\n"
        "    print(run.began()['level'])\n"
        "    outcome = run.ended()\n"
        "    print(outcome.kind, outcome.signal)\n"
    )
    words = [
        "unshare",
        "-m",
        "sh",
        "-c",
        'mount -t tmpfs -o ro none /sys/fs/cgroup && exec python3 -c "$0"',
        program,
    ]
    import sys

    words[4] = words[4].replace("python3", sys.executable)
    done = subprocess.run(words, capture_output=True, text=True, cwd=os.getcwd(), check=False)
    assert done.stdout.splitlines() == [
        "memory: looked at every second (no cgroup may be made), cpu: not limited (no cgroup may be made)",
        "memory 9",
    ], done.stderr
