"""What became of a process, for ``result`` and ``join(check=True)``."""

# ruff: noqa: SLF001 - the parts of one Process, and what multiprocessing keeps private

from __future__ import annotations

from procession.errors import ProcessDied, RemoteError
from procession.ipc.carry import unpack
from procession.ipc.faults import RemoteTraceback, unpack_error
from procession.process import line
from procession.process.order import Waiting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from procession.process.handle import Handle
    from procession.process.process import Process


def result_of(process: Process, timeout: float | None) -> Any:
    """The value, or the exception, of a process that has been waited for."""
    handle = _ended(process)
    if handle is None:
        raise TimeoutError(f"process {process.name} still runs after {timeout} s")
    if isinstance(handle, Waiting):
        raise handle.failure or AssertionError("it was started, and is not waiting any more")
    if handle.message is not None and handle.message.kind == line.VALUE:
        # A finished result counts, also when the process has died of something else afterwards.
        return _value(process, handle, handle.message)
    if handle.message is not None:
        raise unpack_error(handle.message.data)
    check_end(process)
    return None


def check_end(process: Process) -> None:
    """Raise why the process did not end well, if it did not."""
    handle = _ended(process)
    if handle is None:
        return
    if isinstance(handle, Waiting):
        raise handle.failure or AssertionError("it was started, and is not waiting any more")
    exit = handle.exit
    if exit is None or exit.code == 0:
        return
    if exit.signal is None and handle.message is not None and handle.message.kind == line.FAILED:
        raise unpack_error(handle.message.data)
    raise ProcessDied(process.name, handle.pid, exit)


def _ended(process: Process) -> Handle | Waiting | None:
    """None while it runs, or waits."""
    handle = process._popen
    assert handle is not None, "can only ask for the result of a started process"
    if isinstance(handle, Waiting):
        return None if handle.failure is None else handle
    return None if handle.poll() is None else handle


def _value(process: Process, handle: Handle, message: line.Message) -> Any:
    """Unpickled once, by who asks for it: descriptors can be taken out of a message only once."""
    if not handle.opened:
        handle.opened = True
        handle.message = line.Message(message.kind, message.data, ())
        try:
            handle.value = unpack(message.data, message.descriptors)
        except Exception as error:
            text = f"The result of {process.name} arrived and could not be unpickled: {error!r}"
            handle.value = _Broken(f"{type(error).__module__}.{type(error).__qualname__}", str(error), text)
    if isinstance(handle.value, _Broken):
        raise handle.value.error() from RemoteTraceback(handle.value.text)
    return handle.value


class _Broken:
    """A value that does not unpickle."""

    def __init__(self, kind: str, words: str, text: str) -> None:
        self.kind = kind
        self.words = words
        self.text = text

    def error(self) -> RemoteError:
        return RemoteError(self.kind, self.words, self.text)
