"""What a child that is no copy of us needs: the same paths, the same ``__main__``, and its process object.

::

    parent: pack_up(process) ──▶ data, descriptors ──▶ spawn or fork server ──▶ child: Unpacked(...)

The main module is imported again in the child under the name ``__mp_main__`` (``multiprocessing.spawn``
does that), without which nothing of it could be unpickled.  Where it has no file to be imported from
(``python -c``, an interactive session, ``python -m package``), what comes from it travels by value.
"""

# ruff: noqa: SLF001 - the parts of one Process, and what multiprocessing keeps private

from __future__ import annotations

import os
import pickle
import signal
import sys
from multiprocessing import process as _process
from multiprocessing import reduction, spawn, util

from procession.errors import UnguardedMain
from procession.ipc import carry, classic
from procession.process import context

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection
    from typing import Any

    from procession.process.process import Process

# The standard library's own module, also while `multiprocessing` means ours.
_std_context: Any = reduction.context  # type: ignore[attr-defined]

importing = "the main module"  # in a child: its path or name
refused = False  # a process was to be started while it was being imported


def check_not_importing() -> None:
    """Raises UnguardedMain in a child that is still importing the main module."""
    global refused
    if getattr(_process.current_process(), "_inheriting", False):
        refused = True
        raise UnguardedMain(importing)


def pack_up(process: Process, mask: Collection[int], environment: bool = False) -> carry.Parcel:
    """Pickle a process object with all that it needs; raises what pickling raises, UnguardedMain.

    ``environment``: ours goes with it, because the child would have that of somebody else.
    """
    check_not_importing()
    surroundings = _surroundings(process, mask)
    if environment:
        surroundings["environ"] = dict(os.environb)
    has_main = "init_main_from_name" in surroundings or "init_main_from_path" in surroundings
    outer = _std_context.get_spawning_popen()
    # The standard library's own locks, queues and keys look for this before they let themselves be pickled.
    _std_context.set_spawning_popen(_Spawning())
    try:
        first = carry.pack(surroundings)
        try:
            second = carry.pack(process if has_main else _ByValue(process))
        except BaseException:
            first.close()
            raise
    finally:
        _std_context.set_spawning_popen(outer)
    data = pickle.dumps((first.data, len(first.descriptors), second.data), 5)
    return carry.Parcel(data, first.descriptors + second.descriptors, ())


class Unpacked:
    """Baggage in the child, opened in two steps: the second needs what the first has set."""

    mask: Collection[int]  # of the thread that started us

    def __init__(self, data: bytes, descriptors: tuple[int, ...]) -> None:
        self._surroundings, count, self._process = pickle.loads(data)
        self._first, self._second = descriptors[:count], descriptors[count:]

    def settle_in(self) -> None:
        """Make this process like the parent: keys, paths, folder, and the main module."""
        global importing
        data = carry.unpack(self._surroundings, self._first)
        self.mask = data.pop("mask")
        del data["tracker"]  # its arrival was all
        interrupt = signal.SIG_IGN if data.pop("ignores_interrupt") else signal.default_int_handler
        signal.signal(signal.SIGINT, interrupt)
        context.adopt(data.pop("methods"))
        environ = data.pop("environ", None)
        if environ is not None and environ != dict(os.environb):
            os.environb.clear()
            os.environb.update(environ)
        if install := data.pop("install"):
            install()  # before anything of the user's is imported
        importing = data.get("init_main_from_path") or data.get("init_main_from_name") or importing
        spawn.prepare(data)

    def process(self) -> Process:
        """The process object."""
        return carry.unpack(self._process, self._second)  # type: ignore[no-any-return]


def _surroundings(process: Process, mask: Collection[int]) -> dict[str, Any]:
    """Keys of ``multiprocessing.spawn.prepare`` first, then our own."""
    current = _process.current_process()
    folder = _process.ORIGINAL_DIR  # type: ignore[attr-defined]
    data: dict[str, Any] = {
        "name": process.name,
        "authkey": current.authkey,
        "log_to_stderr": util._log_to_stderr,  # type: ignore[attr-defined]
        "sys_path": [folder if entry == "" and folder else entry for entry in sys.path],
        "sys_argv": sys.argv,
        "orig_dir": folder,
        **main_module(),
    }
    if util._logger is not None:  # type: ignore[attr-defined]
        data["log_level"] = util._logger.getEffectiveLevel()  # type: ignore[attr-defined]
    try:
        data["dir"] = os.getcwd()
    except FileNotFoundError:
        pass  # it was removed: the child stays where the kernel puts it
    standard = _std_context._default_context
    if standard._actual_context is not None:
        data["start_method"] = standard.get_start_method()
    data["methods"] = context.chosen(process._start_method)
    data["ignores_interrupt"] = signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    data["mask"] = {int(number) for number in mask}
    data["tracker"] = _Tracker()
    data["install"] = classic.installer
    return data


def main_module() -> dict[str, str]:
    """How the child can import our main module, for ``spawn.prepare``; empty when it cannot."""
    folder = _process.ORIGINAL_DIR  # type: ignore[attr-defined]
    main = sys.modules["__main__"]
    name = getattr(getattr(main, "__spec__", None), "name", None)
    if name is not None:
        # A package's __main__ has no guard by custom, so that children never import it.
        skipped = name == "__main__" or name.endswith(".__main__")
        return {} if skipped else {"init_main_from_name": name}
    path = getattr(main, "__file__", None)
    if path is None:
        return {}
    if not os.path.isabs(path) and folder is not None:
        path = os.path.join(folder, path)
    if os.path.splitext(os.path.basename(path))[0] == "ipython" or not os.path.exists(path):
        return {}  # (a program read from stdin believes to be the file "<stdin>")
    return {"init_main_from_path": os.path.normpath(path)}


class _Spawning:
    """Stands for the child that is being made, for the reducers of ``multiprocessing.reduction``."""

    DupFd = carry.Shared

    def duplicate_for_child(self, fd: int) -> int:
        return int(carry.share(fd).index)


class _ByValue:
    def __init__(self, obj: object) -> None:
        self._obj = obj

    def __reduce__(self) -> tuple[object, ...]:
        return pickle.loads, (carry.by_value(self._obj),)


class _Tracker:
    """The standard library's resource tracker, if the parent has one: what it guards is shared with us."""

    def __reduce__(self) -> tuple[object, ...]:
        tracker = sys.modules.get("multiprocessing.resource_tracker")
        fd = tracker._resource_tracker._fd if tracker is not None else None
        return _adopt_tracker, (None if fd is None else carry.share(fd),)


def _adopt_tracker(shared: Any) -> None:
    if shared is not None:
        from multiprocessing import resource_tracker

        resource_tracker._resource_tracker._fd = shared.detach()  # type: ignore[attr-defined]
