"""The benches of starting and of memory: their order, their limits and their trees."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

import pytest

from bench import memory, startup
from bench.kit.measure import Run
from bench.kit.stats import Summary

MEDIANS = {
    startup.EMPTY: 0.010,
    startup.VERSION: 0.019,
    startup.COPY: 0.026,
    startup.SCRIPT: 0.045,
    startup.INSTALLED: 0.019,
}


class TestStartup:
    @pytest.mark.parametrize(
        ("limit", "expected"),
        [
            (startup.LIMITS[0], ("1.90x", "2.0x", True)),
            (startup.LIMITS[1], ("2.60x", "2.5x", False)),
            (startup.LIMITS[2], ("+26.0 ms", "+30 ms", True)),
        ],
    )
    def test_limits(self, limit: startup.Limit, expected: tuple[str, str, bool]) -> None:
        assert limit.judge(MEDIANS) == expected

    def test_a_slow_script_misses_its_limit(self) -> None:
        assert startup.LIMITS[2].judge({**MEDIANS, startup.SCRIPT: 0.0491})[2] is False

    def test_alternation_and_a_fresh_target_for_each_copy(self, tmp_path: Path) -> None:
        order: list[str] = []

        def launch(command: Sequence[str]) -> Run:
            order.append(command[0])
            if command[0] == "copy":
                (tmp_path / "copy").mkdir()
            return Run(float(len(order)), 0, 0, 1, 1, 0, "")

        found = startup.alternate({"python": ["python"], "copy": ["copy"]}, 2, tmp_path, launch)
        assert order == ["python", "copy", "copy", "python", "python", "copy"]
        assert {name: one.median for name, one in found.items()} == {"python": 4.5, "copy": 4.5}

    def test_a_command_that_fails_ends_the_bench(self, tmp_path: Path) -> None:
        failed = Run(1.0, 0, 0, 1, 1, 2, "no such verb")
        with pytest.raises(SystemExit, match="no such verb"):
            startup.alternate({"pn": ["pn"]}, 1, tmp_path, lambda _command: failed)

    def test_the_script_is_timed_only_where_it_made_its_environment(self, tmp_path: Path) -> None:
        (tmp_path / "pn").touch()
        (tmp_path / "one").mkdir()
        assert startup.SCRIPT not in startup.commands(Path("/x/pn"), tmp_path, tmp_path / "one")
        (tmp_path / ".venv" / "bin").mkdir(parents=True)
        (tmp_path / ".venv" / "bin" / "pn").touch()
        (tmp_path / "two").mkdir()
        found = startup.commands(Path("/x/pn"), tmp_path, tmp_path / "two")
        assert found[startup.SCRIPT] == [str(tmp_path / "pn"), "--version"]
        assert found[startup.INSTALLED] == [str(tmp_path / ".venv/bin/pn"), "--version"]

    def test_section(self) -> None:
        found = {name: Summary(30, value, value, 0.0) for name, value in MEDIANS.items()}
        text = startup.section(found, "a CPU", 30)
        rows = [
            [cell.strip() for cell in line.split("|")[1:-1]]
            for line in text.splitlines()
            if "against" in line
        ]
        assert [row[3] for row in rows] == ["met", "missed", "met"]
        assert "| `pn --version`             |      19.0 |   19.0 |    0.0 |" in text


class TestMemory:
    @pytest.mark.parametrize(("shape", "folders"), [("spread", 3 + 1), ("flat", 0)])
    def test_trees_have_the_files_asked_for(self, shape: str, folders: int, tmp_path: Path) -> None:
        memory.grow(tmp_path / "tree", shape, 40)
        found = list((tmp_path / "tree").rglob("*"))
        assert sum(path.is_file() for path in found) == 40
        assert sum(path.is_dir() for path in found) == folders

    def test_section_gives_the_cost_of_a_further_file(self) -> None:
        peaks = [memory.Peak(1_000, 15_000_000, 20_000_000), memory.Peak(11_000, 15_000_000, 20_120_000)]
        text = memory.section({"flat": peaks}, "a CPU", "tmpfs: tmpfs", Namespace(full=False, runs=3))
        assert "| flat  | 11,000 |      15.0 MB |    20.1 MB |                   12.0 |" in text
        assert "bytes per file: flat 12.0." in text

    def test_without_procession_s_copy_the_reason_is_told(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setattr(memory, "CHILD", "raise SystemExit('no copy here')")
        assert memory.main(["--where", str(tmp_path), "--out", "-"]) == 1
        assert "no copy here" in capsys.readouterr().err
        assert list(tmp_path.iterdir()) == []
