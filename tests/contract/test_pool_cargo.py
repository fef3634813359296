"""What travels to and from the workers of a pool: ours (queues, locks, pipes), large things, arrays."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest

import procession
from procession.process import context
from tests.contract import poolkit
from tests.harness import processes

np = pytest.importorskip("numpy")

MakePool = Callable[..., Any]
MIB = 1 << 20


def put(queue: Any, value: Any) -> None:
    queue.put(value)


def count_under(lock: Any, path: str) -> None:
    """Read, add one, write: two at once would lose one."""
    with lock:
        with open(path, encoding="ascii") as file:
            number = int(file.read())
        with open(path, "w", encoding="ascii") as file:
            file.write(str(number + 1))


def send(conn: Any, value: Any) -> None:
    conn.send(value)
    conn.close()


def a_pipe(_: Any = None) -> Any:
    """One end as the result; something waits in it, sent by the other."""
    mine, theirs = procession.Pipe()
    mine.send(os.getpid())
    return theirs, mine


def set_event(event: Any) -> bool:
    was = event.is_set()
    event.set()
    return bool(was)


def test_queues_locks_and_pipes_are_arguments(our_pool: MakePool, tmp_path: Any) -> None:
    pool = our_pool()
    ctx = context.get_context(pool._method())
    queue, lock, event = ctx.Queue(), ctx.Lock(), ctx.Event()
    pool.starmap(put, [(queue, number) for number in range(30)])
    assert sorted(queue.get(timeout=poolkit.PATIENCE) for _ in range(30)) == list(range(30))
    counter = tmp_path / "counter"
    counter.write_text("0", encoding="ascii")
    pool.starmap(count_under, [(lock, str(counter))] * 60)
    assert counter.read_text(encoding="ascii") == "60"
    assert not pool.apply(set_event, (event,))
    assert event.wait(poolkit.PATIENCE)
    mine, theirs = ctx.Pipe()
    pool.apply(send, (theirs, "through it"))
    theirs.close()
    assert mine.recv() == "through it"
    with pytest.raises(EOFError):
        mine.recv()
    mine.close()
    queue.close()
    queue.join_thread()


def test_pipes_are_results(our_pool: MakePool) -> None:
    pool = our_pool()
    ends, others = pool.apply(a_pipe)
    assert ends.recv() in {process.pid for process in pool._pool}
    ends.close()
    others.close()
    for pair in pool.imap(a_pipe, range(5)):
        for end in pair:
            end.close()


# ── large things ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("size", [100, 64 * 1024, 200_000, 3 * MIB])
def test_texts_and_bytes_of_any_size_come_back(our_pool: MakePool, size: int) -> None:
    pool = our_pool()
    assert pool.apply(poolkit.double, (b"x" * size,)) == b"x" * (2 * size)
    assert pool.map(poolkit.double, ["y" * size] * 5) == ["y" * (2 * size)] * 5
    assert list(pool.imap(len, [[0] * size] * 3)) == [size] * 3


def test_many_results_beyond_any_journal(our_pool: MakePool) -> None:
    pool = our_pool()
    lengths = [n * 7919 % 9000 for n in range(400)]
    assert [len(text) for text in pool.map(bytes, lengths)] == lengths
    assert pool.map(str, range(20_000)) == list(map(str, range(20_000)))


def fill(array: Any, value: int) -> Any:
    """Write into an argument, and give it back."""
    array[...] = value
    return array


def total(array: Any) -> float:
    return float(array.sum())


def test_large_arrays_are_equal_and_writable_on_either_side(our_pool: MakePool) -> None:
    pool = our_pool()
    array = np.arange(500_000, dtype=np.float64)
    assert pool.apply(total, (array,)) == array.sum()
    came = pool.apply(fill, (array, 7))
    assert came.flags.writeable
    assert (came == 7).all()
    assert array[1] == 1  # ours was not written to
    came[0] = 5
    columns = np.asfortranarray(np.arange(200_000).reshape(400, 500))
    assert (pool.apply(np.negative, (columns,)) == -columns).all()
    assert (pool.apply(poolkit.add, (array[::2], 1.0)) == array[::2] + 1).all()


def test_two_tasks_do_not_share_an_array(our_pool: MakePool) -> None:
    pool = our_pool(1)
    array = np.zeros(200_000)
    results = pool.starmap(fill, [(array, value) for value in range(1, 7)])
    assert [result[0] for result in results] == [1, 2, 3, 4, 5, 6]
    results[0][:] = 99
    assert all((result == value).all() for value, result in enumerate(results[1:], 2))
    assert pool.starmap(total, [(array,)] * 3) == [0.0] * 3


def test_arrays_in_between_others_keep_their_places(our_pool: MakePool) -> None:
    pool = our_pool()
    items = [np.full(100_000, n) if n % 3 == 0 else n for n in range(30)]
    for item, came in zip(items, pool.imap(poolkit.double, items), strict=True):
        assert np.array_equal(came, 2 * item)


def itself(array: Any) -> Any:
    return array


def backwards(array: Any) -> Any:
    return array[::-1]


_kept: list[Any] = []


def kept_and_sum_of_the_last(array: Any) -> Any:
    """Keeps its argument, and gives an array of the same size with the total of the one before in it."""
    before = _kept[-1].sum() if _kept else 0
    _kept.append(array)
    return np.full_like(array, before)


def of_a_child(array: Any) -> Any:
    """What a forked child reads of the argument, once the outcome of this task has been written down."""
    mine, theirs = os.pipe(), os.pipe()
    pid = os.fork()
    if not pid:
        os.read(mine[0], 1)
        os.write(theirs[1], str(int(array.sum())).encode())
        os._exit(0)
    del array
    _children.append((pid, mine[1], theirs[0]))
    os.close(mine[0])
    os.close(theirs[1])
    return np.zeros(MIB)


_children: list[tuple[int, int, int]] = []


def told_by_the_child(_: Any = None) -> int:
    pid, gate, answer = _children.pop()
    os.write(gate, b"x")
    total = int(os.read(answer, 100))
    os.waitpid(pid, 0)
    os.close(gate)
    os.close(answer)
    return total


def test_outcomes_that_look_into_their_arguments(our_pool: MakePool) -> None:
    """The memory of an argument takes the outcome only when nobody looks into it any more."""
    pool = our_pool()
    given = [np.arange(MIB) + number for number in range(6)]
    for one, came in zip(given, pool.map(itself, given), strict=True):
        assert (one == came).all()
    for one, came in zip(given, pool.map(backwards, given), strict=True):
        assert (one[::-1] == came).all()
    for one, came in zip(given, pool.map(np.negative, given), strict=True):
        assert (one == -came).all()


def test_an_argument_that_is_kept_stays_as_it_was(our_pool: MakePool) -> None:
    pool = our_pool(1)
    given = [np.full(MIB, number) for number in range(5)]
    totals = [int(came[0]) for came in pool.map(kept_and_sum_of_the_last, given)]
    assert totals == [0, 0, MIB, 2 * MIB, 3 * MIB]


def test_an_argument_that_a_child_has_stays_as_it_was(our_pool: MakePool) -> None:
    pool = our_pool(1)
    assert not pool.apply(of_a_child, (np.ones(MIB),)).any()
    assert pool.apply(told_by_the_child) == MIB


def test_memory_of_arrays_is_returned(our_pool: MakePool) -> None:
    pool = our_pool()
    size = 2 * MIB  # items: 16 MiB each
    pool.apply(total, (np.ones(size),))
    before = used(pool)
    for _ in range(30):
        assert pool.apply(fill, (np.ones(size), 3))[-1] == 3
    for result in pool.imap(np.ones, [size] * 30):
        assert result[0] == 1
        del result
    assert used(pool) - before < 200 * MIB


def used(pool: Any) -> int:
    """Resident bytes of parent and workers."""
    pids = [os.getpid(), *(process.pid for process in pool._pool)]
    pages = sum(int(processes.read(pid, "statm").split()[1]) for pid in pids)
    return pages * os.sysconf("SC_PAGE_SIZE")


def test_a_shared_array_is_shared(our_pool: MakePool) -> None:
    pool = our_pool()
    with procession.SharedArray((1000,), "float64") as shared:
        for _ in range(4):
            pool.apply(add_to_shared, (shared, 1.0))
        assert shared.array.sum() == 4000


def add_to_shared(shared: Any, value: float) -> None:
    shared.array[...] += value


def test_recursion_limits_are_no_obstacle(our_pool: MakePool) -> None:
    pool = our_pool()
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(RecursionError):
        pool.apply(len, (deep,))
    assert pool.apply(poolkit.double, (1,)) == 2
