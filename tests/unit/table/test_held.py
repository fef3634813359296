"""One process by its pidfd: never a later holder of its pid; how it ended; priorities."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from procession.errors import NoSuchProcess
from procession.table.endings import how_ended
from procession.table.held import Held, wait_for_all
from procession.table.priority import Nice, parse_io, parse_nice
from procession.table.sending import Delivery, still_there, zombies
from procession.table.snapshot import snapshot
from tests.harness.specimens import asleep
from tests.unit.table.recordkit import made

LONE_THREAD = """
import ctypes, os, signal, threading
def stay():
    os.write(1, b'.')
    signal.pause()
threading.Thread(target=stay, daemon=True).start()
ctypes.CDLL(None).pthread_exit(None)
"""


def test_another_holder_of_the_pid_is_not_touched() -> None:
    with subprocess.Popen(["/bin/sleep", "600"]) as program:
        earlier = made(program.pid, start=1)
        with pytest.raises(NoSuchProcess):
            Held(earlier)
        with Delivery([earlier]) as delivery:
            delivery.send(signal.SIGKILL)
            assert [each.failed for each in delivery.sent] == ["has ended meanwhile"]
        assert program.poll() is None
        program.kill()


def test_waiting_for_the_first_and_for_all() -> None:
    with subprocess.Popen(["/bin/sleep", "600"]) as one, subprocess.Popen(["/bin/sleep", "600"]) as other:
        table = snapshot(pids=(one.pid, other.pid))
        with Held(table[one.pid]) as first, Held(table[other.pid]) as second:
            assert wait_for_all([first, second], 0) == [first, second]
            one.kill()
            assert wait_for_all([first, second], None, any_one=True) == [second]
            assert how_ended(first, table.source) == "was killed by SIGKILL (9)"
            assert zombies(snapshot(pids=(one.pid,)).records)
            other.kill()
            assert wait_for_all([first, second], None) == []
            assert still_there([first, second], signal.SIGKILL, table.source) == []


def test_a_process_whose_first_thread_has_ended_is_no_zombie() -> None:
    with subprocess.Popen([sys.executable, "-c", LONE_THREAD], stdout=subprocess.PIPE) as program:
        assert program.stdout is not None
        assert program.stdout.read(1) == b"."
        asleep(program.pid, "Z")
        table = snapshot(pids=(program.pid,))
        assert zombies(table.records) == []
        with Delivery(table.records) as delivery:
            delivery.send(signal.SIGKILL)
            assert [each.failed for each in delivery.sent] == [""]
            assert delivery.wait(None) == []


def test_nice_values() -> None:
    assert [parse_nice(word) for word in ("7", "+3", "-3", "=-3")] == [
        Nice(7), Nice(3, relative=True), Nice(-3, relative=True), Nice(-3),
    ]  # fmt: skip
    assert [parse_nice(word).of(15) for word in ("7", "+3", "-40", "+9", "=-30")] == [7, 18, -20, 19, -20]
    with pytest.raises(ValueError):
        parse_nice("x")


def test_io_classes() -> None:
    assert [parse_io(word) for word in ("idle", "best-effort:0", "best-effort", "realtime:7")] == [
        3 << 13, 2 << 13, 2 << 13 | 4, 1 << 13 | 7,
    ]  # fmt: skip
    for word in ("", "idle:1", "best-effort:8", "none", "realtime:x", "best-effort:-1"):
        with pytest.raises(ValueError):
            parse_io(word)


def test_we_are_alive() -> None:
    with Held(snapshot(pids=(os.getpid(),)).records[0]) as ourselves:
        assert not ourselves.has_ended
        assert ourselves.send(0) == ""
