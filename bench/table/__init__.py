"""The process table: snapshots against psutil, `pn ps` against ps, `pn top` against top and htop."""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from bench.kit.machine import machine, today
from bench.kit.markdown import write_section
from bench.table.plan import Plan
from bench.table.report import section

REPOSITORY = Path(__file__).resolve().parents[2]
PAGE = Path("docs/benchmarks.md")
FEWEST = 5
# A pid namespace of its own: all see the same processes, and it ends with everybody in it.
APART = ("unshare", "--pid", "--fork", "--mount-proc", "--kill-child")


def main(argv: Sequence[str]) -> int:
    """Run the bench; 0 if every target is met, 1 if not, 2 where it cannot run."""
    options = _options(argv)
    plan = Plan(options.rounds, tuple(options.sizes), options.listed, options.watched, options.seconds)
    program = [*APART, sys.executable, "-m", "bench.table.inside", json.dumps(plan.words())]
    try:
        done = subprocess.run(program, cwd=REPOSITORY, stdout=subprocess.PIPE, check=False)
    except FileNotFoundError:
        print("bench table: unshare(1) is missing: install util-linux", file=sys.stderr)
        return 2
    if done.returncode:
        print("bench table: no pid namespace, or a run has failed: run it as root", file=sys.stderr)
        return 2
    found = json.loads(done.stdout)
    line = f"python -m bench table --rounds {options.rounds} --seconds {options.seconds:g}"
    body, met = section(found, plan, f"{today()} by `{line}`", machine().describe())
    print(body)
    if options.out != "-" and options.rounds >= FEWEST:
        write_section(Path(options.out), "table", body)
    return 0 if met else 1


def _options(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench table", description=__doc__)
    parser.add_argument("--rounds", type=int, default=7, help="counted rounds (default: %(default)s)")
    parser.add_argument(
        "--sizes", type=int, nargs="+", default=[1000, 5000], help="processes to take snapshots of"
    )
    parser.add_argument(
        "--listed", type=int, default=1000, help="processes that are listed (default: %(default)s)"
    )
    parser.add_argument(
        "--watched",
        type=int,
        default=10_000,
        help="processes that are watched (default: %(default)s; 0: none)",
    )
    parser.add_argument(
        "--seconds", type=float, default=60.0, help="how long they are watched (default: %(default)s)"
    )
    parser.add_argument(
        "--out", default=str(PAGE), help="page to write, - for stdout only (default: %(default)s)"
    )
    options = parser.parse_args(argv)
    if options.rounds < 1 or min(options.sizes) < 1 or options.listed < 1:
        parser.error("counts have to be 1 or more")
    if options.watched and not shutil.which("top"):
        parser.error("top(1) is missing: install procps, or say --watched 0")
    return options
