"""The 52 behaviours that Erlang/OTP tests its supervisor for, less the four of code change, by their names.

Source of the names: erlang/otp, lib/stdlib/test/supervisor_SUITE.erl (56 cases).  What a word of Erlang
becomes here: exit ``normal`` is code 0, ``shutdown`` is SIGTERM, ``abnormal`` is any other code or signal;
a start function's ``ignore`` is a launcher that returns None; its extra return value is ``ready(info)``;
``{error, ...}`` is an exception; intensity and period are max_restarts and within.

Not tested, as it has no meaning in Python:

- code_change, code_change_map, code_change_simple, code_change_simple_map: no code is changed in flight;
- sup_start_ignore_init: there is no init callback that could decline, the caller just makes no Supervisor.

And what differs in three others: a spec as a map is the only kind there is (sup_start_map); a child cannot
unlink itself from its parent, so child_unlink is about one that will not end; a supervisor inside another
is no process that could be killed by itself, so simple_global_supervisor lets it fail.
"""

from __future__ import annotations

import gc
import time
import weakref
from typing import Any

import pytest

from procession.errors import (
    ChildBusy,
    ChildStartFailed,
    NoSuchChild,
    RestartLimitReached,
    SupervisorError,
)
from procession.process.childspec import Backoff, ChildSpec, Rules, check_specs
from procession.process.status import Counts
from procession.process.supervisor import Supervisor
from tests.unit.process.puppets import Puppets
from tests.unit.process.supervisorkit import AT_ONCE, World, child, ended, target

HOUR = 3600.0
SIMPLE = "simple_one_for_one"


def world(*specs: ChildSpec, strategy: str = "one_for_one", max_restarts: int = 2, **more: Any) -> World:
    return World(*specs, strategy=strategy, max_restarts=max_restarts, within=HOUR, **more).start()


def one_child(restart: str) -> World:
    made = world()
    made.get("start_child", child("child1", restart))
    made.news()
    return made


# -- starting --------------------------------------------------------------------------------------------


def test_sup_start_normal() -> None:
    it = world()
    assert it.is_up()
    it.stop()
    assert it.down is not None
    assert it.down.cause is None


def test_sup_start_ignore_child() -> None:
    it = world()
    it.ignored.add("child1")
    assert it.get("start_child", child("child1")) == "child1"
    it.get("start_child", child("child2"))
    assert it.states == {"child1": "down", "child2": "running"}
    assert it["child1"].pid is None
    assert it.counts == (2, 1, 0, 2)


def test_sup_start_ignore_temporary_child() -> None:
    it = World(child("child1", "temporary"), child("child2", "temporary"), max_restarts=2, within=HOUR)
    it.ignored.add("child1")
    it.start()
    assert it.is_up()
    assert it.states == {"child2": "running"}
    assert it.counts == (1, 1, 0, 1)


def test_sup_start_ignore_temporary_child_start_child() -> None:
    it = world()
    it.ignored.add("child1")
    it.get("start_child", child("child1", "temporary"))
    it.get("start_child", child("child2", "temporary"))
    assert it.states == {"child2": "running"}
    assert it.counts == (1, 1, 0, 1)


def ignores_one_and_goes_on(restart: str) -> None:
    it = world(child("child", restart), strategy=SIMPLE)
    it.ignored.add("child-1")
    it.get("start_one_more", (), {})
    assert it.get("start_one_more", (), {}) == "child-2"
    assert it.states == {"child-2": "running"}
    assert it.counts == (1, 1, 0, 1)
    it.stop()
    assert it.down is not None


def test_sup_start_ignore_temporary_child_start_child_simple() -> None:
    ignores_one_and_goes_on("temporary")


def test_sup_start_ignore_permanent_child_start_child_simple() -> None:
    ignores_one_and_goes_on("permanent")


def test_sup_start_error_return() -> None:
    with pytest.raises(TypeError, match="given as a ChildSpec"):
        World("invalid")  # type: ignore[arg-type]


def test_sup_start_fail() -> None:
    def children() -> Any:
        yield child("a")
        raise ZeroDivisionError("the one who makes the specs fails")

    with pytest.raises(ZeroDivisionError):
        check_specs(children(), Rules())


def test_sup_start_map() -> None:
    it = world(child("child1"), child("child2", shutdown="brutal"), child("child3", type="supervisor"))
    assert [it.core.spec(name).restart for name in it.states] == ["permanent"] * 3
    assert [it.core.spec(name).shutdown for name in it.states] == [5.0, "brutal", None]
    assert [it.core.spec(name).type for name in it.states] == ["worker", "worker", "supervisor"]
    with pytest.raises(NoSuchChild, match="'child4'"):
        it.core.spec("child4")
    default = Rules()
    assert (default.strategy, default.max_restarts, default.within) == ("one_for_one", 1, 5.0)


def test_sup_start_map_faulty_specs() -> None:
    for fields in ({"target": target}, {"id": "child2"}, {"id": "x", "target": target, "silly_flag": True}):
        with pytest.raises(TypeError):
            ChildSpec(**fields)
    with pytest.raises(TypeError, match="child4"):
        check_specs(["child4"], Rules())  # type: ignore[list-item]


# -- stopping --------------------------------------------------------------------------------------------


def test_sup_stop_infinity() -> None:
    it = world(child("child1", type="supervisor", shutdown=None), child("child2", shutdown=None))
    it.say_ready("child1")
    it.slow.add("child2")
    it.stop()
    it.wait(100 * HOUR)
    assert not it.is_over()
    it.exit("child2", signal=15)
    assert it.is_over()
    assert it.news()[2:] == ["term child2", "term child1"]


def test_sup_stop_timeout() -> None:
    it = world(child("child1", shutdown=1.0), child("child2", shutdown=1.0))
    it.deaf.add("child2")
    it.news()
    it.stop()
    it.wait(0.99)
    assert it.news() == ["term child2"]
    it.wait(0.02)
    assert it.news() == ["kill child2", "term child1"]
    assert it["child1"].last_end == "was killed by SIGTERM (15)"
    assert it["child2"].last_end == "was killed by SIGKILL (9)"


def test_sup_stop_brutal_kill() -> None:
    it = world(child("child1", shutdown=1.0), child("child2", shutdown="brutal"))
    it.news()
    it.stop()
    assert it.news() == ["kill child2", "term child1"]


# -- administration --------------------------------------------------------------------------------------


def test_extra_return() -> None:
    it = world(child("child1", ready=True), max_restarts=2)
    assert not it.is_up()
    it.say_ready("child1", "port 8080")
    assert it.is_up()
    assert it["child1"].info == "port 8080"
    it.get("terminate_child", "child1")
    assert it.counts == (1, 0, 0, 1)
    token = it.ask("restart_child", "child1")
    assert token not in it.answers
    it.say_ready("child1", "port 8081")
    assert it.answers[token].error is None
    assert it["child1"].info == "port 8081"
    it.get("terminate_child", "child1")
    it.get("delete_child", "child1")
    token = it.ask("start_child", child("child1", ready=True))
    it.say_ready("child1", "port 8082")
    assert it.answers[token].error is None
    assert it["child1"].info == "port 8082"


def test_child_adm() -> None:
    it = world(child("child1"))
    pid = it["child1"].pid
    assert it.counts == (1, 1, 0, 1)
    with pytest.raises(ChildBusy, match="running already"):
        it.get("start_child", child("child1"))

    for what in ("terminate_child", "restart_child", "delete_child"):
        with pytest.raises(NoSuchChild, match="'nobody'"):
            it.get(what, "nobody")
    it.get("terminate_child", "child1")
    assert it.states == {"child1": "down"}
    assert it.counts == (1, 0, 0, 1)
    it.get("terminate_child", "child1")

    with pytest.raises(ChildBusy, match="there already"):
        it.get("start_child", child("child1"))
    it.get("restart_child", "child1")
    assert it["child1"].pid not in (None, pid)
    for what in ("restart_child", "delete_child"):
        with pytest.raises(ChildBusy, match="running"):
            it.get(what, "child1")

    it.get("terminate_child", "child1")
    it.get("delete_child", "child1")
    with pytest.raises(NoSuchChild):
        it.get("restart_child", "child1")
    assert it.counts == (0, 0, 0, 0)
    it.get("start_child", child("child1"))
    assert it.counts == (1, 1, 0, 1)

    it.stop()
    for what, argument in (("start_child", child("x")), ("terminate_child", "child1")):
        with pytest.raises(SupervisorError, match="not running but ended"):
            it.get(what, argument)


def test_child_adm_simple() -> None:
    it = world(child("child"), strategy=SIMPLE)
    assert it.states == {}
    assert it.counts == (1, 0, 0, 0)
    first = it.get("start_one_more", (), {})
    second = it.get("start_one_more", (), {})
    assert it.counts == (1, 2, 0, 2)
    for name in ("child", "child-0", "child-3", "child-x", "other-1"):
        with pytest.raises(NoSuchChild):
            it.get("terminate_child", name)
    it.get("terminate_child", first)
    it.get("terminate_child", first)  # one that has been
    assert it.states == {second: "running"}
    for what in ("restart_child", "delete_child"):
        with pytest.raises(SupervisorError, match=SIMPLE):
            it.get(what, second)
    with pytest.raises(SupervisorError, match=SIMPLE):
        it.get("start_child", child("another"))
    with pytest.raises(SupervisorError, match="not simple_one_for_one"):
        world().get("start_one_more", (), {})


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"target": "mfa"}, "target must be callable, not 'mfa'"),
        ({"restart": "prmanent"}, "restart must be permanent, transient or temporary, not 'prmanent'"),
        ({"shutdown": -10}, "shutdown must be seconds"),
        ({"shutdown": "gentle"}, "shutdown must be seconds"),
        ({"shutdown": float("nan")}, "shutdown must be seconds"),
        ({"type": "wrker"}, "type must be worker or supervisor, not 'wrker'"),
        ({"id": ""}, "needs a name"),
        ({"ready_timeout": "soon"}, "ready_timeout must be seconds or None"),
        ({"start_method": "vfork"}, "start_method must be"),
        ({"significant": True}, "must be transient or temporary"),
    ],
)
def test_child_specs(fields: dict[str, Any], words: str) -> None:
    spec = ChildSpec(**{"id": "child", "target": target, **fields})
    for attempt in (lambda: world().get("start_child", spec), lambda: world(spec)):
        with pytest.raises((ValueError, TypeError), match=words):
            attempt()


def test_child_specs_that_are_right_or_wrong_together() -> None:
    for right in (
        child("child", type="supervisor", shutdown=None),
        child("child", type="supervisor", shutdown=1.0),
        child("child", "temporary"),
        child("child", "transient", shutdown="brutal"),
        child("child", shutdown=None),
    ):
        assert check_specs([right], Rules())
    with pytest.raises(ValueError, match="two children are named 'child'"):
        world(child("child"), child("child"))
    for specs in ((), (child("a"), child("b"))):
        with pytest.raises(ValueError, match="exactly one ChildSpec"):
            world(*specs, strategy=SIMPLE)


@pytest.mark.parametrize(
    "flags",
    [
        {"strategy": "none_for_one"},
        {"max_restarts": -1},
        {"max_restarts": float("inf")},
        {"within": 0},
        {"within": float("inf")},
        {"auto_shutdown": "sometimes"},
        {"backoff": Backoff(delay=-1)},
        {"backoff": Backoff(jitter=2)},
        {"backoff": 0.5},
    ],
)
def test_sup_flags(flags: dict[str, Any]) -> None:
    with pytest.raises((ValueError, TypeError), match=next(iter(flags))):
        World(**flags)
    with pytest.raises(TypeError):
        World(silly_flag=True)


# -- permanent, transient, temporary ---------------------------------------------------------------------


def test_permanent_normal() -> None:
    it = one_child("permanent")
    it.exit("child1", 0)
    assert it.states == {"child1": "running"}
    assert it.counts == (1, 1, 0, 1)


def test_transient_normal() -> None:
    it = one_child("transient")
    it.exit("child1", 0)
    assert it.states == {"child1": "down"}
    assert it.counts == (1, 0, 0, 1)


def test_temporary_normal() -> None:
    it = one_child("temporary")
    it.exit("child1", 0)
    assert it.counts == (0, 0, 0, 0)


def test_permanent_shutdown() -> None:
    it = one_child("permanent")
    for signal in (15, 2):
        it.exit("child1", signal=signal)
        assert it.states == {"child1": "running"}
    assert it["child1"].restarts == 2


def test_transient_shutdown() -> None:
    it = one_child("transient")
    for signal in (15, 2, 1):
        it.exit("child1", signal=signal)
        assert it.states == {"child1": "down"}
        it.get("restart_child", "child1")


def test_temporary_shutdown() -> None:
    it = one_child("temporary")
    for signal in (15, 2):
        it.exit("child1", signal=signal)
        assert it.counts == (0, 0, 0, 0)
        it.get("start_child", child("child1", "temporary"))


def test_faulty_application_shutdown() -> None:
    it = World(child("first"), child("app_faulty"), child("never"), max_restarts=2, within=HOUR)
    it.broken.add("app_faulty")
    it.start()
    assert it.log == ["start first", "start app_faulty", "term first"]
    assert it.down is not None
    assert isinstance(it.down.cause, ChildStartFailed)
    assert it.down.cause.child == "app_faulty"
    assert str(it.down.cause) == "supervisor: child 'app_faulty' could not be started"


def test_permanent_abnormal() -> None:
    it = one_child("permanent")
    it.exit("child1", 3)
    assert it.states == {"child1": "running"}
    assert it["child1"].last_end == "exited with code 3"


def test_transient_abnormal() -> None:
    it = one_child("transient")
    it.exit("child1", signal=9)
    assert it.states == {"child1": "running"}
    assert it.counts == (1, 1, 0, 1)


def test_temporary_abnormal() -> None:
    it = one_child("temporary")
    it.exit("child1", 3)
    assert it.counts == (0, 0, 0, 0)


@pytest.mark.parametrize("strategy", ["one_for_all", "rest_for_one"])
def test_temporary_bystander(strategy: str) -> None:
    it = world(child("child1"), child("child2", "temporary"), strategy=strategy)
    it.news()
    it.exit("child1", 0)
    it.wait(HOUR)
    assert it.news() == ["term child2", "start child1"]
    assert it.states == {"child1": "running"}


# -- strategies ------------------------------------------------------------------------------------------


def test_multiple_restarts() -> None:
    it = World(child("child1", shutdown="brutal"), max_restarts=1, within=1.0).start()
    for _ in range(4):
        it.exit("child1", 3)
        it.wait(2.1)
    assert it["child1"].restarts == 4
    it.get("terminate_child", "child1")
    it.get("delete_child", "child1")
    assert not it.is_over()


def gives_up(it: World, child: str) -> RestartLimitReached:
    assert it.down is not None
    error = it.down.cause
    assert isinstance(error, RestartLimitReached)
    assert error.child == child
    assert not it.pids
    return error


def test_one_for_one() -> None:
    it = world(child("child1"), child("child2"))
    other = it["child2"].pid
    it.exit("child1", 3)
    assert it["child2"].pid == other
    assert it.counts == (2, 2, 0, 2)
    it.exit("child2", 3)
    it.exit("child2", 4)
    error = gives_up(it, "child2")
    assert error.ends == (
        ("child1", "exited with code 3"),
        ("child2", "exited with code 3"),
        ("child2", "exited with code 4"),
    )
    assert "more than 2 restarts within 3600 s" in str(error)
    assert "'child2' exited with code 4" in str(error)


def escalates(strategy: str, failing: str) -> World:
    """``failing`` ends once and does not start again."""
    it = world(child("child1"), child("child2"), strategy=strategy, max_restarts=4)
    it.broken.add(failing)
    it.exit("child1", 3)
    gives_up(it, failing)
    assert it.log.count(f"start {failing}") == 5
    return it


def test_one_for_one_escalation() -> None:
    assert escalates("one_for_one", "child1").log[-1] == "term child2"


def test_one_for_all() -> None:
    it = world(child("child1"), child("child2"), strategy="one_for_all")
    before = dict(it.pids)
    it.news()
    it.exit("child1", 3)
    assert it.news() == ["term child2", "start child1", "start child2"]
    assert not set(before.values()) & set(it.pids.values())
    assert it.counts == (2, 2, 0, 2)
    it.exit("child2", 3)
    assert it.news() == ["term child1", "start child1", "start child2"]
    it.exit("child1", 3)
    gives_up(it, "child1")


def test_one_for_all_escalation() -> None:
    escalates("one_for_all", "child2")


def test_one_for_all_other_child_fails_restart() -> None:
    it = world(child("child1"), child("child2", ready=True), strategy="one_for_all", max_restarts=3)
    it.say_ready("child2")
    it.news()
    it.exit("child1", 3)
    assert it.news() == ["term child2", "start child1", "start child2"]
    it.exit("child2", 3)  # before it is ready
    assert it.news() == ["term child1", "start child1", "start child2"]
    it.say_ready("child2")
    assert it.counts == (2, 2, 0, 2)


def test_simple_one_for_one() -> None:
    it = world(child("child"), strategy=SIMPLE)
    one, two = (it.get("start_one_more", (), {}) for _ in range(2))
    pid = it[two].pid
    it.exit(one, 3)
    assert it[two].pid == pid
    assert it.counts == (1, 2, 0, 2)
    it.exit(two, 3)
    it.exit(two, 3)
    gives_up(it, two)


def test_simple_one_for_one_shutdown() -> None:
    it = world(child("child", shutdown=2.0), strategy=SIMPLE)
    one, two, three = (it.get("start_one_more", (), {}) for _ in range(3))
    it.slow |= {one, two, three}
    it.news()
    it.stop()
    assert it.news() == [f"term {one}", f"term {two}", f"term {three}"]  # all at once: no order to keep
    it.wait(1.0)
    it.exit(one)
    it.exit(two)
    it.wait(1.0)
    assert it.news() == [f"kill {three}"]
    assert it.down is not None


def test_simple_one_for_one_extra() -> None:
    it = world(child("child", ready=True), strategy=SIMPLE)
    tokens = [it.ask("start_one_more", (n,), {"k": n}) for n in (1, 2)]
    it.say_ready("child-1", "first")
    it.say_ready("child-2", "second")
    assert [it.answers[token].error for token in tokens] == [None, None]
    assert (it.core.spec("child-2").args, it.core.spec("child-2").kwargs) == ((2,), {"k": 2})
    it.exit("child-1", 3)
    it.say_ready("child-1", "again")
    assert [it[name].info for name in ("child-1", "child-2")] == ["again", "second"]
    it.exit("child-1", 3)
    it.exit("child-2", 3)
    gives_up(it, "child-2")


def test_simple_one_for_one_escalation() -> None:
    it = world(child("child"), strategy=SIMPLE, max_restarts=4)
    one, two = (it.get("start_one_more", (), {}) for _ in range(2))
    it.broken.add(one)
    it.exit(one, 3)
    gives_up(it, one)
    assert it.log[-1] == f"term {two}"


def test_rest_for_one() -> None:
    it = world(child("child1"), child("child2"), child("child3"), strategy="rest_for_one")
    before = dict(it.pids)
    it.news()
    it.exit("child2", 3)
    assert it.news() == ["term child3", "start child2", "start child3"]
    assert it["child1"].pid == before["child1"]
    assert not {before["child2"], before["child3"]} & set(it.pids.values())
    assert it.counts == (3, 3, 0, 3)
    it.exit("child3", 3)
    assert it.news() == ["start child3"]
    it.exit("child2", 3)
    gives_up(it, "child2")
    assert it.news() == ["term child3", "term child1"]


def test_rest_for_one_escalation() -> None:
    escalates("rest_for_one", "child2")


def test_rest_for_one_other_child_fails_restart() -> None:
    it = world(child("child1"), child("child2", ready=True), strategy="rest_for_one", max_restarts=3)
    it.say_ready("child2")
    it.news()
    it.exit("child1", 3)
    assert it.news() == ["term child2", "start child1", "start child2"]
    it.exit("child2", 0)  # before it is ready: child1, which is before it, goes on
    assert it.news() == ["start child2"]
    it.say_ready("child2")
    assert it.counts == (2, 2, 0, 2)


# -- the rest --------------------------------------------------------------------------------------------


def test_child_unlink() -> None:
    it = world(child("naughty", shutdown=1.0), child("good"))
    it.deaf.add("naughty")
    token = it.ask("terminate_child", "naughty")
    assert token not in it.answers
    it.exit("good", 3)  # the supervisor does not wait for the one to serve the other
    assert it.states == {"naughty": "stopping", "good": "running"}
    it.wait(1.0)
    assert it.answers[token].error is None
    assert it.states == {"naughty": "down", "good": "running"}


def test_tree() -> None:
    puppets = Puppets()

    def one(name: str) -> ChildSpec:
        return child(name)

    left = Supervisor([one("child1"), one("child2")], max_restarts=4, within=HOUR, name="supchild1")
    right = Supervisor([], max_restarts=0, within=HOUR, name="supchild2")
    top = Supervisor([left, right], strategy="one_for_all", max_restarts=4, within=HOUR, backoff=AT_ONCE)
    for each in (left, right):
        each.launcher = puppets
    with top:
        assert top.count_children() == Counts(2, 2, 2, 0)
        assert left.count_children() == Counts(2, 2, 0, 2)
        assert right.count_children() == Counts(0, 0, 0, 0)
        right.start_child(one("child3"))
        right.start_child(one("child4"))
        assert right.count_children() == Counts(2, 2, 0, 2)
        assert [it.id for it in top.status()["supchild2"].children] == ["child3", "child4"]

        # A child fails in a supervisor that may not restart it: that one fails, and above it all restart.
        puppets["child4"].end(1)
        puppets.wait_for(6)
        assert puppets.names == ["child1", "child2", "child3", "child4", "child1", "child2"]
        wait_until_running(top)
        assert left.count_children() == Counts(2, 2, 0, 2)
        assert right.count_children() == Counts(0, 0, 0, 0)  # what was added while it ran is not saved
        assert "gave up on child 'child4'" in top.status()["supchild2"].last_end
    assert puppets["child3"].exitcode == -15


def wait_until_running(supervisor: Supervisor) -> None:
    """A request is answered when all that came before is done; a group restart of puppets is done by then."""
    while any(it.state != "running" for it in supervisor.status().children):
        pass


def test_simple_global_supervisor() -> None:
    for how in ("kill_supervisor", "kill_worker", "exit_worker", "restart_worker"):
        puppets = Puppets()
        middle = Supervisor(
            [child("server")], strategy="one_for_all", max_restarts=3, within=60, name="middle"
        )
        middle.launcher = puppets
        top = Supervisor([middle], strategy="one_for_all", max_restarts=3, within=60, backoff=AT_ONCE)
        with top:
            match how:
                case "kill_supervisor":  # it fails at its fourth restart, and is started anew
                    for count in range(1, 5):
                        puppets.wait_for(count)
                        puppets["server"].end(-9)
                    puppets.wait_for(5)
                    wait_until_running(top)
                    assert top.status()["middle"].restarts == 1
                case "kill_worker" | "exit_worker":
                    puppets["server"].end(-9 if how == "kill_worker" else 0)
                    puppets.wait_for(2)
                    assert top.status()["middle"].restarts == 0
                case "restart_worker":
                    middle.terminate_child("server")
                    assert middle.restart_child("server").pid == 1001  # type: ignore[union-attr]
        assert puppets["server"].exitcode == -15


def test_count_children() -> None:
    it = world(child("child", "temporary"), strategy=SIMPLE)
    for count in (100, 200):
        for _ in range(100):
            it.get("start_one_more", (), {})
        assert len(it.states) == count
        assert it.counts == (1, count, 0, count)
    for name in it.states:
        it.exit(name, signal=9)
    assert it.counts == (1, 0, 0, 0)


class Large:
    """Something whose end can be seen."""


@pytest.mark.parametrize("restart", ["permanent", "transient", "temporary"])
@pytest.mark.parametrize("strategy", ["one_for_one", "one_for_all", "rest_for_one", SIMPLE])
def test_do_not_save_start_parameters_for_temporary_children(strategy: str, restart: str) -> None:
    """Erlang forgets them at the start, to save memory; here they go with the child: it may be shared."""
    large = Large()
    gone = weakref.ref(large)
    if strategy == SIMPLE:
        it = world(child("child", restart), strategy=strategy)
        name = it.get("start_one_more", (large,), {})
    else:
        it = world(strategy=strategy)
        name = it.get("start_child", child("child", restart, args=(large,)))
    del large
    it.exit(name, signal=9)
    gc.collect()
    assert (gone() is None) is (restart == "temporary")


@pytest.mark.parametrize("how", ["kill", "normal", "abnormal", "supervisor"])
@pytest.mark.parametrize("strategy", ["one_for_one", "one_for_all", "rest_for_one"])
def test_do_not_save_child_specs_for_temporary_children(strategy: str, how: str) -> None:
    for restart in ("permanent", "transient", "temporary"):
        it = world(child("child", restart), strategy=strategy)
        match how:
            case "supervisor":
                it.get("terminate_child", "child")
            case "kill":
                it.exit("child", signal=9)
            case _:
                it.exit("child", 0 if how == "normal" else 1)
        if restart == "temporary":
            it.get("start_child", child("child", restart))
            continue
        with pytest.raises(ChildBusy):
            it.get("start_child", child("child", restart))
        is_down = how == "supervisor" or (restart == "transient" and how == "normal")
        assert it.states == {"child": "down" if is_down else "running"}


def test_simple_one_for_one_scale_many_temporary_children() -> None:
    it = world(child("child", "temporary"), strategy=SIMPLE)

    def seconds(count: int) -> float:
        begun = time.perf_counter()
        names = [it.get("start_one_more", (), {}) for _ in range(count)]
        for name in names:
            it.get("terminate_child", name)
        it.answers.clear()
        it.log.clear()
        it.told.clear()
        return time.perf_counter() - begun

    few = seconds(300)
    assert seconds(3000) < 50 * few  # linear would be 10
    assert it.states == {}


def hangs_in_a_restart(it: World, name: str) -> None:
    it.broken.add(name)
    it.exit(name, 3)
    it.wait(0.5)
    assert it.states == {name: "restarting"}
    assert it.counts == (1, 0, 0, 1)


def test_hanging_restart_loop() -> None:
    it = world(child("child1", shutdown="brutal"), max_restarts=8, backoff=Backoff(100, 100, 0))
    hangs_in_a_restart(it, "child1")
    with pytest.raises(ChildBusy, match="there already, restarting"):
        it.get("start_child", child("child1"))
    for what in ("restart_child", "delete_child"):
        with pytest.raises(ChildBusy, match="is restarting"):
            it.get(what, "child1")
    it.get("terminate_child", "child1")
    assert it.states == {"child1": "down"}
    it.broken.clear()
    it.get("restart_child", "child1")
    hangs_in_a_restart(it, "child1")
    it.stop()
    assert it.down is not None
    assert it.core.wakes_at() is None


def test_hanging_restart_loop_simple() -> None:
    it = world(
        child("child1", shutdown="brutal"), strategy=SIMPLE, max_restarts=8, backoff=Backoff(100, 100, 0)
    )
    one = it.get("start_one_more", (), {})
    hangs_in_a_restart(it, one)
    for what in ("restart_child", "delete_child"):
        with pytest.raises(SupervisorError, match=SIMPLE):
            it.get(what, one)
    it.get("terminate_child", one)
    assert it.states == {}
    hangs_in_a_restart(it, it.get("start_one_more", (), {}))
    it.stop()
    assert it.down is not None


def test_an_end_that_comes_during_a_stop_is_no_failure() -> None:
    assert ended(signal=15).well
    it = world(child("a"), child("b"), max_restarts=0)
    it.slow.add("b")
    it.stop()
    it.exit("a", 3)
    it.exit("b", 3)
    assert it.down is not None
    assert it.down.cause is None
