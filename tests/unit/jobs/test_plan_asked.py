"""What people ask for: kill, restart, stop, edit, remove; and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from procession.errors import JobsError, NoSuchJob
from procession.jobs.actions import Tell
from procession.jobs.job import Ended, Ending, Running
from procession.jobs.names import current
from procession.jobs.outcome import STOPPED, UNSTARTED, Outcome
from tests.harness.plans import BADLY, WELL, Desk

KILLED = Outcome(STOPPED, "was ended by pn kill", signal=15)


@pytest.fixture
def desk() -> Desk:
    return Desk()


def told(desk: Desk, event: str, *args: Any) -> list[dict[str, object]]:
    step = desk.kill(*args) if event == "kill" else desk.do(event, *args)
    return [action.message for action in step.actions if isinstance(action, Tell)]


def end_message(grace: float, by: str = "pn kill") -> dict[str, object]:
    return {"do": "end", "grace": grace, "kind": "stopped", "why": f"was ended by {by}"}


def test_kill_of_a_running_job(desk: Desk) -> None:
    job = desk.submit(restart="always", grace=7)
    desk.begin(job)
    assert told(desk, "kill", job) == [end_message(7)]
    desk.now += 2
    assert desk.words(job) == "being ended by pn kill, SIGKILL in 5.0 s"
    desk.end(job, KILLED)
    assert desk.words(job) == "ended by pn kill"


def test_kill_can_be_made_harder(desk: Desk) -> None:
    job = desk.submit()
    desk.begin(job)
    desk.kill(job)
    assert told(desk, "kill", job, 0.0) == [end_message(0)]
    assert desk.words(job) == "being ended by pn kill, SIGKILL sent"


def test_kill_of_a_starting_job_is_told_when_it_begins(desk: Desk) -> None:
    job = desk.submit()
    assert told(desk, "kill", job, 3.0) == []
    assert desk.words(job) == "being ended by pn kill, before it has begun"
    desk.reload()
    assert [a.message for a in desk.begin(job).actions if isinstance(a, Tell)] == [end_message(3)]
    # And once more by each daemon that does not know whether it was heard; the grace does not begin anew.
    for seconds, left in ((1, 2.0), (1.5, 0.5), (60, 0.0)):
        desk.now += seconds
        desk.reload()
        assert [a.message for a in desk.begin(job).actions if isinstance(a, Tell)] == [end_message(left)]
    state = desk.plan.jobs[job].state
    assert isinstance(state, Ending)
    assert state.pid == 101


def test_kill_of_a_starting_job_whose_order_is_void(desk: Desk) -> None:
    job = desk.submit()
    desk.kill(job)
    desk.do("void", job, 1)
    assert desk.words(job) == "ended by pn kill before it began"
    assert desk.ordered == [(job, 1)]


def test_kill_of_a_waiting_job(desk: Desk) -> None:
    first = desk.submit()
    job = desk.submit(after=(first,))
    rescue = desk.submit(after_failed=(job,))
    desk.kill(job)
    assert desk.words(job) == "ended by pn kill before it began"
    state = desk.plan.jobs[job].state
    assert isinstance(state, Ended)
    assert state.outcome.kind == UNSTARTED
    assert desk.state(rescue) == "starting"


def test_kill_of_a_resting_job(desk: Desk) -> None:
    job = desk.submit(restart="always", restart_delay=60)
    desk.end(job, BADLY)
    desk.kill(job)
    assert desk.words(job) == "ended by pn kill before its restart: it exited with code 3"
    assert desk.plan.wakes_at() is None


def test_kill_of_an_ended_job_is_refused(desk: Desk) -> None:
    job = desk.submit()
    desk.end(job, BADLY)
    with pytest.raises(JobsError, match="job 1 has ended already: it exited with code 3"):
        desk.kill(job)


def test_restart_of_a_running_job(desk: Desk) -> None:
    job = desk.submit()
    desk.begin(job)
    assert told(desk, "restart", job) == [end_message(5, "pn restart")]
    assert "to run again" in desk.words(job)
    step = desk.end(job, KILLED)
    assert not step.ended
    assert desk.ordered == [(job, 1), (job, 2)]


def test_kill_takes_a_restart_back(desk: Desk) -> None:
    job = desk.submit()
    desk.begin(job)
    desk.do("restart", job)
    desk.kill(job)
    desk.end(job, KILLED)
    assert desk.state(job) == "ended"


def test_restart_of_an_ended_job_forgets_its_failures(desk: Desk) -> None:
    job = desk.submit(retries=1, backoff=0)
    desk.end(job, BADLY)
    desk.end(job, BADLY)
    assert desk.state(job) == "ended"
    desk.do("restart", job)
    assert (desk.plan.jobs[job].failures, desk.state(job)) == (0, "starting")


def test_restart_of_a_resting_job_begins_at_once(desk: Desk) -> None:
    job = desk.submit(restart="always", restart_delay=60)
    desk.end(job)
    desk.do("restart", job)
    assert desk.state(job) == "starting"
    assert desk.plan.wakes_at() is None


def test_restart_of_what_can_never_begin_is_refused(desk: Desk) -> None:
    first = desk.submit()
    job = desk.submit(after=(first,))
    desk.end(first, BADLY)
    with pytest.raises(JobsError, match="job 2 cannot be run: job 1 exited with code 3"):
        desk.do("restart", job)
    desk.do("restart", first)
    desk.do("restart", job)
    assert desk.words(job) == "waiting for job 1"


@pytest.mark.parametrize("event", ["stop", "cont"])
def test_stop_and_cont(desk: Desk, event: str) -> None:
    job = desk.submit()
    desk.begin(job)
    assert told(desk, event, job) == [{"do": event}]
    desk.do("suspended", job, 1, desk.now)
    desk.do("suspended", job, 1, desk.now)
    assert desk.words(job) == "suspended for 0.0 s"
    desk.do("continued", job, 1, desk.now)
    desk.do("continued", job, 1, desk.now)
    state = desk.plan.jobs[job].state
    assert isinstance(state, Running)
    assert state.pid == 101
    desk.end(job)
    with pytest.raises(JobsError, match="job 1 is not running: it has ended"):
        desk.do(event, job)


def test_ready(desk: Desk) -> None:
    job = desk.submit(ready="log:listening")
    desk.begin(job)
    assert desk.words(job) == 'running for 0.0 s (not ready yet: waits for "listening" in its log)'
    desk.do("ready", job, 1, desk.now)
    assert desk.words(job) == "running for 0.0 s"
    assert desk.do("ready", job, 1, desk.now + 5).is_empty


def test_an_end_is_not_undone_by_what_comes_late(desk: Desk) -> None:
    job = desk.submit(retries=1, backoff=9)
    desk.begin(job)
    desk.end(job, BADLY)
    before = desk.plan.jobs[job]
    assert desk.do("began", job, 1, 5, 5, desk.now, "").is_empty
    for event in ("ready", "suspended", "continued"):
        assert desk.do(event, job, 1, desk.now).is_empty
    assert desk.do("ended", job, 7, WELL).is_empty  # a run that nobody ordered
    assert desk.do("lost", job, 1, "why").is_empty
    assert desk.do("swept", job, 1, "why").is_empty
    assert desk.plan.jobs[job] is before


@pytest.mark.parametrize("event", ["restart", "stop", "cont", "touch"])
def test_there_is_no_such_job(desk: Desk, event: str) -> None:
    with pytest.raises(NoSuchJob, match="there is no job 9"):
        desk.do(event, 9)


def test_edit_of_what_waits(desk: Desk) -> None:
    desk.group("one", slots=1)
    desk.submit(group="one")
    low, high = desk.submit(group="one"), desk.submit(group="one")
    desk.edit(high, priority=3, command=["echo", "x"], memory=5000)
    assert desk.words(high).endswith("(next in line)")
    assert desk.words(low).endswith("(2nd in line)")
    assert desk.plan.jobs[high].spec.command == ("echo", "x")
    desk.edit(low, group="default")
    assert desk.state(low) == "starting"


def test_edit_of_what_has_begun(desk: Desk) -> None:
    desk.group("one", slots=1)
    job, next_one = desk.submit(group="one"), desk.submit(group="one")
    with pytest.raises(JobsError, match="job 1 has begun: command can be changed only before that"):
        desk.edit(job, command=["x"])
    desk.edit(job, name="n", group="default", restart="always")
    assert desk.state(next_one) == "starting"  # the slot went with the group
    desk.end(job)
    assert desk.state(job) == "resting"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"command": "x"}, "edit.command: tuple"),
        ({"colour": 1}, "there is no field 'colour'"),
        ({"priority": "high"}, "edit.priority: int is wanted"),
        ({"adopt": 5}, "adopt cannot be changed"),
        ({"nice": 99}, "nice 99: it must be from -20 to 19"),
        ({"after": [2]}, "job 2 cannot wait for itself"),
        ({"after": [77]}, "there is no job 77"),
        ({"after": [3]}, "job 2 would wait for itself: it for job 3, which waits for job 2"),
        ({"after_any": [4]}, "job 2 would wait for itself: it for job 4, which waits for job 3"),
        ({"after": [5]}, "job 2 would never begin: job 5 exited with code 3"),
    ],
)
def test_edits_that_are_refused_change_nothing(desk: Desk, changes: dict[str, Any], words: str) -> None:
    first = desk.submit()
    second = desk.submit(after=(first,))
    third = desk.submit(after=(second,))
    desk.submit(after=(third,))
    desk.end(desk.submit(), BADLY)
    before = dict(desk.plan.jobs)
    with pytest.raises(JobsError) as caught:
        desk.edit(second, **changes)
    assert words in str(caught.value)
    assert dict(desk.plan.jobs) == before
    assert desk.do("tick").is_empty


def test_remove_only_what_has_ended(desk: Desk) -> None:
    first, second = desk.submit(), desk.submit()
    desk.end(first)
    with pytest.raises(JobsError, match="job 2 has not ended"):
        desk.do("remove", [first, second])
    assert set(desk.plan.jobs) == {1, 2}
    desk.do("remove", [first, first])
    assert set(desk.plan.jobs) == {2}
    assert (1, 1) not in desk.runs


def test_what_is_removed_with_all_that_name_it(desk: Desk) -> None:
    first = desk.submit()
    second = desk.submit(after=(first,))
    desk.end(first)
    desk.end(second)
    for order in ([first, second], [second, first]):
        desk.reload()
        desk.plan.remove(order, desk.now)
    desk.reload()
    desk.do("remove", [first, second])
    assert not desk.jobs


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"command": ()}, "there is no command"),
        ({"command": ("",)}, "there is no command"),
        ({"command": ("a", "b"), "shell": True}, "one word, not 2"),
        ({"cwd": "x"}, "absolute"),
        ({"restart": "maybe"}, "one of no, on-failure, always"),
        ({"leftovers": "x"}, "one of end, wait"),
        ({"ready": "tcp:9"}, "log:TEXT"),
        ({"ready": "port:99999"}, "65535"),
        ({"name": "12"}, "taken for a job's number"),
        ({"name": "%x"}, "must not begin with %"),
        ({"group": ""}, "at least one character"),
        ({"name": "x" * 300}, "at most 200"),
        ({"retries": -1}, "retries -1: it must be from 0"),
        ({"backoff": 1e300}, "backoff 1e"),
        ({"timeout": 0.0}, "nothing could run with that"),
        ({"memory": 0}, "nothing could run with that"),
        ({"jitter": 2.0}, "jitter 2: it must be from 0 to 1"),
        ({"restart_limit": 0}, "restart limit 0"),
        ({"at": -5.0}, "at -5"),
        ({"at": 1e18}, "at 1e"),
        ({"adopt": 5}, "no command of its own"),
        ({"adopt": 5, "command": (), "retries": 2}, "cannot be started again"),
    ],
)
def test_specs_that_are_refused(desk: Desk, fields: dict[str, Any], words: str) -> None:
    command = fields.pop("command", ("true",))
    with pytest.raises(JobsError) as caught:
        desk.do("submit", _spec(command, fields), "hash", desk.now)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not desk.plan.jobs


def _spec(command: tuple[str, ...], fields: dict[str, Any]) -> Any:
    from procession.jobs.spec import Spec

    return Spec(command, **fields)


def test_an_adopted_process_cannot_be_restarted(desk: Desk) -> None:
    step = desk.do("submit", _spec((), {"adopt": 4711}), "hash", desk.now)
    assert step.job == 1
    with pytest.raises(JobsError, match="only who started it"):
        desk.do("restart", 1)


@pytest.mark.parametrize("event", ["stop", "cont", "touch", "restart"])
def test_what_somebody_does_to_a_job_makes_it_the_current_one(desk: Desk, event: str) -> None:
    first, second = desk.submit(), desk.submit()
    desk.begin(first)
    assert current(desk.plan) is desk.plan.jobs[second]
    desk.do(event, first)
    assert current(desk.plan) is desk.plan.jobs[first]
    desk.reload()
    assert current(desk.plan) is desk.plan.jobs[first]
    assert desk.submit() == current(desk.plan).id  # type: ignore[union-attr]


def test_limits_of_numbers_are_allowed(desk: Desk) -> None:
    low = {
        "at": 0.0,
        "backoff": 0.0,
        "restart_delay": 0.0,
        "restart_cap": 0.0,
        "restart_within": 1.0,
        "umask": 0,
    }
    high = {
        "nice": 19,
        "priority": 1_000_000,
        "jitter": 1.0,
        "restart_limit": 1000,
        "umask": 0o777,
        "cpu": 1e5,
    }
    for fields in (low, high, {"nice": -20, "jitter": 0.0, "restart_limit": 1, "files": 1, "grace": 0.0}):
        desk.submit(**fields)
