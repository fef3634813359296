"""The error family: one root, the builtin bases that people catch, and facts that survive a journey."""

from __future__ import annotations

import pickle
import re
from typing import Any

import pytest

from procession import errors
from procession.copying.messages import Failure
from procession.copying.report import CopyReport
from procession.errors import ProcessionError
from procession.process.exits import Exit

EXIT = Exit(None, 9, core_dumped=False, reason="was killed by SIGKILL (9)")
FAMILY = sorted(
    (kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Exception)),
    key=lambda kind: kind.__name__,
)


def failed_report() -> CopyReport:
    failed = (Failure("/a", "it is on fire"),)
    return CopyReport(0, 0, 0, 0, 0, 0, 0, failed, 0.5, ("/b",))


def made(kind: type[Any]) -> ProcessionError:
    """One of each, with facts where it has any."""
    special: dict[type, tuple[Any, ...]] = {
        errors.Unsupported: ("openat2", "needs Linux 5.6"),
        errors.ManagerDied: ("/tmp/socket", 4242, "killed by signal 9"),
        errors.RemoteError: ("builtins.ValueError", "bad", "Traceback: ..."),
        errors.ProcessDied: ("Process-1", 4242, EXIT),
        errors.NotStarted: ("second", "it was terminated before that"),
        errors.DependencyFailed: ("second", "first", EXIT.reason, EXIT),
        errors.UnguardedMain: ("/home/me/script.py",),
        errors.WorkerDied: (7, 4242, EXIT, "photos/a.jpg"),
        errors.TaskTimeout: (7, 4242, 1.5, "photos/a.jpg"),
        errors.TaskNotBegun: ("resize('a')", "a result that it was to follow", "failed: KeyError: 1", None),
        errors.TaskErrors: ("1 of 2 tasks failed", [ValueError(1)], [3, 4]),
        errors.CopyFailed: (failed_report(),),
        errors.ChildStartFailed: ("supervisor", "web", "could not be started"),
        errors.RestartLimitReached: ("supervisor", "web", (("web", "exited with code 3"),), 1, 5.0),
    }
    error = kind(*special.get(kind, ("words",)))
    assert isinstance(error, ProcessionError)
    return error


@pytest.mark.parametrize("kind", FAMILY)
def test_an_error_survives_pickling_with_all_its_facts(kind: type[Any]) -> None:
    error = made(kind)
    error.add_note("a note")
    vars(error)["errno_of_ours"] = 5
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is kind
    assert str(again) == str(error)
    assert vars(again) == vars(error)
    assert again.__notes__ == ["a note"]


@pytest.mark.parametrize(
    ("kind", "base"),
    [
        (errors.NoSuchProcess, ProcessLookupError),
        (errors.NotPermitted, PermissionError),
        (errors.NotOurChild, ChildProcessError),
        (errors.ChannelClosed, EOFError),
        (errors.WorkerDied, errors.PoolError),
        (errors.RemoteError, errors.ProcessionError),
        (errors.CrewBroken, errors.PoolError),
        (errors.CopyFailed, errors.CopyError),
    ],
)
def test_errors_can_be_caught_by_their_builtin_and_family_names(kind: type, base: type) -> None:
    assert issubclass(kind, base)
    assert issubclass(kind, ProcessionError)


def test_the_tree_in_the_docstring_is_the_tree() -> None:
    drawn = dict(re.findall(r"^[ │├└─]*([A-Z]\w+)(?: +\((\w+)\))?", errors.__doc__ or "", re.MULTILINE))
    drawn = {name: base for name, base in drawn.items() if name in vars(errors)}
    assert set(drawn) == {kind.__name__ for kind in FAMILY}
    for name, base in drawn.items():
        assert not base or base in {kind.__name__ for kind in vars(errors)[name].__mro__}


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (errors.Unsupported("openat2"), "openat2 is not available here"),
        (errors.Unsupported("openat2", "needs Linux 5.6"), "openat2 is not available here: needs Linux 5.6"),
        (
            errors.WorkerDied(7, 4242, EXIT),
            "worker 4242 was killed by SIGKILL (9) in the middle of task 7",
        ),
        (
            errors.WorkerDied(7, 4242, EXIT, "a.jpg"),
            "worker 4242 was killed by SIGKILL (9) in the middle of task 7 (a.jpg)",
        ),
        (errors.RemoteError("m.Bad", "no way", "..."), "m.Bad: no way"),
    ],
)
def test_errors_say_whom_they_speak_of(error: ProcessionError, words: str) -> None:
    assert str(error) == words
