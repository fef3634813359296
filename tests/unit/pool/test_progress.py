from __future__ import annotations

import io
import os
import sys
import threading
from collections.abc import Iterator
from itertools import pairwise
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from procession.pool import bar
from procession.pool.bar import Bar, figures, picture, plain
from procession.pool.progress import Meter, Progress, make_listener
from procession.pool.throttle import Throttle
from procession.records import replace

HALF = Progress(done=48, failed=2, total=100, seconds=12.0, rate=5.0, eta=10.0)


# ── the throttle ──────────────────────────────────────────────────────────────────────────────────


def test_the_first_time_and_the_next() -> None:
    throttle = Throttle(0.5, 10.25)
    assert throttle.wait(10.0) == 0.25
    assert [throttle.due(now) for now in (10.0, 10.24, 10.25, 10.5, 10.75, 12.0)] == [
        False, False, True, False, True, True
    ]  # fmt: skip
    assert throttle.wait(12.25) == 0.25
    assert throttle.wait(100.0) == 0.0


@given(st.lists(st.integers(0, 50)))
def test_never_more_than_one_in_an_interval(steps: list[int]) -> None:
    throttle, now, passed = Throttle(7, 3), 0, []
    for step in steps:
        now += step
        if throttle.due(now):
            passed.append(now)
        elif passed:
            assert now < passed[-1] + 7
    assert all(later - earlier >= 7 for earlier, later in pairwise(passed))


# ── the meter ─────────────────────────────────────────────────────────────────────────────────────


def test_before_anything_has_ended() -> None:
    meter = Meter(10, now=100.0)
    assert meter.look(100.0) == Progress(0, 0, 10, 0.0, 0.0, None)
    assert meter.look(103.0) == Progress(0, 0, 10, 3.0, 0.0, None)


def test_counts_rate_and_eta() -> None:
    meter = Meter(100, now=0.0)
    for second in range(1, 5):
        meter.count(9, 1, float(second))
    assert meter.look(4.0) == Progress(done=36, failed=4, total=100, seconds=4.0, rate=10.0, eta=6.0)


def test_the_rate_is_that_of_late() -> None:
    meter = Meter(None, now=0.0)
    for tenth in range(1, 101):
        meter.count(100, 0, tenth / 10)
    assert meter.look(10.0).rate == pytest.approx(1000)
    for second in range(11, 21):
        meter.count(10, 0, float(second))
    late = meter.look(20.0)
    assert late.rate == pytest.approx(10)
    assert late.eta is None


def test_a_standstill_shows() -> None:
    meter = Meter(1000, now=0.0)
    for second in range(1, 11):
        meter.count(10, 0, float(second))
    rates = [meter.look(10.0 + wait).rate for wait in (0, 10, 100, 1000)]
    assert rates[0] == pytest.approx(10)
    assert rates == sorted(rates, reverse=True)
    assert 0 < rates[-1] < 0.1


def test_slow_tasks_have_a_rate_too() -> None:
    meter = Meter(120, now=0.0)
    for minute in range(1, 61):
        meter.count(1, 0, 60.0 * minute)
    look = meter.look(3600.0)
    assert look.rate == pytest.approx(1 / 60)
    assert look.eta == pytest.approx(3600)


def test_at_the_end_nothing_is_left() -> None:
    meter = Meter(2, now=0.0)
    meter.count(1, 1, 0.0)
    assert meter.look(0.0).eta == 0.0
    assert Meter(0, now=0.0).look(1.0).eta == 0.0


def test_a_total_may_become_known_later() -> None:
    meter = Meter(None, now=0.0)
    meter.count(10, 0, 1.0)
    assert meter.look(1.0).fraction is None
    meter.total = 20
    assert meter.look(1.0).eta == pytest.approx(1.0)
    assert meter.look(1.0).fraction == 0.5


events = st.lists(st.tuples(st.floats(0, 100), st.integers(0, 1000), st.integers(0, 5)), max_size=60)


@given(events, st.none() | st.integers(0, 100_000))
def test_any_history_adds_up(history: list[tuple[float, int, int]], total: int | None) -> None:
    meter, now = Meter(total, now=5.0), 5.0
    for wait, done, failed in history:
        now += wait
        meter.count(done, failed, now)
    look = meter.look(now)
    assert look.done == sum(done for _, done, _ in history)
    assert look.failed == sum(failed for *_, failed in history)
    assert look.seconds == now - 5.0
    assert look.rate >= 0
    assert look.eta is None or look.eta >= 0
    assert look.fraction is None or 0 <= look.fraction <= 1
    assert len(meter._marks) <= 20 + 8 + 2, "what it remembers has a bound"


@given(st.integers(1, 50), st.floats(0.01, 10))
def test_a_steady_map_has_its_rate(size: int, every: float) -> None:
    meter = Meter(None, now=0.0)
    for number in range(1, 40):
        meter.count(size, 0, number * every)
    assert meter.look(39 * every).rate == pytest.approx(size / every, rel=0.01)


# ── the listener ──────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def reported(monkeypatch: pytest.MonkeyPatch) -> list[SimpleNamespace]:
    """What threading.excepthook was told."""
    told: list[SimpleNamespace] = []
    monkeypatch.setattr(threading, "excepthook", told.append)
    return told


def test_a_function_is_called() -> None:
    seen: list[Progress] = []
    listener = make_listener(seen.append, "f")
    listener(HALF)
    listener.close()
    listener(HALF)
    listener.close()
    assert seen == [HALF]


@pytest.mark.parametrize("error", [ValueError("no"), SystemExit(3), KeyboardInterrupt()])
def test_an_error_is_reported_once_and_ends_it(error: BaseException, reported: list[SimpleNamespace]) -> None:
    calls: list[Progress] = []

    def tell(progress: Progress) -> None:
        calls.append(progress)
        raise error

    listener = make_listener(tell, "f")
    listener(HALF)
    listener(HALF)
    listener.close()
    assert calls == [HALF]
    assert [told.exc_value for told in reported] == [error]


def test_the_report_reads_like_any_other(capsys: pytest.CaptureFixture[str]) -> None:
    def tell(_: Progress) -> None:
        raise ValueError("no")

    listener = make_listener(tell, "f")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(threading, "excepthook", threading.__excepthook__)
        listener(HALF)
    err = capsys.readouterr().err
    assert "ValueError: no" in err
    assert "a pool's progress, which is told no more" in err


@pytest.mark.parametrize("progress", [False, None])
def test_nobody_is_told(progress: bool | None, reported: list[SimpleNamespace]) -> None:
    listener = make_listener(progress, "f")
    listener(HALF)
    listener.close()
    assert not reported


def test_without_a_terminal_nothing_is_printed(capfd: pytest.CaptureFixture[str]) -> None:
    listener = make_listener(True, "f")
    listener(HALF)
    listener(replace(HALF, done=98, eta=0.0))
    listener.close()
    assert capfd.readouterr() == ("", "")


# ── the bar ───────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(autouse=True)
def no_line_is_left() -> Iterator[None]:
    yield
    assert not bar._showing


def console(width: int = 80) -> Console:
    return Console(file=io.StringIO(), force_terminal=True, width=width, color_system=None, _environ={})


def written(on: Console) -> str:
    assert isinstance(on.file, io.StringIO)
    return on.file.getvalue()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "50/100  50 %  5.0/s  10 s left  2 failed"),
        ({"failed": 0, "done": 50}, "50/100  50 %  5.0/s  10 s left"),
        ({"total": None, "eta": None}, "50  5.0/s  12 s  2 failed"),
        ({"rate": 0.0, "eta": None}, "50/100  50 %  12 s  2 failed"),
        ({"done": 98, "eta": 0.0}, "100/100  5.0/s  12 s  2 failed"),
        ({"done": 12345, "total": 1_000_000, "eta": 7530}, "12,347/1,000,000  1 %  5.0/s  2:05:30 left  2 failed"),
        ({"done": 0, "failed": 0, "total": 0, "eta": 0.0, "rate": 0.0}, "0/0  12 s"),
    ],
)  # fmt: skip
def test_the_figures(changes: dict[str, object], words: str) -> None:
    assert figures(replace(HALF, **changes)) == words


@pytest.mark.parametrize("width", [1, 5, 10, 20, 30, 39, 40, 50, 55, 80, 200])
@pytest.mark.parametrize("total", [None, 100, 10_000_000])
def test_it_is_one_line_on_any_terminal(width: int, total: int | None) -> None:
    on = console(width)
    on.print(picture("resize_a_long_name_日本", replace(HALF, total=total), width))
    line, rest = written(on).split("\n")
    assert rest == ""
    assert "50" in line or width < 5
    if width >= 80:
        assert line.startswith("resize_a_long_name_日本")
        assert line.rstrip().endswith("2 failed")


def test_one_live_line_that_stays() -> None:
    on = console()
    line = Bar("resize", on)
    threads = threading.active_count()
    line.draw(HALF)
    assert threading.active_count() == threads, "rich's own thread may not run: the pool forks"
    line.draw(replace(HALF, done=98, eta=0.0))
    line.close()
    line.close()
    text = written(on)
    assert text.count("\n") == 1
    assert "\x1b[?25l" in text
    assert text.endswith("\x1b[?25h"), "the cursor is back"
    assert text.rindex("100/100") > text.rindex("50/100")


def test_a_bar_that_never_drew_prints_nothing() -> None:
    on = console()
    Bar("f", on).close()
    assert written(on) == ""


def test_the_second_of_two_bars_waits_for_the_line() -> None:
    on, beside = console(), console()
    first, second = Bar("first", on), Bar("second", beside)
    first.draw(HALF)
    second.draw(HALF)
    second.close()
    assert written(beside) == ""
    assert "second" in written(on)
    first.close()
    third = Bar("third", beside)
    third.draw(HALF)
    third.close()
    assert "third" in written(beside)


def test_the_second_bar_takes_the_line_over() -> None:
    first, second = Bar("first", console()), Bar("second", on := console())
    first.draw(HALF)
    second.draw(HALF)
    first.close()
    assert written(on) == ""
    second.draw(HALF)
    second.close()
    assert "second" in written(on)


def test_in_a_notebook_the_line_is_written_over() -> None:
    on = Console(file=io.StringIO(), force_jupyter=True)
    line = Bar("resize", on)
    line.draw(HALF)
    line.draw(replace(HALF, done=98, eta=0.0))
    line.close()
    first, second = written(on).removesuffix("\n").split("\r")[1:]
    assert first == f"{plain('resize', HALF):<79}"
    assert second.startswith("resize [==========] 100/100")


def test_a_screen_that_is_gone_ends_the_bar_only(
    reported: list[SimpleNamespace], monkeypatch: pytest.MonkeyPatch
) -> None:
    from procession.pool.progress import Listener

    class Gone(io.StringIO):
        def write(self, _: str) -> int:
            raise BrokenPipeError

    monkeypatch.setattr(sys, "stderr", Gone())
    monkeypatch.setenv("FORCE_COLOR", "1")
    line = Bar("f")
    assert line.console.is_terminal
    listener = Listener(line.draw, line.close)
    for _ in range(3):
        listener(HALF)
    listener.close()
    assert [type(told.exc_value) for told in reported] == [BrokenPipeError]
    os.fstat(1)  # and rich has not turned it to /dev/null, as it would (the leak check sees to the rest)
