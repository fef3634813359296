"""Start method ``spawn``: a fresh interpreter, given what it needs as pickles and descriptors."""

# ruff: noqa: SLF001 - the parts of one Process, and what multiprocessing keeps private

from __future__ import annotations

import os
import signal
import sys
from multiprocessing import spawn, util

from procession.linux.keepalive import arm
from procession.linux.memfd import create_memfd
from procession.linux.pidfd import open_pidfd
from procession.process import ending, reaper
from procession.process.handle import Handle, Own
from procession.process.lifeline import lifeline
from procession.process.line import make_line, read_whole, write_whole
from procession.process.options import KEEP
from procession.process.start import SignalsHeld, hold_or_kill

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from procession.ipc.carry import Parcel
    from procession.process.options import Options
    from procession.process.process import Process


class Spawned(Own):
    """A child that is a fresh interpreter."""

    method = "spawn"


def launch(process: Process) -> Handle:
    """Pack the process object and start an interpreter that unpacks and runs it."""
    from procession.process.baggage import pack_up

    parcel = pack_up(process, signal.pthread_sigmask(signal.SIG_BLOCK, ()))
    try:
        return launch_packed(parcel, process.name, process._options, process._begun)
    finally:
        parcel.close()


def launch_packed(parcel: Parcel, name: str, options: Options, begun: Callable[[Handle], None]) -> Handle:
    """Start an interpreter for a process object that is packed already; any thread may do that.

    ``begun`` is called with the handle while signals are held.
    """
    util._flush_std_streams()  # type: ignore[attr-defined]
    ending.arrange()
    mine, theirs = make_line()
    memory = -1
    handle = None
    try:
        memory = create_memfd("pn-baggage", 0)
        write_whole(memory, parcel.data)
        given = (memory, theirs.fileno(), lifeline().read_fd, *parcel.descriptors)
        with SignalsHeld():
            pid = run_interpreter(
                f"procession.process.spawned:main({given}, {options.orphans == KEEP})", given
            )
            handle = Spawned(pid, hold_or_kill(pid, open_pidfd), mine, name, options)
            reaper.watch(handle)
            begun(handle)
            return handle
    finally:
        theirs.close()
        if handle is None:
            mine.close()
        if memory >= 0:
            os.close(memory)


def run_interpreter(entry: str, given: Sequence[int]) -> int:
    """Run ``module:call`` in a fresh interpreter with the same flags; it gets the given descriptors only.

    Called inside SignalsHeld: the new process starts with all signals blocked.
    """
    module, _, call = entry.partition(":")
    # The folder that holds the package, wherever this interpreter found it.  It leaves the path again at
    # once: it may be full of other packages, and some of them have the names of standard modules.
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    code = (
        f"import sys; sys.path.insert(0, {root!r}); import procession; del sys.path[0]; "
        # A file in the current folder must not pass for a standard module; the real path comes later.
        f"'' in sys.path and sys.path.remove(''); import {module}; {module}.{call}"
    )
    program: Any = spawn.get_executable()  # str or bytes
    flags = util._args_from_interpreter_flags()  # type: ignore[attr-defined]
    argv = [program, *flags, "-c", code, "--multiprocessing-fork"]
    return int(util.spawnv_passfds(program, argv, given))


def main(given: tuple[int, ...], keep: bool) -> None:
    """The first words of the new interpreter."""
    # Only a Ctrl-C waits until somebody can take it.
    signal.pthread_sigmask(signal.SIG_SETMASK, {signal.SIGINT})
    for fd in given:
        os.set_inheritable(fd, False)
    memory, upward, read_fd, *descriptors = given
    sentinel = read_fd if keep else arm(read_fd)
    data = read_whole(memory)
    os.close(memory)

    from procession.process.bootstrap import arrive, hush

    code, interrupted = arrive(data, tuple(descriptors), upward, sentinel)
    if interrupted:
        hush()
        raise KeyboardInterrupt  # the interpreter shuts down in good order and then ends by SIGINT
    sys.exit(code)
