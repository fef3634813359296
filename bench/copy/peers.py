"""The contestants.  Adding one is adding a record to ``CONTESTANTS``.

Each copies the folder SRC to the absent folder DST, keeping links, modes, times and, where it can,
owners: the work of ``cp -a``.  No tool is given work that the others do not do:

- rclone: ``--ignore-checksum``, or it would read both sides again after copying; its own defaults for
  transfers (4) otherwise, at least one per core.
- rsync: ``-a``; on local paths it sends whole files without its delta search.
- fpsync: its default rsync options, which are ``-a`` without recursion; as many jobs as cores.
- ours: the defaults; one worker per core.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

OURS_KEY, OURS = "pn", "pn copy"


@dataclass(frozen=True)
class Job:
    """One copy to be made.  ``work`` is an empty folder for the tool's own files."""

    source: Path
    target: Path
    work: Path
    cores: int


@dataclass(frozen=True)
class Contestant:
    """One tool: ``find`` its program, ask its ``version``, build its command line."""

    key: str
    name: str
    package: str
    find: Callable[[], str | None]
    version: tuple[str, ...]
    argv: Callable[[str, Job], list[str]]


@dataclass(frozen=True)
class Tool:
    """A contestant that is here."""

    name: str
    program: str
    version: str
    argv: Callable[[str, Job], list[str]]

    def command(self, job: Job) -> list[str]:
        """The command line of one copy."""
        return self.argv(self.program, job)


def _on_path(program: str) -> Callable[[], str | None]:
    return lambda: shutil.which(program)


def _beside_python() -> str | None:
    """The installed console script of this very interpreter: what a user runs."""
    script = Path(sys.executable).parent / "pn"
    return str(script) if os.access(script, os.X_OK) else None


def _uutils() -> str | None:
    """The multi-call binary, unless it is GNU's, which some distributions ship under the same name."""
    program = shutil.which("coreutils")
    return program if program and "GNU" not in _say(program, "--help") else None


def _ours(program: str, job: Job) -> list[str]:
    return [program, "copy", "--quiet", "-T", str(job.source), str(job.target)]


def _cp(program: str, job: Job) -> list[str]:
    return [program, "-a", str(job.source), str(job.target)]


def _uutils_cp(program: str, job: Job) -> list[str]:
    return [program, "cp", "-a", str(job.source), str(job.target)]


def _rsync(program: str, job: Job) -> list[str]:
    return [program, "-a", f"{job.source}/", f"{job.target}/"]


def _rclone(program: str, job: Job) -> list[str]:
    keep = ["--links", "--metadata", "--create-empty-src-dirs"]
    fair = ["--ignore-checksum", "--transfers", str(max(4, job.cores)), "--config", "", "--quiet"]
    return [program, "copy", str(job.source), str(job.target), *keep, *fair]


def _copytree(program: str, job: Job) -> list[str]:
    code = "import shutil, sys; shutil.copytree(sys.argv[1], sys.argv[2], symlinks=True)"
    return [program, "-I", "-c", code, str(job.source), str(job.target)]


def _fpsync(program: str, job: Job) -> list[str]:
    own = ["-t", str(job.work), "-d", str(job.work)]
    options = ["-o", "-lptgoD --numeric-ids"]
    return [program, "-n", str(job.cores), *own, *options, f"{job.source}/", f"{job.target}/"]


CONTESTANTS = (
    Contestant(OURS_KEY, OURS, "procession (pip install -e .)", _beside_python, ("--version",), _ours),
    Contestant("cp", "cp -a", "Debian package coreutils", _on_path("cp"), ("--version",), _cp),
    Contestant("rsync", "rsync -a", "Debian package rsync", _on_path("rsync"), ("--version",), _rsync),
    Contestant("rclone", "rclone copy", "Debian package rclone", _on_path("rclone"), ("version",), _rclone),
    Contestant(
        "uutils", "uutils cp -a", "Debian package rust-coreutils", _uutils, ("cp", "--version"), _uutils_cp
    ),
    Contestant("copytree", "shutil.copytree", "Python", lambda: sys.executable, ("--version",), _copytree),
    Contestant("fpsync", "fpsync", "Debian package fpart", _on_path("fpsync"), ("-h",), _fpsync),
)


def chosen(keys: Sequence[str] | None) -> list[Contestant]:
    """Ours and the peers of these keys; all peers for None."""
    return [one for one in CONTESTANTS if keys is None or one.key in (OURS_KEY, *keys)]


def found(contestants: Sequence[Contestant]) -> tuple[list[Tool], list[str]]:
    """The tools that are here, and for each that is not its name with the package that has it."""
    tools, missing = [], []
    for contestant in contestants:
        program = contestant.find()
        if program is None:
            missing.append(f"{contestant.name} ({contestant.package})")
        else:
            version = (_say(program, *contestant.version).splitlines() or ["unknown version"])[0]
            tools.append(Tool(contestant.name, program, version.split(" - ")[0].strip(), contestant.argv))
    return tools, missing


def _say(*command: str) -> str:
    done = subprocess.run(
        command, check=False, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace"
    )
    return done.stdout or done.stderr
