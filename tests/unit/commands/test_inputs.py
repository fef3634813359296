"""Inputs: whatever the pieces in which they come, and never more than there is room for."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from procession.commands import inputs
from procession.commands.inputs import INPUT_MAX, READ_AHEAD, InputTooLong, Source, Splitter, split_words


@given(st.lists(st.binary(max_size=8).filter(lambda item: b"\0" not in item)), st.integers(1, 5))
def test_zero_bytes_separate_anything(items: list[bytes], step: int) -> None:
    data = b"".join(item + b"\0" for item in items)
    splitter = Splitter(zero=True)
    found = [i for at in range(0, len(data), step) for i in splitter.feed(data[at : at + step])]
    assert [os.fsencode(item) for item in found + splitter.end()] == items


@given(st.binary(max_size=40).map(lambda data: data.replace(b"\0", b"\n")), st.integers(1, 5))
def test_lines_are_split_as_python_does(data: bytes, step: int) -> None:
    splitter = Splitter(zero=False)
    found = [i for at in range(0, len(data), step) for i in splitter.feed(data[at : at + step])]
    assert [os.fsencode(item) for item in found + splitter.end()] == [
        line for line in data.split(b"\n") if line
    ]


def test_an_input_without_an_end_is_refused() -> None:
    splitter = Splitter(zero=False)
    splitter.feed(b"x" * (INPUT_MAX - 1))
    with pytest.raises(InputTooLong, match=r"more than 131,072 bytes, beginning with b'xxx"):
        splitter.feed(b"x")


@pytest.mark.parametrize(
    ("words", "command", "given"),
    [
        (["convert {} {.}.png", "a", "b"], ["convert {} {.}.png"], ["a", "b"]),
        (["gzip", "a", "b"], ["gzip"], ["a", "b"]),
        (["gzip"], ["gzip"], None),
        (["cp", "{}", "there"], ["cp", "{}", "there"], None),
        (["cp", "-a", ":::", "a", "{}"], ["cp", "-a"], ["a", "{}"]),
        (["echo {}", "a", "{}"], ["echo {}"], ["a", "{}"]),
        (["gzip", ":::"], ["gzip"], []),
    ],
)
def test_command_and_inputs(words: list[str], command: list[str], given: list[str] | None) -> None:
    assert split_words(words, listed=False) == (command, given)


def test_with_a_file_all_words_are_the_command() -> None:
    assert split_words(["gzip", "-9"], listed=True) == (["gzip", "-9"], None)


@pytest.mark.parametrize(
    ("words", "listed", "says"),
    [
        ([], False, "COMMAND is missing"),
        ([":::", "a"], False, "COMMAND is missing"),
        (["", "a"], False, "COMMAND is missing"),
        (["x", ":::", "a", ":::", "b"], False, "more than one ':::'"),
        (["x", ":::", "a"], True, "give one of them"),
        (["gzip", "-9"], False, "is '-9' an input"),
        (["gzip {}", "a", "-j", "4"], False, "is '-j' an input"),
    ],
)
def test_mistakes(words: list[str], listed: bool, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        split_words(words, listed=listed)


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reader, writer = os.pipe()
    ends = {reader, writer}
    yield reader, writer
    for fd in ends:
        try:
            os.close(fd)
        except OSError:
            pass


def test_a_stream_is_read_no_further_than_there_is_room(tmp_path: object) -> None:
    endless = os.open("/dev/zero", os.O_RDONLY)
    try:
        source = Source(None, endless, zero=True)
        while source.wanted_fd >= 0:
            source.read()
        assert source.total is None
        assert source.take() == ("",)
        assert len(source._waiting) <= READ_AHEAD + inputs._PIECE
    finally:
        os.close(endless)


def test_groups_wait_for_more(pipe: tuple[int, int]) -> None:
    reader, writer = pipe
    source = Source(None, reader, per=3)
    assert source.take() is None
    os.write(writer, b"a\nb\n")
    source.read()
    assert (source.take(), source.total, source.over) == (None, None, False)
    os.write(writer, b"c\nd\ne")
    source.read()
    assert source.take() == ("a", "b", "c")
    os.close(writer)
    source.read()
    assert (source.total, source.over, source.wanted_fd) == (2, False, -1)
    assert source.take() == ("d", "e")
    assert (source.take(), source.over) == (None, True)


def test_given_inputs_are_grouped_too() -> None:
    source = Source(["a", "b", "c"], per=2)
    assert source.total == 2
    assert (source.take(), source.take(), source.take()) == (("a", "b"), ("c",), None)
    assert source.over


def test_trouble_while_reading_is_told(tmp_path: object) -> None:
    folder = os.open("/", os.O_RDONLY)
    try:
        source = Source(None, folder)
        source.read()
        assert (source.trouble, source.over) == ("Is a directory", True)
    finally:
        os.close(folder)
