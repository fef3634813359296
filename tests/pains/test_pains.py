"""Each thing that has hurt users of multiprocessing for years, as a test: the rows of docs/explanation/why.md."""

from __future__ import annotations

import gc
import os
import queue
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

import pytest

import procession
from procession import Pool
from procession.errors import ProcessDied, RemoteError, TaskCancelled, TaskTimeout, WorkerDied
from procession.linux.pidfd import open_pidfd, wait_exit
from procession.pool.executor import PoolExecutor
from tests.pains import painkit

METHODS = ["fork", "spawn", "forkserver"]


@pytest.fixture(params=METHODS)
def ctx(request: pytest.FixtureRequest) -> Any:
    return procession.get_context(request.param)


@pytest.fixture
def pool(ctx: Any) -> Iterator[Pool]:
    """Two workers."""
    with Pool(2, context=ctx) as pool:
        yield pool
    pool.join()


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


def test_pain_01_a_killed_worker_fails_its_task_and_no_other(pool: Pool) -> None:
    with pytest.raises(WorkerDied, match=r"SIGKILL.* in the middle of task 3") as caught:
        pool.map(painkit.die_if_three, range(20))
    assert caught.value.task == 3
    assert caught.value.exit.signal == signal.SIGKILL
    outcomes = pool.map(painkit.die_if_three, range(20), errors="return")
    assert isinstance(outcomes.pop(3), WorkerDied)
    assert outcomes == [*range(3), *range(4, 20)]


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


def test_pain_03_the_pool_goes_on_after_a_death_and_says_who(pool: Pool) -> None:
    with pytest.raises(WorkerDied) as caught:
        pool.apply(painkit.die_if_three, (3,))
    assert f"worker {caught.value.pid} " in str(caught.value)
    assert pool.map(painkit.die_if_three, [1, 2, 4]) == [1, 2, 4]
    (why,) = pool.stats().replaced
    assert str(caught.value.pid) in why
    assert "SIGKILL" in why


def test_pain_03_so_does_the_executor(ctx: Any) -> None:
    with PoolExecutor(2, ctx) as executor:
        futures = [executor.submit(painkit.die_if_three, number) for number in range(6)]
        with pytest.raises(BrokenProcessPool, match=r"SIGKILL.*die_if_three"):
            futures[3].result(20)
        assert [future.result(20) for number, future in enumerate(futures) if number != 3] == [0, 1, 2, 4, 5]
        assert executor.submit(painkit.double, 4).result(20) == 8


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


@pytest.mark.parametrize("method", METHODS)
def test_pain_04_nor_do_those_of_a_pool(method: str, tmp_path: Path) -> None:
    program = f"""
        import os, signal
        from procession import Pipe, Pool, get_context
        from tests.pains import painkit

        if __name__ == "__main__":
            pool = Pool(2, context=get_context({method!r}))
            ours, theirs = Pipe()
            running = pool.map_async(painkit.spin, [theirs, theirs])
            for _ in range(2):
                ours.recv_bytes()
            print(*(worker.pid for worker in pool.stats().workers), flush=True)
            os.kill(os.getpid(), signal.SIGKILL)
    """
    done = run_script(tmp_path, program)
    assert done.returncode == -signal.SIGKILL, done.stderr
    pids = [int(word) for word in done.stdout.split()]
    assert len(pids) == 2
    wait_gone(pids)


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


def test_pain_06_nor_does_it_hurt_the_pool(pool: Pool) -> None:
    with pytest.raises(RemoteError, match="this and that"):
        pool.apply(painkit.raise_hard)
    assert pool.apply(painkit.double, (4,)) == 8


def test_pain_07_a_bare_base_exception_is_an_outcome(pool: Pool) -> None:
    with pytest.raises(painkit.Bare):
        pool.apply(painkit.raise_bare)
    outcomes = pool.map(painkit.raise_bare, range(3), errors="return")
    assert [type(outcome) for outcome in outcomes] == [painkit.Bare] * 3
    with pytest.raises(SystemExit):
        pool.apply_async(sys.exit, (3,)).get(20)
    assert not pool.stats().replaced, "nobody has died of it"


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


def test_pain_09_and_are_tasks_of_a_pool(pool: Pool) -> None:
    add = 3
    assert pool.map(lambda number: number + add, [4, 5]) == [7, 8]


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


def test_pain_12_the_iterable_is_read_only_as_results_are_read(pool: Pool) -> None:
    taken = 0

    def numbers() -> Iterator[int]:
        nonlocal taken
        for number in range(100_000):
            taken = number + 1
            yield number

    results = pool.imap(painkit.work_a_little, numbers(), buffersize=50)
    for number in range(500):
        assert next(results) == number
        # What is ahead of the reader, a chunk that it has at hand, and a store of what is about to be needed.
        assert taken <= number + 1 + 1_000


def test_pain_12_without_a_buffersize_too(pool: Pool) -> None:
    """Nobody reads: it comes to rest."""
    taken = 0

    def numbers() -> Iterator[int]:
        nonlocal taken
        for number in range(1_000_000):
            taken = number + 1
            yield number

    results = pool.imap(painkit.work_a_little, numbers())
    assert next(results) == 0
    before = -1
    while before != taken:
        before = taken
        assert pool.apply(painkit.double, (2,)) == 4
        assert not threading.Event().wait(0.2)
    assert taken < 10_000


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


def test_pain_13_so_is_one_task_of_a_pool(pool: Pool) -> None:
    outcomes = pool.map(painkit.spin_if_three, range(6), timeout=0.5, errors="return")
    late = outcomes.pop(3)
    assert isinstance(late, TaskTimeout)
    assert isinstance(late, TimeoutError)
    assert late.task == 3
    assert outcomes == [0, 1, 2, 4, 5]


def test_pain_13_or_cancelled_while_it_runs(ctx: Any, pool: Pool) -> None:
    ours, theirs = ctx.Pipe()
    result = pool.apply_async(painkit.spin, (theirs,))
    ours.recv_bytes()
    assert result.cancel()
    with pytest.raises(TaskCancelled):
        result.get(20)
    assert not result.cancel()
    assert pool.apply(painkit.double, (4,)) == 8


# ── 14 and 15: sending and nesting ────────────────────────────────────────────────────────────────


def test_pain_14_a_queue_and_a_lock_travel_through_a_queue(ctx: Any) -> None:
    outer, inner, answers, lock = ctx.Queue(), ctx.Queue(), ctx.Queue(), ctx.Lock()
    process = ctx.Process(target=painkit.echo, args=(outer, answers))
    process.start()
    outer.put((inner, lock))
    inner.put("through and through")
    assert answers.get(timeout=30) == "through and through"
    process.join(20)


def test_pain_14_and_are_arguments_of_tasks(ctx: Any, pool: Pool) -> None:
    queue = ctx.Queue()
    pool.starmap(painkit.put_into, [(queue, number) for number in range(3)])
    assert sorted(queue.get(timeout=20) for _ in range(3)) == [0, 1, 2]


def test_pain_15_a_daemonic_process_may_have_children() -> None:
    answers: Any = procession.Queue()
    process = procession.Process(target=painkit.have_a_child, args=(answers,), daemon=True)
    process.start()
    assert answers.get(timeout=30)[0] == 0
    process.join(20)
    assert process.exitcode == 0


def test_pain_15_a_task_may_have_a_pool(pool: Pool) -> None:
    assert pool.map(painkit.pool_of_its_own, [[1, 2], [3]]) == [[2, 4], [6]]


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


@pytest.mark.parametrize("method", METHODS)
def test_pain_16_nor_of_the_workers_of_a_pool(method: str, tmp_path: Path) -> None:
    program = f"""
        import os, signal
        from procession import Pipe, Pool, get_context
        from tests.pains import painkit

        if __name__ == "__main__":
            ours, theirs = Pipe()
            try:
                with Pool(2, context=get_context({method!r})) as pool:
                    running = pool.map_async(painkit.wait_for_ever, [theirs, theirs])
                    for _ in range(2):
                        ours.recv_bytes()
                    os.killpg(0, signal.SIGINT)
                    running.get()
            except KeyboardInterrupt:
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


def test_pain_17_nor_does_a_pool(ctx: Any) -> None:
    """Its workers and its thread end; whoever drops it waits for nothing."""
    dropped = [Pool(2, context=ctx)]
    pids = [worker.pid for worker in dropped[0].stats().workers]
    assert dropped[0].map(painkit.double, range(10)) == [2 * number for number in range(10)]
    thread = dropped[0]._runner.thread
    with pytest.warns(ResourceWarning, match="unclosed running"):
        dropped.clear()
    wait_gone(pids)
    assert thread is not None
    thread.join(20)


def test_pain_18_terminate_races_with_the_end(ctx: Any) -> None:
    for _ in range(10):
        process = ctx.Process(target=painkit.nothing)
        process.start()
        process.terminate()
        process.join(20)
        assert process.exitcode in (0, -signal.SIGTERM)


def test_pain_18_a_pool_is_terminated_while_a_worker_holds_what_others_want(ctx: Any, pool: Pool) -> None:
    ours, theirs = ctx.Pipe()
    lock = ctx.Lock()
    first = pool.apply_async(painkit.hold_then_spin, (theirs, lock))
    ours.recv_bytes()
    second = pool.apply_async(painkit.hold_then_spin, (theirs, lock))
    begun = time.monotonic()
    pool.terminate()
    assert time.monotonic() - begun < 10
    for result in (first, second):
        with pytest.raises(TaskCancelled):
            result.get(20)


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


def test_pain_20_so_they_do_to_a_task_and_back(pool: Pool) -> None:
    numpy = pytest.importorskip("numpy")
    sent = numpy.arange(1 << 20)
    before, arrived = pool.apply(painkit.seven_into, (sent,))
    assert (before, arrived[0], sent[0]) == (0, 7, 0)
    assert not arrived.flags.owndata, "a view of shared pages, not a copy"


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


def test_pain_22_so_is_the_end_of_each_worker(ctx: Any) -> None:
    ends: Any = queue.SimpleQueue()
    with Pool(1, context=ctx, maxtasksperchild=4, on_worker_exit=lambda *end: ends.put(end)) as pool:
        pool.map(painkit.die_if_three, [3], errors="return")
        _, exit_, killed = ends.get(timeout=20)
        assert exit_.signal == signal.SIGKILL
        assert "SIGKILL" in killed
        assert pool.map(painkit.double, range(4)) == [0, 2, 4, 6]
        assert pool.apply(painkit.double, (4,)) == 8
        _, exit_, used_up = ends.get(timeout=20)
        assert exit_.code == 0
        assert "4 tasks" in used_up
        assert [said.partition(": ")[2] for said in pool.stats().replaced] == [killed, used_up]
    pool.join()


def test_every_row_of_the_page_has_its_test() -> None:
    page = Path(__file__).resolve().parents[2] / "docs/explanation/why.md"
    rows = [line.split("|")[1].strip() for line in page.read_text().splitlines() if line.startswith("| ")]
    numbers = {int(row) for row in rows if row.isdigit()}
    assert numbers == set(range(1, 23))
    tests = {name[10:12] for name in globals() if name.startswith("test_pain_")}
    assert {f"{number:02}" for number in numbers} == tests
