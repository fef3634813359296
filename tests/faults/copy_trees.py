"""A tree for the kill tests, what must hold of any interrupted copy of it, and the ways to strike."""

from __future__ import annotations

import fcntl
import os
import random
import select
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.fs import trees
from tests.harness.program import clean_environment

CHILD = Path(__file__).with_name("copy_child.py")


@dataclass(frozen=True)
class Source:
    """A tree with its picture and its counts, taken once."""

    path: Path
    picture: dict[str, object]
    counts: trees.Counts


def make_source(top: Path, seed: int = 1) -> Source:
    """A few thousand files in folders of all sizes: most small, some a task of their own, some links."""
    chance = random.Random(seed)
    top.mkdir()
    folders = [top]
    for number in range(60):
        folders.append(chance.choice(folders[-8:]) / f"folder-{number}")
        folders[-1].mkdir()
    for number in range(900):
        trees.write(chance.choice(folders) / f"file-{number}", chance.randbytes(chance.choice((0, 99, 5000))))
    trees.make_flat(top / "huge", 2300)
    for number in range(6):
        trees.write(chance.choice(folders) / f"large-{number}", chance.randbytes(1 << 16) * 90)
    for number in range(30):
        (chance.choice(folders) / f"link-{number}").symlink_to(f"file-{number}")
    os.chmod(top / "huge", 0o555)
    return Source(top, trees.picture(top), trees.count(top))


def assert_nothing_half(source: Source, target: Path) -> int:
    """Every file at a final name is whole; returns how many entries stand there."""
    if not target.exists():
        return 0
    whole = 0
    for path, facts in trees.picture(target).items():
        if trees.PREFIX in path:
            continue
        assert path in source.picture, f"{path!r} has come out of nowhere"
        assert isinstance(facts, tuple)
        if facts[0] == "link" or str(facts[0]).startswith("0o10"):
            assert facts == source.picture[path], f"{path!r} is not whole"
            whole += 1
    return whole


class Ticking:
    """A copy that tells each name it makes, one by one, and goes on only as far as we have heard."""

    def __init__(self, mode: str, *words: str | Path) -> None:
        # A packet pipe with room for one packet: the copy never runs ahead of what we have seen.
        self.reader, writer = os.pipe2(os.O_DIRECT | os.O_CLOEXEC)
        fcntl.fcntl(self.reader, fcntl.F_SETPIPE_SZ, 4096)
        self.program = subprocess.Popen(
            [sys.executable, CHILD, mode, *words],
            env=clean_environment(Path("/"), TICKS=str(writer), PYTHONPATH=os.pathsep.join(sys.path)),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=[writer],
            start_new_session=True,
        )
        os.close(writer)

    def wait_ticks(self, count: int) -> bool:
        """Wait for that many names more; False if the copy ends before."""
        return all(os.read(self.reader, 4096) for _ in range(count))

    def children(self) -> tuple[list[int], list[int]]:
        """The pids of its children, and pidfds that stay theirs."""
        pids, pidfds = [], []
        pid = self.program.pid
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as children:
            for child in map(int, children.read().split()):
                try:
                    pidfds.append(os.pidfd_open(child))
                    pids.append(child)
                except ProcessLookupError:
                    continue
        return pids, pidfds

    def end(self) -> tuple[int, list[str], str]:
        """Let it run to its end: the exit code, the lines that it printed, and its complaints."""
        os.close(self.reader)
        out, err = self.program.communicate(timeout=50)
        return self.program.returncode, out.decode().splitlines(), err.decode()


def strike(pid: int, number: signal.Signals = signal.SIGKILL) -> None:
    """Send a signal by pidfd, if anybody is there still."""
    try:
        pidfd = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        signal.pidfd_send_signal(pidfd, number)
    except ProcessLookupError:
        return
    finally:
        os.close(pidfd)


def wait_gone(pidfds: list[int]) -> None:
    """Wait until every one of these processes has ended; closes the pidfds."""
    waiting = set(pidfds)
    while waiting:
        ready, _, _ = select.select(list(waiting), [], [], 20)
        assert ready, "processes outlive the copy that they worked for"
        waiting -= set(ready)
    for pidfd in pidfds:
        os.close(pidfd)
