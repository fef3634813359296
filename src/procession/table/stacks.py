"""The Python stacks of a process, by py-spy (https://github.com/benfred/py-spy), a program that reads them out of the
process's memory.  It is an extra (``pip install procession[stack]``) and asked as a program, so that nothing of it runs
in ours.  It stops the process for the moment of its look.
"""

from __future__ import annotations

import os
import sys

from procession.errors import NoSuchProcess, NotPermitted, Unsupported
from procession.records import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_PATIENCE = 30.0  # seconds; py-spy itself needs well below one


@record
class Frame:
    """One call.  ``file``: as py-spy shortens it; ``path``: in full."""

    function: str
    file: str
    path: str
    line: int


@record
class Stack:
    """Of one thread, the innermost call first.  ``name``: threading's, "" if it has none."""

    tid: int
    name: str
    has_gil: bool
    frames: tuple[Frame, ...]


class NotPython(Unsupported):
    """The process runs no Python that py-spy knows."""


def find_spy() -> str | None:
    """py-spy's path: beside our own Python, or on PATH."""
    import shutil

    return shutil.which("py-spy", path=os.path.dirname(sys.executable)) or shutil.which("py-spy")


def read_stacks(spy: str, pid: int) -> list[Stack]:
    """Of all its threads, the main one first.

    Raises NotPython; NotPermitted: needs root, or CAP_SYS_PTRACE in a container; NoSuchProcess: gone; OSError.
    """
    import subprocess

    try:
        ran = subprocess.run(
            [spy, "dump", "--json", "--pid", str(pid)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise TimeoutError(
            f"py-spy has not answered in {_PATIENCE:.0f} s: is the process in state D?"
        ) from None
    if ran.returncode:
        raise _error(pid, ran.stderr.decode("utf-8", "replace"))
    return parse(ran.stdout)


def parse(data: bytes) -> list[Stack]:
    """The answer of ``py-spy dump --json``.  Raises ValueError."""
    import json

    try:
        found = [_stack(each) for each in json.loads(data)]
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"py-spy answers in a form that we do not know: {error!r}") from error
    return sorted(found, key=lambda each: each.tid)


def _stack(facts: Mapping[str, object]) -> Stack:
    frames = facts["frames"]
    assert isinstance(frames, list)
    calls = tuple(
        Frame(
            str(each["name"]),
            str(each.get("short_filename") or each["filename"]),
            str(each["filename"]),
            int(each["line"]),
        )
        for each in frames
    )
    return Stack(
        int(str(facts.get("os_thread_id") or 0)),
        str(facts.get("thread_name") or ""),
        bool(facts.get("owns_gil")),
        calls,
    )


def _error(pid: int, words: str) -> Exception:
    lowered = words.lower()
    if "permission denied" in lowered or "operation not permitted" in lowered:
        return NotPermitted(1, f"the memory of pid {pid} is not ours to read")
    if not os.path.exists(f"/proc/{pid}"):
        return NoSuchProcess(3, f"pid {pid} is gone")
    first = next((line for line in words.splitlines() if line.strip()), "it gave no reason").removeprefix(
        "Error: "
    )
    if "python version" in lowered or "python interpreter" in lowered or "find_interpreter" in lowered:
        return NotPython("py-spy", first)
    return OSError(f"py-spy: {first}")
