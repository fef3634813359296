"""The daemon wakes when the plan has something to do, and at no other time."""

from __future__ import annotations

import errno
import time

import pytest

from procession.jobs.daemon_alarm import Alarm
from procession.jobs.keeper_loop import Loop
from procession.linux import timerfd


@pytest.fixture(params=["timerfd", "none"])
def loop(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Loop:
    """With timerfd, and on a system without."""
    if request.param == "none":

        def refuse() -> int:
            raise OSError(errno.ENOSYS, "no timers")

        monkeypatch.setattr(timerfd, "create_timer", refuse)
    return Loop()


def test_it_rings_once_at_its_time(loop: Loop) -> None:
    rung: list[float] = []
    alarm = Alarm(loop, lambda: rung.append(time.time()))
    at = time.time() + 0.05
    alarm.set(at)
    while not rung:
        loop.turn()
    assert rung[0] >= at - 0.001  # the fall-back goes by another clock
    loop.after(0, "end", loop.stop)
    loop.run()
    assert len(rung) == 1
    alarm.close()


def test_the_last_moment_counts(loop: Loop) -> None:
    rung: list[bool] = []
    alarm = Alarm(loop, lambda: rung.append(True))
    alarm.set(time.time() + 3600)
    alarm.set(0.0)
    while not rung:
        loop.turn()
    alarm.set(time.time() - 1)
    alarm.set(None)
    loop.after(0.02, "end", loop.stop)
    loop.run()
    assert rung == [True]
    alarm.close()


def test_nothing_wakes_without_a_moment(loop: Loop) -> None:
    alarm = Alarm(loop, lambda: None)
    alarm.set(None)
    assert loop._does == {}
    assert loop._timers == {}
    alarm.close()


def test_it_may_be_set_while_it_rings(loop: Loop) -> None:
    rung: list[int] = []

    def rings() -> None:
        rung.append(1)
        if len(rung) < 3:
            alarm.set(0.0)

    alarm = Alarm(loop, rings)
    alarm.set(0.0)
    while len(rung) < 3:
        loop.turn()
    alarm.close()
