"""A run begins once and ends once, whoever is killed between two steps."""

from __future__ import annotations

import errno
import os
import signal
from pathlib import Path

import pytest

from procession.jobs import claims
from procession.jobs.outcome import DONE, FAILED, Outcome
from procession.linux.procfs import boot_id, start_time


def names(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))


def test_the_first_one_has_it(tmp_path: Path) -> None:
    fd = claims.take(str(tmp_path))
    assert fd is not None
    assert claims.take(str(tmp_path)) is None
    assert not claims.void(str(tmp_path))
    claim, lives = claims.holder(str(tmp_path))
    assert claim == claims.Claim(os.getpid(), start_time(os.getpid()), boot_id())
    assert lives
    assert names(tmp_path) == ["claim"]
    os.close(fd)
    assert claims.holder(str(tmp_path)) == (claim, False)
    assert claims.take(str(tmp_path)) is None  # its holder has gone, and it stays taken


def test_nobody_begins_what_was_made_void(tmp_path: Path) -> None:
    assert claims.void(str(tmp_path))
    assert claims.take(str(tmp_path)) is None
    assert not claims.void(str(tmp_path))
    assert claims.holder(str(tmp_path)) == (claims.Claim(0, 0, claims.VOID), False)


def test_nobody_yet(tmp_path: Path) -> None:
    assert claims.holder(str(tmp_path)) == (None, False)


def test_a_folder_that_has_been_taken_away(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        claims.take(str(tmp_path / "gone"))


def test_of_many_that_come_at_once_one_has_it(tmp_path: Path) -> None:
    for number in range(20):
        folder = tmp_path / str(number)
        folder.mkdir()
        gate_read, gate_write = os.pipe()
        children = [_child(str(folder), gate_read, gate_write) for _ in range(4)]
        os.close(gate_read)
        os.close(gate_write)  # go
        codes = sorted(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children)
        assert codes == [0, 1, 1, 1]
        assert names(folder) == ["claim"]


def _child(folder: str, gate_read: int, gate_write: int) -> int:
    pid = os.fork()
    if pid == 0:
        code = 9
        try:
            os.close(gate_write)
            os.read(gate_read, 1)
            code = 0 if claims.take(folder) is not None else 1
        finally:
            os._exit(code)
    return pid


def test_a_holder_that_is_killed_is_seen_to_be_dead(tmp_path: Path) -> None:
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            claims.take(str(tmp_path))
            os.write(write, b"x")
            signal.pause()
        finally:
            os._exit(9)
    os.close(write)
    assert os.read(read, 1) == b"x"
    os.close(read)
    claim, lives = claims.holder(str(tmp_path))
    assert claim is not None
    assert (claim.pid, lives) == (pid, True)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    assert claims.holder(str(tmp_path)) == (claim, False)


def test_a_torn_claim_is_a_claim(tmp_path: Path) -> None:
    (tmp_path / "claim").write_bytes(b'{"pid": 12')
    claim, lives = claims.holder(str(tmp_path))
    assert claim is not None
    assert (claim.pid, lives) == (-1, False)


def test_an_outcome_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    folder = str(tmp_path)
    assert claims.read_outcome(folder) is None
    first = Outcome(FAILED, "exited with code 3", code=3, log_bytes=1 << 40, peak_memory=7, cpu_seconds=0.25)
    claims.write_outcome(folder, first)
    assert claims.read_outcome(folder) == first
    claims.write_outcome(folder, Outcome(DONE, "ended normally", code=0))
    assert claims.read_outcome(folder) == Outcome(DONE, "ended normally", code=0)
    assert names(tmp_path) == ["outcome"]
    (tmp_path / "outcome").write_bytes(b'{"kind": "done"')
    assert claims.read_outcome(folder) is None


def test_an_outcome_that_cannot_be_synced_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_fd: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space"):
            claims.write_outcome(str(tmp_path), Outcome(DONE, "ended normally"))
    assert names(tmp_path) == []
