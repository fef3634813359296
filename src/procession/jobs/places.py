"""Where the jobs of a user lie.  All folders are the user's alone (0700); others are refused.

::

    STATE/procession/jobs/
    ├─ book.sqlite
    ├─ runs/JOB.RUN/{claim,outcome}
    ├─ logs/JOB/RUN, RUN.index, RUN.1 ...
    └─ run/                   the runtime folder
       ├─ daemon.sock         requests
       ├─ daemon.lock         flock of the daemon, its pid inside
       └─ JOB.RUN.sock        of a keeper

STATE is XDG_STATE_HOME, or ~/.local/state.  The sockets are not in XDG_RUNTIME_DIR, which is taken away when its user
logs out everywhere: jobs survive that, and must be found again.  Only where the path is too long for a socket (107
bytes, unix(7)) they are.

PN_JOBS, an absolute path, replaces both (PN_JOBS/state and PN_JOBS/run): for tests, and for a second set of jobs.
"""

from __future__ import annotations

import os

from procession.errors import JobsError
from procession.pool.status_folder import made, runtime_folder
from procession.records import record

VARIABLE = "PN_JOBS"
_LONGEST = 107 - len("/1000000000.10000000.sock~")  # bytes of a runtime folder


@record
class Places:
    """The two folders; neither need be there yet."""

    state: str
    runtime: str

    @property
    def book(self) -> str:
        """The SQLite file."""
        return f"{self.state}/book.sqlite"

    @property
    def socket(self) -> str:
        """Of the daemon."""
        return f"{self.runtime}/daemon.sock"

    @property
    def lock(self) -> str:
        """Of the daemon."""
        return f"{self.runtime}/daemon.lock"

    def run(self, job: int, run: int) -> str:
        """The folder of one run; there from its order until its outcome is in the book."""
        return f"{self.state}/runs/{job}.{run}"

    def log(self, job: int, run: int) -> str:
        """The log of one run."""
        return f"{self.state}/logs/{job}/{run}"

    def keeper(self, job: int, run: int) -> str:
        """The socket of a keeper."""
        return f"{self.runtime}/{job}.{run}.sock"


def places() -> Places:
    """Those of this user, or of PN_JOBS."""
    own = os.environ.get(VARIABLE)
    if own:
        if not own.startswith("/"):
            raise JobsError(f"{VARIABLE}={own}: it must be an absolute path")
        return Places(f"{own}/state", f"{own}/run")
    state = f"{_state_folder()}/procession/jobs"
    runtime = f"{state}/run"
    if len(os.fsencode(runtime)) > _LONGEST:
        other = runtime_folder()
        if other is None:
            raise JobsError(f"{runtime} is too long a path for sockets: set PN_JOBS to a shorter one")
        runtime = f"{other}/procession/jobs"
    return Places(state, runtime)


def prepare(found: Places) -> None:
    """Make the folders.  Raises JobsError for one that is not ours alone, OSError for one that cannot be made."""
    for folder in (found.state, found.runtime):
        above = os.path.dirname(folder)
        if not os.environ.get(VARIABLE):
            os.makedirs(os.path.dirname(above), mode=0o700, exist_ok=True)
            if not folder.startswith(found.state):  # perhaps one in /tmp, where anybody may have been first
                _make(os.path.dirname(above))
        _make(above)
        _make(folder)
    for below in ("runs", "logs"):
        _make(f"{found.state}/{below}")


def _make(path: str) -> None:
    if not made(path):
        raise JobsError(
            f"{path} cannot be used: it must be a folder of user {os.geteuid()} into which nobody else may write"
        )


def _state_folder() -> str:
    # By hand and not by platformdirs: `pn jobs` would pay its import, and the rule is one line
    # (XDG Base Directory Specification 0.8: relative paths are ignored).
    home = os.environ.get("XDG_STATE_HOME", "")
    return home if home.startswith("/") else os.path.expanduser("~/.local/state")
