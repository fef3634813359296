"""How keys are told is a mode as any other: vim and its like ask for another way, and a prompt must not inherit it."""

from __future__ import annotations

import pytest

from procession.jobs.terminal_modes import Modes


@pytest.mark.parametrize(
    ("output", "restored", "reset"),
    [
        (b"\x1b[>4;2m", b"\x1b[>4;2m", b"\x1b[>4m"),
        (b"\x1b[>4;2m\x1b[>4;m", b"", b""),
        (b"\x1b[>4;1mx\x1b[>4m", b"", b""),
        (b"\x1b[>4;1m\x1b[>4;0m", b"", b""),
        (b"\x1b[>4;1m\x1b[>m", b"", b""),
        (b"\x1b[>1u", b"\x1b[>1u", b"\x1b[<1u"),
        (b"\x1b[>1u\x1b[>3u", b"\x1b[>1u\x1b[>3u", b"\x1b[<2u"),
        (b"\x1b[>1u\x1b[>3u\x1b[<u", b"\x1b[>1u", b"\x1b[<1u"),
        (b"\x1b[>1u\x1b[<5u", b"", b""),
        (b"\x1b[>1u\x1b[>4;2m\x1bc", b"", b""),
        (b"\x1b[4mline\x1b[>c\x1b[u\x1b[31m", b"", b""),
    ],
)
def test_keys(output: bytes, restored: bytes, reset: bytes) -> None:
    for step in (len(output), 1):
        modes = Modes()
        for at in range(0, len(output), step):
            modes.feed(output[at : at + step])
        assert (modes.restore(), modes.reset()) == (restored, reset)
