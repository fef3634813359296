from __future__ import annotations

import errno
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from procession.copying.words import Changed, cause_of, shown


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("plain/näme", "plain/näme"),
        ("a b", "a b"),
        ("two\nlines", r"two\nlines"),
        ("tab\t", r"tab\t"),
        ("bell\a\x1b[31m", r"bell\x07\x1b[31m"),
        (os.fsdecode(b"latin-\xe9"), r"latin-\xe9"),
        ("\u202eevil", r"\u202eevil"),
        ("", ""),
    ],
)
def test_a_path_is_shown_without_tricks(path: str, text: str) -> None:
    assert shown(path) == text


@given(st.binary().map(os.fsdecode))
def test_any_name_can_be_printed_on_one_line(name: str) -> None:
    text = shown(name)
    assert text.isprintable()
    text.encode("utf-8")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), "No space left on device"),
        (OSError(errno.EEXIST, "source and target are the same file"), "source and target are the same file"),
        (OSError("strange"), "Success"),
        (Changed("it shrank"), "it shrank: run the copy again"),
        (ValueError("what"), "ValueError: what"),
    ],
)
def test_causes(error: BaseException, words: str) -> None:
    assert cause_of(error) == words
