"""Managers on every start method; the scenes themselves are in manager_scenes.py."""

from __future__ import annotations

import pytest

from tests.unit.mp.manager_scenes import SCENES, run_scene
from tests.unit.mp.programs import run

METHODS = ("fork", "spawn", "forkserver")


@pytest.mark.parametrize("scene", SCENES)
def test_scene(scene: str) -> None:
    """Each scene by the default method of Linux's Pythons; ./check --slow has the others."""
    run(run_scene, scene, "fork")


@pytest.mark.slow
@pytest.mark.parametrize("method", ["spawn", "forkserver"])
@pytest.mark.parametrize("scene", SCENES)
def test_scene_by_other_methods(scene: str, method: str) -> None:
    run(run_scene, scene, method)
