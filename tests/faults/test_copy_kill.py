"""Copies that are struck at random moments: nothing half, nobody left, and a second run finishes.

::

    copy_child.py ── a packet for each name that it makes ──▶ the test counts to a random number, strikes
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults import copy_trees
from tests.faults.copy_trees import CHILD, Source, Ticking, assert_nothing_half, strike, wait_gone
from tests.fs import trees
from tests.harness.program import clean_environment

ROUNDS = [
    pytest.param(range(2), id="2 rounds"),
    pytest.param(range(1000, 1200), id="200 rounds", marks=[pytest.mark.slow, pytest.mark.hang_limit(1500)]),
]
TICKS = 6500  # about as many names as the copy makes


@pytest.fixture(scope="module")
def source() -> Iterator[Source]:
    base = Path(tempfile.mkdtemp(prefix="pn-tests-kill-", dir="/dev/shm"))
    yield copy_trees.make_source(base / "source")
    shutil.rmtree(base)


def start(source: Source, target: Path, mode: str, workers: int) -> Ticking:
    if mode == "pn":
        return Ticking("pn", "-T", "--json", "--workers", str(workers), source.path, target)
    return Ticking("python", source.path, target, str(workers))


def assert_a_second_run_finishes(source: Source, target: Path) -> bool:
    """With exact figures; and it removes what the first one left.  Was there anything left to do?"""
    whole = assert_nothing_half(source, target)
    code, lines, err = start(source, target, "python", 2).end()
    assert (code, err) == (0, "")
    (report,) = map(json.loads, lines)
    assert (report["failed"], report["interrupted"]) == ([], False)
    counts = source.counts
    assert report["skipped"] == whole
    assert report["files"] + report["links"] + report["skipped"] == counts.files + counts.links
    assert report["bytes"] + report["skipped_bytes"] == counts.bytes
    assert trees.picture(target) == source.picture
    assert trees.litter(target) == []
    return bool(report["files"])


def clear(target: Path) -> None:
    if (target / "huge").exists():
        os.chmod(target / "huge", 0o755)
    shutil.rmtree(target, ignore_errors=not target.exists())


@pytest.mark.parametrize("rounds", ROUNDS)
def test_workers_are_killed_and_the_copy_is_exact(source: Source, tmpfs_dir: Path, rounds: range) -> None:
    target = tmpfs_dir / "copy"
    for seed in rounds:
        print("seed", seed)
        chance = random.Random(seed)
        run = start(source, target, "python", chance.choice((1, 2, 3)))
        blows = 0
        for _ in range(chance.choice((1, 1, 3))):
            if not run.wait_ticks(chance.randrange(300, TICKS // 2)):
                break
            pids, pidfds = run.children()
            if pids:
                strike(chance.choice(pids))
                blows += 1
            for pidfd in pidfds:
                os.close(pidfd)
        code, lines, err = run.end()
        assert (code, err) == (0, "")
        (report,) = map(json.loads, lines)
        # Two blows may hit the same file; then it is given up, and said to be.
        failed = {path.removeprefix(f"{source.path}/") for path, _ in report["failed"]}
        assert len(failed) <= blows // 2
        assert all("it cost two workers their lives" in cause for _, cause in report["failed"])
        counts = source.counts
        assert (report["folders"], report["skipped"]) == (counts.folders, 0)
        assert report["files"] + report["links"] + len(failed) == counts.files + counts.links
        assert failed or report["bytes"] == counts.bytes
        assert not report["interrupted"]
        wanted = {path: facts for path, facts in source.picture.items() if path not in failed}
        assert trees.picture(target) == wanted
        assert trees.litter(target) == []
        clear(target)


@pytest.mark.parametrize("who", ["parent", "all"])
@pytest.mark.parametrize("rounds", ROUNDS)
def test_the_parent_is_killed_and_a_second_run_finishes(
    source: Source, tmpfs_dir: Path, rounds: range, who: str
) -> None:
    target = tmpfs_dir / "copy"
    cut = 0
    for seed in rounds:
        print("seed", seed)
        chance = random.Random(seed)
        run = start(source, target, chance.choice(("python", "pn")), chance.choice((1, 2, 3)))
        run.wait_ticks(chance.choice((chance.randrange(1, 20), chance.randrange(1, TICKS))))
        pids, pidfds = run.children()
        victims = [run.program.pid, *(pids if who == "all" else [])]
        chance.shuffle(victims)
        for pid in victims:
            strike(pid)
        wait_gone(pidfds)
        run.end()
        cut += assert_a_second_run_finishes(source, target)
        clear(target)
    assert cut > len(rounds) // 2


@pytest.mark.parametrize("rounds", ROUNDS)
@pytest.mark.parametrize(
    "blows",
    [[signal.SIGINT], [signal.SIGINT] * 2, [signal.SIGTERM], [signal.SIGTERM, signal.SIGINT]],
    ids=str,
)
def test_signals_leave_no_trace(
    source: Source, tmpfs_dir: Path, rounds: range, blows: list[signal.Signals]
) -> None:
    target = tmpfs_dir / "copy"
    for seed in rounds:
        print("seed", seed)
        chance = random.Random(seed)
        run = start(source, target, "pn", chance.choice((1, 2, 3)))
        # From the first name on: then Python has started and the signals are watched.
        came = run.wait_ticks(chance.randrange(1, TICKS // 2))
        pids, pidfds = run.children()
        for number in blows if came else []:
            # A terminal sends Ctrl-C to the whole group; a SIGTERM comes to the leader alone.
            for pid in [run.program.pid, *(pids if number == signal.SIGINT else [])]:
                strike(pid, number)
            run.wait_ticks(chance.randrange(2))
        left, lines, err = run.end()
        wait_gone(pidfds)
        # Two that come together may be seen in either order.
        assert left in ([128 + number for number in blows] if came else [0])
        assert "Traceback" not in err
        done = json.loads(lines[-1])
        assert (done["event"], done["failed"]) == ("done", [])
        whole = assert_nothing_half(source, target)
        said = done["files"] + done["links"] + done["skipped"]
        assert said == whole if len(blows) == 1 else said <= whole
        assert [name for name in os.listdir(tmpfs_dir) if name != "copy"] == []
        assert not target.exists() or trees.litter(target) == []
        assert_a_second_run_finishes(source, target)
        clear(target)


@pytest.mark.parametrize("name", ["file-17", "file-1000", "n" * 255, "large-1"])
def test_a_file_that_kills_its_workers_is_given_up_alone(tmpfs_dir: Path, name: str) -> None:
    trees.make_flat(tmpfs_dir / "a", 600)
    trees.make_flat(tmpfs_dir / "a/huge", 2300)
    trees.write(tmpfs_dir / "a/huge" / ("n" * 255), b"a name as long as can be")
    trees.write(tmpfs_dir / "a/large-1", b"x" * (5 << 20))
    program = subprocess.run(
        [sys.executable, CHILD, "python", tmpfs_dir / "a", tmpfs_dir / "b", "2"],
        env=clean_environment(tmpfs_dir, DEADLY=name, PYTHONPATH=os.pathsep.join(sys.path)),
        capture_output=True,
        check=False,
    )
    assert program.stderr == b""
    report = json.loads(program.stdout)
    failed = {path.removeprefix(f"{tmpfs_dir}/a/") for path, _ in report["failed"]}
    # What the parent copies itself, before there are workers, it survives.
    assert failed
    assert {os.path.basename(path) for path in failed} == {name}
    for _, cause in report["failed"]:
        assert "it cost two workers their lives; the last, " in cause
        assert "was killed by SIGKILL (9)" in cause
    wanted, copied = trees.picture(tmpfs_dir / "a"), trees.picture(tmpfs_dir / "b")
    assert {path: facts for path, facts in wanted.items() if path not in failed} == copied
    assert report["files"] + len(failed) == trees.count(tmpfs_dir / "a").files
    assert trees.litter(tmpfs_dir / "b") == []
