"""Programs with a manager: each is run by test_managers.py for each start method, in a process of its own."""

from __future__ import annotations

import gc
import operator
import os
import pickle
import queue
import sys
import threading
from collections.abc import Callable
from typing import Any

from procession import mp
from procession.errors import ManagerDied, RemoteError
from procession.mp.managers import BaseManager, SharedMemoryManager

SCENES: dict[str, Callable[[Any], None]] = {}


def scene(function: Callable[[Any], None]) -> Callable[[Any], None]:
    SCENES[function.__name__] = function
    return function


def run_scene(name: str, method: str) -> None:
    SCENES[name](mp.get_context(method))


def in_child(context: Any, target: Callable[..., None], *args: Any) -> None:
    process = context.Process(target=target, args=args)
    process.start()
    process.join()
    assert process.exitcode == 0, process.exitcode


# -- what every manager does --------------------------------------------------------------------------


def use_all(held: dict[str, Any]) -> None:
    held["list"].append(2)
    held["dict"]["child"] = os.getpid()
    held["queue"].put("from the child")
    held["value"].value += 1
    held["array"][0] = 7
    held["namespace"].x = 5
    held["event"].set()
    with held["lock"], held["rlock"], held["semaphore"], held["condition"]:
        held["condition"].notify_all()


@scene
def every_type_of_the_standard_library(context: Any) -> None:
    with context.Manager() as m:
        held = {
            "list": m.list([1]),
            "dict": m.dict(a=1),
            "queue": m.Queue(),
            "value": m.Value("i", 1),
            "array": m.Array("i", [1, 2]),
            "namespace": m.Namespace(),
            "event": m.Event(),
            "lock": m.Lock(),
            "rlock": m.RLock(),
            "semaphore": m.Semaphore(1),
            "condition": m.Condition(),
        }
        in_child(context, use_all, held)
        assert list(held["list"]) == [1, 2]
        assert held["dict"].keys() == ["a", "child"]
        assert held["queue"].get(timeout=10) == "from the child"
        assert held["value"].value == 2
        assert held["array"][0] == 7
        assert held["namespace"].x == 5
        assert held["event"].is_set()
        assert m.Barrier(1).wait() == 0
        assert m.BoundedSemaphore(1).acquire()
        joinable = m.JoinableQueue(1)
        joinable.put(1)
        try:
            joinable.put(2, block=False)
            raise AssertionError("full")
        except queue.Full:
            pass
        assert joinable.get() == 1
        joinable.task_done()
        joinable.join()
        with m.Pool(1) as pool:
            assert pool.apply(operator.add, (1, 2)) == 3


@scene
def shared_memory_manager(context: Any) -> None:
    with SharedMemoryManager(ctx=context) as m:
        items: Any
        memory = m.SharedMemory(100)
        items = m.ShareableList([1, "two"])
        in_child(context, change_list, items)
        assert list(items) == [9, "two"]
        name = memory.name
        memory.close()
        items.shm.close()
    assert not os.path.exists(f"/dev/shm/{name}")


def change_list(items: Any) -> None:
    items[0] = 9
    items.shm.close()


# -- errors -------------------------------------------------------------------------------------------


class Unloadable(Exception):
    """Pickles, and does not unpickle."""

    def __init__(self, one: int, two: int) -> None:
        super().__init__("only one argument")


class BadValue:
    def __reduce__(self) -> tuple[object, ...]:
        return fail_to_load, ()


def fail_to_load() -> None:
    raise RuntimeError("cannot be loaded")


class Thing:
    def __init__(self, number: int = 0) -> None:
        self.number = number

    def get(self) -> int:
        return self.number

    def child(self) -> Thing:
        return Thing(self.number + 1)

    def bad(self) -> None:
        raise Unloadable(1, 2)

    def leave(self) -> None:
        raise SystemExit(3)

    def bad_value(self) -> BadValue:
        return BadValue()

    def no_pickle(self) -> Any:
        return threading.Lock()


class Things(BaseManager):
    """A manager with types of its own."""


Things.register("Thing", Thing, method_to_typeid={"child": "Child"})
Things.register("Child", None, exposed=("get",))


def caught(function: Callable[..., Any], *args: Any) -> BaseException:
    try:
        value = function(*args)
    except BaseException as error:
        return error
    raise AssertionError(f"no exception, but {value!r}")


@scene
def errors_carry_the_traceback_of_the_server(context: Any) -> None:
    with context.Manager() as m:
        error = caught(m.list().pop)
        assert isinstance(error, IndexError)
        assert "pop from empty list" in str(error.__cause__)
        assert "Traceback" in str(error.__cause__)


@scene
def what_does_not_travel_breaks_nothing(context: Any) -> None:
    m: Any
    with Things(ctx=context) as m:
        thing = m.Thing(5)
        error = caught(thing.bad)
        assert isinstance(error, RemoteError)
        assert "Unloadable" in str(error)
        assert "in bad" in str(error.__cause__)
        assert isinstance(caught(thing.leave), SystemExit)
        assert isinstance(caught(thing.bad_value), RuntimeError)
        assert "pickle" in str(caught(thing.no_pickle)), caught(thing.no_pickle)
        assert "'nothing'" in str(caught(thing._callmethod, "nothing"))
        assert thing.get() == 5


@scene
def a_server_that_cannot_start_says_so(context: Any) -> None:
    m = Things(ctx=context)
    error = caught(m.start, os._exit, (3,))
    assert isinstance(error, EOFError)
    assert isinstance(error, ManagerDied)
    assert "before it could serve" in str(error), error
    assert "3" in str(error), error


# -- references ---------------------------------------------------------------------------------------


@scene
def a_proxy_in_a_pickle_keeps_its_object(context: Any) -> None:
    with context.Manager() as m:
        one = m.list([1])
        data = pickle.dumps(one)
        del one
        gc.collect()
        again = pickle.loads(data)
        assert list(again) == [1]
        assert list(pickle.loads(data)) == [1]
        del again
        gc.collect()
        assert m._number_of_objects() == 0


def send_back(inbox: Any, outbox: Any) -> None:
    outbox.put(inbox.get())


@scene
def a_proxy_travels_through_queues(context: Any) -> None:
    with context.Manager() as m:
        here, there = context.Queue(), m.Queue()
        process = context.Process(target=send_back, args=(here, there))
        process.start()
        here.put(m.list(["kept"]))
        process.join()
        assert list(there.get(timeout=10)) == ["kept"]
        del there
        gc.collect()
        assert m._number_of_objects() == 0, m._debug_info()
        here.close()
        here.join_thread()


def make_child(thing: Any, answer: Any) -> None:
    answer.put(thing.child().get())


@scene
def a_proxy_that_was_sent_makes_proxies(context: Any) -> None:
    """cpython#99595; and a manager's own key goes with its proxies."""
    m: Any
    with Things(ctx=context, authkey=b"of its own") as m, context.Manager() as other:
        answer = other.Queue()
        in_child(context, make_child, m.Thing(5), answer)
        assert answer.get() == 6
        through = other.Queue()
        through.put(m.Thing(1))
        thing = through.get()
        assert thing.get() == 1
        del thing
        gc.collect()
        assert through.qsize() == 0  # after which the other server has let go of what it handed out
        assert m._number_of_objects() == 0, m._debug_info()


@scene
def nested_proxies_are_freed(context: Any) -> None:
    """cpython#103136: a managed list in a managed list lived until the manager's end."""
    with context.Manager() as m:
        outer = m.list()
        for number in range(50):
            outer.append(m.list([number]))
        gc.collect()
        assert m._number_of_objects() == 1  # what the server itself refers to is not counted
        assert outer[7][0] == 7
        deep = m.list([m.list([m.dict(a=1)])])
        outer.append(deep)
        del deep
        gc.collect()
        assert outer[-1][0][0]["a"] == 1
        assert server_keeps(m) > 50
        del outer[:]
        gc.collect()
        assert m._number_of_objects() == 1
        assert server_keeps(m) == 0


def server_keeps(m: Any) -> int:
    """How many objects only proxies inside the server refer to."""
    return int(m.spy().count())


class Spy:
    def count(self) -> int:
        server = mp.current_process()._manager_server  # type: ignore[attr-defined]
        return len(server.id_to_local_proxy_obj)


mp.managers.SyncManager.register("spy", Spy)


# -- servers elsewhere --------------------------------------------------------------------------------


class Board(BaseManager):
    """A remote manager's server side."""


class BoardClient(BaseManager):
    """What its clients know."""


_board: queue.Queue[Any] = queue.Queue()


def board() -> queue.Queue[Any]:
    return _board


Board.register("board", board)
BoardClient.register("board")


def post(address: Any, words: str) -> None:
    client: Any = BoardClient(address=address, authkey=b"secret")
    client.connect()
    client.board().put(words)


@scene
def remote_over_tcp(context: Any) -> None:
    m: Any
    with Board(address=("127.0.0.1", 0), authkey=b"secret", ctx=context) as m:
        in_child(context, post, m.address, "hello")
        assert m.board().get(timeout=10) == "hello"
        stranger = BoardClient(address=m.address, authkey=b"wrong")
        assert isinstance(caught(stranger.connect), mp.AuthenticationError)
    error = caught(post, m.address, "too late")
    assert isinstance(error, ManagerDied)
    assert isinstance(error, ConnectionRefusedError)


@scene
def a_server_in_this_process(context: Any) -> None:
    server = Board(address=("127.0.0.1", 0), authkey=b"secret", ctx=context).get_server()
    threading.Thread(target=serve, args=(server,), daemon=True).start()
    in_child(context, post, server.address, "hi")
    assert _board.get(timeout=10) == "hi"


def serve(server: Any) -> None:
    try:
        server.serve_forever()
    except SystemExit:
        pass


if __name__ == "__main__":
    run_scene(*sys.argv[2:])
