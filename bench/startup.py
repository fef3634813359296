"""Starting: pn and the first-run script ./pn against an empty Python."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.kit import measure
from bench.kit.machine import machine, today
from bench.kit.markdown import table, write_section
from bench.kit.places import remove
from bench.kit.rounds import WARM_UP, rotated, rounds
from bench.kit.stats import Summary, summarise

REPOSITORY = Path(__file__).resolve().parent.parent
PAGE = Path("docs/benchmarks.md")
FEWEST = 30

EMPTY = "python3 -c pass"
VERSION = "pn --version"
COPY = "pn copy of an empty folder"
SCRIPT = "./pn --version"
INSTALLED = ".venv/bin/pn --version"


@dataclass(frozen=True)
class Limit:
    """``what`` may take at most ``times`` times ``base``, or ``more`` seconds more than it."""

    what: str
    base: str
    times: float = 0.0
    more: float = 0.0

    def judge(self, medians: Mapping[str, float]) -> tuple[str, str, bool]:
        """The figure, the limit, and whether it is kept."""
        ours, base = medians[self.what], medians[self.base]
        if self.times:
            return f"{ours / base:.2f}x", f"{self.times:.1f}x", ours <= self.times * base
        return f"+{(ours - base) * 1000:.1f} ms", f"+{self.more * 1000:.0f} ms", ours <= base + self.more


LIMITS = (
    Limit(VERSION, EMPTY, times=2.0),
    Limit(COPY, EMPTY, times=2.5),
    Limit(SCRIPT, INSTALLED, more=0.030),
)


def main(argv: Sequence[str]) -> int:
    """Run the bench; 0 if every limit is kept, 1 if not, 2 without a pn to start."""
    options = _options(argv)
    pn = Path(sys.executable).parent / "pn"
    if not pn.exists():
        print("bench startup: no pn beside this Python: install with pip install -e . first", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="bench-startup-") as folder:
        found = alternate(commands(pn, REPOSITORY, Path(folder)), options.runs, Path(folder))
    body = section(found, machine().describe(), options.runs)
    print(body)
    if options.out != "-" and options.runs >= FEWEST:
        write_section(Path(options.out), "startup", body)
    medians = {name: one.median for name, one in found.items()}
    return 0 if all(limit.judge(medians)[2] for limit in _known(medians)) else 1


def commands(pn: Path, repository: Path, folder: Path) -> dict[str, list[str]]:
    """What is started; the pair about ./pn only where the repository has been bootstrapped by it."""
    empty = folder / "empty"
    empty.mkdir()
    found = {
        EMPTY: [sys.executable, "-c", "pass"],
        VERSION: [str(pn), "--version"],
        COPY: [str(pn), "copy", "-T", str(empty), str(folder / "copy")],
    }
    script, installed = repository / "pn", repository / ".venv/bin/pn"
    if script.exists() and installed.exists():
        found |= {SCRIPT: [str(script), "--version"], INSTALLED: [str(installed), "--version"]}
    return found


def alternate(
    started: Mapping[str, Sequence[str]],
    runs: int,
    folder: Path,
    launch: Callable[[Sequence[str]], measure.Run] = measure.run,
) -> dict[str, Summary]:
    """Start each command once a round in rotating order; the copy always finds its target absent."""
    times: dict[str, list[float]] = {name: [] for name in started}
    for number in rounds(runs):
        for name in rotated(list(started), number):
            remove(folder / "copy")
            done = launch(started[name])
            if done.code != 0:
                raise SystemExit(f"bench startup: {name} ended with {done.code}: {done.stderr}")
            if number != WARM_UP:
                times[name].append(done.seconds)
    return {name: summarise(values) for name, values in times.items()}


def section(found: Mapping[str, Summary], machine_text: str, runs: int) -> str:
    """The section of docs/benchmarks.md."""
    medians = {name: one.median for name, one in found.items()}
    times = [
        [
            f"`{name}`" if name != COPY else name,
            *(f"{value * 1000:.1f}" for value in (one.median, one.minimum, one.iqr)),
        ]
        for name, one in found.items()
    ]
    verdicts = []
    for limit in _known(medians):
        figure, most, kept = limit.judge(medians)
        verdicts.append([f"{limit.what} against {limit.base}", figure, most, "met" if kept else "missed"])
    head = (
        f"Written on {today()} by `python -m bench startup --runs {runs}` on {machine_text}. All commands run once "
        "a round in rotating order, with the same interpreter."
    )
    return "\n\n".join(
        [
            "## Starting",
            head,
            table(["command", "median ms", "min ms", "IQR ms"], times),
            table(["what", "figure", "limit", "verdict"], verdicts, left=(0, 3)),
        ]
    )


def _known(medians: Mapping[str, float]) -> list[Limit]:
    return [limit for limit in LIMITS if limit.what in medians and limit.base in medians]


def _options(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench startup", description=__doc__)
    parser.add_argument(
        "--runs", type=int, default=40, help=f"rounds; {FEWEST} at least to be written (default: 40)"
    )
    parser.add_argument(
        "--out", default=str(PAGE), help="page to write, - for stdout only (default: %(default)s)"
    )
    options = parser.parse_args(argv)
    if options.runs < 1:
        parser.error("--runs has to be 1 or more")
    return options
