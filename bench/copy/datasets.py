"""The trees that are copied, each grown from a fixed seed (``stdlib`` is the real one of this Python).

==========  =============================================================================================
kernel      80,000 files in 5,200 folders up to 9 deep, sizes lognormal (mu 8.1, sigma 1.57) up to 16 MB,
            and 800 symlinks (1 %) to files of the tree
maildir     100,000 files in one folder, sizes lognormal (mean 5 KB, sigma 1.2)
single      one file of 4 GB
stdlib      the standard library and the site-packages of the running Python, as they are
==========  =============================================================================================

Contents are slices of one block of pseudo-random bytes: nothing to compress, no holes, quickly written.
"""

from __future__ import annotations

import functools
import math
import os
import random
import shutil
import sys
import sysconfig
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

SEED = 20260201
BLOCK_BYTES = 32 << 20
CAP_BYTES = 16_000_000
DEEPEST = 9

# All times lie in the ten years before this one, so that no tool meets a file younger than itself.
NEWEST_NS = 1_760_000_000 * 10**9
TEN_YEARS_NS = 10 * 365 * 86_400 * 10**9


@dataclass(frozen=True)
class Dataset:
    """How to build one tree.  ``need`` estimates (entries, bytes), to see beforehand whether it fits."""

    name: str
    title: str
    recipe: str
    need: Callable[[float], tuple[int, int]]
    grow: Callable[[Path, float], None]
    scalable: bool = True


def grow_kernel(root: Path, scale: float) -> None:
    """Many small files in many folders."""
    chance, block = random.Random(SEED), _block()
    folders = _folders(chance, root, _scaled(5_200, scale))
    # Some folders of a source tree hold hundreds of files and many hold a few.
    weights = [chance.lognormvariate(0, 1) for _ in folders]
    files: list[Path] = []
    for number, folder in enumerate(chance.choices(folders, weights, k=_scaled(80_000, scale))):
        suffix = chance.choice(("c", "c", "h", "h", "S", "rst", "dtsi"))
        file = folder / f"{chance.choice(_WORDS)}-{number}.{suffix}"
        size = min(CAP_BYTES, int(chance.lognormvariate(8.1, 1.57)))
        mode = chance.choices((0o644, 0o755, 0o600, 0o444), (90, 6, 2, 2))[0]
        _write(chance, file, _slice(chance, block, size), mode)
        files.append(file)
    for number in range(_scaled(800, scale)):
        link = chance.choice(folders) / f"link-{number}"
        link.symlink_to(os.path.relpath(chance.choice(files), link.parent))
        _stamp(chance, link)
    _finish_folders(chance, [root, *folders])


def grow_maildir(root: Path, scale: float) -> None:
    """One folder with very many messages."""
    chance, block = random.Random(SEED + 1), _block()
    mu = math.log(5_000) - 1.2**2 / 2
    for number in range(_scaled(100_000, scale)):
        size = min(CAP_BYTES, int(chance.lognormvariate(mu, 1.2)))
        name = f"{1_700_000_000 + number * 7}.M{chance.randrange(10**6)}P{chance.randrange(30_000)}.mail,S={size}:2,S"
        _write(chance, root / name, _slice(chance, block, size), 0o600)
    _finish_folders(chance, [root])


def grow_single(root: Path, scale: float) -> None:
    """One big file: the block over and over, each time begun elsewhere so that no two blocks agree."""
    chance, block = random.Random(SEED + 2), memoryview(_block())
    left, file = _single_bytes(scale), root / "big.bin"
    with open(file, "wb", buffering=0) as out:
        while left:
            begin = chance.randrange(len(block))
            piece = block[begin : begin + left]
            left -= out.write(piece)
    file.chmod(0o644)
    _stamp(chance, file)
    _finish_folders(chance, [root])


def grow_stdlib(root: Path, _scale: float) -> None:
    """The real tree: the scale does not apply."""
    for name, folder in _library().items():
        shutil.copytree(folder, root / name, symlinks=True, ignore=_not_ours)
    shutil.copystat(sysconfig.get_path("stdlib"), root)


def _need_stdlib(_scale: float) -> tuple[int, int]:
    count = size = 0
    for library in _library().values():
        for top, folders, files in os.walk(library):
            dropped = _not_ours(top, folders)
            folders[:] = [folder for folder in folders if folder not in dropped]
            count += len(folders) + len(files)
            size += sum(os.lstat(os.path.join(top, file)).st_size for file in files)
    return count, size


def _library() -> dict[str, str]:
    stdlib, site = sysconfig.get_path("stdlib"), sysconfig.get_path("purelib")
    found = {"stdlib": stdlib}
    if os.path.isdir(site) and not Path(site).is_relative_to(stdlib):
        found["site-packages"] = site
    return found


def _not_ours(folder: str, names: Iterable[str]) -> set[str]:
    """Packages of the Python that a virtual environment was made from are not those of this Python."""
    packages = {
        os.path.join(folder, name): name for name in names if name in ("site-packages", "dist-packages")
    }
    ours = sysconfig.get_path("purelib")
    return {
        name for path, name in packages.items() if path != ours and folder == sysconfig.get_path("stdlib")
    }


DATASETS = {
    dataset.name: dataset
    for dataset in (
        Dataset(
            "kernel",
            "source tree like the kernel's",
            f"kernel 1, seed {SEED}",
            lambda scale: (_scaled(86_000, scale), _scaled(920_000_000, scale)),
            grow_kernel,
        ),
        Dataset(
            "maildir",
            "one folder of mail",
            f"maildir 1, seed {SEED}",
            lambda scale: (_scaled(100_000, scale), _scaled(500_000_000, scale)),
            grow_maildir,
        ),
        Dataset(
            "single",
            "one big file",
            f"single 1, seed {SEED}",
            lambda scale: (1, _single_bytes(scale)),
            grow_single,
        ),
        Dataset(
            "stdlib",
            "the standard library and site-packages of this Python",
            f"stdlib 2, Python {sys.version}, {sorted(_library().values())}",
            _need_stdlib,
            grow_stdlib,
            scalable=False,
        ),
    )
}


def _scaled(count: int, scale: float) -> int:
    return max(1, round(count * scale))


def _single_bytes(scale: float) -> int:
    return _scaled(4_000_000_000, scale)


@functools.cache
def _block() -> bytes:
    return random.Random(SEED).randbytes(BLOCK_BYTES)


def _slice(chance: random.Random, block: bytes, size: int) -> bytes:
    begin = chance.randrange(len(block) - size)
    return block[begin : begin + size]


def _folders(chance: random.Random, root: Path, count: int) -> list[Path]:
    """A random tree: two dozen folders at the top, each later one inside one that is not yet too deep."""
    made: list[tuple[Path, int]] = []
    open_ones: list[tuple[Path, int]] = []
    for number in range(count):
        parent, depth = (root, 0) if number < 24 else chance.choice(open_ones)
        folder = (parent / f"{chance.choice(_WORDS)}{number}", depth + 1)
        folder[0].mkdir()
        made.append(folder)
        if folder[1] < DEEPEST:
            open_ones.append(folder)
    return [folder for folder, _ in made]


def _finish_folders(chance: random.Random, folders: list[Path]) -> None:
    """Modes and times of folders, after their contents: whatever is made inside changes the time."""
    for folder in folders:
        folder.chmod(chance.choices((0o755, 0o775, 0o700), (90, 7, 3))[0])
        _stamp(chance, folder)


def _write(chance: random.Random, file: Path, content: bytes, mode: int) -> None:
    with open(file, "wb", buffering=0) as out:
        out.write(content)
        os.fchmod(out.fileno(), mode)
    _stamp(chance, file)


def _stamp(chance: random.Random, path: Path) -> None:
    when = NEWEST_NS - chance.randrange(TEN_YEARS_NS)
    os.utime(path, ns=(when, when), follow_symlinks=False)


_VOCABULARY = (
    "acpi alloc audit block buffer bus cache clock core cpu crypto debug device driver entry event file firmware "
    "gpio hash input io irq kernel lib list lock main mem mount net page pci power proc queue reset sched shared "
    "signal socket sound stat super sync sys task time trace tty usb util vfs video wait work xattr"
)
_WORDS = _VOCABULARY.split()
