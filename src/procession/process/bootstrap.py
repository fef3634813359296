"""In the child: from the first line of ours to the last, the same for all three start methods.

The standard library's ``_bootstrap`` does the work (current and parent process, after-fork hooks,
SystemExit, the traceback on stderr).  Around the user's ``run`` we put what goes beyond it: limits, the
signals that were held until here, the outcome for ``result``, and a quiet end after Ctrl-C.
"""

# ruff: noqa: SLF001 - the parts of one Process, and what multiprocessing keeps private

from __future__ import annotations

import atexit
import os
import signal
import sys
from multiprocessing import process as _process
from multiprocessing import util

from procession.errors import ChannelClosed
from procession.ipc.carry import pack
from procession.ipc.faults import pack_error
from procession.process import ending, line
from procession.process.options import KEEP
from procession.process.tree import mark_ourselves

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Collection
    from typing import Any

    from procession.process.process import Process


class Conduct:
    """One run of a process object in its child."""

    def __init__(
        self,
        process: Process,
        upward: socket.socket,
        mask: Collection[int],
        gate: Callable[[], None] | None = None,
    ) -> None:
        self.process = process
        self.line = upward
        self.mask = mask
        self.gate = gate
        self.interrupted = False

    def live(self, parent_sentinel: int) -> int:
        """Run the process object; its exit code."""
        # An attribute of the object wins over the method of its class; it goes when it is called.
        self.process.run = self.run  # type: ignore[method-assign]
        process: Any = self.process
        return int(process._bootstrap(parent_sentinel=parent_sentinel))

    def run(self) -> None:
        """Stands in for ``process.run``, and calls it."""
        vars(self.process).pop("run", None)
        try:
            self._run()
        except KeyboardInterrupt:
            # No traceback: who pressed Ctrl-C sees the parent's.  ``finish`` ends this process by SIGINT.
            self.interrupted = True
            raise SystemExit(1) from None
        finally:
            if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
                # From here on it is our own code and the interpreter's that a Ctrl-C would tear apart.
                signal.signal(signal.SIGINT, signal.SIG_DFL)
            ending.see_to_children(self.interrupted)

    def _run(self) -> None:
        options = self.process._options
        mark_ourselves(self.process._mark)
        if options.orphans == KEEP:
            _note_as_kept(self.process)
        spare = -1
        if options.limits is not None:
            spare = os.dup(self.line.fileno())
            options.limits.apply()
        try:
            if self.gate is not None:
                self.gate()
            signal.pthread_sigmask(signal.SIG_SETMASK, self.mask)
            value = self.process.run()
        except (SystemExit, KeyboardInterrupt):
            raise
        except BaseException as error:
            if spare >= 0:
                os.close(spare)  # a traceback needs a descriptor, for the lines that it shows
            trace = error.__traceback__
            self._tell(line.FAILED, pack_error(error.with_traceback(trace and trace.tb_next)))
            raise
        if value is not None:
            self._tell_value(value)

    def _tell_value(self, value: Any) -> None:
        try:
            parcel = pack(value)
        except Exception as error:
            # Not the process's failure: nobody may ever ask for the value.
            error.add_note(
                f"(the result of {self.process.name}, a {type(value).__qualname__}, cannot be sent)"
            )
            self._tell(line.FAILED, pack_error(error))
            return
        try:
            self._tell(line.VALUE, parcel.data, parcel.descriptors)
        finally:
            parcel.close()

    def _tell(self, kind: bytes, data: bytes, descriptors: tuple[int, ...] = ()) -> None:
        try:
            line.post(self.line, kind, data, descriptors)
        except (ChannelClosed, OSError, ValueError):
            pass  # the parent has forgotten us, or there is no room left for it


def leave(code: int, interrupted: bool) -> None:
    """End a forked process, after its exit handlers; never returns."""
    try:
        atexit._run_exitfuncs()
        util._flush_std_streams()  # type: ignore[attr-defined]
    finally:
        if interrupted:
            die_of_interrupt()
        os._exit(code)


def arrive(data: bytes, descriptors: tuple[int, ...], upward: int, sentinel: int) -> tuple[int, bool]:
    """Unpack a process object and run it; its exit code, and whether a Ctrl-C ended it."""
    import socket

    from procession.process.baggage import Unpacked

    me = _process.current_process()
    me._inheriting = True  # type: ignore[attr-defined]
    wire = socket.socket(fileno=upward)
    wire.setblocking(True)
    try:
        baggage = Unpacked(data, descriptors)
        baggage.settle_in()
        process = baggage.process()
    except BaseException as error:
        return _report_arrival(error, wire), False
    finally:
        del me._inheriting  # type: ignore[attr-defined]
    conduct = Conduct(process, wire, baggage.mask)
    return conduct.live(sentinel), conduct.interrupted


def _report_arrival(error: BaseException, wire: socket.socket) -> int:
    """The process object never came to life: say why, on stderr and to the parent."""
    from procession.errors import UnguardedMain
    from procession.process import baggage

    name = _process.current_process().name
    if baggage.refused or isinstance(error, SystemExit):
        # Whatever the main module has made of our refusal: one message, and not its traceback.
        error = error if isinstance(error, UnguardedMain) else UnguardedMain(baggage.importing)
        sys.stderr.write(f"Process {name}: RuntimeError: {error}\n")
    elif not isinstance(error, KeyboardInterrupt):
        import traceback

        sys.stderr.write(f"Process {name}:\n")
        traceback.print_exception(error)
    try:
        line.post(wire, line.FAILED, pack_error(error))
    except (ChannelClosed, OSError):
        pass
    util._flush_std_streams()  # type: ignore[attr-defined]
    return 1


def clear_exit_handlers() -> None:
    """In a forked child: the parent's exit handlers are not ours, those of multiprocessing are."""
    atexit._clear()
    atexit.register(util._exit_function)  # type: ignore[attr-defined]


def die_of_interrupt() -> None:
    """End as a program does that knows nothing of SIGINT, so that parents and shells see why."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    os.kill(os.getpid(), signal.SIGINT)


def hush() -> None:
    """No traceback from the KeyboardInterrupt that is to be raised next."""
    sys.excepthook = lambda *_: None


def _note_as_kept(process: Process) -> None:
    """A descriptor whose name says so: /proc/PID/fd shows it to ``pn`` and to everybody else."""
    from procession.linux.memfd import create_memfd

    words = f"pn-kept:{process._parent_pid}:{process.name}"
    create_memfd(words.encode("ascii", "replace").decode()[:200], 0)
