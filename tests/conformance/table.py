"""The two sides compared, against the list of what may differ."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from tests.conformance.drive import Result

DIFFERENCES = Path(__file__).resolve().parents[2] / "docs/reference/differences.md"


@dataclass
class Allowed:
    """A line of the list: which cases, on which Pythons ("" for all), why."""

    pattern: str
    pythons: str
    reason: str
    used: bool = False

    def covers(self, case: str, python: str) -> bool:
        return fnmatchcase(case, self.pattern) and (not self.pythons or python in self.pythons.split())

    def excuses(self, outcome: str) -> bool:
        """To fail otherwise than theirs may be meant; a hang or a death is not, unless the reason speaks of it."""
        words = {"hung": "hang", "died": "dies"}
        return outcome not in words or words[outcome] in self.reason

    @property
    def sometimes(self) -> bool:
        """Such a case passes now and then: that is not stale."""
        return self.reason.startswith("sometimes")


def read_allowed(path: Path = DIFFERENCES) -> list[Allowed]:
    """The rows ``| `pattern` | pythons | reason |`` of the page."""
    text = path.read_text() if path.exists() else ""
    rows = re.findall(r"^\| `([^`]+)` \| *([^|]*?) *\| *(.*?) *\|$", text, flags=re.MULTILINE)
    return [
        Allowed(pattern, "" if pythons == "all" else pythons, reason) for pattern, pythons, reason in rows
    ]


@dataclass
class Verdict:
    """One Python's comparison."""

    python: str
    cases: int = 0
    stdlib_passed: int = 0
    ours_passed: int = 0
    both_passed: int = 0
    allowed: list[tuple[str, str]] = field(default_factory=list)
    wrong: list[tuple[str, Result]] = field(default_factory=list)
    stale: list[str] = field(default_factory=list)
    shaky: list[str] = field(default_factory=list)
    better: list[str] = field(default_factory=list)


def compare(
    python: str, stdlib: dict[str, Result], ours: dict[str, Result], allowed: Iterable[Allowed]
) -> Verdict:
    """Judge every case that either side has run."""
    verdict = Verdict(python)
    ran = [name for name in {**stdlib, **ours} if outcome(stdlib, name) != "skipped"]
    for name in sorted(ran):
        theirs_ok, ours_ok = outcome(stdlib, name) == "passed", outcome(ours, name) == "passed"
        verdict.cases += 1
        verdict.stdlib_passed += theirs_ok
        verdict.ours_passed += ours_ok
        verdict.both_passed += theirs_ok and ours_ok
        rows = [row for row in allowed if row.covers(name, python)]
        if ours_ok and not theirs_ok:
            verdict.better.append(name)
        if ours_ok and ours[name].tries > 1:
            verdict.shaky.append(name)
        if ours_ok and rows and not rows[0].sometimes:
            verdict.stale.append(name)
        if outcome(ours, name) in ("failed", "died", "hung") and name not in stdlib:
            verdict.wrong.insert(0, (name, ours[name]))  # setUpModule, say, or the end of the run
        elif theirs_ok and not ours_ok:
            if rows and rows[0].excuses(outcome(ours, name)):
                verdict.allowed.append((name, rows[0].reason))
            else:
                verdict.wrong.append((name, ours.get(name, Result("not run"))))
    return verdict


def outcome(results: dict[str, Result], name: str) -> str:
    return results[name].outcome if name in results else "not run"


SHOWN = 25  # failures that are shown with their last lines; those after them only by name


def report(verdicts: list[Verdict]) -> str:
    """The table, then each difference by name."""
    lines = ["python  cases  stdlib passes  ours passes  both  allowed differences  wrong  stale"]
    lines += [
        f"{v.python:<6}  {v.cases:>5}  {v.stdlib_passed:>13}  {v.ours_passed:>11}  {v.both_passed:>4}  "
        f"{len(v.allowed):>19}  {len(v.wrong):>5}  {len(v.stale):>5}"
        for v in verdicts
    ]
    for v in verdicts:
        lines += [f"{v.python} passes only with ours: {name}" for name in v.better]
        lines += [f"{v.python} passed at a later try: {name}" for name in v.shaky]
        lines += [f"{v.python} differs, as listed: {name}: {reason}" for name, reason in v.allowed]
        lines += [f"{v.python} listed as different, but passes: {name}" for name in v.stale]
        for number, (name, result) in enumerate(v.wrong):
            lines += _shown(v.python, number, name, result)
    return "\n".join(lines)


def _shown(python: str, number: int, name: str, result: Result) -> list[str]:
    last = result.words.splitlines()[-12:] if number < SHOWN else []
    return [f"{python} WRONG: {name}: {result.outcome}", *(f"    {line}" for line in last)]
