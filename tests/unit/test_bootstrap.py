"""``./pn`` in a fresh clone, with a stand-in for Python: what it builds, once, and what it says when it cannot."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.harness.places import ROOT
from tests.harness.program import clean_environment

# Answers what bootstrap.sh asks a Python: is it whole, lock this, make a venv, install.
FAKE_PYTHON = """#!/bin/sh
case "$1 $2" in
"-c "*flock*) exec {python} "$@" ;;
"-c "*) echo "whole $0" ;;
"-m venv")
    echo venv >>"$FAKE_LOG"
    mkdir -p "$4/bin" && cp "$0" "$4/bin/python"
    printf '#!/bin/sh\\necho "installed pn: $*"\\n' >"$4/bin/pn"
    chmod +x "$4/bin/pn"
    ;;
"-m pip")
    echo pip >>"$FAKE_LOG"
    if [ -n "$FAKE_OFFLINE" ]; then
        echo 'WARNING: no route to host'
        echo 'ERROR: No matching distribution found for hatchling'
        echo 'note: not our fault'
        exit 1
    fi
    [ -z "$FAKE_KILLED" ] || kill -9 $PPID
    ;;
esac
"""


class Clone:
    """A clone with ``./pn`` and no ``.venv``."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "a clone"
        self.log = folder / "log"
        self.log.touch()
        (self.root / "src").mkdir(parents=True)
        shutil.copy(ROOT / "pn", self.root)
        shutil.copytree(ROOT / ".ci", self.root / ".ci", ignore=shutil.ignore_patterns("__pycache__"))
        (self.root / "pyproject.toml").touch()
        self.python = folder / "fakepython"
        self.python.write_text(FAKE_PYTHON.format(python=sys.executable), encoding="utf-8")
        self.python.chmod(0o755)
        self.environment = clean_environment(folder, PN_PYTHON=str(self.python), FAKE_LOG=str(self.log))

    def start(self, *args: str, program: Path | None = None, **env: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [program or self.root / "pn", *args],
            env={**self.environment, **env},
            cwd="/",
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def pn(self, *args: str, program: Path | None = None, **env: str) -> tuple[int, str, str]:
        with self.start(*args, program=program, **env) as running:
            out, err = running.communicate()
        return running.returncode, out, err

    @property
    def done(self) -> list[str]:
        return self.log.read_text(encoding="utf-8").split()


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    return Clone(tmp_path)


def test_the_first_call_builds_and_the_second_only_runs(clone: Clone) -> None:
    assert clone.pn("copy", "a b")[:2] == (0, "installed pn: copy a b\n")
    assert clone.done == ["venv", "pip"]
    assert clone.pn("x") == (0, "installed pn: x\n", "")
    assert clone.done == ["venv", "pip"]


def test_it_works_through_a_symlink(clone: Clone, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(clone.root / "pn")
    assert clone.pn("x", program=link)[:2] == (0, "installed pn: x\n")


def test_two_first_calls_build_once(clone: Clone) -> None:
    running = [clone.start("x") for _ in range(4)]
    assert [process.communicate()[0] for process in running] == ["installed pn: x\n"] * 4
    assert clone.done == ["venv", "pip"]


def test_a_changed_pyproject_installs_again_into_the_same_venv(clone: Clone) -> None:
    clone.pn()
    later = time.time() + 100
    os.utime(clone.root / "pyproject.toml", (later, later))
    assert clone.pn()[0] == 0
    assert clone.pn()[0] == 0
    assert clone.done == ["venv", "pip", "pip"]


def test_an_interrupted_bootstrap_is_finished_by_the_next_call(clone: Clone) -> None:
    code, _, _ = clone.pn(FAKE_KILLED="1")
    assert code != 0
    assert clone.pn("x")[:2] == (0, "installed pn: x\n")


@pytest.mark.parametrize("half", ["bin", "bin/python"])
def test_half_a_venv_is_not_taken_for_whole(clone: Clone, half: str) -> None:
    path = clone.root / ".venv" / half
    path.parent.mkdir(parents=True)
    if half == "bin":
        path.mkdir()
    else:
        shutil.copy(clone.python, path)
    assert clone.pn("x")[:2] == (0, "installed pn: x\n")
    assert clone.done == ["venv", "pip"]


def test_a_moved_clone_builds_anew(clone: Clone, tmp_path: Path) -> None:
    clone.pn()
    clone.root = clone.root.rename(tmp_path / "elsewhere")
    assert clone.pn("x")[:2] == (0, "installed pn: x\n")
    assert clone.done == ["venv", "pip", "venv", "pip"]


def refusal(answer: tuple[int, str, str]) -> str:
    """The one line that tells why there is no ``.venv``."""
    code, out, err = answer
    assert (code, out) == (69, "")
    assert err.splitlines()[-1].startswith("pn: ")
    return err.splitlines()[-1]


def test_offline_it_shows_what_pip_said(clone: Clone) -> None:
    line = refusal(clone.pn(FAKE_OFFLINE="1"))
    assert "(No matching distribution found for hatchling): is there a network?" in line
    assert (clone.root / ".venv/install.log").is_file()
    assert clone.pn("x")[:2] == (0, "installed pn: x\n")  # and the next call tries again


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("exit 1", "is not a Python >= 3.11: name one that is"),
        ("echo 'bare /usr/bin/python3'", "/usr/bin/python3 has no venv module: install it"),
    ],
)
def test_a_python_that_will_not_do(clone: Clone, answer: str, words: str) -> None:
    clone.python.write_text(f"#!/bin/sh\n{answer}\n", encoding="utf-8")
    assert words in refusal(clone.pn())
    assert not (clone.root / ".venv").exists()


def tools(folder: Path, *names: str) -> str:
    """A PATH that holds these programs only."""
    folder.mkdir()
    for name in names:
        found = shutil.which(name)
        assert found is not None
        (folder / name).symlink_to(found)
    return str(folder)


def test_a_machine_without_python(clone: Clone, tmp_path: Path) -> None:
    path = tools(tmp_path / "bin", "sh", "uname")
    assert "no Python >= 3.11 found: install python3" in refusal(clone.pn(PATH=path, PN_PYTHON=""))


def test_another_system_than_linux(clone: Clone, tmp_path: Path) -> None:
    path = tools(tmp_path / "bin", "sh")
    uname = tmp_path / "bin/uname"
    uname.write_text("#!/bin/sh\necho Darwin\n", encoding="utf-8")
    uname.chmod(0o755)
    assert "this is Darwin: procession runs on Linux only" in refusal(clone.pn(PATH=path))


def test_a_second_call_costs_less_than_30_ms(clone: Clone) -> None:
    clone.pn()

    def best(program: Path) -> float:
        times = []
        for _ in range(15):
            begun = time.perf_counter()
            clone.pn(program=program)
            times.append(time.perf_counter() - begun)
        return min(times)

    assert best(clone.root / "pn") - best(clone.root / ".venv/bin/pn") < 0.030
