"""Another user can neither list, nor read, nor touch the jobs of this one; and is not believed where he listens."""

from __future__ import annotations

import os
import shutil
import socket
from pathlib import Path

import pytest

from procession.errors import JobsError
from procession.jobs import Client
from procession.jobs.places import Places, places, prepare
from procession.jobs.wire import json_frame
from tests.harness.places import NOBODY, Unprivileged

root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root: somebody else must be there")


def _refusals(paths: list[str]) -> dict[str, str]:
    """What each attempt of this user comes to."""
    found = {}
    for path in paths:
        for what, attempt in (
            ("list", os.listdir),
            ("read", lambda p: open(p, "rb").read(1)),
            ("enter", os.chdir),
        ):
            try:
                attempt(path)
            except OSError as error:
                found[f"{what} {path}"] = type(error).__name__
            else:
                found[f"{what} {path}"] = "done"
    return found


def _knock(path: str) -> str:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        try:
            sock.connect(path)
            sock.settimeout(30)
            sock.sendall(json_frame({"id": 1, "do": "status"}))
            return repr(sock.recv(100))
        except OSError as error:
            return type(error).__name__


@root
def test_others_see_nothing(jobs_place: Places, unprivileged: Unprivileged) -> None:
    with Client() as jobs:
        job = jobs.submit("echo secret; sleep 1000", env={"TOKEN": "secret"})
        jobs.stop(job.id)
        top = os.path.dirname(jobs_place.state)
        paths = [
            top,
            *(f"{folder}/{name}" for folder, dirs, files in os.walk(top) for name in (*dirs, *files)),
        ]
        assert jobs_place.book in paths
        assert set(unprivileged.call(lambda: _refusals(paths)).values()) == {"PermissionError"}
        assert unprivileged.call(lambda: _knock(jobs_place.socket)) == "PermissionError"


@root
def test_the_socket_refuses_others_even_where_they_can_reach_it(
    jobs_place: Places, unprivileged: Unprivileged
) -> None:
    with Client() as jobs:
        jobs.status()
        for path, mode in ((os.path.dirname(jobs_place.state), 0o711), (jobs_place.runtime, 0o711)):
            os.chmod(path, mode)
        os.chmod(jobs_place.socket, 0o777)
        answer = unprivileged.call(lambda: _knock(jobs_place.socket))
        assert answer in ("b''", "ConnectionResetError", "BrokenPipeError")
        assert jobs.jobs() == []


@root
def test_who_listens_in_our_place_is_told_nothing(jobs_place: Places) -> None:
    prepare(jobs_place)
    os.chown(jobs_place.runtime, NOBODY, NOBODY)
    os.chmod(os.path.dirname(jobs_place.runtime), 0o711)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as trap:
        os.seteuid(NOBODY)
        try:
            trap.bind(jobs_place.socket)
            trap.listen()
        finally:
            os.seteuid(0)
        with Client() as jobs, pytest.raises(JobsError, match="another user"):
            jobs.submit("true", env={"TOKEN": "secret"})
        caller, _ = trap.accept()
        with caller:
            assert caller.recv(100) == b""


@pytest.mark.parametrize("which", ["top", "state", "run"])
def test_a_folder_that_others_can_write_to_is_refused(jobs_place: Places, which: str) -> None:
    prepare(jobs_place)
    folder = Path(jobs_place.state).parent / ("." if which == "top" else which)
    folder.chmod(0o777)
    with Client() as jobs, pytest.raises(JobsError, match="cannot be used"):
        jobs.submit("true")
    assert not Path(jobs_place.book).exists()


def test_a_link_in_place_of_a_folder_is_refused(jobs_place: Places, tmp_path: Path) -> None:
    prepare(jobs_place)
    shutil.rmtree(jobs_place.runtime)
    os.symlink(tmp_path, jobs_place.runtime)
    with Client() as jobs, pytest.raises(JobsError, match="cannot be used"):
        jobs.submit("true")


def test_pn_jobs_must_be_absolute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PN_JOBS", "here")
    with pytest.raises(JobsError, match="absolute"):
        places()
