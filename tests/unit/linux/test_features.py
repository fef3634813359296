from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import procession
from procession.linux import features, libc
from procession.linux.features import describe, supports_tmpfile
from procession.records import values_of

# These two are calls of the C library and nothing else; only shared objects load them, `pn` never.
CTYPES = {"futex", "robust"}
MODULES = sorted({path.stem for path in Path(features.__file__).parent.glob("[!_]*.py")} - CTYPES)
HEAVY = ["typing", "dataclasses", "enum", "re", "socket", "signal", "ctypes", "inspect", "subprocess"]


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setattr(features, "_found", None)
    return monkeypatch


def refuse(number: int) -> Callable[..., int]:
    def fake(*_: object) -> int:
        raise OSError(number, os.strerror(number))

    return fake


def test_what_is_tried_leaves_nothing_open(fresh: pytest.MonkeyPatch) -> None:
    libc.call("getpid")
    before = len(os.listdir("/proc/self/fd"))
    level = features.features()
    assert len(os.listdir("/proc/self/fd")) == before
    assert features.features() is level


def test_a_recent_kernel_has_all_calls(fresh: pytest.MonkeyPatch) -> None:
    release = tuple(int(word) for word in os.uname().release.split("-")[0].split(".")[:2])
    level = features.features()
    if release < (5, 9):
        pytest.skip("needs Linux 5.9")
    assert all((level.pidfd_open, level.wait_pidfd, level.memfd, level.packet_pipe, level.close_range))


@pytest.mark.parametrize("number", [errno.ENOSYS, errno.EPERM], ids=errno.errorcode.get)
def test_a_machine_that_forbids_all_is_described(number: int, fresh: pytest.MonkeyPatch) -> None:
    for name in ("pidfd_open", "memfd_create", "pipe2"):
        fresh.setattr(os, name, refuse(number))
    fresh.setattr(libc, "call", refuse(number))
    fresh.setattr(os.path, "exists", lambda _: False)
    assert not any(values_of(features.features()))
    assert "without pidfd_open, wait_pidfd" in describe()


def test_the_first_pidfd_kernel_cannot_wait_by_one(fresh: pytest.MonkeyPatch) -> None:
    fresh.setattr(os, "waitid", refuse(errno.EINVAL))
    level = features.features()
    assert level.pidfd_open
    assert not level.wait_pidfd


def test_a_full_descriptor_table_is_no_missing_feature(fresh: pytest.MonkeyPatch) -> None:
    fresh.setattr(os, "pidfd_open", refuse(errno.EMFILE))
    with pytest.raises(OSError, match="Too many"):
        features.features()
    assert features._found is None


def test_one_line_describes_the_machine() -> None:
    line = describe()
    assert os.uname().release in line
    assert "\n" not in line


def test_unnamed_files_depend_on_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert supports_tmpfile("/dev/shm")
    with pytest.raises(FileNotFoundError):
        supports_tmpfile(str(tmp_path / "missing"))
    monkeypatch.setattr(os, "open", refuse(errno.EOPNOTSUPP))
    assert not supports_tmpfile(str(tmp_path))


@pytest.mark.parametrize("module", MODULES)
def test_nothing_heavy_is_loaded_by_importing(module: str) -> None:
    code = f"import sys, procession.linux.{module}; print([name for name in {HEAVY} if name in sys.modules])"
    environment = {**os.environ, "PYTHONPATH": str(Path(procession.__path__[0]).parent)}
    # -S: the site module of a virtual environment loads things of its own
    run = subprocess.run(
        [sys.executable, "-S", "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert run.stdout == "[]\n"
