"""Runs the cases of one section, one JSON line before and one after each.  Executed by path, on any Python.

Argument: a JSON object with ``module``, ``method`` (prefix of the names), ``log``, ``stacks``, ``done`` (names
not to run again), ``only`` (patterns), ``quick`` (leave out what needs much time by its own word).
"""

# ruff: noqa: N802, N815, ANN001 - names and arguments of unittest.TestResult

from __future__ import annotations

import faulthandler
import fnmatch
import importlib
import json
import os
import signal
import sys
import time
import traceback
import unittest

PASSED, FAILED, SKIPPED = "passed", "failed", "skipped"


class Journal(unittest.TestResult):
    """Writes each case's beginning and outcome at once, so that a crash loses nothing."""

    def __init__(self, path: str, method: str) -> None:
        super().__init__()
        self.file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self.method = method
        self.owner = os.getpid()

    def write(self, **facts: object) -> None:
        if os.getpid() == self.owner:  # not a forked child that fell out of its case
            os.write(self.file, (json.dumps(facts) + "\n").encode())

    def name(self, test: unittest.TestCase) -> str:
        return f"{self.method}:{short(test.id())}"

    def startTest(self, test: unittest.TestCase) -> None:
        super().startTest(test)
        self.outcome, self.words, self.begun = PASSED, "", time.monotonic()
        self.write(case=self.name(test), event="start")

    def stopTest(self, test: unittest.TestCase) -> None:
        super().stopTest(test)
        seconds = round(time.monotonic() - self.begun, 2)
        self.write(case=self.name(test), event=self.outcome, words=self.words, seconds=seconds)

    def addError(self, test, error) -> None:  # type: ignore[no-untyped-def]
        super().addError(test, error)
        self.fail(test, error)

    addFailure = addError  # type: ignore[assignment]

    def addSubTest(self, test, subtest, error) -> None:  # type: ignore[no-untyped-def]
        super().addSubTest(test, subtest, error)
        if error is not None:
            self.fail(test, error)

    def fail(self, test, error) -> None:  # type: ignore[no-untyped-def]
        words = "".join(traceback.format_exception(*error))
        print(f"--- {test.id()}\n{words}", file=sys.stderr, flush=True)
        if isinstance(test, unittest.TestCase):
            self.outcome, self.words = FAILED, words
        else:  # setUpClass or setUpModule
            self.write(case=f"{self.method}:{test.id()}", event=FAILED, words=words, seconds=0)

    def addSkip(self, test, reason) -> None:  # type: ignore[no-untyped-def]
        super().addSkip(test, reason)
        self.outcome, self.words = SKIPPED, reason

    def addExpectedFailure(self, test, error) -> None:  # type: ignore[no-untyped-def]
        super().addExpectedFailure(test, error)
        self.outcome = SKIPPED

    def addUnexpectedSuccess(self, test) -> None:  # type: ignore[no-untyped-def]
        super().addUnexpectedSuccess(test)
        self.outcome, self.words = FAILED, "passed, which was not expected"


def short(name: str) -> str:
    """``Class.test`` of a full name."""
    return ".".join(name.split(".")[-2:])


def flatten(suite: unittest.TestSuite) -> list[unittest.TestCase]:
    found: list[unittest.TestCase] = []
    for test in suite:
        found += flatten(test) if isinstance(test, unittest.TestSuite) else [test]
    return found


def main() -> int:
    task = json.loads(sys.argv[1])
    stacks = open(task["stacks"], "a")  # the signal handler's, until the end
    faulthandler.register(signal.SIGUSR1, file=stacks, all_threads=True)
    sys.path.insert(0, os.getcwd())
    from test import support

    support.use_resources = [] if task["quick"] else None
    if task["ours"]:
        import multiprocessing

        assert multiprocessing.__name__ == "procession.mp", multiprocessing
    if "PN_CONFORMANCE_EXECUTOR" in os.environ:
        from concurrent.futures import ProcessPoolExecutor

        bases = [f"{base.__module__}:{base.__name__}" for base in ProcessPoolExecutor.__bases__]
        assert bases == [os.environ["PN_CONFORMANCE_EXECUTOR"]], bases
    module = importlib.import_module(task["module"])
    done = set(task["done"])
    suite = unittest.TestSuite()
    cases = flatten(unittest.defaultTestLoader.loadTestsFromModule(module))
    for case in sorted(cases, key=lambda case: type(case).__module__):  # setUpModule once for each
        name = f"{task['method']}:{short(case.id())}"
        if name not in done and any(fnmatch.fnmatchcase(name, pattern) for pattern in task["only"]):
            suite.addTest(case)
    journal = Journal(task["log"], task["method"])
    suite.run(journal)
    journal.write(case="", event="end")
    return 0


if __name__ == "__main__":
    sys.exit(main())
