"""Data sets on disk, built once: ``DIR/bench-data/NAME-SCALE/{tree/,manifest.json}``.

The manifest is written last and by rename, and names what was built and what it looked like: a build
that was interrupted has none, and a tree that somebody touched no longer agrees with it.  Either way the
tree is built again.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.copy.datasets import Dataset
from bench.copy.listing import Totals, fingerprint, scan, totals
from bench.kit.places import remove

Log = Callable[[str], None]


@dataclass(frozen=True)
class Built:
    """A data set that is there, whole."""

    tree: Path
    totals: Totals
    fingerprint: str


def home(dataset: Dataset, place: Path, scale: float) -> Path:
    """The folder of one data set at one scale."""
    return place / "bench-data" / (f"{dataset.name}-{scale:g}" if dataset.scalable else dataset.name)


def build(dataset: Dataset, place: Path, scale: float, log: Log) -> Built:
    """Return the data set, building it only if what is there is not whole."""
    folder = home(dataset, place, scale)
    manifest = folder / "manifest.json"
    tree = folder / "tree"
    known = _read(manifest)
    if known is not None and known.get("recipe") == dataset.recipe:
        built = _look(tree)
        if built is not None and built.fingerprint == known.get("fingerprint"):
            return built
        log(f"{dataset.name}: the tree no longer agrees with its manifest; building it again")
    elif folder.exists():
        log(f"{dataset.name}: interrupted or outdated build; building it again")
    else:
        log(f"{dataset.name}: building")
    remove(folder)
    tree.mkdir(parents=True)
    dataset.grow(tree, scale)
    built = _look(tree)
    assert built is not None
    _write(manifest, dataset.recipe, built)
    return built


def _look(tree: Path) -> Built | None:
    if not tree.is_dir():
        return None
    listing = scan(tree, contents=False)
    return Built(tree, totals(listing), fingerprint(listing))


def _read(manifest: Path) -> dict[str, object] | None:
    try:
        found = json.loads(manifest.read_text())
    except (FileNotFoundError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _write(manifest: Path, recipe: str, built: Built) -> None:
    facts = {"recipe": recipe, "fingerprint": built.fingerprint, "totals": asdict(built.totals)}
    draft = manifest.with_suffix(".new")
    with open(draft, "w") as file:
        json.dump(facts, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    os.replace(draft, manifest)
