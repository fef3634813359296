"""How a process ended, as a record and in words."""

from __future__ import annotations

from procession.records import record, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procession.linux.pidfd import Status

SIGKILL, SIGXCPU = 9, 24


@record
class Exit:
    """The end of a process: a ``code`` or a ``signal``, never both; neither for ``UNKNOWN``.

    ``reason`` is a phrase that follows a subject: "exited with code 3", "was killed by SIGKILL (9)".
    ``cpu_seconds`` (user and system) and ``peak_memory`` (bytes, the largest resident set) are those of the
    process with the children that it has waited for (getrusage(2)); None where nobody measured them.
    """

    code: int | None
    signal: int | None
    core_dumped: bool
    reason: str
    cpu_seconds: float | None = None
    peak_memory: int | None = None


@record
class Usage:
    """What a process has used, as wait4(2) tells: CPU in seconds, peak memory in bytes."""

    cpu_seconds: float
    peak_memory: int


UNKNOWN = Exit(None, None, core_dumped=False, reason="ended, and its exit status was taken by other code")


def exit_of(status: Status, usage: Usage | None = None) -> Exit:
    """The Exit that a wait status means."""
    cpu, peak = (usage.cpu_seconds, usage.peak_memory) if usage else (None, None)
    return Exit(status.code, status.signal, status.core_dumped, _reason(status), cpu, peak)


def explained(exit: Exit, words: str) -> Exit:
    """The same end with a better reason."""
    return replace(exit, reason=words)


def returncode_of(exit: Exit) -> int:
    """The number that ``exitcode`` shows: the code, or minus the signal; 255 when nobody can know."""
    if exit.signal is not None:
        return -exit.signal
    return 255 if exit.code is None else exit.code


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
