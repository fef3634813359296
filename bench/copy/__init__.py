"""Copying folders: pn copy against cp, rsync, rclone, uutils cp, shutil.copytree and fpsync."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from bench.copy.cache import build, home
from bench.copy.datasets import DATASETS, Dataset
from bench.copy.peers import CONTESTANTS, OURS, OURS_KEY, Tool, chosen, found
from bench.copy.report import section, verdict
from bench.copy.results import Cell, Session, joined, load, store
from bench.copy.session import compete
from bench.copy.verify import SAME
from bench.kit.machine import machine, today
from bench.kit.markdown import write_section
from bench.kit.places import NAMES, Place, PlaceError, place
from bench.kit.units import size

PAGE = Path("docs/benchmarks.md")
ENTRY_BYTES = 5_120  # an inode, a directory entry, and the unused half of the last block


def main(argv: Sequence[str]) -> int:
    """Run the bench; 0 if ours copied everything right, 1 if not (whatever its speed)."""
    options = _options(argv)
    if options.list:
        print(_catalogue())
        return 0
    tools, missing = found(chosen(options.peers))
    earlier = load(options.add) if options.add else None
    cells: list[Cell] = []
    for where in options.where:
        try:
            with place(where, keep=options.keep) as opened:
                _log(opened.describe())
                cells += [_cell(opened, DATASETS[name], tools, options) for name in options.dataset]
        except PlaceError as reason:
            print(f"bench copy: {reason}", file=sys.stderr)
            return 2
    session = Session(
        date=today(),
        command=_command(options),
        machine=machine().describe(),
        tools=tuple(f"{tool.name}: {tool.version}" for tool in tools),
        missing=tuple(missing),
        runs=options.runs,
        cells=joined(earlier.cells if earlier else (), cells),
    )
    _publish(session, _page(options))
    return 0 if all(_right(cell) for cell in cells) else 1


def _cell(opened: Place, dataset: Dataset, tools: Sequence[Tool], options: argparse.Namespace) -> Cell:
    entries, content = dataset.need(options.scale)
    # Twice: the source and one copy.
    need, room = 2 * (content + entries * ENTRY_BYTES), opened.room()
    blank = Cell(opened.name, opened.describe(), dataset.name, options.scale)
    if need > room + _there(opened, dataset, options.scale):
        _log(f"{dataset.name}: left out, needs {size(need)}, room for {size(room)}")
        return replace(blank, skipped=f"it needs {size(need)} and there was room for {size(room)}")
    built = build(dataset, opened.folder, options.scale, _log)
    _log(f"{dataset.name} on {opened.name}: {built.totals}")
    arena = opened.folder / "bench-copies"
    measured = compete(built.tree, arena, tools, options.runs, _log, sync=options.sync)
    cell = replace(blank, totals=built.totals, measured=tuple(measured))
    judged = verdict(cell)
    if judged:
        _log(f"{dataset.name} on {opened.name}: {judged.ratio:.2f}x {judged.peer.tool}")
    return cell


def _there(opened: Place, dataset: Dataset, scale: float) -> int:
    """Bytes of the need that an earlier build has taken already."""
    entries, content = dataset.need(scale)
    return (
        content + entries * ENTRY_BYTES
        if (home(dataset, opened.folder, scale) / "manifest.json").exists()
        else 0
    )


def _right(cell: Cell) -> bool:
    """True if ours made an exact copy each time, metadata included."""
    ours = [one for one in cell.measured if one.tool == OURS]
    return bool(cell.skipped) or any(one.whole and one.copy == SAME for one in ours)


def _publish(session: Session, page: Path | None) -> None:
    if page is None:
        print(section(session))
        return
    raw = page.with_suffix("") / f"copy-{session.date}.json"
    store(raw, session)
    write_section(page, "copy", section(session, raw=f"{raw.parent.name}/{raw.name}"))
    _log(f"written: {page}, {raw}")


def _page(options: argparse.Namespace) -> Path | None:
    """Where to write: a shrunk run does not replace the real figures unless told to."""
    if options.out is not None:
        return None if options.out == "-" else Path(options.out)
    return PAGE if options.scale == 1.0 and options.runs >= 5 and options.peers is None else None


def _command(options: argparse.Namespace) -> str:
    """The command line as a reader can repeat it: without paths of this machine."""
    places = [where if where in NAMES else "DIR" for where in options.where]
    parts = [
        "python -m bench copy",
        "--dataset",
        *options.dataset,
        "--where",
        *places,
        f"--runs {options.runs}",
    ]
    parts += [f"--scale {options.scale:g}"] if options.scale != 1.0 else []
    parts += ["--peers", *options.peers] if options.peers is not None else []
    parts += ["--sync"] if options.sync else []
    return " ".join(parts)


def _options(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench copy",
        description="Time pn copy and its peers on the same trees, in alternation, and check the copies.",
        epilog="Places: tmpfs (memory), loop-ext4 (root: ext4 on an image in memory), disk (./.bench), or a folder.",
    )
    peers = [one.key for one in CONTESTANTS if one.key != OURS_KEY]
    add = parser.add_argument
    add("--dataset", nargs="+", choices=DATASETS, default=list(DATASETS), metavar="NAME", help="what to copy")
    add("--where", nargs="+", default=["tmpfs"], metavar="DIR", help="places or folders (default: tmpfs)")
    add("--runs", type=_positive, default=5, help="counted runs of each tool (default: 5)")
    add("--scale", type=float, default=1.0, help="shrink the data sets (default: 1.0; stdlib stays whole)")
    add("--peers", nargs="*", choices=peers, metavar="NAME", help=f"only these: {', '.join(peers)}")
    add("--sync", action="store_true", help="also give the time with a sync after the copy")
    add("--keep", action="store_true", help="leave the data sets of tmpfs in memory for the next call")
    add(
        "--add",
        type=Path,
        metavar="JSON",
        help="keep the cells of an earlier call that this one does not repeat",
    )
    add("--out", metavar="FILE", help=f"page to write, - for stdout only (default: {PAGE} for a full run)")
    add("--list", action="store_true", help="list data sets, places and tools, and stop")
    options = parser.parse_args(argv)
    if options.scale <= 0:
        parser.error("--scale has to be above 0")
    return options


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return number


def _catalogue() -> str:
    tools, missing = found(CONTESTANTS)
    lines = ["data sets:", *(f"  {one.name:<10} {one.title}" for one in DATASETS.values())]
    lines += ["places:", *(f"  {name}" for name in NAMES), "  or any folder"]
    lines += ["tools:", *(f"  {tool.name:<16} {tool.version}" for tool in tools)]
    lines += [f"  missing: {text}" for text in missing]
    return "\n".join(lines)


def _log(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
