"""Random histories of a supervisor, and what must hold in each of them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from procession.errors import ChildStartFailed, RestartLimitReached
from procession.process.childspec import Backoff, ChildSpec
from procession.process.orders import Kill, Launch, Order, Tell, Terminate
from tests.unit.process.supervisorkit import World, child

NAMES = "abcde"
SPECS = st.builds(
    child,
    st.just("?"),
    st.sampled_from(["permanent", "transient", "temporary"]),
    ready=st.booleans(),
    ready_timeout=st.sampled_from([1.0, None]),
    shutdown=st.sampled_from(["brutal", 0.5, 2.0, None]),
)


WELL = (("ended", "ended normally"), ("ended", "was killed by SIGTERM (15)"))


class Checked(World):
    """A world that looks at each order."""

    def __init__(self, *specs: ChildSpec, **rules: Any) -> None:
        super().__init__(*specs, **rules)
        self.restart_times: list[float] = []
        self.may_start: dict[str, str] = {spec.id: "first" for spec in specs}  # and why
        self.restart_of = {spec.id: spec.restart for spec in specs}
        self.last: dict[str, tuple[str, str]] = {}
        self.first_starts: list[str] = []
        self.stopping: list[str] = []  # in the final stop: who was asked to end, in order
        self.running_at_stop: list[str] | None = None
        self.hurry = False

    @property
    def strategy(self) -> str:
        return self.core.rules.strategy

    def _obey(self, order: Order) -> list[Order]:
        match order:
            case Launch(spec):
                why = self.may_start.pop(spec.id, "")
                assert why, f"{spec.id} is started, and nothing had happened to it"
                assert self.core.state in ("starting", "running")
                if why == "first":
                    self.first_starts.append(spec.id)
            case Terminate(name) | Kill(name):
                assert name in self.pids or isinstance(order, Kill)
                if self.running_at_stop is not None and name not in self.stopping:
                    self.stopping.append(name)
                if self.core.state == "running" and self.restart_of[name] != "temporary":
                    self.may_start.setdefault(
                        name, "stopped"
                    )  # by a group restart, a request, or a late start
            case Tell(name, "restarting", _):
                assert self.restart_of[name] != "temporary"
                if self.restart_of[name] == "transient":
                    assert self.last[name] not in WELL
                self.restart_times.append(self.now)
                recent = [time for time in self.restart_times if self.now - time <= self.core.rules.within]
                assert len(recent) <= self.core.rules.max_restarts, "over the limit, and restarted"
                self.may_start.setdefault(name, "failed")
                if self.strategy != "one_for_one":
                    for other in self.states:
                        if self.restart_of[other] != "temporary":
                            self.may_start.setdefault(other, "group")
            case Tell(name, "ended" | "failed" as what, words):
                self.last[name] = (what, words)
                if self.restart_of[name] == "temporary":
                    self.may_start.pop(name, None)
        return super()._obey(order)


class Histories(RuleBasedStateMachine):
    """One supervisor, and everything that may happen to it."""

    @initialize(
        specs=st.lists(SPECS, min_size=0, max_size=4),
        strategy=st.sampled_from(["one_for_one", "one_for_all", "rest_for_one"]),
        max_restarts=st.integers(0, 4),
        within=st.sampled_from([1.0, 10.0]),
        delay=st.sampled_from([0.0, 0.3]),
        broken=st.sets(st.sampled_from(NAMES), max_size=1),
    )
    def begin(  # noqa: PLR0917
        self,
        specs: list[ChildSpec],
        strategy: str,
        max_restarts: int,
        within: float,
        delay: float,
        broken: set[str],
    ) -> None:
        from procession.records import replace

        named = [replace(spec, id=name) for spec, name in zip(specs, NAMES, strict=False)]
        self.world = Checked(
            *named,
            strategy=strategy,
            max_restarts=max_restarts,
            within=within,
            backoff=Backoff(delay, 1.0, 0),
        )
        self.world.broken |= broken
        self.asked: list[object] = []
        self.world.start()

    def running(self) -> list[str]:
        return [name for name in self.world.states if name in self.world.pids]

    @precondition(lambda self: self.running())
    @rule(data=st.data(), code=st.sampled_from([0, 3, -9, -15]))
    def a_child_ends(self, data: st.DataObject, code: int) -> None:
        name = data.draw(st.sampled_from(self.running()))
        spec = self.world.core.spec(name)
        before, state = self.world.states[name], self.world.core.state
        self.world.exit(name, max(code, 0), max(-code, 0))
        well = code in (0, -15)
        if before == "running" and state == "running" and spec.restart == "transient" and well:
            # Not brought back, unless it was on its way down or up in a group anyway.
            assert self.world.states[name] in ("down", "restarting", "running", "starting")
            if self.world.strategy == "one_for_one":
                assert self.world.states[name] == "down"

    @precondition(lambda self: self.running())
    @rule(data=st.data())
    def a_child_says_ready(self, data: st.DataObject) -> None:
        self.world.say_ready(data.draw(st.sampled_from(self.running())))

    @rule(seconds=st.sampled_from([0.0, 0.2, 1.0, 5.0, 30.0]))
    def time_passes(self, seconds: float) -> None:
        self.world.wait(seconds)

    @rule(name=st.sampled_from(NAMES), kind=st.sampled_from(["deaf", "slow", "broken"]))
    def a_habit_changes(self, name: str, kind: str) -> None:
        getattr(self.world, kind).symmetric_difference_update({name})

    @precondition(lambda self: self.world.states)
    @rule(data=st.data(), what=st.sampled_from(["terminate_child", "restart_child", "delete_child"]))
    def somebody_asks(self, data: st.DataObject, what: str) -> None:
        name = data.draw(st.sampled_from(sorted(self.world.states)))
        if what == "restart_child" and self.world.states[name] == "down":
            self.world.may_start[name] = "asked"
        self.asked.append(self.world.ask(what, name))

    @rule(spec=SPECS, name=st.sampled_from(NAMES))
    def somebody_adds(self, spec: ChildSpec, name: str) -> None:
        from procession.records import replace

        if name not in self.world.states:
            self.world.may_start[name] = "added"
            self.world.restart_of[name] = spec.restart
            self.asked.append(self.world.ask("start_child", replace(spec, id=name)))

    @precondition(lambda self: self.world.running_at_stop is None and self.world.core.state == "running")
    @rule(data=st.data())
    def it_is_stopped(self, data: st.DataObject) -> None:
        if data.draw(st.integers(0, 5)):
            return
        states = self.world.states
        self.world.running_at_stop = self.running()
        self.world.stopping = [name for name in states if states[name] == "stopping"]
        self.already = list(self.world.stopping)
        self.world.stop()

    @precondition(lambda self: self.world.running_at_stop is not None)
    @rule()
    def it_is_stopped_at_once(self) -> None:
        self.world.hurry = True
        self.world.obey(self.world.core.stop_now(self.world.now))
        assert self.world.is_over()

    @invariant()
    def states_and_processes_agree(self) -> None:
        alive = {
            name for name, state in self.world.states.items() if state in ("starting", "running", "stopping")
        }
        assert alive == set(self.world.pids)

    @invariant()
    def the_first_start_is_in_order(self) -> None:
        assert self.world.first_starts == sorted(self.world.first_starts)

    @invariant()
    def the_final_stop_is_in_reverse_order(self) -> None:
        world = self.world
        if world.running_at_stop is None or world.hurry:
            return
        asked = [name for name in world.stopping if name not in self.already]
        order = list(reversed(world.running_at_stop))
        assert asked == [name for name in order if name in asked]
        stopping = [name for name, state in world.states.items() if state == "stopping"]
        assert len(set(stopping) - set(self.already)) <= 1

    @invariant()
    def after_its_end_there_is_nothing(self) -> None:
        world = self.world
        if world.down is not None:
            assert not world.pids
            assert world.core.wakes_at() is None
            assert set(self.asked) <= set(world.answers)
            assert world.down.cause is None or isinstance(
                world.down.cause, RestartLimitReached | ChildStartFailed
            )

    def teardown(self) -> None:
        """Whatever has happened, a stop comes to its end, as soon as the children do."""
        world = getattr(self, "world", None)
        if world is None:
            return
        world.deaf.clear()
        world.stop()
        for _ in range(10):
            for name in [name for name, state in world.states.items() if state == "stopping"]:
                if name in world.pids:  # else the end of another was all that held up a kill
                    world.exit(name, 0)
        assert world.is_over()
        self.after_its_end_there_is_nothing()


def run(max_examples: int, steps: int) -> None:
    run_state_machine_as_test(
        Histories,
        settings=settings(
            max_examples=max_examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_random_histories() -> None:
    run(100, 25)


@pytest.mark.slow
@pytest.mark.hang_limit(300)
def test_many_random_histories() -> None:
    run(500, 40)
