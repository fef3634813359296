"""A request may be anything: the daemon answers, or closes that connection, and serves the others as before."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from procession.jobs import Client
from procession.jobs.places import Places
from procession.jobs.plain import Malformed
from procession.jobs.spec import Spec
from procession.jobs.wire import FRAME_MAX, Frames, json_frame, json_of
from tests.harness.jobs import pid_of_daemon

MESSAGES = 20  # of one example
QUICK, SLOW = 100, 5_000  # examples: 2,000 and 100,000 messages

# Not among them: what ends the daemon by right.
DO = (
    "submit", "find", "list", "table", "show", "kill", "stop", "cont", "type", "restart", "edit", "group", "clean",
    "history", "wait", "watch", "touch", "status", "configure", "halt!", "", "x" * 1000,
)  # fmt: skip
FIELDS = (
    "spec", "env", "token", "words", "all", "options", "width", "colour", "job", "jobs", "signal", "grace", "text",
    "changes", "name", "slots", "paused", "remove", "older", "failed", "limit", "since", "any", "log_max", "log_keep",
    "log_age",
)  # fmt: skip
SCALARS = (
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8) | st.sampled_from(["%+", "%-", "%", "%?a", "%1", "1", "%%", "default", "\ud800", "a\0b"])
)  # fmt: skip
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from([*Spec.__match_args__, "words", "A"]) | st.text(max_size=4), inner, max_size=4
        )
    ),
    max_leaves=10,
)
# Nearly right ones reach what lies behind the first checks; what they submit waits for ever.
SPECS = st.fixed_dictionaries(
    {"command": st.just(["true"]), "at": st.just(4e9)},
    optional={name: SCALARS for name in Spec.__match_args__ if name not in ("command", "at", "adopt")},
)
SUBMISSIONS = st.fixed_dictionaries(
    {"id": st.integers(), "do": st.just("submit"), "spec": SPECS, "env": st.just({})}
)
REQUESTS = st.builds(
    lambda do, number, fields: {**fields, "id": number, "do": do},
    st.sampled_from(DO) | SCALARS,
    SCALARS,
    st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=4),
)
PIECES = (
    (REQUESTS | SUBMISSIONS).map(json_frame)
    | st.binary(max_size=40)
    | st.binary(max_size=40).map(lambda body: (len(body) + 1).to_bytes(4, "big") + b"J" + body)
    | st.sampled_from([b"\0\0\0\0", b"\xff\xff\xff\xff", (FRAME_MAX + 1).to_bytes(4, "big") + b"J"])
)


class Caller:
    """Sends anything, and takes what comes back; connects again when it has been sent away."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._sock: socket.socket | None = None

    def send(self, piece: bytes) -> None:
        if self._sock is None:
            self._sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self._sock.connect(self._path)
        try:
            self._sock.sendall(piece)
            while self._sock.recv(1 << 20, socket.MSG_DONTWAIT):
                pass
        except BlockingIOError:
            return
        except OSError:
            pass
        self.close()

    def close(self) -> None:
        if self._sock is not None:
            self._sock.close()
            self._sock = None


@pytest.fixture
def caller(jobs_place: Places) -> Iterator[Caller]:
    found = Caller(jobs_place.socket)
    yield found
    found.close()


def fuzz(jobs_place: Places, caller: Caller, examples: int) -> None:
    with Client() as jobs:
        before = jobs.status()["pid"]

        @settings(
            max_examples=examples,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
            derandomize=True,
        )
        @given(st.lists(PIECES, min_size=MESSAGES, max_size=MESSAGES))
        def play(pieces: list[bytes]) -> None:
            for piece in pieces:
                caller.send(piece)
            caller.close()
            assert jobs.request("find", words=[])["jobs"] == []

        play()
        assert jobs.status()["pid"] == before == pid_of_daemon(jobs_place)
        job = jobs.submit("exit 3")
        assert jobs.wait([job.id], timeout=60)[job.id].code == 3


def test_nothing_that_is_sent_stops_the_daemon(jobs_place: Places, caller: Caller) -> None:
    fuzz(jobs_place, caller, QUICK)


@pytest.mark.slow
@pytest.mark.hang_limit(1800)
def test_a_hundred_thousand_messages(jobs_place: Places, caller: Caller) -> None:
    fuzz(jobs_place, caller, SLOW)


def answers(sock: socket.socket) -> Iterator[dict[str, Any]]:
    frames = Frames()
    while piece := sock.recv(1 << 16):
        for _, body in frames.feed(piece):
            yield json_of(body)


NONSENSE = (
    b"\0\0\0\0",
    b"\xff\xff\xff\xffJ",
    b"\0\0\0\x03J[]",
    b"\0\0\0\x02X1",
    b"\0\0\0\x02D1",
    json_frame({"id": 1, "do": "nothing"}),
    json_frame({"id": [1], "do": "list"}),
)


def test_who_sends_nonsense_is_told_so_and_dropped(jobs_place: Places) -> None:
    with Client() as jobs:
        jobs.status()
        for piece in NONSENSE:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
                sock.connect(jobs_place.socket)
                sock.settimeout(60)
                sock.sendall(piece)
                (answer,) = answers(sock)
                assert answer["kind"] == "malformed", piece
                assert answer["error"]


def test_half_a_request_costs_nothing(jobs_place: Places) -> None:
    with Client() as jobs:
        jobs.status()
        socks = []
        for _ in range(50):
            sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            sock.connect(jobs_place.socket)
            sock.sendall(json_frame({"id": 1, "do": "list"})[:-1])
            socks.append(sock)
        assert jobs.jobs() == []
        for sock in socks:
            sock.close()


def test_who_does_not_read_is_dropped(jobs_place: Places) -> None:
    with Client() as jobs, socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        before = jobs.status()["pid"]
        sock.connect(jobs_place.socket)
        sock.settimeout(60)
        jobs.submit("true", at=4e9, name="n" * 200, notify="n" * 100_000)
        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            while True:
                sock.sendall(json_frame({"id": 1, "do": "list"}))
        assert jobs.status()["pid"] == before


def test_the_json_reader_refuses_what_python_takes() -> None:
    for body in (b'{"a":NaN}',):
        found = json_of(body)
        with pytest.raises((Malformed, ValueError)):
            json_frame(found)
