"""Jobs: what a submission, a job and its keeper cost, and what survives, against task-spooler and supervisor."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from bench.jobs import measures, survival
from bench.jobs.peers import here, versions
from bench.jobs.report import section
from bench.kit.machine import machine, today
from bench.kit.markdown import write_section

PAGE = Path("docs/benchmarks.md")
FEWEST = 5


def main(argv: Sequence[str]) -> int:
    """Run the bench; 0 if every target is met, 1 if not."""
    options = _options(argv)
    peers, missing = here()
    found = measures.all_of(peers, options.rounds, options.jobs, options.keepers, options.waiting)
    found["survival"] = {peer.name: survival.of(peer) for peer in peers}
    found["versions"] = dict(versions())
    line = f"python -m bench jobs --rounds {options.rounds}"
    body, met = section(found, options, missing, f"{today()} by `{line}`", machine().describe())
    print(body)
    if options.out != "-" and options.rounds >= FEWEST:
        write_section(Path(options.out), "jobs", body)
    return 0 if met else 1


def _options(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench jobs", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="counted rounds (default: %(default)s)")
    parser.add_argument("--jobs", type=int, default=100, help="jobs a round (default: %(default)s)")
    parser.add_argument("--keepers", type=int, default=100, help="jobs that sleep (default: %(default)s)")
    parser.add_argument("--waiting", type=int, default=1000, help="jobs that wait (default: %(default)s)")
    parser.add_argument("--out", default=str(PAGE), help="the page; - for none (default: %(default)s)")
    return parser.parse_args(list(argv))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
