"""What a job is asked to be: one flat record, the same in the book, on the wire and in an order."""

from __future__ import annotations

from procession.records import record

NO, ON_FAILURE, ALWAYS = "no", "on-failure", "always"  # restart
END, WAIT = "end", "wait"  # leftovers


@record
class Spec:
    """A job as it was asked for.  Times are seconds, moments are Unix times, sizes are bytes.

    ``command``: the words, or with ``shell`` one word of shell syntax for ``/bin/sh -c``.  ``after``,
    ``after_any``, ``after_failed``: numbers of jobs that must have ended well, ended, ended badly.  ``at``: not
    before.  ``priority``: the higher is begun first among those of a group.  ``retries``: how often a run that
    failed is repeated; ``backoff`` is the wait before the first repetition, doubled each time.  ``restart``: NO,
    ON_FAILURE or ALWAYS, after ``restart_delay`` seconds, doubled up to ``restart_cap``, less a share ``jitter``
    drawn at random, and never more than ``restart_limit`` times within ``restart_within``.  ``timeout``: of each
    run.  ``memory``, ``cpu`` (1.0: one core's worth), ``files`` (open descriptors, each process): limits of the
    whole tree; None: none.  ``umask`` and ``cwd`` are those of who asked.  ``pty``: with a terminal of its own,
    ``rows`` by ``columns``.  ``leftovers``: what becomes of processes that outlive the command: END or WAIT.
    ``grace``: between SIGTERM and SIGKILL.  ``remove``: forget the job when it has ended well.  ``notify``: a
    shell command for its end.  ``ready``: "log:TEXT", "port:N", "file:PATH" or "".  ``adopt``: the pid of a
    process that runs already, with ``adopt_start``, its start time in clock ticks after boot; then there is no
    command to start.
    """

    command: tuple[str, ...]
    shell: bool = False
    name: str = ""
    group: str = "default"
    after: tuple[int, ...] = ()
    after_any: tuple[int, ...] = ()
    after_failed: tuple[int, ...] = ()
    at: float | None = None
    priority: int = 0
    retries: int = 0
    backoff: float = 1.0
    restart: str = NO
    restart_delay: float = 1.0
    restart_cap: float = 300.0
    restart_limit: int = 5
    restart_within: float = 60.0
    jitter: float = 0.1
    timeout: float | None = None
    memory: int | None = None
    cpu: float | None = None
    files: int | None = None
    cwd: str = "/"
    umask: int = 0o022
    nice: int = 0
    pty: bool = False
    rows: int = 24
    columns: int = 80
    leftovers: str = END
    grace: float = 5.0
    remove: bool = False
    notify: str = ""
    ready: str = ""
    adopt: int | None = None
    adopt_start: int = 0
