"""Each thing that has hurt users of multiprocessing for years, as a test: the rows of docs/explanation/why.md."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import procession
from procession.errors import ProcessDied, RemoteError, WorkerDied
from procession.linux.pidfd import open_pidfd, wait_exit
from procession.pool.crew import Crew
from procession.pool.outcomes import Done, Failed, Lost
from tests.pains import painkit
from tests.unit.pool.kit import Payloads, each_once, run

METHODS = ["fork", "spawn", "forkserver"]
CREW_METHODS = ["fork", "spawn"]


@pytest.fixture(params=METHODS)
def ctx(request: pytest.FixtureRequest) -> Any:
    return procession.get_context(request.param)


def run_script(tmp_path: Path, text: str) -> subprocess.CompletedProcess[str]:
    """A program of its own, in a session of its own, which may import painkit."""
    path = tmp_path / "script.py"
    path.write_text(textwrap.dedent(text))
    return subprocess.run(
        [sys.executable, str(path)],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])},
        capture_output=True,
        text=True,
        check=False,
        timeout=50,
        start_new_session=True,
    )


def wait_gone(pids: list[int]) -> None:
    for pid in pids:
        try:
            pidfd = open_pidfd(pid)
        except ProcessLookupError:
            continue
        try:
            assert wait_exit(pidfd, 10), f"{pid} lives on"
        finally:
            os.close(pidfd)


# ── 1 to 3: a worker dies ─────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("method", CREW_METHODS)
def test_pain_01_a_killed_worker_fails_its_task_and_no_other(method: str) -> None:
    outcomes = run(painkit.die_if_three, range(20), method)
    (lost,) = [outcome for outcome in outcomes if isinstance(outcome, Lost)]
    assert lost.payload == 3
    assert isinstance(lost.error, WorkerDied)
    assert "SIGKILL" in str(lost.error)
    assert sum(isinstance(outcome, Done) for outcome in outcomes) == 19


def test_pain_02_a_killed_holder_blocks_nobody(ctx: Any) -> None:
    lock = ctx.Lock()
    holder = ctx.Process(target=painkit.hold_and_die, args=(lock,))
    holder.start()
    holder.join(20)
    assert lock.acquire(timeout=20)
    assert lock.recovered
    lock.release()
    assert lock.acquire(timeout=20)
    assert not lock.recovered
    lock.release()


@pytest.mark.parametrize("method", CREW_METHODS)
def test_pain_03_the_pool_goes_on_after_a_death_and_says_who(method: str) -> None:
    with Crew(painkit.die_if_three, workers=2, start_method=method) as crew:
        first: list[Any] = []
        crew.run(Payloads([3]), first.append)
        (lost,) = first
        assert isinstance(lost, Lost)
        assert isinstance(lost.error, WorkerDied)
        assert str(lost.error.pid) in str(lost.error)
        then: list[Any] = []
        crew.run(Payloads([1, 2, 4]), then.append)
        assert [outcome.value for outcome in then] == [1, 2, 4] or len(then) == 3


# ── 4: orphans ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("method", METHODS)
def test_pain_04_workers_do_not_outlive_a_killed_parent(method: str, tmp_path: Path) -> None:
    program = f"""
        import os, signal, sys
        from procession import get_context
        from tests.pains import painkit

        if __name__ == "__main__":
            ctx = get_context({method!r})
            ours, theirs = ctx.Pipe()
            children = [ctx.Process(target=painkit.spin, args=(theirs,)) for _ in range(2)]
            for child in children:
                child.start()
            for child in children:
                ours.recv_bytes()
            print(*(child.pid for child in children), flush=True)
            os.kill(os.getpid(), signal.SIGKILL)
    """
    done = run_script(tmp_path, program)
    assert done.returncode == -signal.SIGKILL
    wait_gone([int(word) for word in done.stdout.split()])


# ── 5: join before get ────────────────────────────────────────────────────────────────────────────


def test_pain_05_join_before_get_does_not_hang(ctx: Any) -> None:
    queue = ctx.Queue()
    writer = ctx.Process(target=painkit.put_many, args=(queue, 10_000))
    writer.start()
    writer.join(30)
    assert writer.exitcode == 0
    assert [queue.get(timeout=20)[0] for _ in range(10_000)] == list(range(10_000))
    queue.close()
    queue.join_thread()


# ── 6 and 7: exceptions ───────────────────────────────────────────────────────────────────────────


def test_pain_06_an_exception_that_does_not_unpickle_arrives_all_the_same(ctx: Any) -> None:
    process = ctx.Process(target=painkit.raise_hard)
    process.start()
    with pytest.raises(RemoteError, match="this and that") as caught:
        process.result(20)
    assert "raise_hard" in str(caught.value.__cause__)


@pytest.mark.parametrize("method", CREW_METHODS)
def test_pain_06_nor_does_it_hurt_the_pool(method: str) -> None:
    (failed,) = run(painkit.raise_hard, [1], method)
    assert isinstance(failed, Failed)
    assert isinstance(failed.error, RemoteError)


@pytest.mark.parametrize("method", CREW_METHODS)
def test_pain_07_a_bare_base_exception_is_an_outcome(method: str) -> None:
    outcomes = run(painkit.raise_bare, [1, 2], method)
    assert all(isinstance(outcome.error, painkit.Bare) for outcome in outcomes if isinstance(outcome, Failed))
    each_once(outcomes, 2)


# ── 8 to 10: start methods ────────────────────────────────────────────────────────────────────────


def test_pain_08_the_default_does_not_fork_a_threaded_parent() -> None:
    assert procession.get_context().get_start_method() == "forkserver"
    held = threading.Lock()
    stop = threading.Event()

    def hold() -> None:
        with held:
            stop.wait(30)

    thread = threading.Thread(target=hold)
    thread.start()
    try:
        process = procession.Process(target=painkit.double, args=(4,))
        process.start()
        assert process.result(30) == 8
    finally:
        stop.set()
        thread.join()


def test_pain_09_lambdas_and_closures_start_with_each_method(ctx: Any) -> None:
    add = 3
    process = ctx.Process(target=lambda number: number + add, args=(4,))
    process.start()
    assert process.result(30) == 7


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_pain_09_an_unguarded_main_is_told_and_does_not_hang(method: str, tmp_path: Path) -> None:
    program = f"""
        from procession import get_context

        process = get_context({method!r}).Process(target=print, args=("never",))
        process.start()
        process.join()
        print("exit", process.exitcode, process.exit.reason)
    """
    done = run_script(tmp_path, program)
    assert "never" not in done.stdout.split()
    assert "__main__" in done.stderr
    assert "if __name__" in done.stderr
    assert "Traceback" not in done.stderr, done.stderr


def test_pain_10_the_second_start_of_a_forkserver_is_as_quick_as_a_fork(tmp_path: Path) -> None:
    """Not by the clock: the child imports nothing of its own, because the server has it already."""
    ctx = procession.get_context("forkserver")
    first, second = (ctx.Process(target=os.getppid) for _ in range(2))
    first.start()
    second.start()
    assert first.result(30) == second.result(30) != os.getpid()


# ── 11: shared memory ─────────────────────────────────────────────────────────────────────────────


def test_pain_11_shared_memory_has_no_name_to_leak(ctx: Any) -> None:
    numpy = pytest.importorskip("numpy")
    before = set(os.listdir("/dev/shm"))
    with procession.SharedArray((1000,), "f8") as shared:
        shared.array[:] = 1.0
        process = ctx.Process(target=sum_of, args=(shared,))
        process.start()
        assert process.result(30) == 1000.0
        assert set(os.listdir("/dev/shm")) <= before
    assert numpy


def sum_of(shared: Any) -> float:
    return float(shared.array.sum())


# ── 12 and 13: tasks ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("method", CREW_METHODS)
def test_pain_12_the_iterable_is_taken_only_as_fast_as_workers_take_it(method: str) -> None:
    """A worker has two flights of 10 ms in hand, which is 100 of these tasks each."""
    taken = done = ahead = 0

    def numbers() -> Iterator[int]:
        nonlocal taken, ahead
        for number in range(5_000):
            taken += 1
            ahead = max(ahead, taken - done)
            yield number

    def deliver(_outcome: object) -> None:
        nonlocal done
        done += 1

    with Crew(painkit.work_a_little, workers=2, start_method=method) as crew:
        crew.run(Payloads(numbers()), deliver)
    assert done == 5_000
    assert ahead <= 5 * 100, "two flights for each of two workers, and one being taken"


def test_pain_13_one_running_process_is_stopped_by_its_time_limit_and_no_other(ctx: Any) -> None:
    ours, theirs = ctx.Pipe()
    neighbour = ctx.Process(target=painkit.wait_for_ever, args=(theirs,))
    neighbour.start()
    ours.recv_bytes()
    late = ctx.Process(target=painkit.spin_until_stopped, args=(theirs,), timeout=0.3)
    late.start()
    late.join(30)
    assert "time" in late.exit.reason
    assert neighbour.is_alive()
    neighbour.terminate()
    neighbour.join()


# ── 14 and 15: sending and nesting ────────────────────────────────────────────────────────────────


def test_pain_14_a_queue_and_a_lock_travel_through_a_queue(ctx: Any) -> None:
    outer, inner, answers, lock = ctx.Queue(), ctx.Queue(), ctx.Queue(), ctx.Lock()
    process = ctx.Process(target=painkit.echo, args=(outer, answers))
    process.start()
    outer.put((inner, lock))
    inner.put("through and through")
    assert answers.get(timeout=30) == "through and through"
    process.join(20)


def test_pain_15_a_daemonic_process_may_have_children() -> None:
    answers: Any = procession.Queue()
    process = procession.Process(target=painkit.have_a_child, args=(answers,), daemon=True)
    process.start()
    assert answers.get(timeout=30)[0] == 0
    process.join(20)
    assert process.exitcode == 0


# ── 16: Ctrl-C ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("method", METHODS)
def test_pain_16_ctrl_c_prints_no_tracebacks_of_children(method: str, tmp_path: Path) -> None:
    program = f"""
        import os, signal
        from procession import get_context
        from tests.pains import painkit

        if __name__ == "__main__":
            ctx = get_context({method!r})
            ours, theirs = ctx.Pipe()
            children = [ctx.Process(target=painkit.wait_for_ever, args=(theirs,)) for _ in range(3)]
            for child in children:
                child.start()
            for child in children:
                ours.recv_bytes()
            try:
                os.killpg(0, signal.SIGINT)
                for child in children:
                    child.join()
            except KeyboardInterrupt:
                for child in children:
                    child.terminate()
                    child.join()
                print("in order")
    """
    done = run_script(tmp_path, program)
    assert done.stdout == "in order\n", done
    assert done.stderr == ""


# ── 17 and 18: the end ────────────────────────────────────────────────────────────────────────────


def test_pain_17_what_is_dropped_without_close_leaves_nothing(ctx: Any) -> None:
    """The harness looks for descriptors, children, threads and mappings; here they are just dropped."""
    queue: Any = ctx.Queue()
    process: Any = ctx.Process(target=painkit.put_many, args=(queue, 10))
    process.start()
    wait_gone([process.pid])
    del process, queue
    gc.collect()


def test_pain_18_terminate_races_with_the_end(ctx: Any) -> None:
    for _ in range(10):
        process = ctx.Process(target=painkit.nothing)
        process.start()
        process.terminate()
        process.join(20)
        assert process.exitcode in (0, -signal.SIGTERM)


# ── 19: managers ──────────────────────────────────────────────────────────────────────────────────


def test_pain_19_a_killed_manager_is_an_error_at_once(ctx: Any) -> None:
    manager = ctx.Manager()
    numbers = manager.list([1, 2])
    numbers.append(manager.dict(a=1))
    assert numbers[2]["a"] == 1
    with pytest.raises(IndexError) as caught:
        numbers.pop(17)
    assert "Traceback" in str(caught.value.__cause__)
    manager._process.kill()
    manager._process.join(20)
    with pytest.raises((EOFError, ConnectionError)):
        numbers.append(3)
    manager.shutdown()


# ── 20: large arrays ──────────────────────────────────────────────────────────────────────────────


def test_pain_20_large_arrays_travel_out_of_band(ctx: Any) -> None:
    numpy = pytest.importorskip("numpy")
    queue = ctx.Queue()
    sent = numpy.arange(1 << 20)
    queue.put(sent)
    arrived = queue.get(timeout=20)
    assert (arrived == sent).all()
    assert not arrived.flags.owndata, "a view of shared pages, not a copy"
    arrived[0] = 7


# ── 21 and 22: counting and reasons ───────────────────────────────────────────────────────────────


def test_pain_21_qsize_is_exact(ctx: Any) -> None:
    queue = ctx.Queue()
    for number in range(1000):
        assert queue.qsize() == number
        queue.put(number)
    for number in range(1000):
        queue.get()
        assert queue.qsize() == 999 - number


def test_pain_22_an_end_is_explained(ctx: Any) -> None:
    ours, theirs = ctx.Pipe()
    process = ctx.Process(target=painkit.wait_for_ever, args=(theirs,), name="the patient one")
    process.start()
    ours.recv_bytes()
    os.kill(process.pid, signal.SIGKILL)
    with pytest.raises(ProcessDied, match="SIGKILL") as caught:
        process.join(20, check=True)
    assert "the patient one" in str(caught.value)
    assert process.exit.peak_memory > 1 << 20
    assert process.exit.cpu_seconds > 0


def test_every_row_of_the_page_has_its_test() -> None:
    page = Path(__file__).resolve().parents[2] / "docs/explanation/why.md"
    rows = [line.split("|")[1].strip() for line in page.read_text().splitlines() if line.startswith("| ")]
    numbers = {int(row) for row in rows if row.isdigit()}
    assert numbers == set(range(1, 23))
    tests = {name[10:12] for name in globals() if name.startswith("test_pain_")}
    assert {f"{number:02}" for number in numbers} == tests
