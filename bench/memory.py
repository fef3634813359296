"""Memory: how much the parent of a copy grows with the tree."""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.kit.machine import machine, today
from bench.kit.markdown import table, write_section
from bench.kit.places import Place, PlaceError, place, remove
from bench.kit.stats import slope
from bench.kit.units import size

PAGE = Path("docs/benchmarks.md")
SIZES = (1_000, 10_000, 100_000)
FULL = 1_000_000
SHAPES = ("spread", "flat")
PER_FOLDER = 16

# The copy runs inside this small program, which then reads its own VmHWM: the peak of the parent alone.
# (wait4's ru_maxrss would be that of the largest process, a worker perhaps.)
CHILD = """
import json, sys
def peak():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM:"))
import procession
copy = procession.copy
before = peak()
report = copy(sys.argv[1], sys.argv[2])
print(json.dumps({"before": before, "after": peak(), "failed": len(report.failed), "files": report.files}))
"""


@dataclass(frozen=True)
class Peak:
    """The parent's peak after copying ``entries`` empty files, and before it copied anything."""

    entries: int
    before: int
    after: int


def main(argv: Sequence[str]) -> int:
    """Run the bench; 1 if a copy failed, 2 without procession or a place."""
    options = _options(argv)
    sizes = [*SIZES, FULL] if options.full else list(SIZES)
    found: dict[str, list[Peak]] = {}
    try:
        with place(options.where) as opened:
            for shape in SHAPES:
                found[shape] = [peak(opened, shape, entries, options.runs) for entries in sizes]
            where = opened.describe()
    except (PlaceError, CopyError) as reason:
        print(f"bench memory: {reason}", file=sys.stderr)
        return 2 if isinstance(reason, PlaceError) else 1
    body = section(found, machine().describe(), where, options)
    print(body)
    if options.out != "-":
        write_section(Path(options.out), "memory", body)
    return 0


class CopyError(Exception):
    """The copy itself went wrong."""


def peak(opened: Place, shape: str, entries: int, runs: int) -> Peak:
    """The median of several copies, each by a fresh process."""
    tree, copy = opened.folder / "memory-tree", opened.folder / "memory-copy"
    remove(tree)
    grow(tree, shape, entries)
    befores, afters = [], []
    try:
        for _ in range(runs):
            remove(copy)
            report = _copy_once(tree, copy, entries)
            befores.append(report["before"])
            afters.append(report["after"])
    finally:
        remove(tree)
        remove(copy)
    found = Peak(entries, round(statistics.median(befores)), round(statistics.median(afters)))
    print(f"{shape} {entries:,}: {size(found.after)}", file=sys.stderr)
    return found


def grow(tree: Path, shape: str, entries: int) -> None:
    """``entries`` empty files: all in one folder, or 16 to a folder and 256 folders to a folder."""
    tree.mkdir(parents=True)
    folder = tree
    for number in range(entries):
        if shape == "spread" and number % PER_FOLDER == 0:
            place_of = number // PER_FOLDER
            folder = tree / f"{place_of // 256:04d}" / f"{place_of % 256:03d}"
            folder.mkdir(parents=True)
        (folder / f"file-{number:07d}").touch()


def section(
    found: Mapping[str, Sequence[Peak]], machine_text: str, where: str, options: argparse.Namespace
) -> str:
    """The section of docs/benchmarks.md."""
    rows = []
    for shape, peaks in found.items():
        for earlier, now in zip([None, *peaks], peaks, strict=False):
            step = "" if earlier is None else f"{per_entry([earlier, now]):.1f}"
            rows.append([shape, f"{now.entries:,}", size(now.before), size(now.after), step])
    slopes = "; ".join(f"{shape} {per_entry(peaks):.1f}" for shape, peaks in found.items())
    head = (
        f"Written on {today()} by `python -m bench memory{' --full' if options.full else ''}` on "
        f"{machine_text}; {where}. Peak resident memory (VmHWM) of the process that calls "
        f"`procession.copy`, its workers not counted; median of {options.runs} fresh processes; empty files, "
        f"spread ({PER_FOLDER} to a folder) or all in one folder."
    )
    return "\n\n".join(
        [
            "## Memory of the parent while copying",
            head,
            table(["shape", "files", "after import", "at the end", "bytes per further file"], rows),
            f"Slope over all sizes, bytes per file: {slopes}.",
        ]
    )


def per_entry(peaks: Sequence[Peak]) -> float:
    """Bytes of peak memory that one more file costs."""
    return slope([(one.entries, one.after) for one in peaks])


def _copy_once(tree: Path, copy: Path, entries: int) -> dict[str, int]:
    command = [sys.executable, "-c", CHILD, str(tree), str(copy)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        raise CopyError(f"procession.copy ended with {done.returncode}: {done.stderr.strip()[-500:]}")
    report: dict[str, int] = json.loads(done.stdout)
    if report["failed"] or report["files"] != entries:
        raise CopyError(f"{report['files']:,} of {entries:,} files copied, {report['failed']:,} failed")
    return report


def _options(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench memory", description=__doc__)
    parser.add_argument("--full", action="store_true", help=f"also {FULL:,} files (minutes)")
    parser.add_argument("--runs", type=int, default=3, help="fresh processes for each tree (default: 3)")
    parser.add_argument("--where", default="tmpfs", metavar="DIR", help="place or folder (default: tmpfs)")
    parser.add_argument(
        "--out", default=str(PAGE), help="page to write, - for stdout only (default: %(default)s)"
    )
    options = parser.parse_args(argv)
    if options.runs < 1:
        parser.error("--runs has to be 1 or more")
    return options
