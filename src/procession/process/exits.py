"""How a process ended, as a record and in words."""

from __future__ import annotations

from procession.records import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procession.linux.pidfd import Status


@record
class Exit:
    """The end of a process: a ``code`` or a ``signal``, never both; neither for ``UNKNOWN``.

    ``reason`` is a phrase that follows a subject: "exited with code 3", "was killed by SIGKILL (9)".
    """

    code: int | None
    signal: int | None
    core_dumped: bool
    reason: str


UNKNOWN = Exit(None, None, core_dumped=False, reason="ended, and its exit status was taken by other code")


def exit_of(status: Status) -> Exit:
    """The Exit that a wait status means."""
    return Exit(status.code, status.signal, status.core_dumped, _reason(status))


def signal_name(signum: int) -> str:
    """``SIGKILL`` for 9; real-time signals as ``SIGRTMIN+3``."""
    import signal

    try:
        return signal.Signals(signum).name
    except ValueError:
        return f"SIGRTMIN+{signum - signal.SIGRTMIN}" if signum > signal.SIGRTMIN else f"signal {signum}"


def _reason(status: Status) -> str:
    if status.signal is not None:
        core = " and left a core dump" if status.core_dumped else ""
        return f"was killed by {signal_name(status.signal)} ({status.signal}){core}"
    if status.code == 0:
        return "ended normally"
    return f"exited with code {status.code}"
