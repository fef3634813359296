"""What a process may be told beyond what the standard library knows."""

from __future__ import annotations

from procession.records import record

DIE, KEEP = "die", "keep"


@record
class Limits:
    """What the process itself may use at most; None: no limit.  Its children inherit them, each anew.

    ``memory``: bytes of heap and other private writable memory (RLIMIT_DATA, so shared memory, files and
    code do not count); beyond it the process gets a MemoryError.  ``cpu_seconds``: whole seconds of CPU
    (RLIMIT_CPU); then SIGXCPU, and a second later SIGKILL.  ``open_files``: descriptors (RLIMIT_NOFILE);
    then OSError EMFILE.
    """

    memory: int | None = None
    cpu_seconds: int | None = None
    open_files: int | None = None

    def apply(self) -> None:
        """Set them for this process.  A hard limit below the wish stays as it is."""
        import resource

        for which, wish, spare in (
            (resource.RLIMIT_DATA, self.memory, 0),
            (resource.RLIMIT_CPU, self.cpu_seconds, 1),
            (resource.RLIMIT_NOFILE, self.open_files, 0),
        ):
            if wish is not None:
                _, hard = resource.getrlimit(which)
                most = wish + spare if hard == resource.RLIM_INFINITY else min(wish + spare, hard)
                resource.setrlimit(which, (min(wish, most), most))


@record
class Options:
    """Of one process: ``timeout`` and ``grace`` in seconds; ``orphans`` is DIE or KEEP."""

    timeout: float | None = None
    grace: float = 5.0
    limits: Limits | None = None
    orphans: str = DIE


def checked(timeout: float | None, grace: float, limits: Limits | None, orphans: str) -> Options:
    """The options, or ValueError in the caller's words."""
    if timeout is not None and timeout <= 0:
        raise ValueError(f"timeout={timeout!r}: it must be more than 0 seconds")
    if grace < 0:
        raise ValueError(f"grace={grace!r}: it must not be negative")
    if orphans not in (DIE, KEEP):
        raise ValueError(f"orphans={orphans!r}: it must be {DIE!r} or {KEEP!r}")
    return Options(timeout, grace, limits, orphans)
