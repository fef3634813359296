"""Where tests write, and who they are: a real disk, a tmpfs, a small tmpfs that fills up, another user."""

from __future__ import annotations

import os
import pickle
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
NOBODY = 65534


def file_system(path: Path) -> str:
    """The type of the file system that holds ``path``, as in /proc/self/mountinfo."""
    best, kind = Path("/"), ""
    real = path.resolve()
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as mounts:
        for line in mounts:
            left, _, right = line.partition(" - ")
            point = Path(left.split()[4].encode().decode("unicode_escape"))
            if real.is_relative_to(point) and len(point.parts) >= len(best.parts):
                best, kind = point, right.split()[0]
    return kind


def _remove(folder: Path) -> None:
    """Remove a tree whatever modes a test gave its folders."""
    for parent, _, _ in os.walk(folder):
        os.chmod(parent, 0o700)
    shutil.rmtree(folder)


@pytest.fixture
def disk_dir() -> Iterator[Path]:
    """An empty folder on a real disk."""
    for base in (Path("/var/tmp"), ROOT / ".scratch", Path.home()):
        try:
            base.mkdir(exist_ok=True)
            folder = Path(tempfile.mkdtemp(prefix="pn-tests-", dir=base))
        except OSError:
            continue
        if file_system(folder) not in ("tmpfs", "ramfs"):
            yield folder
            _remove(folder)
            return
        folder.rmdir()
    pytest.skip("disk_dir: /var/tmp, the clone and the home folder are all in memory or read-only")


@pytest.fixture
def tmpfs_dir() -> Iterator[Path]:
    """An empty folder in memory."""
    base = Path("/dev/shm")
    if not base.is_dir() or file_system(base) != "tmpfs" or not os.access(base, os.W_OK):
        pytest.skip("tmpfs_dir: no writable tmpfs at /dev/shm")
    folder = Path(tempfile.mkdtemp(prefix="pn-tests-", dir=base))
    yield folder
    _remove(folder)


@pytest.fixture
def small_tmpfs() -> Iterator[Callable[..., Path]]:
    """``small_tmpfs("2M")``: an empty tmpfs of that size, for ENOSPC; ``inodes=100`` limits the names."""
    made: list[Path] = []

    def mount(size: str, inodes: int = 0) -> Path:
        if os.geteuid():
            pytest.skip("small_tmpfs: mounting needs root")
        folder = Path(tempfile.mkdtemp(prefix="pn-tests-mount-"))
        options = f"size={size},mode=0755" + (f",nr_inodes={inodes}" if inodes else "")
        words = ["mount", "-t", "tmpfs", "-o", options, "pn-tests", str(folder)]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        if done.returncode:
            folder.rmdir()
            pytest.skip(f"small_tmpfs: {done.stderr.strip()}")
        made.append(folder)
        return folder

    yield mount
    for folder in made:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
        folder.rmdir()


class Unprivileged:
    """Somebody who may not do everything: uid 65534 when the tests run as root, else ourselves."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.uid = os.geteuid() or NOBODY

    def call(self, function: Callable[[], Any]) -> Any:
        """Run ``function`` in a forked child as that user; return or raise what it does.

        It must import nothing new: this Python may lie in a folder that the user cannot enter.
        """
        reader, writer = os.pipe()
        pid = os.fork()
        if not pid:
            code = 1
            try:
                os.close(reader)
                if not os.geteuid():
                    os.setgroups([])
                    os.setresgid(NOBODY, NOBODY, NOBODY)
                    os.setresuid(NOBODY, NOBODY, NOBODY)
                try:
                    answer = (True, function())
                except BaseException as error:
                    answer = (False, error)
                with open(writer, "wb") as pipe:
                    pickle.dump(answer, pipe)
                code = 0
            finally:
                os._exit(code)
        os.close(writer)
        with open(reader, "rb") as pipe:
            data = pipe.read()
        _, status = os.waitpid(pid, 0)
        if not data:
            pytest.fail(
                f"the unprivileged child ended with {os.waitstatus_to_exitcode(status)} and no answer"
            )
        fine, value = pickle.loads(data)
        if not fine:
            raise value
        return value

    def run(
        self, *words: str | bytes | Path, cwd: Path | None = None, env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[bytes]:
        """Run a program as that user."""
        drop: dict[str, Any] = {} if os.geteuid() else {"user": NOBODY, "group": NOBODY, "extra_groups": []}
        environment = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(self.home), "LANG": "C.UTF-8"}
        environment |= {"PN_TESTS": os.environ["PN_TESTS"], **(env or {})}
        return subprocess.run(
            words, cwd=cwd or self.home, env=environment, capture_output=True, check=False, **drop
        )

    def pn(self, *args: str | bytes | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[bytes]:
        """Run ``pn`` as that user, with an interpreter of this version that they can reach."""
        import rich

        path = f"{ROOT / 'src'}:{Path(rich.__file__).parents[1]}"
        version = f"python{sys.version_info.major}.{sys.version_info.minor}"
        for python in (sys.executable, f"/usr/bin/{version}", f"/usr/local/bin/{version}"):
            try:
                probe = self.run(python, "-c", "import procession.cli, rich", env={"PYTHONPATH": path})
            except PermissionError:
                continue
            except FileNotFoundError:
                continue
            if not probe.returncode:
                return self.run(python, "-m", "procession", *args, cwd=cwd, env={"PYTHONPATH": path})
        return pytest.skip(f"unprivileged: uid {self.uid} can reach no {version} together with this clone")


@pytest.fixture
def unprivileged() -> Iterator[Unprivileged]:
    """Run callables and programs as a user without rights; ``.home`` is a folder of theirs."""
    home = Path(tempfile.mkdtemp(prefix="pn-tests-home-", dir="/var/tmp"))
    user = Unprivileged(home)
    if not os.geteuid():
        os.chown(home, NOBODY, NOBODY)
    yield user
    _remove(home)
