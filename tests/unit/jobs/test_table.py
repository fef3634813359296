"""What ``pn jobs`` prints."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from procession.cells import cells
from procession.errors import JobsError
from procession.jobs.outcome import Outcome
from procession.jobs.table import Options, text
from tests.harness.plans import BADLY, Desk


@pytest.fixture(autouse=True, scope="module")
def utc() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", "UTC")
        time.tzset()
        yield
    time.tzset()


@pytest.fixture
def desk() -> Desk:
    """One job in each state."""
    desk = Desk()
    desk.begin(desk.submit("make", "-j4"))
    desk.submit("./deploy", name="deploy", after=(1,))
    desk.end(desk.submit("false"), BADLY)
    desk.begin(desk.submit("vim"))
    desk.do("suspended", 4, 1, desk.now)
    desk.begin(desk.submit("top"))
    desk.kill(5)
    desk.end(desk.submit("flaky", retries=1, backoff=8), BADLY)
    desk.end(desk.submit("true"))
    desk.end(desk.submit("sleep 9", shell=True), Outcome("killed", "was killed by SIGKILL (9)", signal=9))
    return desk


def shown(desk: Desk, width: int = 0, colour: bool = False, **options: Any) -> list[str]:
    found = text(desk.plan, desk.now, Options(**options), width, colour)
    assert not found or found.endswith("\n")
    return found.splitlines()


def test_all_states(desk: Desk) -> None:
    assert shown(desk) == [
        "JOB    STATE                                                 COMMAND",
        "  1    running for 0.0 s                                     make -j4",
        "  2    waiting for job 1                                     deploy: ./deploy",
        "  3    exited with code 3                                    false",
        "  4    suspended for 0.0 s                                   vim",
        "  5    being ended by pn kill, SIGKILL in 5.0 s              top",
        "  6    retrying in 8.0 s: exited with code 3 (retry 1 of 1)  flaky",
        "  7 -  ended normally                                        true",
        "  8 +  killed by SIGKILL (9)                                 sleep 9",
    ]


def test_long(desk: Desk) -> None:
    lines = shown(desk, long=True)
    assert lines[0].split() == ["JOB", "PID", "RUNS", "SINCE", "EXIT", "STATE", "COMMAND"]
    assert lines[1].split()[:5] == ["1", "101", "1", "01:46:40", "-"]
    assert lines[2].split()[:5] == ["2", "-", "-", "01:46:40", "-"]
    assert lines[3].split()[:5] == ["3", "-", "1", "01:46:40", "3"]
    assert lines[8].split()[:6] == ["8", "+", "-", "1", "01:46:40", "SIGKILL"]


def test_choices(desk: Desk) -> None:
    def numbers(**options: Any) -> list[str]:
        return [line.split()[0] for line in shown(desk, **options)[1:]]

    assert numbers(running=True) == ["1", "5"]
    assert numbers(suspended=True) == ["4"]
    assert numbers(running=True, suspended=True) == ["1", "4", "5"]
    assert numbers(jobs=(2, 7)) == ["2", "7"]
    assert shown(desk, pids=True) == ["101", "104", "105"]
    assert shown(desk, pids=True, suspended=True) == ["104"]
    assert shown(desk, jobs=(2,), running=True) == []


def test_nothing() -> None:
    assert shown(Desk()) == []


def test_colours_by_state(desk: Desk) -> None:
    plain = shown(desk)
    lines = shown(desk, colour=True)
    colours = {1: "32", 3: "31", 4: "36", 5: "33", 6: "33", 8: "31"}
    assert lines == [
        f"\x1b[{colours[at]}m{line}\x1b[0m" if at in colours else line for at, line in enumerate(plain)
    ]


def test_words_go_with_the_time(desk: Desk) -> None:
    desk.submit("later", at=desk.now + 90000)
    before = shown(desk)
    desk.now += 3
    after = shown(desk)
    changed = {int(old.split()[0]) for old, new in zip(before[1:], after[1:], strict=True) if old != new}
    assert changed == {1, 4, 5, 6}
    desk.now += 86400
    assert "not before 02:46:40" in shown(desk)[-1]  # which is today now


def test_groups_are_sections() -> None:
    desk = Desk()
    desk.group("two", slots=2)
    desk.group("empty", slots=1)
    jobs = [desk.submit("x", group="two") for _ in range(3)]
    assert len(jobs) == 3
    desk.submit("y")
    assert shown(desk) == [
        "group default: no limit",
        "JOB    STATE                                              COMMAND",
        "  4 +  starting                                           y",
        "",
        "group two: 2 slots, 2 taken",
        "JOB    STATE                                              COMMAND",
        "  1    starting                                           x",
        "  2    starting                                           x",
        "  3 -  queued behind 2 slots of group two (next in line)  x",
    ]
    desk.group("two", paused=True)
    assert "group two: 2 slots, 2 taken, paused" in shown(desk)
    assert shown(desk)[-1] == "  3 -  group two is paused  x"


def test_rows_fit_the_screen(desk: Desk) -> None:
    desk.submit("echo", "日本語" * 40, name="wide")
    desk.submit("echo", "x" * 300)
    for width in (20, 40, 80, 81, 120):
        assert max(map(cells, shown(desk, width))) <= width
        assert max(map(cells, shown(desk, width, long=True))) <= max(width, 45)
    assert shown(desk, 80)[-1].endswith("xxx...")


def test_what_happened_is_seen_although_words_are_kept() -> None:
    desk = Desk()
    desk.group("default", slots=1)
    jobs = [desk.submit("x") for _ in range(5)]
    late = desk.submit("x", after=(jobs[3], jobs[0]))

    def states() -> list[str]:
        found = [" ".join(line.split()[1:-1]).lstrip("+- ") for line in shown(desk)[2:]]
        assert found == [desk.words(job) for job in sorted(desk.jobs)]
        return found

    assert states()[4] == "queued behind 1 slot (4th in line)"
    assert states()[5] == "waiting for jobs 4 and 1"
    desk.end(jobs[0])
    assert states()[5] == "waiting for job 4"
    assert states()[4] == "queued behind 1 slot (3rd in line)"
    desk.kill(jobs[2])
    assert states()[4] == "queued behind 1 slot (2nd in line)"
    desk.edit(jobs[4], priority=4)
    assert states()[4] == "queued behind 1 slot (next in line)"
    desk.group("default", paused=True)
    assert states()[4] == "group default is paused"
    desk.kill(jobs[3])
    assert desk.words(late) == states()[5] == "not started: job 4 was ended by pn kill before it began"
    desk.do("restart", jobs[3])
    desk.do("restart", late)
    assert states()[5] == "waiting for job 4"
    desk.do("remove", [jobs[0]])
    assert len(states()) == 5


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.text(max_size=20).filter(lambda word: "\0" not in word), min_size=1, max_size=3),
    st.text(max_size=9),
)
def test_no_name_reaches_the_terminal_as_it_is(words: list[str], name: str) -> None:
    desk = Desk()
    try:
        desk.submit(*words, name=name)
    except JobsError:  # no command line could name it
        return
    lines = shown(desk, 60)
    assert len(lines) == 2
    assert all(line.isprintable() and cells(line) <= 60 for line in lines)
