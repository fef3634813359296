"""Where things land, with cp -a as the oracle; and what must not begin."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from procession.copying.roots import plan_roots
from procession.copying.run import CopyRun
from procession.errors import CopyError, IntoItself, SameFile


def build(folder: Path) -> None:
    """A little world of everything that a copy may be asked to deal with."""
    folder.mkdir()
    for name in ("A/sub/deep", "E", "M/A/sub", "empty"):
        (folder / name).mkdir(parents=True)
    for name, text in {
        "A/x": "x of A",
        "A/sub/y": "y",
        "F": "f",
        "G": "another g",
        "M/A/x": "an older x",
        "M/A/old": "old",
    }.items():
        (folder / name).write_text(text)
    for name, words in {
        "LA": "A",
        "LE": "E",
        "LF": "F",
        "LG": "G",
        "dangling": "nowhere",
        "E/LS": "../A/sub",
    }.items():
        (folder / name).symlink_to(words)
    os.link(folder / "F", folder / "H")


def picture(folder: Path) -> dict[str, str]:
    """Each path with what it is; good for comparing two folders."""
    seen = {}
    for parent, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = Path(parent, name)
            if path.is_symlink():
                what = f"-> {path.readlink()}"
            else:
                what = "folder" if path.is_dir() else path.read_text()
            seen[str(path.relative_to(folder))] = what
    return seen


def moments(folder: Path) -> dict[str, tuple[int, int]]:
    """Each path with its ctime and mtime: whatever is written changes one of them."""
    found = {".": folder}
    found |= {str(path): path for path in folder.rglob("*")}
    return {name: (path.lstat().st_ctime_ns, path.lstat().st_mtime_ns) for name, path in found.items()}


def ours(folder: Path, words: list[str], monkeypatch: pytest.MonkeyPatch) -> bool:
    """Do it in ``folder``; False when it was refused or something failed."""
    monkeypatch.chdir(folder)
    as_target = words[0] == "-T"
    words = [word for word in words if word != "-T"]
    try:
        roots, targets = plan_roots(words[:-1], words[-1], as_target=as_target)
    except CopyError:
        return False
    return CopyRun(roots, targets, workers=1).run().ok


SAME_AS_CP = """
A B | A/ B | A B/ | A/ B/ | ./A B | .//A// B | A ./B | A E/../B
A E | A/ E | A E/ | A/ E/ | A ./E | A/sub E | A/sub .
A/. B | A/. E | A/sub/.. B | A/sub/.. E | . ../out | ./ ../out | .. ../out
A M | A/ M | A/. M | -T A M/A
A LE | A LE/ | A/ LE/
LA B | LA E | LA/ B | LA/ E | LA/. B | LE/LS B | LE/LS/ E
-T A B | -T A E | -T A/ E | -T LA B | -T LA/ B | -T A B/
F new | F G | F E | F E/ | F E/new | F LE | -T F new | A/x M/A
LF new | LF E | dangling new | dangling E | -T LF new
F G E | F A E | A E M | A/ empty/ E | F A/x LE | E/LS F M | A LA E
empty B | empty E | empty M | M E | M/A .. | M/A E
F E/none/new | F none/ | F new/ | A none/B | none B | none E | none/ E
A F | A/ F | A dangling | A LF | F G H | F A B | A E F | F G new
F F | F ./F | F H | H F | F LF | LF F | F . | A . | A/x A | -T F H
A A | A A/B | A A/sub | A A/sub/B | A LA | A LA/B | A ./A/sub/../sub | -T A A | -T A LA/ | LA/ A
. E | . new | .. E | A/. A | A/. A/sub | A/. LA/sub | LA/ LA/B
-T F E | -T LF E
"""


@pytest.mark.parametrize(
    "words",
    [form.split() for line in SAME_AS_CP.split("\n") for form in line.split("|") if form.strip()],
    ids=" ".join,
)
def test_it_lands_where_cp_puts_it(words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for side in ("cp", "pn"):
        (tmp_path / side).mkdir()
        build(tmp_path / side / "world")
    done = subprocess.run(["cp", "-a", *words], cwd=tmp_path / "cp/world", capture_output=True, check=False)
    before = moments(tmp_path / "pn")
    fine = ours(tmp_path / "pn/world", words, monkeypatch)
    assert fine == (done.returncode == 0), done.stderr
    if fine:
        assert picture(tmp_path / "pn") == picture(tmp_path / "cp")
    else:
        # cp begins some of what it then refuses; we do not.
        assert moments(tmp_path / "pn") == before


@pytest.mark.parametrize(
    ("words", "then"),
    [
        # cp -a refuses to write through a link that leads nowhere, and writes through one that leads
        # somewhere.  We never write through a link: the copy takes its place.
        ("F dangling", {"dangling": "f"}),
        ("F LG", {"LG": "f", "G": "another g"}),
        # The operator's own link to a folder is the folder, also with -T.
        ("-T A LE", {"E/x": "x of A", "LE": "-> E"}),
    ],
)
def test_where_we_differ_from_cp_on_purpose(
    words: str, then: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build(tmp_path / "world")
    assert ours(tmp_path / "world", words.split(), monkeypatch)
    seen = picture(tmp_path / "world")
    assert {path: seen.get(path) for path in then} == then


@pytest.mark.parametrize(
    ("words", "error", "says"),
    [
        ("none B", CopyError, "none does not exist"),
        ("A none/B", CopyError, "none to copy into does not exist: make it first"),
        ("A F", CopyError, "F stands there and is no folder"),
        ("F G B", CopyError, "B is not a folder: several sources need one"),
        ("A A", IntoItself, "A lies inside A"),
        ("A A/sub", IntoItself, "lies inside A"),
        ("A LA/sub", IntoItself, "lies inside A"),
        ("LA/ A/sub", IntoItself, "lies inside LA/"),
        ("F H", SameFile, "F and .* are the same"),
        ("LF F", SameFile, "one by a link to the other"),
        ("F LF", SameFile, "one by a link to the other"),
        ("A .", SameFile, "are the same"),
        ("A/x F A", SameFile, "are the same"),
        ("A M/A E", CopyError, "two sources would both become"),
        ("F F E", CopyError, "two sources would both become"),
        ("-T F /", CopyError, "cannot be the copy itself"),
    ],
)
def test_a_refusal_says_why(
    words: str, error: type[CopyError], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build(tmp_path / "world")
    monkeypatch.chdir(tmp_path / "world")
    as_target = words.startswith("-T ")
    *sources, target = words.removeprefix("-T ").split()
    with pytest.raises(error, match=says):
        plan_roots(sources, target, as_target=as_target)


@pytest.mark.parametrize("empty", [(["", "A"], "E"), (["A"], ""), ([""], None)])
def test_an_empty_name_is_refused(
    empty: tuple[list[str], str | None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build(tmp_path / "world")
    monkeypatch.chdir(tmp_path / "world")
    with pytest.raises(CopyError, match="empty"):
        plan_roots(*empty)


def test_a_copy_without_a_target_is_a_sibling_with_the_next_free_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build(tmp_path / "world")
    monkeypatch.chdir(tmp_path / "world")
    names = []
    for _ in range(3):
        roots, (target,) = plan_roots(["A/"], None)
        CopyRun(roots, (target,), workers=1).run()
        names.append(Path(target).name)
    assert names == ["A.copy", "A.copy-2", "A.copy-3"]
    (tmp_path / "world/F.copy").symlink_to("nowhere")  # taken, though it does not "exist"
    assert Path(plan_roots(["F"], None)[1][0]).name == "F.copy-2"
    with pytest.raises(CopyError, match="no sibling"):
        plan_roots(["/"], None)
    monkeypatch.chdir(tmp_path / "world/A/sub")
    assert Path(plan_roots(["."], None)[1][0]) == tmp_path / "world/A/sub.copy"
    with pytest.raises(CopyError, match="several sources"):
        plan_roots(["y", "deep"], None)


def test_a_name_that_is_not_utf_8_is_shown_escaped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CopyError, match=r"bad\\xe9\\n does not exist"):
        plan_roots([os.fsdecode(b"bad\xe9\n")], "B")
