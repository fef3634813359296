"""Data sets: the same seed gives the same tree, and a tree that is not whole is built again."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from bench.copy.cache import Built, build, home
from bench.copy.datasets import DATASETS, Dataset
from bench.copy.listing import FILE, LINK, fingerprint, scan

SCALE = 0.001
SEEDED = [dataset for dataset in DATASETS.values() if dataset.scalable]


def quiet(_text: str) -> None:
    pass


@pytest.mark.parametrize("dataset", SEEDED, ids=lambda dataset: dataset.name)
def test_the_same_seed_grows_the_same_tree(dataset: Dataset, tmp_path: Path) -> None:
    one, two = (build(dataset, tmp_path / name, SCALE, quiet) for name in ("one", "two"))
    assert one.fingerprint == two.fingerprint
    assert fingerprint(scan(one.tree, contents=True)) == fingerprint(scan(two.tree, contents=True))


def test_different_contents_have_different_fingerprints(tmp_path: Path) -> None:
    built = build(DATASETS["kernel"], tmp_path, SCALE, quiet)
    before = fingerprint(scan(built.tree, contents=True))
    file = next(path for path in built.tree.rglob("*") if path.is_file() and path.stat().st_size)
    when = file.stat().st_mtime_ns
    file.write_bytes(bytes(byte ^ 1 for byte in file.read_bytes()))
    os.utime(file, ns=(when, when))
    assert fingerprint(scan(built.tree, contents=True)) != before


def test_kernel_has_the_stated_shape(tmp_path: Path) -> None:
    built = build(DATASETS["kernel"], tmp_path, 0.01, quiet)
    listing = scan(built.tree, contents=False)
    assert (built.totals.files, built.totals.folders, built.totals.links) == (800, 52, 8)
    sizes = sorted(entry.size for entry in listing.values() if entry.kind == FILE)
    assert 2_500 < sizes[400] < 4_200  # the median of exp(8.1) = 3,294
    assert max(path.count(b"/") for path in listing) >= 3
    assert {0o644, 0o755, 0o600, 0o444} == {entry.mode for entry in listing.values() if entry.kind == FILE}
    assert len({entry.mtime_ns % 10**9 for entry in listing.values()}) > 800
    links = [path for path, entry in listing.items() if entry.kind == LINK]
    assert all(stat.S_ISREG(os.stat(os.path.join(os.fsencode(built.tree), path)).st_mode) for path in links)


def test_maildir_is_one_folder(tmp_path: Path) -> None:
    built = build(DATASETS["maildir"], tmp_path, 0.02, quiet)
    assert (built.totals.files, built.totals.folders, built.totals.links) == (2_000, 0, 0)
    assert 4_000 < built.totals.bytes / 2_000 < 6_000


def test_single_is_one_dense_file(tmp_path: Path) -> None:
    built = build(DATASETS["single"], tmp_path, SCALE, quiet)
    file = built.tree / "big.bin"
    assert (built.totals.files, built.totals.bytes) == (1, 4_000_000)
    assert file.stat().st_blocks * 512 >= 4_000_000
    content = file.read_bytes()
    assert len({content[at : at + 4096] for at in range(0, len(content), 4096)}) == 977


class TestCache:
    @pytest.fixture
    def built(self, tmp_path: Path) -> Built:
        return build(DATASETS["maildir"], tmp_path, SCALE, quiet)

    def again(self, place: Path) -> tuple[Built, list[str]]:
        said: list[str] = []
        return build(DATASETS["maildir"], place, SCALE, said.append), said

    def test_a_whole_tree_is_used_again(self, built: Built, tmp_path: Path) -> None:
        inode = built.tree.stat().st_ino
        found, said = self.again(tmp_path)
        assert found == built
        assert said == []
        assert found.tree.stat().st_ino == inode

    def test_an_interrupted_build_is_noticed(self, built: Built, tmp_path: Path) -> None:
        (home(DATASETS["maildir"], tmp_path, SCALE) / "manifest.json").unlink()
        next(built.tree.iterdir()).unlink()
        found, said = self.again(tmp_path)
        assert "interrupted" in said[0]
        assert found == built

    def test_a_torn_manifest_is_noticed(self, built: Built, tmp_path: Path) -> None:
        manifest = home(DATASETS["maildir"], tmp_path, SCALE) / "manifest.json"
        manifest.write_text(manifest.read_text()[:40])
        assert "interrupted" in self.again(tmp_path)[1][0]

    def test_a_tree_that_was_touched_is_noticed(self, built: Built, tmp_path: Path) -> None:
        next(built.tree.iterdir()).chmod(0o644)
        found, said = self.again(tmp_path)
        assert "no longer agrees" in said[0]
        assert found == built

    def test_scales_do_not_share_a_folder(self, built: Built, tmp_path: Path) -> None:
        other = build(DATASETS["maildir"], tmp_path, SCALE * 2, quiet)
        assert other.totals.files == 2 * built.totals.files
        assert built.tree.is_dir()


def test_stdlib_takes_this_python_s_packages_and_no_other_s(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = {"stdlib": str(tmp_path / "base"), "purelib": str(tmp_path / "venv")}
    monkeypatch.setattr("sysconfig.get_path", paths.__getitem__)
    for file in (
        "base/os.py",
        "base/json/site-packages/x.py",
        "base/site-packages/theirs.py",
        "venv/ours.py",
    ):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text("pass")
    built = build(DATASETS["stdlib"], tmp_path, 1.0, quiet)
    files = {str(path.relative_to(built.tree)) for path in built.tree.rglob("*.py")}
    assert files == {"stdlib/os.py", "stdlib/json/site-packages/x.py", "site-packages/ours.py"}
    assert DATASETS["stdlib"].need(1.0) == (5, 12)
    # Installed into the base itself, those packages are ours.
    paths["purelib"] = str(tmp_path / "base" / "site-packages")
    assert DATASETS["stdlib"].need(1.0) == (6, 12)
