"""SharedMemory and ShareableList: the classic contract; only their maker is in charge.

Each script is a process of its own, because the standard library's resource tracker would outlive the test.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from procession.ipc import carry
from procession.ipc.classic import classic
from procession.ipc.shared_memory import ShareableList, SharedMemory

FOLDER = "/dev/shm"


def run(script: str, *args: str, code: int = 0) -> tuple[str, str]:
    """Standard output and error of a program; it and its tracker have ended then."""
    words = [sys.executable, "-c", "from procession.ipc.shared_memory import *\n" + script, *args]
    done = subprocess.run(words, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == code, done.stderr
    return done.stdout.strip(), done.stderr


def exists(name: str) -> bool:
    return os.path.exists(f"{FOLDER}/{name}")


@pytest.fixture
def block() -> Iterator[SharedMemory]:
    """A block made without a tracker."""
    memory = SharedMemory(create=True, size=100, track=False)
    yield memory
    memory.close()
    if exists(memory.name):
        memory.unlink()


def tracker_runs() -> bool:
    from multiprocessing import resource_tracker

    return resource_tracker._resource_tracker._fd is not None  # type: ignore[attr-defined]


def test_make_attach_close_unlink(block: SharedMemory) -> None:
    assert isinstance(block, classic("shared_memory").SharedMemory)
    assert block.size >= 100
    block.buf[:5] = b"hello"
    other = SharedMemory(block.name)
    assert bytes(other.buf[:5]) == b"hello"
    assert repr(other) == f"SharedMemory({block.name!r}, size={block.size})"
    other.close()
    block.unlink()
    assert not exists(block.name)
    with pytest.raises(FileNotFoundError):
        SharedMemory(block.name)
    with pytest.raises(FileNotFoundError):
        block.unlink()


def test_what_cannot_be_made() -> None:
    for size in (0, -1):
        with pytest.raises(ValueError, match="positive"):
            SharedMemory(create=True, size=size)
    with pytest.raises(ValueError, match="'name'"):
        SharedMemory()
    with pytest.raises(ValueError, match="null"):
        SharedMemory("a\0b")


def test_a_name_is_taken_once(block: SharedMemory) -> None:
    with pytest.raises(FileExistsError):
        SharedMemory(block.name, create=True, size=10)
    assert exists(block.name)


def test_it_travels_by_its_name(block: SharedMemory) -> None:
    block.buf[0] = 7
    parcel = carry.pack(block)
    again = carry.unpack(parcel.data)
    assert type(again) is SharedMemory
    assert again.buf[0] == 7
    again.close()


def test_who_attaches_starts_no_tracker_and_deletes_nothing(block: SharedMemory) -> None:
    was_running = tracker_runs()
    SharedMemory(block.name).close()
    assert tracker_runs() == was_running
    out, err = run("import sys; m = SharedMemory(sys.argv[1]); m.buf[0] = 9", block.name)
    assert (out, err) == ("", "")
    assert exists(block.name)
    assert block.buf[0] == 9


def test_who_attaches_may_be_killed_too(block: SharedMemory) -> None:
    _, err = run(
        "import os, sys; m = SharedMemory(sys.argv[1]); os.kill(os.getpid(), 9)",
        block.name,
        code=-signal.SIGKILL,
    )
    assert err == ""
    assert exists(block.name)


def test_who_attaches_and_asks_for_tracking_gets_it(block: SharedMemory) -> None:
    _, err = run("import sys; SharedMemory(sys.argv[1], track=True)", block.name)
    assert "1 leaked shared_memory" in err
    assert not exists(block.name)


@pytest.mark.parametrize("how", ["pass", "os.kill(os.getpid(), 9)"])
def test_what_its_maker_forgets_goes_with_it(how: str) -> None:
    script = "import os; m = SharedMemory(create=True, size=10); print(m.name, flush=True); m.close(); "
    name, err = run(script + how, code=0 if how == "pass" else -9)
    assert "1 leaked shared_memory" in err
    assert not exists(name)


def test_without_tracking_it_stays() -> None:
    name, err = run("m = SharedMemory(create=True, size=10, track=False); print(m.name)")
    assert err == ""
    SharedMemory(name).unlink()
    assert not exists(name)


@pytest.mark.parametrize("who", ["the maker", "a forked child", "a process that attached"])
def test_after_unlink_nobody_complains(who: str) -> None:
    script = {
        "the maker": "m.unlink()",
        "a forked child": "pid = os.fork()\nif not pid: m.unlink(); os._exit(0)\nos.waitpid(pid, 0)",
        "a process that attached": "SharedMemory(m.name).unlink()",
    }[who]
    name, err = run(f"import os; m = SharedMemory(create=True, size=10); print(m.name, flush=True)\n{script}")
    assert err == ""
    assert not exists(name)


CHILD = """
from multiprocessing import get_context
def use(m): m.buf[0] = 5; m.close()
def use_name(name, last): m = SharedMemory(name); m.buf[1] = 6; m.close(); last and m.unlink()
def main(method, last):
    m = SharedMemory(create=True, size=10)
    for target, args in ((use, (m,)), (use_name, (m.name, last))):
        p = get_context(method).Process(target=target, args=args); p.start(); p.join(); assert p.exitcode == 0
    print(m.name, *m.buf[:2])
    if not last: m.unlink()
"""


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
@pytest.mark.parametrize("last", [False, True])
def test_children_use_and_unlink_it(method: str, last: bool, tmp_path: Any) -> None:
    path = tmp_path / "program.py"
    path.write_text(
        f"from procession.ipc.shared_memory import *\n{CHILD}\n"
        f"if __name__ == '__main__': main({method!r}, {last})\n"
    )
    done = subprocess.run([sys.executable, path], capture_output=True, text=True, timeout=50, check=False)
    assert done.returncode == 0, done.stderr
    name, *values = done.stdout.split()
    assert values == ["5", "6"]
    assert done.stderr == ""
    assert not exists(name)


def test_a_shareable_list() -> None:
    out, err = run(
        "import pickle\n"
        "s = ShareableList(['howdy', b'bytes', -1.5, 100, None, True])\n"
        "s[3] = 42; s[0] = 'hi'\n"
        "other = ShareableList(name=s.shm.name)\n"
        "again = pickle.loads(pickle.dumps(s))\n"
        "print(list(other), list(again) == list(s), type(other.shm).__module__, len(s), s.count(42))\n"
        "for each in (other, again, s): each.shm.close()\n"
        "s.shm.unlink()\n"
    )
    assert out == "['hi', b'bytes', -1.5, 42, None, True] True procession.ipc.shared_memory 6 1"
    assert err == ""


def test_a_shareable_list_that_is_only_read_is_left_to_its_maker() -> None:
    memory = SharedMemory(f"pn{os.getpid()}", create=True, size=4096, track=False)
    memory.close()
    try:
        run(
            "import sys\n"
            "SharedMemory(sys.argv[1]).unlink()\n"
            "m = SharedMemory(sys.argv[1], create=True, size=4096, track=False)\n"
            "l = ShareableList(name=m.name)\n",
            memory.name,
        )
        assert exists(memory.name)
    finally:
        memory.unlink()
    assert issubclass(ShareableList, classic("shared_memory").ShareableList)
