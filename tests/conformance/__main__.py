"""The command: ``python -m tests.conformance``.  Exit code 1: something differs that is not listed."""

from __future__ import annotations

import argparse
import os
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from tests.conformance.drive import Result, Run
from tests.conformance.sections import EXECUTORS, FUTURES, METHODS, SUBSET, Section, sections
from tests.conformance.side import OURS, STDLIB, has_suite, interpreters, make_venv
from tests.conformance.table import Verdict, compare, read_allowed, report

Results = dict[str, Result]


def main() -> int:
    options = read_options()
    pythons = interpreters([word for word in options.pythons.split(",") if word])
    pythons = {version: path for version, path in pythons.items() if has_suite(path)}
    if not pythons:
        print("conformance: skipped: this interpreter brings no test package (Debian: python3-full)")
        return 0
    wanted = any(might_match(section, patterns(options)) for section in sections(METHODS, rest=False))
    others = NEWEST_FIRST if wanted and not options.pythons else ()
    plan = rounds(pythons, brings_executors(options.tests), others)
    for version in pythons.keys() - {one.version for one in plan if one.executors}:
        print(f"conformance: Python {version} brings no {FUTURES}: {NO_EXECUTORS}")
    scratch = Path(options.keep or tempfile.mkdtemp(prefix="pnc-"))
    scratch.mkdir(parents=True, exist_ok=True)
    begun = time.monotonic()
    try:
        verdicts = [one_python(one, scratch / one.version, options) for one in plan]
    finally:
        if not options.keep:
            shutil.rmtree(scratch, ignore_errors=True)
    print(report(verdicts))
    wrong = sum(len(v.wrong) + len(v.stale) for v in verdicts)
    both = sum(v.both_passed for v in verdicts)
    theirs = sum(v.stdlib_passed for v in verdicts)
    allowed = sum(len(v.allowed) for v in verdicts)
    print(
        f"conformance: {both} of the {theirs} cases that pass with the standard library pass with ours, "
        f"{allowed} differ as listed, {wrong} are wrong, in {time.monotonic() - begun:.0f} s"
    )
    return 1 if wrong else 0


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.conformance", description=__doc__)
    parser.add_argument("--methods", default=",".join(METHODS), help="start methods, joined by commas")
    parser.add_argument("--pythons", default="", help="versions, as in 3.11,3.13; without it, this one")
    parser.add_argument("--subset", action="store_true", help="what ./check runs")
    parser.add_argument("--tests", help="a folder of test modules, for those that the interpreter lacks")
    parser.add_argument("--cases", action="append", help="a pattern of method:Class.test; may be repeated")
    parser.add_argument("--ours-only", action="store_true", help="show ours without comparing")
    parser.add_argument("--hang-limit", type=float, default=60, help="seconds a case (default 60)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="sections at the same time")
    parser.add_argument("--keep", help="a folder for logs, outputs and stacks, which stays")
    return parser.parse_args()


NEWEST_FIRST = ("3.14", "3.13", "3.12", "3.11")
EXECUTOR_CASES = "ProcessPool"  # how the names of their classes begin
NO_EXECUTORS = "another Python runs its cases, or --tests names a folder that has it"


@dataclass(frozen=True)
class Round:
    """What one interpreter runs: the cases about executors, and/or the rest."""

    version: str
    python: Path
    executors: bool = True
    rest: bool = True


def patterns(options: argparse.Namespace) -> tuple[str, ...]:
    """Which cases are wanted."""
    return tuple(options.cases or (SUBSET if options.subset else ["*"]))


def brings_executors(tests: str | None) -> Callable[[Path], bool]:
    """Does an interpreter bring CPython's tests of executors, or else this folder?"""
    name = FUTURES.rpartition(".")[2]
    borrowed = tests is not None and any((Path(tests) / found).exists() for found in (name, f"{name}.py"))
    return lambda python: borrowed or has_suite(python, FUTURES)


def rounds(pythons: dict[str, Path], brings: Callable[[Path], bool], others: tuple[str, ...]) -> list[Round]:
    """Each of these; and where none brings the tests of executors, the first of ``others`` that does."""
    plan = [Round(version, python, brings(python)) for version, python in pythons.items()]
    if not any(one.executors for one in plan):
        found = (item for version in others for item in interpreters([version]).items())
        other = next(((version, python) for version, python in found if brings(python)), None)
        plan += [Round(*other, rest=False)] if other is not None else []
    return plan


def one_python(this: Round, scratch: Path, options: argparse.Namespace) -> Verdict:
    shutil.rmtree(scratch, ignore_errors=True)  # of an earlier run that was kept
    methods = tuple(options.methods.split(","))
    only = patterns(options)
    sides = (OURS,) if options.ours_only else (STDLIB, OURS)
    venvs = {side: make_venv(this.python, scratch / f"venv-{side}", side, options.tests) for side in sides}
    runs = [
        Run(section, side, venvs[side], scratch / side / section.name.replace(" ", "-"), only)
        for section in sections(methods, executors=this.executors, rest=this.rest)
        for side in sides
        if might_match(section, only)
    ]
    for run in runs:
        run.quick, run.hang_limit = options.subset, options.hang_limit
    with ThreadPoolExecutor(options.jobs) as pool:
        for run, future in [(run, pool.submit(run)) for run in runs]:
            future.result()
            print(f"{this.version} {run.side:6} {run.section.name:20} {count(run.results)}", flush=True)
    found: dict[str, Results] = {STDLIB: {}, OURS: {}}
    for run in runs:
        found[run.side] |= run.results
    theirs = found[STDLIB] if not options.ours_only else {n: Result("passed") for n in found[OURS]}
    try_again([run for run in runs if run.side == OURS], theirs)
    for run in runs:
        found[run.side] |= run.results
    allowed = read_allowed()
    return compare(this.version, theirs, found[OURS], allowed)


def might_match(section: Section, only: tuple[str, ...]) -> bool:
    """Could a pattern mean a case of this section?  Saves the start of those that have none."""
    for pattern in only:
        method, _, case = pattern.partition(":")
        plain = re.split(r"[*?[]", case)[0]
        if section.kind == EXECUTORS:
            possible = EXECUTOR_CASES.startswith(plain) or plain.startswith(EXECUTOR_CASES)
        else:
            possible = not plain.startswith(EXECUTOR_CASES)
        if possible and fnmatchcase(section.method, method):
            return True
    return False


def count(results: Results) -> str:
    outcomes = [result.outcome for result in results.values()]
    return ", ".join(f"{outcomes.count(kind)} {kind}" for kind in sorted(set(outcomes)))


def try_again(runs: list[Run], theirs: Results) -> None:
    """A case that failed only with ours is run once more, alone: many of them measure time."""
    allowed = read_allowed()
    for run in runs:
        for name, result in list(run.results.items()):
            listed = any(row.covers(name, run.folder.parent.parent.name) for row in allowed)
            passes_there = name in theirs and theirs[name].outcome == "passed"
            if result.outcome in ("passed", "skipped", "hung") or listed or not passes_there:
                continue
            folder = run.folder.with_name(f"{run.folder.name}-again")
            shutil.rmtree(folder, ignore_errors=True)
            again = Run(run.section, run.side, run.python, folder, (name,), run.quick, run.hang_limit)()
            if name in again:
                again[name].tries = 2
                run.results[name] = again[name]


if __name__ == "__main__":
    sys.exit(main())
