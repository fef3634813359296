"""``procession.mp`` and ``multiprocessing``: the same names in the same places."""

from __future__ import annotations

import importlib
import multiprocessing
import pkgutil
import subprocess
import sys

import pytest

from procession import mp
from procession.mp.aliases import OURS, THEIRS
from tests.unit.mp import face_scenes as scenes
from tests.unit.mp.programs import run

METHODS = ("fork", "spawn", "forkserver")


def submodules() -> list[str]:
    found = []
    for module in pkgutil.walk_packages(multiprocessing.__path__, "multiprocessing."):
        name = module.name.removeprefix("multiprocessing.")
        if name != "popen_spawn_win32":
            found.append(name)
    return found


def test_every_public_name_is_here() -> None:
    assert set(multiprocessing.__all__) <= set(mp.__all__)
    for name in mp.__all__:
        assert getattr(mp, name) is not None
    public = {name for name in vars(multiprocessing) if not name.startswith("_")}
    assert {name for name in public if not hasattr(mp, name)} == set()


@pytest.mark.parametrize("name", submodules())
def test_every_submodule_is_here(name: str) -> None:
    theirs = importlib.import_module(f"multiprocessing.{name}")
    ours = importlib.import_module(f"procession.mp.{name}")
    assert sys.modules[f"procession.mp.{name}"] is ours
    public = [word for word in vars(theirs) if not word.startswith("_")]
    assert [word for word in public if not hasattr(ours, word)] == []
    assert [word for word in getattr(theirs, "__all__", ()) if word not in ours.__all__] == []
    assert (ours is theirs) == (name in THEIRS)
    assert name in OURS or name in THEIRS


def test_what_is_for_windows_is_not_here() -> None:
    with pytest.raises(ImportError, match="Windows"):
        importlib.import_module("procession.mp.popen_spawn_win32")


def test_signatures_are_theirs() -> None:
    import inspect

    for name in multiprocessing.__all__:
        theirs, ours = getattr(multiprocessing, name), getattr(mp, name)
        if inspect.isclass(theirs) or name == "reducer":
            continue
        wanted = list(inspect.signature(theirs).parameters.values())
        found = list(inspect.signature(ours).parameters.values())
        if name == "Pool":  # what our pools can do beyond theirs is at its end
            assert found.pop().kind is inspect.Parameter.VAR_KEYWORD
        assert [(p.name, p.kind) for p in found] == [(p.name, p.kind) for p in wanted], name


def test_the_default_method_is_the_interpreters() -> None:
    program = "import multiprocessing as a; from procession import mp as b; \
        print(a.get_start_method() == b.get_start_method(), a.get_all_start_methods() == b.get_all_start_methods())"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "True True\n"


def test_an_installed_face_is_the_same_module_under_both_names() -> None:
    program = """
import procession.mp, sys
procession.mp.install()
import multiprocessing, importlib, os
assert multiprocessing is procession.mp
for name in ("pool", "queues", "util", "dummy.connection", "heap", "popen_fork", "aliases"):
    one = importlib.import_module(f"multiprocessing.{name}")
    other = importlib.import_module(f"procession.mp.{name}")
    assert one is other, name
    assert one.__spec__.name == one.__name__, name
try:
    import multiprocessing.nothing
except ModuleNotFoundError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "nothing" in done.stdout


@pytest.mark.parametrize("method", METHODS)
def test_children_see_ours(method: str) -> None:
    run(scenes.seen_in_children, method)


@pytest.mark.parametrize("method", METHODS)
def test_nothing_changes_without_install(method: str) -> None:
    run(scenes.not_seen_without_install, method)


def test_uninstall() -> None:
    run(scenes.uninstalled_again)


@pytest.mark.parametrize("method", METHODS)
def test_process_pool_executor_on_our_parts(method: str) -> None:
    run(scenes.executor, method)


@pytest.mark.parametrize("method", METHODS)
def test_pool_on_our_parts(method: str) -> None:
    run(scenes.pool, method)
