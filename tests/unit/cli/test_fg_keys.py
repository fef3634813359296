"""Keys of who is attached to a job."""

from __future__ import annotations

import pytest

from procession.cli.fg_keys import DETACH, INTERRUPT, SEND, SUSPEND, acts_of


@pytest.mark.parametrize("key", [b"\x1c", b"\x1b[92;5u", b"\x1b[27;5;92~"])
def test_detach_in_every_form_that_a_terminal_has_for_it(key: bytes) -> None:
    assert acts_of(key, through=True) == [(DETACH, b"")]
    assert acts_of(b"ab" + key + b"cd", through=True) == [(SEND, b"ab"), (DETACH, b"")]
    assert acts_of(b"ab" + key, through=False) == [(DETACH, b"")]


def test_a_job_with_a_terminal_gets_all_other_keys_as_they_are() -> None:
    keys = bytes(set(range(256)) - {0x1C}) + b"\x1b[A"
    assert acts_of(keys, through=True) == [(SEND, keys)]


def test_without_a_terminal_only_signals_have_a_meaning() -> None:
    assert acts_of(b"x\x03y\x1az\x03", through=False) == [(INTERRUPT, b""), (SUSPEND, b""), (INTERRUPT, b"")]
    assert acts_of(b"hello\r", through=False) == []


def test_the_first_wish_to_detach_is_the_last_thing_heard() -> None:
    assert acts_of(b"\x03\x1c\x03\x1b[92;5u", through=False) == [(INTERRUPT, b""), (DETACH, b"")]
