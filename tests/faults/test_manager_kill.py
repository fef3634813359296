"""A manager that is killed: its clients are told at once, and it never outlives its parent."""

from __future__ import annotations

import os
import select
import subprocess
import sys

import pytest

from tests.faults import manager_scenes as scenes
from tests.unit.mp.programs import ROOT, run

METHODS = ("fork", "spawn", "forkserver")


@pytest.mark.parametrize("method", METHODS)
def test_every_client_is_told_at_once(method: str) -> None:
    run(scenes.kill_under_clients, method)


def test_killed_in_the_middle_of_calls() -> None:
    run(scenes.kill_while_it_works, "fork")


@pytest.mark.parametrize("method", METHODS)
def test_a_killed_client_holds_no_lock(method: str) -> None:
    run(scenes.killed_with_locks, method)


@pytest.mark.parametrize("method", METHODS)
def test_it_dies_with_its_parent(method: str) -> None:
    words = [sys.executable, str(scenes.__file__), "parent_of_a_manager", method]
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'src'}"}
    with subprocess.Popen(words, stdout=subprocess.PIPE, env=environment) as parent:
        assert parent.stdout is not None
        manager = os.pidfd_open(int(parent.stdout.readline()))
        parent.kill()
    try:
        assert select.select([manager], [], [], 5)[0], "the manager outlives its parent"
    finally:
        os.close(manager)


@pytest.mark.parametrize("method", METHODS)
def test_ctrl_c_leaves_it_to_the_parent(method: str) -> None:
    run(scenes.interrupted_group, method)


def test_an_interrupted_call_does_not_shift_the_answers() -> None:
    run(scenes.interrupted_call, "fork")
