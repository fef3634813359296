"""Whatever a program prints, a terminal that is shown its log keeps its state."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from procession.jobs.log_harmless import Harmless, plain_text

PIECES = st.lists(
    st.one_of(
        st.sampled_from([b"\x1b", b"[", b"]", b"m", b"31", b";", b"?", b"\x07", b"\\", b"P", b"H", b"\n", b"\xc2", b"\x9b"]),
        st.sampled_from([b"\x1b[1;31m", b"\x1b]0;title\x07", b"\x1b[2J", b"\x1b[6n", b"\x1bc", b"\x1b(0", b"text"]),
        st.binary(max_size=4),
    ),
    max_size=30,
)  # fmt: skip
# All that may remain: text, some controls, colours.
ALLOWED = re.compile(rb"(?:[^\x00-\x07\x0b\x0c\x0e-\x1f\x7f]|\x1b\[[0-9;:]*m)*\Z", re.DOTALL)


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        (b"plain\n", b"plain\n"),
        (b"\x1b[1;31mred\x1b[0m\n", b"\x1b[1;31mred\x1b[0m\n"),
        (b"\x1b[38:2::1:2:3mx", b"\x1b[38:2::1:2:3mx"),
        (b"a\x1b[2Jb\x1b[10;10Hc\x1b[?1049hd", b"abcd"),
        (b"\x1b]0;evil\x07x\x1b]52;c;AAAA\x1b\\y", b"xy"),
        (b"\x1bPq#0;2;0\x1b\\z\x1b_G\x1b\\!", b"z!"),
        (b"\x1b[6n\x1b[c\x1b[>c\x1bZ", b""),
        (b"\x1b[>4;2mx", b"x"),
        (b"\x1b(0lqk\x1b(B\x1bc", b"lqk"),
        (b"\x07\x00\x0e\x7fx", b"x"),
        ("\u009b2J\u0085ä".encode(), "\ufffd2J\ufffdä".encode()),
        (b"\xc2\x1b[2J\x9bx", "\ufffdx".encode()),
        (b" 50%\r100%\n", b" 50%\r100%\n"),
        (b"\x1b\x1b[mx", b"\x1b[mx"),
        (b"\x1b[3\n1mx", b"\n1mx"),
    ],
)
def test_what_stays(data: bytes, shown: bytes) -> None:
    assert Harmless().feed(data) == shown


@settings(max_examples=400, deadline=None)
@given(PIECES)
def test_nothing_else_stays_however_it_is_cut(pieces: list[bytes]) -> None:
    data = b"".join(pieces)
    whole, cut = Harmless(), Harmless()
    shown = whole.feed(data)
    assert ALLOWED.match(shown), shown
    assert not re.search(b"\xc2[\x80-\x9f]", shown)
    in_bytes = b"".join(cut.feed(data[at : at + 1]) for at in range(len(data)))
    assert in_bytes + cut.end() == shown + whole.end()


def test_a_pattern_looks_at_what_one_reads() -> None:
    assert plain_text(b"\x1b[31mer\x1b[0mror\x1b[K: \xff\r\n") == "error: \ufffd"
