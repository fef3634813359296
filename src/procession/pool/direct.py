"""One call and its answer, without the pool's thread in between.

::

    caller ── flight ──▶ an idle worker, or one that is starting
    caller ◀── LANDED ── worker            the caller's own poll hears it; the pool's thread sleeps on

Two wake-ups less than by way of the thread: that is half of the time of a short call.  Only for a pool that has
nothing else to do, and a call that is to be done at once; everything else goes the usual way.
"""

from __future__ import annotations

import _thread

from procession.pool.ear import Ear

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from procession.pool.calls import Call
    from procession.pool.runner import Runner


class Answer:
    """Holds the outcome of a call."""

    __slots__ = ("_thread", "done", "ear", "success", "value")

    def __init__(self) -> None:
        self._thread = _thread.get_ident()
        self.ear: Ear | None = None  # where the caller listens
        self.done = False
        self.success = False
        self.value: Any = None

    def begin(self) -> bool:
        """Always wanted."""
        return True

    def end(self, success: bool, value: Any) -> None:
        """With the engine's lock held."""
        self.success, self.value, self.done = success, value, True
        # Another worker may have done it, after this one died, or when it was taken back.
        if self.ear is not None and _thread.get_ident() != self._thread:
            self.ear.ring()


def call_directly(runner: Runner, call: Call, answer: Answer) -> bool:
    """Do it, waiting for the answer; False: not now, nothing has happened."""
    engine = runner.engine
    with engine.lock:
        runner.check_open()
        hand = None if runner.jobs else engine.borrow()
        if hand is None:
            return False
        ear = hand.ear
        if ear is None:
            ear = hand.ear = Ear(hand.sock, bell=True)
        answer.ear = ear
        engine.send(hand, runner.calls_like(call).alone(call))
    try:
        while not answer.done:
            ear.wait()
            with engine.lock:
                if not answer.done:
                    engine.hear(hand)
                    if (
                        engine.broken is not None
                    ):  # its initializer failed: the pool's thread sees to the rest
                        engine.wake()
    finally:
        with engine.lock:
            engine.give_back(hand)
        engine.run_later()
    return True
