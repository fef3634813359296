"""The fast reader and argparse read the same lines the same way."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import event, example, given, settings
from hypothesis import strategies as st

from procession.cli.copy import COMMAND
from procession.cli.options import _ask_argparse, _read, parse

WORDS = st.one_of(
    st.sampled_from(["-w", "--workers", "-w2", "-w=2", "-w=x", "--workers=3", "--workers=", "--workers=0"]),
    st.sampled_from(["--workers=-1", "--wor=4", "--work", "-T", "-q", "-qT", "-Tw", "--quiet", "--quiet=1"]),
    st.sampled_from(["--json", "--js", "--no-target-directory", "--no-target", "--nope", "--help=x", "-x"]),
    st.sampled_from(["--", "-", "-1", "-5", "1", "3", "0", "a", "b", "é", "３", "1_0", ".", "", " ", " 4 "]),
    st.sampled_from(["a b", "-a b", "-q b"]),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(WORDS, max_size=6))
@example(["--", "-q"])
@example(["a", "--", "--json", "--"])
@example(["-w", "2", "a", "-T", "b"])
def test_both_readers_agree(argv: list[str]) -> None:
    fast = _read(COMMAND, argv)
    event("fast" if fast else "argparse")
    if fast is not None:
        assert fast == _ask_argparse(COMMAND, argv)


@given(
    st.lists(st.sampled_from(["a", "b c", "", "-", "é"]), max_size=4),
    st.permutations([["-w", "3"], ["--json"], ["-q"], ["-T"]]),
    st.integers(0, 4),
)
def test_a_line_without_mistakes_needs_no_argparse(
    words: list[str], options: list[list[str]], where: int
) -> None:
    argv = [*words[:where], *itertools.chain(*options), *words[where:]]
    assert _read(COMMAND, argv) == {
        "workers": 3,
        "json": True,
        "quiet": True,
        "as_target": True,
        "words": words,
    }


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["--", "-q", "--json"], ["-q", "--json"]),
        (["-q", "a", "--", "-q"], ["a", "-q"]),
        (["a", "--", "--", "b"], ["a", "--", "b"]),
        (["-"], ["-"]),
        (["-w2", "--", "-q", "x"], ["-q", "x"]),  # argparse reads this one
    ],
)
def test_after_two_dashes_all_are_words(argv: list[str], words: list[str]) -> None:
    assert parse(COMMAND, argv)["words"] == words


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["--nope"], "unrecognized arguments: --nope"),
        (["-w", "0", "a"], "invalid number above 0 value: '0'"),
        (["-w", "many", "a"], "invalid number above 0 value: 'many'"),
        (["-w"], "expected one argument"),
        (["--json=yes", "a"], "ignored explicit argument 'yes'"),
        (["--workers=-3", "a"], "invalid number above 0 value: '-3'"),
    ],
)
def test_a_mistake_is_one_line_and_code_2(
    argv: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        parse(COMMAND, argv)
    assert left.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert err.startswith("pn copy: ")
    assert says in err
    assert err.endswith(": see pn copy --help\n")
