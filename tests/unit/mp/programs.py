"""Runs a function of a module in a process of its own, which must leave nothing: ``run(function, *words)``.

The child of these tests is a program as users write them: its ``__main__`` is the module, guarded.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
DEADLINE = 50


def run(function: Callable[..., None], *words: str, env: dict[str, str] | None = None) -> str:
    """Call ``function(*words)`` in a fresh interpreter; its output, if it ends well, else AssertionError."""
    module = sys.modules[function.__module__]
    argv = [sys.executable, "-X", "faulthandler", str(module.__file__), function.__name__, *words]
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'src'}", **(env or {})}
    with subprocess.Popen(
        argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
    ) as program:
        try:
            out, _ = program.communicate(timeout=DEADLINE)
        except subprocess.TimeoutExpired:
            program.send_signal(6)  # faulthandler writes the stacks
            out, _ = program.communicate()
            raise AssertionError(f"{function.__name__}{words} did not end in {DEADLINE} s:\n{out}") from None
    assert program.returncode == 0, f"{function.__name__}{words} ended with {program.returncode}:\n{out}"
    return out


def main(scope: dict[str, Callable[..., None]]) -> None:
    """What the module calls as ``__main__``."""
    scope[sys.argv[1]](*sys.argv[2:])
