"""Every state in words, with why."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from procession.jobs.outcome import Outcome
from procession.jobs.words import moment
from tests.harness.plans import BADLY, Desk


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def test_waiting(desk: Desk) -> None:
    jobs = tuple(desk.submit() for _ in range(5))
    assert desk.words(desk.submit(after=jobs[:1])) == "waiting for job 1"
    assert desk.words(desk.submit(after=jobs[:1], after_any=jobs[1:2])) == "waiting for jobs 1 and 2"
    assert desk.words(desk.submit(after=jobs[:4])) == "waiting for jobs 1, 2, 3 and 4"
    assert desk.words(desk.submit(after=jobs)) == "waiting for jobs 1, 2, 3 and 2 more"
    assert desk.words(desk.submit(at=1e9 + 1200)) == "not before 02:06:40"


@pytest.mark.parametrize(
    ("place", "words"),
    [(1, "next"), (2, "2nd"), (3, "3rd"), (4, "4th"), (11, "11th"), (12, "12th"), (22, "22nd")],
)
def test_places_in_line(desk: Desk, place: int, words: str) -> None:
    desk.group("default", slots=1)
    jobs = [desk.submit() for _ in range(place + 1)]
    assert desk.words(jobs[-1]) == f"queued behind 1 slot ({words} in line)"


def test_running(desk: Desk) -> None:
    job = desk.submit(retries=2, backoff=0)
    assert desk.words(job) == "starting"
    desk.begin(job)
    desk.now += 187
    assert desk.words(job) == "running for 3:07"
    desk.do("suspended", job, 1, desk.now)
    desk.now += 3700
    assert desk.words(job) == "suspended for 1:01:40"
    desk.end(job, BADLY)
    assert desk.words(job) == "starting (run 2)"
    desk.begin(job)
    assert desk.words(job) == "running for 0.0 s (run 2)"


@pytest.mark.parametrize(
    ("ready", "words"),
    [
        ("log:up \x1b[1m", 'waits for "up \\x1b[1m" in its log'),
        ("port:80", "waits for port 80"),
        ("file:/run/x", "waits for the file /run/x"),
    ],
)
def test_not_ready_yet(desk: Desk, ready: str, words: str) -> None:
    job = desk.submit(ready=ready)
    desk.begin(job)
    assert desk.words(job) == f"running for 0.0 s (not ready yet: {words})"


def test_resting(desk: Desk) -> None:
    job = desk.submit(restart="on-failure", restart_delay=8)
    desk.end(job, Outcome("killed", "was killed by SIGKILL (9)", signal=9))
    assert desk.words(job) == "restarting in 8.0 s: killed by SIGKILL (9) (restart 1 of 5 within 1:00)"
    desk.now += 9
    assert desk.words(job) == "restarting now: killed by SIGKILL (9) (restart 1 of 5 within 1:00)"


def test_ending(desk: Desk) -> None:
    job = desk.submit()
    desk.kill(job, 3.0)
    assert desk.words(job) == "being ended by pn kill, before it has begun"
    desk.begin(job)
    assert desk.words(job) == "being ended by pn kill, SIGKILL in 3.0 s"
    desk.now += 3
    assert desk.words(job) == "being ended by pn kill, SIGKILL sent"


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        (Outcome("failed", "exited with code 3", code=3), "exited with code 3"),
        (Outcome("killed", "was killed by SIGKILL (9)", signal=9), "killed by SIGKILL (9)"),
        (
            Outcome("done", "ended normally", code=0, log_lost=2_500_000),
            "ended normally (2.5 MB of its output could not be stored)",
        ),
        (Outcome("failed", "said \x1b]0;x\x07"), "said \\x1b]0;x\\x07"),
    ],
)
def test_ended(desk: Desk, outcome: Outcome, words: str) -> None:
    job = desk.submit()
    desk.end(job, outcome)
    assert desk.words(job) == words


def test_moments() -> None:
    assert moment(1e9, 1e9) == "01:46:40"
    assert moment(1e9 + 20, 1e9) == "01:47"
    assert moment(1e9 + 86400, 1e9) == "2001-09-10 01:46:40"
    assert moment(1e9 + 20, 1e9, exact=True) == "01:47:00"


def test_who_suspended_it(desk: Desk) -> None:
    job = desk.submit()
    desk.begin(job)
    desk.store(desk.plan.suspended(job, 1, desk.now, desk.now, "by SIGTSTP"))
    assert desk.words(job) == "suspended for 0.0 s by SIGTSTP"
    desk.do("suspended", job, 1, desk.now)  # the next daemon hears that it is so, and not why
    assert desk.words(job) == "suspended for 0.0 s by SIGTSTP"
