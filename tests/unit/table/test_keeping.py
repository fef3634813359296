"""What was chosen is found again, and a bad file keeps no screen from coming up."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from procession.table.board.board import View
from procession.table.board.columns import CLASSIC, Style
from procession.table.board.frame import pid_width
from procession.table.keeping import Kept, load, path, save


def test_what_is_kept_comes_back(tmp_path: Path) -> None:
    name = str(tmp_path / "deep" / "top.json")
    style = Style(unit="g", per_core=False, whole=True, pid=pid_width())
    view = View(
        columns=("pid", "pss", "command"), sort="pss", flipped=True, tree=True, kernel=False, style=style
    )
    kept = Kept(view, delay=1.5, cores=True, graph=True)
    save(kept, name)
    assert load(name) == kept
    assert sorted(each.name for each in (tmp_path / "deep").iterdir()) == ["top.json"]


def test_a_filter_a_user_and_folds_are_of_one_look_only(tmp_path: Path) -> None:
    name = str(tmp_path / "top.json")
    save(Kept(View(filter="x", user=3, pids=(1,), folded=frozenset([(1, b"2")]))), name)
    view = load(name).view
    assert (view.filter, view.user, view.pids, view.folded) == ("", None, (), frozenset())


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", '{"version": 99}', "{}", "\x00", '{"version": 1, "delay": "x"}', "[" * 100_000],
)
def test_a_file_that_is_none_of_ours_counts_as_none(tmp_path: Path, text: str) -> None:
    name = tmp_path / "top.json"
    name.write_text(text)
    kept = load(str(name))
    assert kept.view.columns == CLASSIC
    assert kept.delay == 3.0


def test_what_is_unknown_in_it_is_left_out(tmp_path: Path) -> None:
    name = tmp_path / "top.json"
    facts = {"version": 1, "columns": ["pid", "nosuch", 7], "sort": "nosuch", "delay": -1, "unit": "zz"}
    name.write_text(json.dumps(facts))
    kept = load(str(name))
    assert (kept.view.columns, kept.view.sort, kept.delay, kept.view.style.unit) == (
        ("pid",),
        "cpu",
        3.0,
        "k",
    )


def test_it_stands_in_the_configuration_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert path() == str(tmp_path / "procession" / "top.json")
