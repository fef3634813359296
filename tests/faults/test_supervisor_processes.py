"""Supervisors of real processes, by each start method, with children that do what children do."""

from __future__ import annotations

import os
import queue
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from procession.errors import ChildBusy, ChildStartFailed, NoSuchChild, RestartLimitReached, SupervisorError
from procession.process.supervisor import Backoff, ChildSpec, Happening, Supervisor, launch
from tests.faults import servicekit as kit
from tests.harness.places import ROOT

METHODS = ("fork", "spawn", "forkserver")
# For tests with many starts: a fresh interpreter for each takes seconds.
QUICK = ("fork", pytest.param("spawn", marks=pytest.mark.slow), "forkserver")
SOON = 20.0  # seconds; a deadline, not a wait

pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*multi-threaded:DeprecationWarning")


@pytest.fixture(params=METHODS)
def method(request: pytest.FixtureRequest) -> str:
    return str(request.param)


class Watcher:
    """``on_event``, with a memory."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str]] = []
        self._queue: queue.SimpleQueue[Happening] = queue.SimpleQueue()

    def __call__(self, event: Happening) -> None:
        self._queue.put(event)

    def wait_for(self, child: str, what: str) -> Happening:
        """The next one like that; what comes before it is passed over."""
        deadline = time.monotonic() + SOON
        while True:
            event = self._queue.get(timeout=max(0, deadline - time.monotonic()))
            self.seen.append((event.child, event.what))
            if (event.child, event.what) == (child, what):
                return event

    def all(self) -> list[tuple[str, str]]:
        while not self._queue.empty():
            event = self._queue.get()
            self.seen.append((event.child, event.what))
        return self.seen


@pytest.fixture
def watcher() -> Watcher:
    return Watcher()


def spec(name: str, target: Callable[..., object], *args: Any, **more: Any) -> ChildSpec:
    return ChildSpec(name, target, args, **more)


def kill(pid: int | None, number: int = signal.SIGKILL) -> None:
    assert pid
    os.kill(pid, number)


# -- order -----------------------------------------------------------------------------------------------


def test_children_start_in_order_and_stop_in_reverse(method: str, tmp_path: Path) -> None:
    log = tmp_path / "log"
    names = ("a", "b", "c")
    specs = [spec(name, kit.write_down, str(log), name, ready=True, start_method=method) for name in names]
    with Supervisor(specs) as supervisor:
        assert log.read_text().split("\n")[:3] == ["start a", "start b", "start c"]
        for child in supervisor.status().children:
            assert child.info == child.pid
    assert log.read_text().split("\n")[3:] == ["stop c", "stop b", "stop a", ""]
    assert {child.last_end for child in supervisor.status().children} == {"ended normally"}


def test_a_child_that_never_gets_ready_stops_the_earlier_ones_in_reverse(
    method: str, watcher: Watcher
) -> None:
    specs = [
        spec("a", kit.stay_ready, ready=True, start_method=method),
        spec("b", kit.stay, start_method=method),
        spec("c", kit.stay, ready=True, ready_timeout=0.5, start_method=method),
        spec("d", kit.stay, start_method=method),
    ]
    supervisor = Supervisor(specs, on_event=watcher)
    with pytest.raises(ChildStartFailed, match=r"child 'c' was not ready within 0\.5 s"):
        supervisor.start()
    stopped = [child for child, what in watcher.all() if what == "stopping"]
    assert stopped == ["c", "b", "a"]
    assert ("d", "started") not in watcher.seen


@pytest.mark.parametrize("method", QUICK)
@pytest.mark.parametrize(
    ("target", "words"),
    [
        (kit.raise_error, "before it was ready"),
        (kit.die, r"was killed by SIGKILL \(9\).* before it was ready"),
        (kit.say_too_much, "before it was ready"),
    ],
)
def test_a_child_that_fails_at_its_start(method: str, target: Any, words: str, capfd: Any) -> None:
    supervisor = Supervisor(
        [spec("a", kit.stay, start_method=method), spec("b", target, ready=True, start_method=method)]
    )
    with pytest.raises(ChildStartFailed, match=words):
        supervisor.run()
    assert supervisor.status()["a"].state == "down"


def test_a_child_that_cannot_be_started(method: str) -> None:
    def launcher(child: ChildSpec, target: Any, args: Any) -> Any:
        if child.id == "b":
            raise OSError("no room for it")
        return launch(child, target, args)

    supervisor = Supervisor([spec(name, kit.stay, start_method=method) for name in "abc"], launcher=launcher)
    with pytest.raises(ChildStartFailed, match="'b' could not be started: OSError: no room for it") as caught:
        supervisor.start()
    assert isinstance(caught.value.__cause__, OSError)


# -- ends ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", QUICK)
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV])
def test_a_child_that_is_killed_comes_back(method: str, number: int, watcher: Watcher) -> None:
    child = spec("a", kit.stay_ready, ready=True, start_method=method)
    with Supervisor([child], on_event=watcher) as supervisor:
        before = supervisor.status()["a"].pid
        watcher.wait_for("a", "ready")
        kill(before, number)
        watcher.wait_for("a", "ready")
        status = supervisor.status()["a"]
        assert status.pid != before
        assert (status.state, status.restarts) == ("running", 1)
        assert signal.Signals(number).name in status.last_end


@pytest.mark.parametrize("method", QUICK)
@pytest.mark.parametrize(
    ("restart", "code", "again"),
    [
        ("permanent", 0, True),
        ("permanent", 3, True),
        ("transient", 0, False),
        ("transient", 3, True),
        ("temporary", 0, None),
        ("temporary", 3, None),
    ],
)
def test_exit_codes(method: str, restart: str, code: int, again: bool | None, watcher: Watcher) -> None:
    child = spec("a", kit.leave_later, code, restart=restart, ready=True, start_method=method)
    supervisor = Supervisor([child], on_event=watcher, max_restarts=5, backoff=Backoff(10, 10, 0))
    with supervisor:
        end = watcher.wait_for("a", "ended")
        assert end.words == ("ended normally" if code == 0 else "exited with code 3")
        children = {it.id: it.state for it in supervisor.status().children}
        assert children == ({} if again is None else {"a": "restarting" if again else "down"})


def test_a_child_that_ignores_sigterm_is_killed_after_its_grace(method: str, watcher: Watcher) -> None:
    specs = [
        spec("deaf", kit.stay_deaf, ready=True, shutdown=0.3, start_method=method),
        spec("good", kit.stay_ready, ready=True, start_method=method),
        spec("brutal", kit.stay_deaf, ready=True, shutdown="brutal", start_method=method),
    ]
    with Supervisor(specs, on_event=watcher) as supervisor:
        begun = time.monotonic()
    assert 0.3 <= time.monotonic() - begun < 5
    status = supervisor.status()
    assert "SIGKILL" in status["deaf"].last_end
    assert "SIGTERM" in status["good"].last_end
    assert "SIGKILL" in status["brutal"].last_end
    assert [child for child, what in watcher.all() if what == "killing"] == ["brutal", "deaf"]


@pytest.mark.parametrize("method", QUICK)
def test_a_restart_storm_is_given_up_with_reasons(method: str) -> None:
    specs = [
        spec("good", kit.stay, start_method=method),
        spec("bad", kit.leave, 7, start_method=method),
    ]
    supervisor = Supervisor(specs, max_restarts=3, within=30, backoff=Backoff(0.001, 0.01))
    with pytest.raises(RestartLimitReached) as caught:
        supervisor.run()
    error = caught.value
    assert error.child == "bad"
    assert error.ends == (("bad", "exited with code 7"),) * 4
    assert "'bad': more than 3 restarts within 30 s; last ends: 'bad' exited with code 7" in str(error)
    assert supervisor.status()["bad"].restarts == 3
    assert "SIGTERM" in supervisor.status()["good"].last_end


def test_the_failure_of_one_in_the_background_is_raised_by_whoever_looks(method: str) -> None:
    supervisor = Supervisor([spec("bad", kit.leave, 7, start_method=method)], max_restarts=0)
    try:
        supervisor.start()  # the end may come so soon that it is seen here
    except RestartLimitReached:
        pass
    for look in (supervisor.wait, supervisor.stop):
        with pytest.raises(RestartLimitReached):
            look()
    assert supervisor.status().state == "ended"


@pytest.mark.parametrize("method", QUICK)
@pytest.mark.parametrize("strategy", ["one_for_one", "one_for_all", "rest_for_one"])
def test_strategies(method: str, strategy: str, watcher: Watcher) -> None:
    specs = [spec(name, kit.stay_ready, ready=True, start_method=method) for name in "abc"]
    with Supervisor(specs, strategy=strategy, on_event=watcher) as supervisor:
        before = {child.id: child.pid for child in supervisor.status().children}
        watcher.wait_for("c", "ready")
        kill(before["b"])
        last = "b" if strategy == "one_for_one" else "c"
        watcher.wait_for(last, "ready")
        after = {child.id: child.pid for child in supervisor.status().children}
    changed = "".join(name for name in "abc" if before[name] != after[name])
    assert changed == {"one_for_one": "b", "one_for_all": "abc", "rest_for_one": "bc"}[strategy]


def test_a_crash_at_the_first_start_is_mended(method: str, tmp_path: Path, watcher: Watcher) -> None:
    child = spec("a", kit.crash_first, str(tmp_path / "mark"), start_method=method)
    with Supervisor([child], on_event=watcher) as supervisor:
        watcher.wait_for("a", "restarting")
        watcher.wait_for("a", "started")
        assert supervisor.status()["a"].last_end == "exited with code 3"


# -- trees -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", QUICK)
def test_a_supervisor_inside_escalates(method: str, watcher: Watcher) -> None:
    inner = Supervisor(
        [spec("x", kit.stay_ready, ready=True, start_method=method)], max_restarts=0, name="inner"
    )
    other = spec("other", kit.stay_ready, ready=True, start_method=method)
    with Supervisor([other, inner], strategy="one_for_all", on_event=watcher) as outer:
        first = outer.status()
        assert inner.status().state == "running"
        watcher.wait_for("inner", "ready")
        kill(first["inner"].children[0].pid)
        watcher.wait_for("inner", "ready")
        second = outer.status()
        assert second["inner"].restarts == 1
        assert "gave up on child 'x'" in second["inner"].last_end
        assert second["other"].pid != first["other"].pid
        with pytest.raises(SupervisorError, match="inner is a child of supervisor"):
            inner.stop()
        outer.terminate_child("inner")
        assert inner.status().state == "ended"
        with pytest.raises(SupervisorError, match="inner is not running"):
            inner.start_child(other)


@pytest.mark.parametrize("method", QUICK)
def test_the_whole_tree_fails_when_the_top_gives_up(method: str) -> None:
    inner = Supervisor(
        [spec("x", kit.leave, 3, start_method=method)], max_restarts=1, name="inner", backoff=Backoff(0, 0, 0)
    )
    outer = Supervisor([spec("a", kit.stay, start_method=method), inner], max_restarts=1, name="outer")
    with pytest.raises(RestartLimitReached) as caught:
        outer.run()
    assert caught.value.child == "inner"
    assert isinstance(caught.value.__cause__, RestartLimitReached)
    assert caught.value.__cause__.child == "x"


# -- requests --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", QUICK)
def test_requests_at_run_time(method: str) -> None:
    with Supervisor([spec("a", kit.stay, start_method=method)]) as supervisor:
        status = supervisor.start_child(spec("b", kit.stay_ready, "hello", ready=True, start_method=method))
        assert status is not None
        assert (status.state, status.info) == ("running", "hello")
        with pytest.raises(ChildBusy):
            supervisor.start_child(spec("b", kit.stay))
        with pytest.raises(ChildStartFailed):
            supervisor.start_child(spec("c", kit.leave, 1, ready=True, start_method=method))
        supervisor.terminate_child("b")
        assert supervisor.status()["b"].state == "down"
        again = supervisor.restart_child("b")
        assert again is not None
        assert again.pid != status.pid
        supervisor.terminate_child("b")
        supervisor.delete_child("b")
        with pytest.raises(NoSuchChild):
            supervisor.get_childspec("b")
        assert supervisor.count_children().active == 1
    with pytest.raises(SupervisorError, match="not running"):
        supervisor.start_child(spec("b", kit.stay))


def test_children_of_one_pattern(method: str, watcher: Watcher) -> None:
    pattern = spec("worker", kit.stay_ready, ready=True, restart="transient", start_method=method)
    with Supervisor([pattern], strategy="simple_one_for_one", on_event=watcher) as supervisor:
        made = [supervisor.start_one_more(number) for number in range(3)]
        assert [(it.id, it.info) for it in made if it] == [("worker-1", 0), ("worker-2", 1), ("worker-3", 2)]
        supervisor.terminate_child("worker-2")
        kill(supervisor.status()["worker-1"].pid)
        watcher.wait_for("worker-1", "restarting")
        watcher.wait_for("worker-1", "ready")
        assert supervisor.count_children().active == 2


@pytest.mark.parametrize("method", ["forkserver"])
def test_many_threads_may_ask(method: str) -> None:
    failures: list[BaseException] = []
    pattern = spec("worker", kit.stay, start_method=method)

    def ask(supervisor: Supervisor) -> None:
        try:
            for _ in range(3):
                status = supervisor.start_one_more()
                assert status is not None
                supervisor.status()
                supervisor.terminate_child(status.id)
        except BaseException as error:
            failures.append(error)

    with Supervisor([pattern], strategy="simple_one_for_one") as supervisor:
        threads = [threading.Thread(target=ask, args=(supervisor,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert supervisor.count_children().active == 0
    assert not failures


def test_the_listener_may_look_and_stop_and_fail_but_not_wait(capfd: Any) -> None:
    caught: list[BaseException] = []

    def listener(event: Happening) -> None:
        if event.what == "started":
            assert supervisor.status()["a"].pid
            try:
                supervisor.terminate_child("a")
            except SupervisorError as error:
                caught.append(error)
            supervisor.stop()
            raise ZeroDivisionError("nobody is harmed")

    supervisor = Supervisor([spec("a", kit.stay)], on_event=listener)
    supervisor.run()
    assert "its own thread" in str(caught[0])
    assert "nobody is harmed" in capfd.readouterr().err


def test_auto_shutdown(method: str) -> None:
    specs = [
        spec("helper", kit.stay, start_method=method),
        spec("task", kit.leave, 0, restart="transient", significant=True, start_method=method),
    ]
    Supervisor(specs, auto_shutdown="any_significant").run()


def test_it_can_be_started_again_and_not_twice() -> None:
    supervisor = Supervisor([spec("a", kit.stay)])
    assert supervisor.status().state == "new"
    supervisor.stop()
    for _ in range(2):
        with supervisor, pytest.raises(SupervisorError, match="running already"):
            supervisor.start()
    assert supervisor.wait()


def test_an_exception_in_the_block_is_the_one_that_is_raised() -> None:
    supervisor = Supervisor([spec("a", kit.leave, 3)], max_restarts=0)
    with pytest.raises(KeyError), supervisor:
        try:
            supervisor.wait(SOON)
        except RestartLimitReached:
            raise KeyError from None


def test_a_copy_of_the_process_cannot_use_it() -> None:
    with Supervisor([]) as supervisor:
        read, write = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                supervisor.stop()
            except SupervisorError as error:
                os.write(write, str(error).encode())
            os._exit(0)
        os.waitpid(pid, 0)
        os.close(write)
        with open(read, encoding="utf-8") as pipe:
            assert f"belongs to process {os.getpid()}" in pipe.read()


# -- the process of the supervisor -----------------------------------------------------------------------


Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start() -> Iterator[Start]:
    programs: list[subprocess.Popen[str]] = []

    def run(*words: str) -> subprocess.Popen[str]:
        programs.append(
            subprocess.Popen(
                [sys.executable, "-m", "tests.faults.servicekit", *words],
                cwd=ROOT,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                start_new_session=True,
            )
        )
        return programs[-1]

    yield run
    for program in programs:
        if program.poll() is None:
            program.kill()
        program.communicate()


def pids_of(line: str) -> list[int]:
    assert line.startswith("up "), line
    return [int(word) for word in line.split()[1:]]


def wait_until_gone(pids: list[int]) -> None:
    poll = select.poll()
    left = set()
    for pid in pids:
        try:
            fd = os.pidfd_open(pid)
        except ProcessLookupError:
            continue
        poll.register(fd, select.POLLIN)
        left.add(fd)
    deadline = time.monotonic() + SOON
    try:
        while left:
            gone = poll.poll(max(0, deadline - time.monotonic()) * 1000)
            assert gone, f"of {pids} there are still some"
            for fd, _ in gone:
                poll.unregister(fd)
                left.discard(fd)
                os.close(fd)
    finally:
        for fd in left:
            os.close(fd)


def test_when_the_supervisor_is_killed_nobody_is_left(method: str, tmp_path: Path, start: Start) -> None:
    program = start("spinning", method, str(tmp_path / "log"))
    assert program.stdout is not None
    pids = pids_of(program.stdout.readline())
    assert len(pids) == 4
    program.kill()
    wait_until_gone(pids)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_foreground_in_order(
    method: str, number: int, tmp_path: Path, start: Start
) -> None:
    program = start("foreground", method, str(tmp_path / "log"))
    assert program.stdout is not None
    pids_of(program.stdout.readline())
    if number == signal.SIGINT:
        os.killpg(program.pid, number)  # Ctrl-C comes to the children as well
    else:
        program.send_signal(number)
    out, err = program.communicate(timeout=SOON)
    assert out.splitlines() == ["stopping c", "stopping b", "stopping a", "over"]
    assert err == ""
    assert program.returncode == 0
    assert (tmp_path / "log").read_text().split("\n")[3:] == ["stop c", "stop b", "stop a", ""]


def test_a_second_signal_does_not_wait(method: str, tmp_path: Path, start: Start) -> None:
    program = start("foreground", method, str(tmp_path / "log"), "c")
    assert program.stdout is not None
    pids = pids_of(program.stdout.readline())
    program.send_signal(signal.SIGINT)
    assert program.stdout.readline() == "stopping c\n"
    program.send_signal(signal.SIGINT)
    out, err = program.communicate(timeout=SOON)
    assert out.splitlines()[-1] == "over"
    assert err == ""
    wait_until_gone(pids)


def test_a_program_that_just_ends_stops_its_children_in_order(
    method: str, tmp_path: Path, start: Start
) -> None:
    program = start("background", method, str(tmp_path / "log"))
    _, err = program.communicate(timeout=SOON)
    assert err == ""
    assert program.returncode == 0
    assert (tmp_path / "log").read_text().split() == ["start", "a", "start", "b", "stop", "b", "stop", "a"]
