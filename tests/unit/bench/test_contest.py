"""What the contests share: interpreters of their own, rounds, settings, verdicts, raw figures."""

from __future__ import annotations

import argparse
import json
import operator
import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.kit import contest
from bench.kit.apart import Apart, apart, members
from bench.kit.contest import Contestant, Tuned, found, measure, publish, versions, wanted
from bench.kit.figures import BEST, OURS, Row, Session, head, kept, notes, rows_table, store, verdicts
from bench.kit.stuck import Stuck


class TestApart:
    def test_it_is_another_process_and_stays_between_two_questions(self) -> None:
        with Apart() as there:
            first = there.ask(os.getpid)
            assert first != os.getpid()
            assert there.ask(os.getpid) == first
            assert there.ask(os.getpgid, 0) == first

    def test_an_exception_is_told_in_words_and_the_next_question_answered(self) -> None:
        with Apart() as there:
            with pytest.raises(Stuck, match="ZeroDivisionError: integer"):
                there.ask(operator.floordiv, 1, 0)
            assert there.ask(operator.add, 1, 2) == 3

    def test_an_interpreter_that_ends_is_a_failed_run(self) -> None:
        with pytest.raises(Stuck, match="the run itself has failed"):
            apart(os._exit, 3)

    def test_a_run_that_takes_too_long_is_ended(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("bench.kit.apart.GRACE", 0.1)
        with pytest.raises(Stuck, match=r"not over after 0\.2 s"):
            apart(time.sleep, 50, limit=0.2)

    def test_what_a_run_leaves_behind_is_ended(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("bench.kit.apart.GRACE", 0.1)
        with Apart() as there:
            pid = there.ask(os.getpid)
            there.ask(os.system, "sleep 50 &")
            assert len(members(pid)) == 2
        assert members(pid) == []

    def test_last_words_are_shown(self, capfd: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(Stuck):
            apart(subprocess.check_output, ["sh", "-c", "echo trouble >&2; exit 1"])
        assert "trouble" in capfd.readouterr().err


def constant(value: float) -> Callable[[], float]:
    return lambda: value


def noted(calls: list[str], name: str, value: float | None = None) -> Callable[[], float]:
    """A run that says when it is called; its figure is a value, or how many calls there were."""

    def run() -> float:
        calls.append(name)
        return len(calls) if value is None else value

    return run


def stuck() -> float:
    raise Stuck("never again")


class TestMeasure:
    def test_the_warm_up_is_not_counted_and_who_fails_is_out(self) -> None:
        calls: list[str] = []

        row = measure(Row("work", "s"), {"a": noted(calls, "a"), "b": noted(calls, "b"), "c": stuck}, 2)
        assert calls == ["a", "b", "b", "a", "a", "b"]
        assert row.runs == {"a": [4.0, 5.0], "b": [3.0, 6.0]}
        assert row.failed == {"c": "never again"}

    def test_targets_of_the_absent_are_none(self) -> None:
        row = Row("work", "s", targets={"old": 2.0, "gone": 3.0, BEST: 1.0})
        assert measure(row, {OURS: constant(1), "old": constant(1)}, 1).targets == {"old": 2.0, BEST: 1.0}
        row = Row("work", "s", targets={"gone": 3.0, BEST: 1.0})
        assert measure(row, {OURS: constant(1)}, 1).targets == {}

    def test_the_best_setting_of_the_warm_up_stays(self) -> None:
        tries: list[str] = []

        rates = {"small": 5, "large": 7, "odd": 1}
        tuned = Tuned({"none": stuck, **{name: noted(tries, name, rate) for name, rate in rates.items()}})
        row = measure(Row("work", "1/s"), {"peer": tuned}, 2)
        assert tries == ["small", "large", "odd", "large", "large"]
        assert row.settings == {"peer": "large"}
        assert row.runs == {"peer": [7, 7]}

    def test_no_setting_at_all(self) -> None:
        row = measure(Row("work", "1/s"), {"a": Tuned({"x": stuck}), "b": Tuned({})}, 1)
        assert row.failed == {"a": "never again", "b": "there is no setting to choose"}


def rows() -> tuple[Row, ...]:
    return (
        Row(
            "rate", "1/s", {OURS: [300, 310, 290], "old": [100], "new": [200]}, targets={"old": 2, BEST: 1.6}
        ),
        Row("time", "µs", {OURS: [5], "old": [10], "new": [4]}, targets={BEST: 1 / 1.3}, less_is_better=True),
        Row("whole", "1/s", {OURS: [9]}, {"old": "nothing came any more"}, {"old": 5}),
        Row("death", "ms", {OURS: [10.0], "old": [2.125]}, {"new": "hangs"}, limit=10, less_is_better=True),
        Row("tuned", "1/s", {OURS: [2]}, settings={OURS: "chunks of 7"}),
    )


class TestFigures:
    def test_the_verdicts_are_those_of_the_medians(self) -> None:
        assert verdicts(rows()) == [
            ("rate", "old", 2, 3.0),
            ("rate", BEST, 1.6, 1.5),
            ("time", BEST, 1 / 1.3, 0.8),
            ("whole", "old", 5, None),
        ]

    def test_the_table_says_them_in_words(self) -> None:
        table = rows_table(rows())
        assert "2x old: met; 1.6x the best peer: missed" in table
        assert "at most 1.3x the best peer: met" in table
        assert "5x old: no figure" in table
        assert "at most 10 ms: met" in table
        cells = [cell.strip() for cell in table.splitlines()[5].split("|")]
        assert cells[1:6] == ["death", "ms", "10.0", "2.12", "hangs"]
        assert "| failed |" in table
        assert "2.0 (chunks of 7)" in table

    def test_notes_name_the_reasons(self) -> None:
        assert notes(rows()) == ["whole, old: nothing came any more.", "death, new: hangs."]

    @pytest.mark.parametrize(
        ("row", "well"),
        [
            (Row("w", "s", {OURS: [1], "old": [1]}, targets={"old": 1}), True),
            (Row("w", "s", {OURS: [1], "old": [1]}, targets={"old": 2}), False),
            (Row("w", "s", {OURS: [1]}, targets={"old": 2}), False),
            (Row("w", "s", {OURS: [1]}, limit=1), True),
            (Row("w", "s", {OURS: [2]}, limit=1), False),
            (Row("w", "s", limit=1), False),
            (Row("w", "s", failed={OURS: "hangs"}), False),
            (Row("w", "s", failed={"old": "hangs"}), True),
        ],
    )
    def test_kept(self, row: Row, well: bool) -> None:
        assert kept([row]) is well


class TestWhoIsHere:
    class Here(Contestant):
        name = "multiprocessing.Pool"
        module = "multiprocessing"

    class Packaged(Here):
        name = "tests"
        module = package = "pytest"

    class Absent(Here):
        name = "nobody"
        module = "no_such_module"

    def test_found_and_their_versions(self) -> None:
        here, missing = found([self.Here(), self.Packaged(), self.Absent()])
        assert [one.name for one in here] == ["multiprocessing.Pool", "tests"]
        assert missing == ["nobody"]
        standard, packaged = versions(here)
        assert standard.startswith("multiprocessing.Pool (CPython 3.")
        assert packaged == f"tests ({pytest.__version__})"


class TestPublish:
    SESSION = Session("2026-01-01", "python -m bench x", "a machine", ("a", "b"), ("c",), 5, rows())

    def options(self, *words: str) -> argparse.Namespace:
        return contest.options("x", "What it is.", words)

    def test_the_head(self) -> None:
        text = head(self.SESSION, "raw.json")
        assert "Written on 2026-01-01 by `python -m bench x`; [all figures](raw.json)." in text
        assert "- Contestants: a; b" in text
        assert "- Not on this machine: c" in text

    def test_a_full_run_goes_to_the_page_with_its_raw_figures(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        publish(self.options(), head, self.SESSION)
        assert "<!-- bench:x -->\nWritten on" in Path("docs/benchmarks.md").read_text()
        facts = json.loads(Path("docs/benchmarks/x-2026-01-01.json").read_text())
        assert facts["rows"][0]["medians"] == {OURS: 300, "old": 100, "new": 200}

    @pytest.mark.parametrize("words", ["--rounds 4", "--scale 0.5", "--rows rate", "--peers"])
    def test_any_other_goes_to_the_terminal(
        self, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.chdir(tmp_path)
        publish(self.options(*words.split()), head, self.SESSION)
        assert "Written on" in capsys.readouterr().out
        assert list(tmp_path.iterdir()) == []

    def test_the_command_is_told_as_it_was_given(self) -> None:
        options = self.options("--scale", "0.5", "--rows", "one by", "x", "--peers", "a")
        told = contest.session(options, [], [], [])
        assert told.command == "python -m bench x --rounds 5 --scale 0.5 --rows 'one by' 'x' --peers a"
        assert wanted(options, "one by one")
        assert not wanted(options, "tiny")

    @pytest.mark.parametrize("words", ["--rounds 0", "--scale 0", "--nonesuch"])
    def test_wrong_options(self, words: str, capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(SystemExit) as ended:
            self.options(*words.split())
        assert ended.value.code == 2
        assert "python -m bench x" in capsys.readouterr().err

    def test_raw_figures(self, tmp_path: Path) -> None:
        store(tmp_path / "raw" / "x.json", self.SESSION)
        assert json.loads((tmp_path / "raw" / "x.json").read_text())["rounds"] == 5
