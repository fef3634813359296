"""Whether logind would end the jobs: told from its files, as logind.conf(5) and systemd-system.conf(5) order them."""

from __future__ import annotations

from pathlib import Path

import pytest

from procession.jobs import daemon_logind
from procession.jobs.daemon_logind import kills_user_processes, warning

SESSION = "0::/user.slice/user-1000.slice/session-3.scope\n"
SERVICE = "0::/user.slice/user-1000.slice/user@1000.service/app.slice/procession.service\n"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(daemon_logind, "_user", lambda: "ada")
    for folder in ("run/systemd/system", "run/systemd/sessions", "etc/systemd/logind.conf.d"):
        (tmp_path / folder).mkdir(parents=True)
    return tmp_path


def write(root: Path, path: str, *lines: str) -> None:
    place = root / path
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text("\n".join(("[Login]", *lines, "")))


def test_without_systemd_nobody_is_warned(tmp_path: Path) -> None:
    assert not warning(str(tmp_path), cgroup=SESSION)


def test_by_default_nobody_is_ended(root: Path) -> None:
    assert not warning(str(root), cgroup=SESSION)


def test_who_would_be_ended_is_told_what_to_do(root: Path) -> None:
    write(root, "etc/systemd/logind.conf", "#KillUserProcesses=no", "KillUserProcesses=yes")
    words = warning(str(root), cgroup=SESSION)
    assert "KillUserProcesses" in words
    assert "enable-linger" in words
    assert not warning(str(root), cgroup=SERVICE)
    write(root, "var/lib/systemd/linger/ada")
    assert not warning(str(root), cgroup=SESSION)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["KillUserProcesses=yes"], True),
        (["KillUserProcesses = on"], True),
        (["KillUserProcesses=yes", "KillUserProcesses=false"], False),
        (["KillUserProcesses=yes", "KillExcludeUsers=bob ada"], False),
        (["KillUserProcesses=yes", "KillOnlyUsers=bob"], False),
        (["KillUserProcesses=yes", "KillOnlyUsers=bob ada"], True),
        (["KillUserProcesses=perhaps"], False),
    ],
)
def test_settings(root: Path, lines: list[str], expected: bool) -> None:
    write(root, "etc/systemd/logind.conf", *lines)
    assert kills_user_processes(str(root), "ada") is expected


def test_the_main_file_of_the_system_is_replaced_and_drop_ins_come_after(root: Path) -> None:
    write(root, "usr/lib/systemd/logind.conf", "KillUserProcesses=yes")
    assert kills_user_processes(str(root), "ada")
    write(root, "etc/systemd/logind.conf", "")
    assert not kills_user_processes(str(root), "ada")
    write(root, "usr/lib/systemd/logind.conf.d/50-kill.conf", "KillUserProcesses=yes")
    assert kills_user_processes(str(root), "ada")
    write(root, "run/systemd/logind.conf.d/60-not.conf", "KillUserProcesses=no")
    assert not kills_user_processes(str(root), "ada")
    write(root, "etc/systemd/logind.conf.d/60-not.conf", "# this one hides that of /run")
    assert kills_user_processes(str(root), "ada")


def test_root_is_never_ended_by_default(root: Path) -> None:
    write(root, "etc/systemd/logind.conf", "KillUserProcesses=yes")
    assert not kills_user_processes(str(root), "root")
