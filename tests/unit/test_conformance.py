"""What ``python -m tests.conformance`` decides before it runs anything, and how our executor gets in."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conformance.__main__ import Round, brings_executors, might_match, rounds
from tests.conformance.drive import Result
from tests.conformance.sections import EXECUTORS, METHODS, SUBSET, Section, sections
from tests.conformance.table import Allowed, compare, read_allowed

HERE, THERE = Path("/here/python"), Path("/there/python")


def test_an_interpreter_that_brings_all_runs_all() -> None:
    assert rounds({"3.11": HERE}, lambda _: True, others=("3.13",)) == [Round("3.11", HERE)]


def test_another_interpreter_runs_what_this_one_does_not_bring(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "tests.conformance.__main__.interpreters", lambda found: {"3.13": THERE} if found == ["3.13"] else {}
    )
    plan = rounds({"3.11": HERE}, lambda python: python == THERE, others=("3.14", "3.13", "3.12"))
    assert plan == [Round("3.11", HERE, executors=False), Round("3.13", THERE, rest=False)]


def test_asked_for_versions_run_without_others() -> None:
    assert rounds({"3.11": HERE}, lambda _: False, others=()) == [Round("3.11", HERE, executors=False)]


@pytest.mark.parametrize("name", ["test_concurrent_futures.py", "test_concurrent_futures"])
def test_a_named_folder_brings_the_tests_of_executors(name: str, disk_dir: Path) -> None:
    assert not brings_executors(str(disk_dir))(Path("/bin/false"))
    (disk_dir / name).touch()
    assert brings_executors(str(disk_dir))(Path("/bin/false"))


def test_sections_of_a_round() -> None:
    names = [section.name for section in sections(("fork", "spawn"), rest=False)]
    assert names == ["fork executors", "spawn executors"]
    rest = sections(METHODS, executors=False)
    assert not [section for section in rest if section.kind == EXECUTORS]
    assert len(sections(METHODS)) == len(rest) + len(METHODS)


def test_a_section_without_a_matching_case_is_not_started() -> None:
    executors, queues = Section("fork", EXECUTORS), Section("fork", "processes")
    assert might_match(executors, ("fork:ProcessPoolForkWaitTest.*",))
    assert not might_match(queues, ("fork:ProcessPoolForkWaitTest.*",))
    assert not might_match(executors, ("spawn:ProcessPool*",))
    assert not might_match(executors, ("*:WithProcessesTestQueue.*",))
    assert might_match(executors, ("*:Process*",))
    assert might_match(queues, ("*:Process*",))
    assert might_match(executors, ("*:*Queue*",))
    assert all(might_match(section, ("*",)) and might_match(section, SUBSET) for section in sections(METHODS))


def test_the_listed_differences_are_read() -> None:
    assert read_allowed()
    row = Allowed("*:ProcessPool*.test_a", "3.12 3.13", "sometimes: the moment")
    assert row.sometimes
    assert row.covers("fork:ProcessPoolForkXTest.test_a", "3.13")
    assert not row.covers("fork:ProcessPoolForkXTest.test_a", "3.11")


@pytest.mark.parametrize(
    ("outcome", "reason", "wrong"),
    [
        ("failed", "private: a name", False),
        ("hung", "private: a name", True),
        ("died", "private: a name", True),
        ("hung", "sometimes: it hangs with either", False),
    ],
)
def test_a_hang_needs_a_reason_that_speaks_of_it(outcome: str, reason: str, wrong: bool) -> None:
    verdict = compare("3.13", {"x": Result("passed")}, {"x": Result(outcome)}, [Allowed("x", "", reason)])
    assert bool(verdict.wrong) == wrong
    assert bool(verdict.allowed) != wrong


# ── which classes a section takes ─────────────────────────────────────────────────────────────────

CLASSES = """
class ProcessPoolForkWaitTest: pass
class ProcessPoolForkserverWaitTest: pass
class ProcessPoolSpawnWaitTest: pass
class ThreadPoolWaitTest: pass
class ProcessPoolForkMixin: pass
"""


def taken(folder: Path, method: str) -> list[str]:
    """The classes that the section's module takes from a made-up test_concurrent_futures in ``folder``."""
    source = Section(method, EXECUTORS).source.replace("test.test_concurrent_futures", "made_up")
    program = f"{source}\nprint(*sorted(name for name in globals() if 'Pool' in name))"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, check=True
    )
    return done.stdout.split()


@pytest.mark.parametrize("path", ["made_up.py", "made_up/test_wait.py"])
def test_a_section_takes_its_method_from_a_module_or_a_package(path: str, disk_dir: Path) -> None:
    (disk_dir / path).parent.mkdir(exist_ok=True)
    (disk_dir / path).parent.joinpath("__init__.py").touch()
    (disk_dir / path).write_text(CLASSES)
    assert taken(disk_dir, "fork") == ["ProcessPoolForkWaitTest"]
    assert taken(disk_dir, "forkserver") == ["ProcessPoolForkserverWaitTest"]
    assert taken(disk_dir, "spawn") == ["ProcessPoolSpawnWaitTest"]


# ── the hook that puts our class in ───────────────────────────────────────────────────────────────

OURS = "import concurrent.futures.process\nclass Ours(concurrent.futures.Executor): pass\n"
SHOW = "print(ProcessPoolExecutor.__name__, ProcessPoolExecutor.__base__.__name__)"


@pytest.mark.parametrize(
    "program",
    [
        f"from concurrent.futures import ProcessPoolExecutor; {SHOW}",
        f"from concurrent.futures.process import ProcessPoolExecutor; {SHOW}",
        f"import ours; from concurrent.futures import ProcessPoolExecutor; {SHOW}",
        f"from concurrent.futures import *; {SHOW}",
    ],
)
def test_the_hook_puts_our_class_in_whatever_is_imported_first(program: str, disk_dir: Path) -> None:
    (disk_dir / "ours.py").write_text(OURS)
    hooked = f"import tests.conformance.executor_hook; {program}"
    paths = f"{Path(__file__).parents[2]}:{disk_dir}"
    environment = {**os.environ, "PYTHONPATH": paths, "PN_CONFORMANCE_EXECUTOR": "ours:Ours"}
    done = subprocess.run(
        [sys.executable, "-c", hooked], env=environment, capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("ProcessPoolExecutor Ours\n", "")


def test_without_a_word_the_hook_does_nothing() -> None:
    program = (
        f"import tests.conformance.executor_hook; from concurrent.futures import ProcessPoolExecutor; {SHOW}"
    )
    environment = {key: value for key, value in os.environ.items() if key != "PN_CONFORMANCE_EXECUTOR"}
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**environment, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "ProcessPoolExecutor Executor\n"
