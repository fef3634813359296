"""How a contest goes: who is here, round after round, the options, and where the figures are written."""

from __future__ import annotations

import argparse
import importlib.metadata
import importlib.util
import platform
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from bench.kit.figures import BEST, OURS, Row, Session, kept, store
from bench.kit.machine import machine, today
from bench.kit.markdown import write_section
from bench.kit.rounds import WARM_UP, rotated, rounds
from bench.kit.stuck import Stuck

PAGE = Path("docs/benchmarks.md")
FEWEST = 5

Run = Callable[[], float]


class Contestant:
    """Whoever takes part.  ``package`` is the name on the package index, of those that have one."""

    name: str
    module: str
    package: str = ""


Someone = TypeVar("Someone", bound=Contestant)


def found(everybody: Iterable[Someone]) -> tuple[list[Someone], list[str]]:
    """Who is here, and the names of those that are not."""
    everybody = list(everybody)
    here = [one for one in everybody if importlib.util.find_spec(one.module) is not None]
    return here, [one.name for one in everybody if one not in here]


def versions(here: Iterable[Contestant]) -> list[str]:
    """What was measured, for the head of the section."""
    words = []
    for one in here:
        plain = f"CPython {platform.python_version()}"
        version = importlib.metadata.version(one.package) if one.package else plain
        words.append(f"{one.name} ({version})" if one.name != OURS else OURS)
    return words


class Tuned:
    """A run with a choice: its first call, in the warm-up, tries each setting; the best one stays.

    More is better.  A setting that does not come to its end is no choice.
    """

    def __init__(self, settings: Mapping[str, Run]) -> None:
        self._settings = settings
        self.chosen = ""

    def __call__(self) -> float:
        if self.chosen:
            return self._settings[self.chosen]()
        figures: dict[str, float] = {}
        stuck: Stuck | None = None
        for words, run in self._settings.items():
            try:
                figures[words] = run()
            except Stuck as reason:
                stuck = reason
        if not figures:
            raise stuck or Stuck("there is no setting to choose")
        self.chosen = max(figures, key=figures.__getitem__)
        return figures[self.chosen]


def hold(
    options: argparse.Namespace,
    everybody: Iterable[Someone],
    plan: Callable[[Sequence[Someone], float], Iterable[tuple[Row, Mapping[str, Run]]]],
    more: Callable[[Sequence[Someone]], Iterable[Row]],
    section: Callable[[Session, str], str],
) -> int:
    """A whole contest: the rows of the plan in turns, then those that are measured in another way (``more``).

    Returns 0 if every run of ours came to its end and met its targets, else 1.
    """
    here, missing = found(everybody)
    here = [one for one in here if options.peers is None or one.name in (OURS, *options.peers)]
    rows = [
        measure(row, contestants, options.rounds)
        for row, contestants in plan(here, options.scale)
        if wanted(options, row.name)
    ]
    rows += more(here)
    publish(options, section, session(options, here, missing, rows))
    return 0 if kept(rows) else 1


def measure(row: Row, contestants: Mapping[str, Run], count: int) -> Row:
    """Fill a row: all contestants in turns; who fails once is out of it.  Targets of absent peers are none."""
    known = {*contestants, BEST} if len(contestants) > 1 else set(contestants)
    for absent in set(row.targets) - known:
        del row.targets[absent]
    for number in rounds(count):
        for name in rotated(list(contestants), number):
            if name in row.failed:
                continue
            run = contestants[name]
            try:
                figure = run()
            except Stuck as reason:
                row.failed[name] = str(reason)
                log(f"  {row.name}, {name}: {reason}")
                continue
            if number != WARM_UP:
                row.runs.setdefault(name, []).append(figure)
            if isinstance(run, Tuned):
                row.settings[name] = run.chosen
            chosen = f" ({row.settings[name]})" if name in row.settings else ""
            log(f"  round {number}: {row.name}, {name}: {figure:,.3f} {row.unit}{chosen}")
    return row


def options(bench: str, description: str | None, argv: Sequence[str]) -> argparse.Namespace:
    """The options that every contest has."""
    parser = argparse.ArgumentParser(prog=f"python -m bench {bench}", description=description)
    add = parser.add_argument
    add(
        "--rounds",
        type=int,
        default=FEWEST,
        help=f"counted rounds; {FEWEST} at least to be written (default: 5)",
    )
    add("--scale", type=float, default=1.0, help="shrink the counts (default: 1.0)")
    add("--rows", nargs="+", metavar="WORD", help="only rows with one of these words in their name")
    add("--peers", nargs="*", metavar="NAME", help="only these peers, and ours")
    add("--out", metavar="FILE", help=f"page to write, - for stdout only (default: {PAGE} for a full run)")
    found = parser.parse_args(argv, argparse.Namespace(bench=bench))
    if found.rounds < 1 or found.scale <= 0:
        parser.error("--rounds has to be 1 or more, --scale above 0")
    return found


def wanted(options: argparse.Namespace, row: str) -> bool:
    """Is a row of this name asked for?"""
    return options.rows is None or any(word in row for word in options.rows)


def session(
    options: argparse.Namespace, here: Sequence[Contestant], missing: Sequence[str], rows: Sequence[Row]
) -> Session:
    """All that has come of this call."""
    return Session(
        date=today(),
        command=_command(options),
        machine=machine().describe(),
        contestants=tuple(versions(here)),
        missing=tuple(missing),
        rounds=options.rounds,
        rows=tuple(rows),
    )


def publish(options: argparse.Namespace, section: Callable[[Session, str], str], session: Session) -> None:
    """Onto the page after a full run, or where ``--out`` says; otherwise onto the terminal."""
    whole = (
        options.scale == 1.0 and options.rounds >= FEWEST and options.rows is None and options.peers is None
    )
    out = options.out or (str(PAGE) if whole else "-")
    if out == "-":
        print(section(session, ""))
        return
    page = Path(out)
    raw = page.with_suffix("") / f"{options.bench}-{session.date}.json"
    store(raw, session)
    write_section(page, options.bench, section(session, f"{raw.parent.name}/{raw.name}"))
    log(f"written: {page}, {raw}")


def _command(options: argparse.Namespace) -> str:
    parts = [f"python -m bench {options.bench} --rounds {options.rounds}"]
    parts += [f"--scale {options.scale:g}"] if options.scale != 1.0 else []
    parts += ["--rows", *map(repr, options.rows)] if options.rows is not None else []
    parts += ["--peers", *options.peers] if options.peers is not None else []
    return " ".join(parts)


def log(text: str) -> None:
    """A line about how far it is, beside the report."""
    print(text, file=sys.stderr, flush=True)
