"""Each program under examples/ runs, and shows what it is there to show.

Those that use only what both have also run with ``from multiprocessing import``.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.harness.places import ROOT
from tests.harness.program import clean_environment

FOLDER = ROOT / "examples"
OURS, THEIRS = "procession", "multiprocessing"

# What must be found in the output, in this order; as regular expressions.
SHOWN = {
    "two_loops": ["slow 1", "slow 2", "slow 3", r"both are done; .* exit codes: 0 0"],
    "pids_and_parents": [
        r"I am MainProcess, pid (?P<main>\d+), parent: None",
        "before start.. it has no pid: None",
        r"I am the child, pid (?P<child>\d+), a child of pid (?P=main)",
        r"I am the grandchild, pid \d+, a child of pid (?P=child)",
        "ended: alive: False, exit code 0",
    ],
    "arguments": [
        "Hello, Ada!",
        "Good morning, Grace!!!",
        r"in the child: \[1, 2, 3, 4\]",
        r"in the parent: \[1, 2, 3\]",
    ],
    "no_shared_globals": ["(?:in a child: global 1\n){3}", "in the parent: global 0, shared 3000"],
    "zombie_and_orphan": [
        "the child has ended: a zombie",
        "after waitpid: gone, exit code 3",
        r"an orphan \(True\)",
    ],
    "queue_writer_reader": [
        "from a: 1000 items, in order: True",
        "from b: 1000 items, in order: True",
    ],
    "pipe_until_eof": ["received one", "received two", "received three", "the end: nobody"],
    "encapsulated_process": [r"1 \+ 2 \+ ... \+ 100 = 5050", "ended with exit code 0; self.sum here: False"],
    "pool": [
        "sum of squares 328350, at most 3 workers: True",
        "1 / 8 = 0.125",
        "1 / 0: division by zero",
        r"two arguments each: \[0.5, 0.75\]",
    ],
    "pool_with_queue": ["(?:task [0-4] is done\n){5}", r"results \[0, 1, 4, 9, 16\]"],
    "pool_with_retries": [
        "6 of 6 have ended, 2 failed",
        "one: one, attempt 1",
        "moody: moody, attempt 3",
        r"endless: task 2 took longer than 0.5 s, and its worker \d+ was ended",
        "two: two, attempt 1",
        r"deadly: worker \d+ was killed by SIGKILL \(9\) in the middle of task 4 \(downloading deadly\)",
        "three: three, attempt 1",
        "4 done, 2 failed, 4 retries",
        r"(?:worker \d \(pid \d+\): was killed by SIGKILL \(9\)\n.*){3}",
    ],
    "two_in_order": [
        "fetch: begins, will end with 0",
        "unpack: begins",
        "unpack: ended normally",
        "fetch: begins, will end with 3",
        "not begun: .*process fetch exited with code 3",
    ],
    "supervised_service": [
        "database ready: '3 tables'",
        "web ready: 'http://localhost:8080'",
        "--- web is killed",
        "web started",
        "--- database is killed",
        "web stopping",
        "database started",
        "web started",
        "--- web is killed",
        "web giving up: gave up on child 'web': more than 2 restarts within 60 s",
        "database: all written, good night",
        "--- supervisor: gave up on child 'web'",
    ],
}
# What only procession shows, and in the same place only the standard library.
DIFFERS = {
    "zombie_and_orphan": {
        OURS: ["was not joined: gone", "killed Process: ended with it"],
        THEIRS: ["was not joined: a zombie", "killed Process: an orphan"],
    },
}
ONLY_OURS = {"pool_with_queue", "pool_with_retries", "two_in_order", "supervised_service"}
CASES = [
    (name, library)
    for name in SHOWN
    for library in (OURS, THEIRS)
    if library == OURS or name not in ONLY_OURS
]


def run(program: Path, home: Path) -> str:
    ran = subprocess.run(
        [sys.executable, program],
        cwd=home,
        env=clean_environment(home),
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert ran.stderr == ""
    assert ran.returncode == 0
    return ran.stdout


def program_of(name: str, library: str, folder: Path) -> Path:
    """The example, or its copy for the other library."""
    program = FOLDER / f"{name}.py"
    if library == OURS:
        return program
    text, count = re.subn(
        r"^from procession import", f"from {library} import", program.read_text(), flags=re.MULTILINE
    )
    assert count == 1
    copy = folder / program.name
    copy.write_text(text)
    return copy


@pytest.mark.parametrize(("name", "library"), CASES)
def test_an_example_shows_what_it_is_there_for(name: str, library: str, tmp_path: Path) -> None:
    shown = run(program_of(name, library, tmp_path), tmp_path)
    expected = [*SHOWN[name], *DIFFERS.get(name, {}).get(library, [])]
    assert re.search(".*".join(expected), shown, re.DOTALL), shown


def test_no_example_is_forgotten() -> None:
    assert {program.stem for program in FOLDER.glob("*.py")} == set(SHOWN)


@pytest.mark.parametrize("name", sorted(ONLY_OURS))
def test_an_example_that_needs_more_says_so(name: str) -> None:
    """By what it imports, or in its first words."""
    text = (FOLDER / f"{name}.py").read_text()
    assert re.search("multiprocessing|after=|timeout=|Supervisor", text)
