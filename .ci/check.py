"""What ``./check`` runs, step by step; the first step that fails ends it.

Each step is a function that returns what it has to say in the summary, or raises ``Failed``.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
OTHER_PYTHONS = ("3.12", "3.13", "3.14")
# package -> a program of it; the tests that need them skip by name where they are absent.
DEBIAN = {
    "rsync": "rsync",
    "cron": "crontab",
    "procps": "ps",
    "tmux": "tmux",
    "btrfs-progs": "mkfs.btrfs",
    "xfsprogs": "mkfs.xfs",
    "acl": "setfacl",
    "vim": "vim",
}


class Failed(Exception):
    """A step did not pass."""


class Tally:
    """The tests of all pytest runs together."""

    passed = failed = skipped = 0

    def add(self, closing: str) -> None:
        """Take in pytest's closing line, as in ``2 failed, 40 passed, 1 skipped in 3.20s``."""
        for number, word in re.findall(r"(\d+) (passed|failed|errors?|skipped|xfailed|xpassed)\b", closing):
            if word in ("passed", "xfailed"):
                self.passed += int(number)
            elif word == "skipped":
                self.skipped += int(number)
            else:
                self.failed += int(number)

    def __str__(self) -> str:
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


TALLY = Tally()


# ── running things ────────────────────────────────────────────────────────────────────────────────


class Lane(threading.local):
    """Where the steps of this thread print: at once, or all together when a step beside others has ended."""

    held: list[str] | None = None

    def say(self, text: str) -> None:
        if self.held is None:
            sys.stdout.write(text)
            sys.stdout.flush()
        else:
            self.held.append(text)

    def hold(self) -> None:
        self.held = []

    def tell(self) -> None:
        sys.stdout.write("".join(self.held or ()))
        sys.stdout.flush()
        self.held = []


LANE = Lane()


def stream(*words: str | Path, cwd: Path = ROOT) -> tuple[int, str]:
    """Run a program and show what it prints; return its exit code and that text."""
    lines = []
    with subprocess.Popen(
        words, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    ) as program:
        assert program.stdout is not None
        for line in program.stdout:
            LANE.say(line)
            lines.append(line)
    return program.returncode, "".join(lines)


def run(*words: str | Path, cwd: Path = ROOT) -> str:
    """Run a program that has to succeed; return what it printed."""
    code, text = stream(*words, cwd=cwd)
    if code:
        raise Failed(f"{Path(words[0]).name} ended with {code}")
    return text


def pip(python: Path, *words: str | Path) -> None:
    """Run pip, whose words are of interest only if it fails."""
    line = [python, "-m", "pip", *words, "--disable-pip-version-check"]
    done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        LANE.say(done.stdout + done.stderr)
        raise Failed(f"pip {words[0]} ended with {done.returncode}")


# The leak check of tests/harness looks into /dev/shm, so two runs side by side need one each.
PRIVATE_SHM = (
    "unshare", "--mount", "sh", "-c", 'mount -t tmpfs -o mode=1777 pn-shm /dev/shm && exec "$0" "$@"'
)  # fmt: skip


def pytest(python: Path, *words: str, beside: bool = False) -> str:
    """Run pytest and return its closing line; ``beside``: while another run goes on (root only)."""
    before = PRIVATE_SHM if beside else ()
    code, text = stream(*before, python, "-m", "pytest", "-q", "-rs", "--color=no", *words)
    found = re.findall(r"^=*\s*(\d+ [a-z]+.* in [\d.]+s.*?)\s*=*$", text, flags=re.MULTILINE)
    closing: str = found[-1] if found else f"pytest ended with {code} and no closing line"
    TALLY.add(closing)
    if code:
        raise Failed(closing)
    return closing


# ── the steps ─────────────────────────────────────────────────────────────────────────────────────


def packages() -> str:
    missing = [package for package, program in DEBIAN.items() if not which(program)]
    if not missing:
        return "all there"
    if os.geteuid() or not shutil.which("apt-get"):
        return f"missing, their tests skip: {', '.join(missing)}"
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for words in (["apt-get", "update"], ["apt-get", "install", "-y", "--no-install-recommends", *missing]):
        done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            print(*(done.stderr or done.stdout).splitlines()[-3:], sep="\n")
            return f"could not be installed, their tests skip: {', '.join(missing)}"
    return f"installed {', '.join(missing)}"


def which(program: str) -> str | None:
    return shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")


def lint() -> str:
    run(BIN / "ruff", "check", ".")
    return ""


def formatting() -> str:
    run(BIN / "ruff", "format", "--check", ".")
    return ""


def types() -> str:
    return run(BIN / "mypy", "--strict").strip().splitlines()[-1]


def floors() -> str:
    return run(BIN / "lint-imports", "--no-logo").strip().splitlines()[-1]


# The half of the tests, by the clock, that goes into a step of its own.
HALF = ("tests/cli", "tests/contract", "tests/fs")


def own(marks: str, *paths: str, beside: bool = False) -> Callable[[], str]:
    return lambda: pytest(BIN / "python", "-m", marks, "-p", "no:cacheprovider", *paths, beside=beside)


# Long, and about the kernel, file systems and peers more than about Python: on the others only with --slow.
FIRST_PYTHON_ONLY = (
    "tests/cli/test_copy.py",
    "tests/cli/test_map.py",
    "tests/cli/test_top.py",
    "tests/examples",
    "tests/fs",
    "tests/contract/test_explain_machine.py",
    "tests/contract/test_jobs_daemon_kills.py",
    "tests/contract/test_jobs_keeper_limits.py",
    "tests/contract/test_jobs_keeper_log.py",
    "tests/contract/test_jobs_security.py",
    "tests/contract/test_jobs_times.py",
    "tests/contract/test_ps_procps.py",
    "tests/unit/bench",
    "tests/unit/copying",
    "tests/unit/jobs",
    "tests/unit/linux",
    "tests/faults/test_copy_kill.py",
    "tests/faults/test_crew_kills.py",
    "tests/faults/test_crew_matrix.py",
    "tests/faults/test_jobs_disk_full.py",
    "tests/faults/test_jobs_fuzz.py",
    "tests/faults/test_jobs_sweep.py",
    "tests/faults/test_kill_trees.py",
    "tests/faults/test_locks_storm.py",
    "tests/faults/test_pool_kills.py",
    "tests/faults/test_pool_matrix.py",
    "tests/faults/test_process_storm.py",
    "tests/faults/test_queue_kill.py",
    "tests/faults/test_storm.py",
    "tests/tui",
    "tests/unit/table",
    "tests/unit/test_harness.py",
    "tests/unit/pool/test_schedule_histories.py",
    "tests/unit/pool/test_words.py",
    "tests/unit/process/test_supervision_histories.py",
)
# What differs between two Pythons differs most between the first and the last: between them, the contracts.
ENDS_ONLY = (
    "tests/cli",
    "tests/contract/test_jobs_daemon_starts.py",
    "tests/contract/test_jobs_keeper_adopt.py",
    "tests/contract/test_jobs_keeper_terminal.py",
    "tests/faults",
    "tests/pains",
    "tests/unit/ipc",
    "tests/unit/pool",
)


def other_python(version: str, python: Path, *, last: bool, everything: bool) -> Callable[[], str]:
    def step() -> str:
        venv = f".venv-{version}"
        script = f'. "$1/.ci/bootstrap.sh"; bootstrap "$1" {venv} dev dev'
        words = ["env", f"PN_PYTHON={python}", "sh", "-c", script, "sh", str(ROOT)]
        run(*words)
        paths = FIRST_PYTHON_ONLY if last else FIRST_PYTHON_ONLY + ENDS_ONLY
        left_out = [] if everything else [f"--ignore={path}" for path in paths]
        return pytest(
            ROOT / venv / "bin/python",
            "-m",
            "not slow and not readme",
            "-p",
            "no:cacheprovider",
            *left_out,
            beside=can_unshare(),
        )

    return step


def wheel() -> str:
    with tempfile.TemporaryDirectory(prefix="pn-wheel-") as name:
        scratch = Path(name)
        pip(BIN / "python", "wheel", "--no-deps", "--wheel-dir", scratch, ".")
        (built,) = scratch.glob("*.whl")
        inside = zipfile.ZipFile(built).namelist()
        for wanted in ("procession/py.typed", "procession/__init__.py", "procession/cli/__init__.py"):
            if wanted not in inside:
                raise Failed(f"{wanted} is not in {built.name}")
        strangers = [path for path in inside if not path.startswith(("procession/", "procession-"))]
        if strangers:
            raise Failed(f"{built.name} also holds {strangers}")

        run(BIN / "python", "-m", "venv", scratch / "venv")
        clean = scratch / "venv/bin"
        pip(clean / "python", "install", built)
        elsewhere = scratch / "elsewhere"
        elsewhere.mkdir()
        smoke(clean, elsewhere)
        return built.name


def smoke(clean: Path, here: Path) -> None:
    """Use the installed program, away from the sources."""
    version = run(clean / "pn", "--version", cwd=here)
    wanted = run(BIN / "python", "-c", "import procession; print(procession.__version__)", cwd=here)
    if wanted.strip() not in version:
        raise Failed(f"pn --version says {version!r}, not {wanted!r}")
    run(clean / "pn", "--help", cwd=here)
    run(
        clean / "python",
        "-I",
        "-c",
        "import procession; [getattr(procession, n) for n in procession.__all__]",
        cwd=here,
    )

    source = here / "source"
    (source / "empty").mkdir(parents=True)
    (source / "deep/er").mkdir(parents=True)
    (source / ".hidden").write_text("hidden\n")
    (source / "deep/er/file").write_bytes(bytes(range(256)) * 1000)
    (source / "link").symlink_to("deep/er/file")
    run(clean / "pn", "copy", "source", "target", cwd=here)
    run("diff", "-r", "--no-dereference", "source", "target", cwd=here)


def conformance() -> str:
    """CPython's own suite, as far as it fits into a few minutes; ``python -m tests.conformance`` runs it all."""
    text = run(BIN / "python", "-m", "tests.conformance", "--subset")
    return text.strip().splitlines()[-1]


# ── the order ─────────────────────────────────────────────────────────────────────────────────────


Step = tuple[str, Callable[[], str]]


def plan(options: argparse.Namespace) -> list[list[Step]]:
    """Stages, one after the other; the steps of the last one run two at a time where that can be."""
    first: list[Step] = [
        ("ruff check", lint),
        ("ruff format", formatting),
        ("mypy --strict", types),
        ("import floors", floors),
    ]
    if options.quick:
        return [[*first, ("pytest", own("not slow and not readme"))]]
    beside = can_unshare()
    marks = "not readme" if options.slow else "not slow and not readme"
    pythons = others()
    theirs = [
        (f"pytest on {v}", other_python(v, path, last=v == max(pythons), everything=options.slow))
        for v, path in pythons.items()
    ]
    return [
        [("system packages", packages), *first],
        # The long ones first, so that both ends come at about the same time.
        [
            ("pytest, one half", own(marks, *HALF, beside=beside)),
            ("pytest", own(marks, "tests", *(f"--ignore={path}" for path in HALF), beside=beside)),
            *reversed(theirs),
            ("CPython's own suite", conformance),
            ("README commands", own("readme", "tests/test_readme.py", beside=beside)),
            ("wheel", wheel),
        ],
    ]


def others() -> dict[str, Path]:
    """The other interpreters of this machine that run and can build a venv."""
    found: dict[str, Path] = {}
    for version in OTHER_PYTHONS:
        if version == f"{sys.version_info.major}.{sys.version_info.minor}":
            continue
        places = [
            Path(folder) / f"python{version}" for folder in os.environ.get("PATH", "").split(":") if folder
        ]
        places += sorted(Path.home().glob(f".pyenv/versions/{version}*/bin/python{version}"), reverse=True)
        for place in places:
            if place.exists() and works(place):
                found[version] = place
                break
    return found


def can_unshare() -> bool:
    """May we give a test run a /dev/shm of its own?"""
    words = [*PRIVATE_SHM, "true"]
    return not os.geteuid() and subprocess.run(words, capture_output=True, check=False).returncode == 0


def works(python: Path) -> bool:
    words = [str(python), "-c", "import ensurepip, venv"]
    return subprocess.run(words, capture_output=True, check=False).returncode == 0


class Report:
    """What came of the steps; filled from both threads."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.begun = 0
        self.lines: list[str] = []
        self.failures: list[str] = []
        self.code = 0

    def begin(self, name: str) -> None:
        self.begun += 1
        LANE.say(f"\n── {self.begun}/{self.count} {name} ".ljust(80, "─") + "\n")

    def end(self, name: str, seconds: float, says: str, code: int) -> None:
        mark = "FAILED" if code else "ok"
        self.lines.append(f"{mark:<7}{seconds:7.1f} s  {name:<19} {says}".rstrip())
        if code:
            self.failures.append(f"{name} failed: {says}")
            self.code = self.code or code


def run_steps(steps: list[Step], report: Report) -> None:
    """Take steps until there are none, or one has failed, here or beside."""
    while not report.code:
        try:
            name, step = steps.pop(0)
        except IndexError:  # the other thread has taken the last one
            return
        report.begin(name)
        start = time.monotonic()
        try:
            says, code = step(), 0
        except Failed as failure:
            says, code = str(failure), 1
        except KeyboardInterrupt:
            says, code = "interrupted", 130
        report.end(name, time.monotonic() - start, says, code)
        if LANE.held is not None:
            LANE.tell()


def run_two_at_a_time(steps: list[Step], report: Report) -> None:
    """This thread prints as it goes, the other one when a step has ended."""
    with ThreadPoolExecutor(max_workers=1, initializer=LANE.hold) as thread:
        beside = thread.submit(run_steps, steps, report)
        run_steps(steps, report)
        beside.result()


def main() -> int:
    parser = argparse.ArgumentParser(prog="./check", description="Run every check of this repository.")
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--quick", action="store_true", help="lint, types, floors and the fast tests only")
    length.add_argument("--slow", action="store_true", help="everything, with the tests marked slow too")
    os.chdir(ROOT)
    stages = plan(parser.parse_args())
    count = sum(map(len, stages))
    report = Report(count)
    begun = time.monotonic()
    run_steps(stages[0], report)
    for stage in stages[1:]:
        (run_two_at_a_time if can_unshare() else run_steps)(stage, report)
    print("\n── summary ".ljust(80, "─"))
    print("\n".join(report.lines))
    if report.code:
        missing = f"{count - len(report.lines)} steps were not run"
        print(f"check: {'; '.join(report.failures)}; {missing}")
    else:
        print(f"check: all {count} steps passed in {time.monotonic() - begun:.0f} s")
    print(TALLY, flush=True)
    return report.code


if __name__ == "__main__":
    sys.exit(main())
