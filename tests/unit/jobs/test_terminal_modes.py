"""What a program has switched on: whole, split, and against a terminal that is told everything."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from procession.jobs.terminal_modes import Modes

VIM = b"\x1b[?1049h\x1b[22;0;0t\x1b[?1h\x1b=\x1b[?2004h\x1b[1;24r\x1b[?12h\x1b[?12l\x1b[27m\x1b[?25l hello"


def fed(*pieces: bytes) -> Modes:
    modes = Modes()
    for piece in pieces:
        modes.feed(piece)
    return modes


def test_a_fresh_terminal_needs_nothing() -> None:
    assert fed(b"plain text\r\n\x1b[31mred\x1b[0m").restore() == b""
    assert fed(b"plain").reset() == b""


def test_a_full_screen_program() -> None:
    modes = fed(VIM)
    assert modes.alternate
    assert modes.restore().startswith(b"\x1b[?1049h")
    for word in (b"\x1b[?1h", b"\x1b=", b"\x1b[?2004h", b"\x1b[?25l"):
        assert word in modes.restore()
    assert modes.reset().endswith(b"\x1b[?1049l")
    assert b"\x1b[?25h" in modes.reset()


@pytest.mark.parametrize("at", range(len(VIM)))
def test_a_sequence_may_be_split_anywhere(at: int) -> None:
    assert fed(VIM[:at], VIM[at:]).restore() == fed(VIM).restore()


def test_byte_by_byte() -> None:
    assert fed(*(VIM[n : n + 1] for n in range(len(VIM)))).restore() == fed(VIM).restore()


def test_what_is_switched_off_is_forgotten() -> None:
    assert fed(VIM, b"\x1b[?1l\x1b>\x1b[?2004l\x1b[?25h\x1b[?1049l").restore() == b""


def test_several_in_one_sequence() -> None:
    modes = fed(b"\x1b[?1000;1006;25l\x1b[?1000;1006h")
    assert modes.restore() == b"\x1b[?25l\x1b[?1000h\x1b[?1006h"


def test_the_screen_may_be_left_by_another_name() -> None:
    assert not fed(b"\x1b[?47h\x1b[?1047h\x1b[?1049l").alternate


@pytest.mark.parametrize("word", [b"\x1bc", b"\x1b[!p\x1b[?1049l"], ids=["full reset", "soft reset"])
def test_a_reset_of_the_terminal(word: bytes) -> None:
    assert fed(VIM, word).restore() == b""


@pytest.mark.parametrize(
    "word", [b"\x1b[?" + b"9" * 5000 + b"h", b"\x1b[?h", b"\x1b[?;;h", b"\x1b\x1b\x1b[?25", b"\x1b[" * 99]
)
def test_nonsense_does_no_harm(word: bytes) -> None:
    assert fed(word, b"h\x1b[?25l").restore() in (b"\x1b[?25l", b"")


@given(
    st.lists(
        st.sampled_from(
            [b"\x1b", b"[", b"?", b"25", b"1049", b";", b"h", b"l", b"=", b">", b"c", b"x", b"\xff"]
        )
    )
)
def test_what_is_restored_means_the_same(pieces: list[bytes]) -> None:
    modes = fed(*pieces)
    assert fed(modes.restore()).restore() == modes.restore()
    assert fed(modes.restore(), modes.reset()).restore() == b""
    assert fed(b"".join(pieces)).restore() == modes.restore()
