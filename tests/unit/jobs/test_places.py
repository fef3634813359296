"""Where jobs lie, and whose folders are refused."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from procession.errors import JobsError
from procession.jobs import places
from procession.jobs.places import Places


def test_a_set_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PN_JOBS", f"{tmp_path}/jobs")
    found = places.places()
    assert found == Places(f"{tmp_path}/jobs/state", f"{tmp_path}/jobs/run")
    places.prepare(found)
    places.prepare(found)
    for folder in (found.state, found.runtime, f"{found.state}/logs", f"{found.state}/runs"):
        assert os.stat(folder).st_mode & 0o777 == 0o700
    assert (found.run(3, 1), found.keeper(3, 1)) == (
        f"{tmp_path}/jobs/state/runs/3.1",
        f"{tmp_path}/jobs/run/3.1.sock",
    )


def test_those_of_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PN_JOBS", raising=False)
    monkeypatch.setattr(places, "_LONGEST", 1000)
    monkeypatch.setenv("XDG_STATE_HOME", f"{tmp_path}/deep/state")
    found = places.places()
    assert found == Places(
        f"{tmp_path}/deep/state/procession/jobs", f"{tmp_path}/deep/state/procession/jobs/run"
    )
    places.prepare(found)
    assert os.stat(found.runtime).st_mode & 0o777 == 0o700


def test_a_path_that_is_too_long_for_a_socket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PN_JOBS", raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", f"{tmp_path}/{'x' * 80}")
    runtime = tmp_path / "run"
    runtime.mkdir(mode=0o700)
    monkeypatch.setattr(places, "runtime_folder", lambda: str(runtime))
    found = places.places()
    assert found.runtime == f"{runtime}/procession/jobs"
    places.prepare(found)
    assert os.stat(found.runtime).st_mode & 0o777 == 0o700
    runtime.chmod(0o777)
    with pytest.raises(JobsError, match="nobody else may write"):
        places.prepare(found)


def test_a_relative_one_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PN_JOBS", "jobs")
    with pytest.raises(JobsError, match="must be an absolute path"):
        places.places()


def test_without_a_runtime_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PN_JOBS", raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", f"/{'x' * 80}")
    monkeypatch.setattr(places, "runtime_folder", lambda: None)
    with pytest.raises(JobsError, match="too long a path for sockets: set PN_JOBS"):
        places.places()


@pytest.mark.parametrize("which", ["", "state", "run", "state/runs"])
def test_a_folder_into_which_others_may_write_is_refused(
    which: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PN_JOBS", f"{tmp_path}/jobs")
    places.prepare(places.places())
    (tmp_path / "jobs" / which).chmod(0o777)
    with pytest.raises(JobsError, match="nobody else may write"):
        places.prepare(places.places())


@pytest.mark.root
def test_a_folder_of_somebody_else_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PN_JOBS", f"{tmp_path}/jobs")
    places.prepare(places.places())
    os.chown(tmp_path / "jobs/run", 65534, 65534)
    with pytest.raises(JobsError, match="of user 0"):
        places.prepare(places.places())


def test_a_link_is_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PN_JOBS", f"{tmp_path}/jobs")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir(mode=0o700)
    (tmp_path / "jobs").symlink_to(elsewhere)
    with pytest.raises(JobsError):
        places.prepare(places.places())
