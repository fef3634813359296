"""The copy bench: who runs when, who is flagged, what the section says, and that the peers do copy."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

import bench.copy as copy_bench
from bench.copy.cache import build
from bench.copy.datasets import DATASETS
from bench.copy.listing import Totals
from bench.copy.peers import CONTESTANTS, OURS, Contestant, Job, Tool, chosen, found
from bench.copy.report import cell_table, section, targets_table, verdict
from bench.copy.results import Cell, Measured, Session, joined, load, store
from bench.copy.session import compete
from bench.kit.measure import Run, run


def quiet(_text: str) -> None:
    pass


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return build(DATASETS["kernel"], tmp_path / "data", 0.0005, quiet).tree


def fake(name: str) -> Tool:
    return Tool(name, name, "1", lambda program, job: [program, str(job.source), str(job.target)])


class Fakes:
    """Plays the tools: ``a`` copies, ``late`` loses times, ``lossy`` loses a file, ``broken`` fails."""

    def __init__(self) -> None:
        self.order: list[str] = []

    def __call__(self, command: Sequence[str]) -> Run:
        name, source, target = command[0], Path(command[1]), Path(command[2])
        assert not target.exists(), "each run has to find its target absent"
        assert (target.parent / "work").is_dir()
        assert os.listdir(target.parent / "work") == []
        self.order.append(name)
        (target.parent / "work" / "left-over").touch()
        shutil.copytree(source, target, symlinks=True)
        if name == "late":
            os.utime(target, ns=(0, 0))
        if name == "lossy":
            next(path for path in target.rglob("*") if path.is_file()).unlink()
        code = 1 if name == "broken" else 0
        return Run(float(len(self.order)), 0.5, 0.25, 9_000_000, 8_000_000, code, f"cannot {target}/x: no")


class TestCompete:
    def test_rotation_with_a_warm_up_that_is_not_counted(self, tree: Path, tmp_path: Path) -> None:
        fakes = Fakes()
        tools = [fake("a"), fake("b"), fake("c")]
        measured = compete(tree, tmp_path / "arena", tools, 2, quiet, launch=fakes)
        assert "".join(fakes.order) == "abc" + "bca" + "cab"
        assert [(one.tool, one.seconds) for one in measured] == [
            ("a", [6.0, 8.0]),
            ("b", [4.0, 9.0]),
            ("c", [5.0, 7.0]),
        ]
        assert {one.copy for one in measured} == {"same"}
        assert not (tmp_path / "arena").exists()

    def test_a_wrong_copy_is_flagged_and_a_failing_tool_leaves(self, tree: Path, tmp_path: Path) -> None:
        fakes = Fakes()
        tools = [fake("late"), fake("lossy"), fake("broken")]
        late, lossy, broken = compete(tree, tmp_path / "arena", tools, 2, quiet, launch=fakes)
        assert late.copy == "mtime of 1 folder differs"
        assert late.whole
        assert "1 file missing" in lossy.copy
        assert not lossy.whole
        assert fakes.order.count("broken") == 1
        assert broken.failure == "exit 1: cannot /copy/x: no"
        assert not broken.whole

    def test_with_sync_there_is_a_second_and_longer_time(self, tree: Path, tmp_path: Path) -> None:
        (one,) = compete(tree, tmp_path / "arena", [fake("a")], 2, quiet, sync=True, launch=Fakes())
        assert len(one.synced) == 2
        assert all(synced > plain for synced, plain in zip(one.synced, one.seconds, strict=True))

    def test_the_arena_is_emptied_when_interrupted(self, tree: Path, tmp_path: Path) -> None:
        def interrupted(command: Sequence[str]) -> Run:
            Path(command[2]).mkdir()
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            compete(tree, tmp_path / "arena", [fake("a")], 2, quiet, launch=interrupted)
        assert not (tmp_path / "arena").exists()


class TestPeers:
    PRESENT, _ = found([one for one in CONTESTANTS if one.name != OURS])

    @pytest.mark.parametrize("tool", PRESENT, ids=lambda tool: tool.name)
    def test_each_peer_here_copies_without_loss(self, tool: Tool, tree: Path, tmp_path: Path) -> None:
        measured = compete(tree, tmp_path / "arena", [tool], 1, quiet, launch=run)
        assert measured[0].failure == ""
        assert measured[0].whole, measured[0].copy

    def test_ours_is_the_script_beside_this_python(self) -> None:
        (ours,) = chosen([])
        job = Job(Path("/s"), Path("/t"), Path("/w"), 2)
        program = str(Path(sys.executable).parent / "pn")
        assert ours.argv(program, job) == [program, "copy", "--quiet", "-T", "/s", "/t"]
        assert ours.find() in (None, program)

    def test_what_is_missing_is_named_with_its_package(self) -> None:
        absent = Contestant("x", "xcopy", "Debian package x", lambda: None, (), lambda _program, _job: [])
        assert found([absent]) == ([], ["xcopy (Debian package x)"])

    def test_choosing_peers_keeps_ours(self) -> None:
        assert [one.key for one in chosen(["cp", "fpsync"])] == ["pn", "cp", "fpsync"]
        assert chosen(None) == list(CONTESTANTS)


OURS_RUNS = Measured(OURS, [1.0, 1.2, 1.1], [2.0, 2.0, 2.0], [], 50_000_000, 10_000_000)
CP = Measured("cp -a", [2.2, 2.4, 2.3], [2.1, 2.2, 2.3], [], 10_000_000, 10_000_000)
QUICK_BUT_LOSSY = Measured("fast", [0.5], [0.5], [], 1, 10_000_000, "1 file missing", lossy=True)
METADATA = Measured("uutils cp -a", [3.0], [3.0], [], 20_000_000, 10_000_000, "mtime of 5 folders differs")
FAILED = Measured("rclone copy", failure="exit 3: no space")
CELL = Cell(
    "tmpfs",
    "tmpfs: tmpfs",
    "kernel",
    1.0,
    Totals(2, 1, 0, 3_000),
    (OURS_RUNS, CP, QUICK_BUT_LOSSY, METADATA, FAILED),
)
LEFT_OUT = Cell("disk", "disk: ext4", "single", 1.0, skipped="it needs 8.0 GB and there was room for 1.0 GB")
SESSION = Session(
    "2026-01-02", "python -m bench copy", "a CPU", ("cp -a: cp 9",), ("fpsync (fpart)",), 3, (CELL, LEFT_OUT)
)


class TestReport:
    def test_the_verdict_takes_the_best_peer_that_lost_nothing(self) -> None:
        judged = verdict(CELL)
        assert judged is not None
        assert judged.peer is CP
        assert judged.ratio == pytest.approx(2.3 / 1.1)
        assert judged.met

    def test_a_peer_with_other_metadata_still_counts(self) -> None:
        quick = replace(METADATA, seconds=[1.5])
        judged = verdict(replace(CELL, measured=(OURS_RUNS, CP, quick)))
        assert judged is not None
        assert judged.peer is quick
        assert not judged.met

    @pytest.mark.parametrize(
        "ours", [replace(OURS_RUNS, lossy=True), replace(OURS_RUNS, failure="exit 1: x")]
    )
    def test_no_verdict_on_a_copy_of_ours_that_is_none(self, ours: Measured) -> None:
        assert verdict(replace(CELL, measured=(ours, CP))) is None

    def test_targets_table(self) -> None:
        assert targets_table([CELL, LEFT_OUT]) == (
            "| data set | place | ours s | best peer | its s | ours is faster | target | verdict   |\n"
            "| -------- | ----- | -----: | --------- | ----: | -------------: | -----: | --------- |\n"
            "| kernel   | tmpfs |   1.10 | cp -a     |  2.30 |          2.09x |   2.0x | met       |\n"
            "| single   | disk  |      – | –         |     – |              – |   1.0x | no figure |"
        )

    def test_cell_table(self) -> None:
        assert cell_table(CELL) == (
            "| tool         | median s | min s |  IQR s | ours is faster | CPU s | peak memory | its copy                   |\n"
            "| ------------ | -------: | ----: | -----: | -------------: | ----: | ----------: | -------------------------- |\n"
            "| fast         |    0.500 | 0.500 | 0.0000 |          0.45x | 0.500 |   ≤ 10.0 MB | NOT A COPY: 1 file missing |\n"
            "| pn copy      |     1.10 |  1.00 |  0.100 |                |  2.00 |     50.0 MB | same                       |\n"
            "| cp -a        |     2.30 |  2.20 |  0.100 |          2.09x |  2.20 |   ≤ 10.0 MB | same                       |\n"
            "| uutils cp -a |     3.00 |  3.00 | 0.0000 |          2.73x |  3.00 |     20.0 MB | mtime of 5 folders differs |\n"
            "| rclone copy  |        – |     – |      – |              – |     – |           – | failed: exit 3: no space   |"
        )

    def test_sync_adds_a_column_to_every_row(self) -> None:
        synced = replace(CP, synced=[2.5, 2.6, 2.7])
        lines = cell_table(replace(CELL, measured=(OURS_RUNS, synced, FAILED))).splitlines()
        assert "with sync s" in lines[0]
        assert "2.60" in lines[3]
        assert {line.count("|") for line in lines} == {10}

    def test_the_section_says_what_was_left_out_and_why(self) -> None:
        text = section(SESSION, raw="benchmarks/copy.json")
        assert "### kernel on tmpfs: source tree like the kernel's, 2 files, 1 folder, 3.0 kB" in text
        assert "Left out: it needs 8.0 GB and there was room for 1.0 GB." in text
        assert "[all run times](benchmarks/copy.json)" in text
        assert "- Not on this machine: fpsync (fpart)" in text


class TestResults:
    def test_stored_figures_come_back(self, tmp_path: Path) -> None:
        store(tmp_path / "deep" / "raw.json", SESSION)
        assert load(tmp_path / "deep" / "raw.json") == SESSION
        stored = json.loads((tmp_path / "deep" / "raw.json").read_text())
        assert [one["median"] for one in stored["cells"][0]["measured"]] == [1.1, 2.3, 0.5, 3.0, None]

    def test_a_later_cell_replaces_the_earlier_one_and_places_stay_together(self) -> None:
        other, disk = replace(CELL, dataset="maildir"), replace(CELL, place="disk")
        again = replace(CELL, measured=())
        assert joined([CELL, disk], [other, again]) == (again, other, disk)


class TestMain:
    def test_a_small_run_from_end_to_end(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        ours = replace(CONTESTANTS[1], key="pn", name=OURS)
        monkeypatch.setattr(copy_bench, "chosen", lambda _keys: [ours, CONTESTANTS[1]])
        page = tmp_path / "docs" / "benchmarks.md"
        where, shared = tmp_path / "place", ["--runs", "2", "--scale", "0.0005", "--out", str(page)]
        assert copy_bench.main(["--dataset", "maildir", "--where", str(where), *shared]) == 0
        text = page.read_text()
        assert "### maildir on place: one folder of mail, 50 files" in text
        assert "--where DIR --runs 2 --scale 0.0005" in text
        assert str(tmp_path) not in text
        (raw,) = (tmp_path / "docs" / "benchmarks").iterdir()
        assert str(tmp_path) not in raw.read_text()
        assert (
            copy_bench.main(["--dataset", "kernel", "--where", str(where), "--add", str(raw), *shared]) == 0
        )
        assert [cell.dataset for cell in load(raw).cells] == ["maildir", "kernel"]

    def test_without_ours_the_bench_fails(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(copy_bench, "chosen", lambda _keys: [CONTESTANTS[1]])
        small = ["--dataset", "maildir", "--runs", "1", "--scale", "0.0005", "--out", "-"]
        assert copy_bench.main([*small, "--where", str(tmp_path)]) == 1

    def test_what_does_not_fit_is_left_out(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        huge = ["--dataset", "single", "--scale", "1e9", "--where", str(tmp_path), "--out", "-"]
        assert copy_bench.main(huge) == 0
        assert "Left out: it needs" in capsys.readouterr().out
        assert list(tmp_path.iterdir()) == []

    def test_a_shrunk_run_does_not_touch_the_page(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(copy_bench, "chosen", lambda _keys: [CONTESTANTS[1]])
        copy_bench.main(["--dataset", "maildir", "--runs", "5", "--scale", "0.0005", "--where", "place"])
        assert sorted(path.name for path in tmp_path.iterdir()) == ["place"]

    def test_list_names_data_sets_places_and_tools(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert copy_bench.main(["--list"]) == 0
        said = capsys.readouterr().out
        assert all(name in said for name in [*DATASETS, "loop-ext4", "shutil.copytree"])
