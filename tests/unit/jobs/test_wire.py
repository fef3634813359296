"""Frames: whatever the pieces, the same frames come out; whatever the bytes, Malformed or frames and nothing else."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from procession.jobs.plain import Malformed
from procession.jobs.wire import DATA, FRAME_MAX, JSON, Frames, data_frame, json_frame, json_of

JSONS = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.text(), JSONS, max_size=5)


@given(st.lists(OBJECTS | st.binary(max_size=200), max_size=6), st.lists(st.integers(0, 2000), max_size=20))
def test_pieces_of_any_size_make_the_same_frames(
    messages: list[dict[str, object] | bytes], cuts: list[int]
) -> None:
    stream = b"".join(data_frame(each) if isinstance(each, bytes) else json_frame(each) for each in messages)
    places = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    frames, found = Frames(), []
    for start, end in pairwise(places):
        found += [json_of(body) if kind == JSON else body for kind, body in frames.feed(stream[start:end])]
    assert found == messages
    assert frames.is_empty


@given(st.lists(st.binary(max_size=300), max_size=10))
def test_any_bytes_are_frames_or_malformed(pieces: list[bytes]) -> None:
    frames = Frames()
    try:
        for piece in pieces:
            for kind, body in frames.feed(piece):
                assert kind in (JSON, DATA)
                if kind == JSON:
                    try:
                        assert isinstance(json_of(body), dict)
                    except Malformed:
                        pass
    except Malformed:
        pass


@pytest.mark.parametrize("size", [0, FRAME_MAX + 1, 2**32 - 1])
def test_a_length_that_cannot_be_is_refused_at_once(size: int) -> None:
    with pytest.raises(Malformed, match="1 to"):
        list(Frames().feed(size.to_bytes(4, "big")))


def test_the_largest_frame_and_one_more() -> None:
    ((kind, body),) = Frames().feed(data_frame(bytes(FRAME_MAX - 1)))
    assert (kind, len(body)) == (DATA, FRAME_MAX - 1)
    with pytest.raises(Malformed):
        data_frame(bytes(FRAME_MAX))


@pytest.mark.parametrize("body", [b"", b"[]", b"1", b"{", b"\xff{}", b'{"a":}', b"[" * 100_000, b"nul"])
def test_what_is_no_object_is_malformed(body: bytes) -> None:
    with pytest.raises(Malformed):
        json_of(body)
