from __future__ import annotations

import os
from pathlib import Path

import pytest

from procession.cli import ask


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("photos", "phone", ".hidden", "odd[1]", "odd1"):
        (tmp_path / name).mkdir()
    (tmp_path / "photos/a file").touch()
    (tmp_path / "photos/link").symlink_to("../phone")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "photos"))
    return tmp_path


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ("ph", ["phone/", "photos/"]),
        ("pho", ["phone/", "photos/"]),
        ("photos", ["photos/"]),
        ("photos/", ["photos/a file", "photos/link/"]),
        ("photos/a", ["photos/a file"]),
        ("none", []),
        (".h", [".hidden/"]),
        ("odd[", ["odd[1]/"]),  # not a pattern
        ("o*", []),
        ("", ["odd1/", "odd[1]/", "phone/", "photos/"]),
    ],
)
def test_matching_paths(text: str, paths: list[str], here: Path) -> None:
    assert ask.matching_paths(text) == paths


def test_the_home_folder_and_absolute_paths(here: Path) -> None:
    assert ask.matching_paths("~/a") == [f"{here}/photos/a file"]
    assert ask.matching_paths(f"{here}/phon") == [f"{here}/phone/"]


def test_names_that_are_not_utf_8_complete(here: Path) -> None:
    name = os.fsdecode(b"caf\xe9")
    (here / name).touch()
    assert ask.matching_paths("caf") == [name]


def test_a_folder_is_listed_once_for_all_its_matches(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    listing = ask.matching_paths

    def counted(text: str) -> list[str]:
        asked.append(text)
        return listing(text)

    monkeypatch.setattr(ask, "matching_paths", counted)
    complete = ask._completer()
    assert [complete("pho", state) for state in range(3)] == ["phone/", "photos/", None]
    assert [complete("odd", state) for state in range(3)] == ["odd1/", "odd[1]/", None]
    assert asked == ["pho", "odd"]


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        (["photos", ""], ["photos"]),
        (["photos", " phone "], ["photos", "phone"]),
        (["", "  ", "missing", "photos", "x"], ["photos", "x"]),
    ],
)
def test_the_questions(
    answers: list[str], words: list[str], here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = iter(answers)
    monkeypatch.setattr("builtins.input", lambda _prompt: next(left))
    assert ask.ask_for_copy() == words
    assert not list(left)


def test_the_end_of_input_leaves_as_ctrl_c_does(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def end(_prompt: str) -> str:
        raise EOFError

    monkeypatch.setattr("builtins.input", end)
    with pytest.raises(KeyboardInterrupt):
        ask.ask_for_copy()
