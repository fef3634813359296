"""The jobs of this user, from Python.

    with Client() as jobs:
        job = jobs.submit(["make", "all"], name="build")
        print(jobs.wait([job.id])[job.id].code)

A job is named by its number or by a word as in a shell ("%make", "%+", "build").  All methods raise JobsError for what
is refused, NoSuchJob, and DaemonGone when there is no daemon and none can be started.
"""

from __future__ import annotations

import time
from collections import deque

from procession.errors import JobsError
from procession.jobs import client_plain as made
from procession.jobs.client_plain import Event
from procession.jobs.plain import Malformed
from procession.jobs.wire import Frames, json_frame

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from socket import socket
    from typing import Any, Self

    from procession.jobs.client_plain import Which
    from procession.jobs.job import Group, Job, Run
    from procession.jobs.outcome import Outcome

_PIECE = 256 << 10  # bytes
_TRIES = 10  # daemons that die one after the other
# Asked again on a new connection when the first was lost: what they do is the same done twice.
REPEATABLE = frozenset(
    ("submit", "find", "list", "show", "history", "status", "wait", "touch", "configure", "edit", "watch")
)


class Client:
    """A connection to the daemon, made at the first request; the daemon is started if there is none.

    Not for several threads at once.  ``may_start`` False: raise DaemonGone instead of starting one.
    """

    def __init__(self, *, may_start: bool = True) -> None:
        self._may_start = may_start
        self._sock: socket | None = None
        self._frames = Frames()
        self._ready: deque[tuple[bytes, bytes]] = deque()
        self._number = 0
        self.warnings: tuple[str, ...] = ()  # of the last submission: what may become of jobs here

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the connection; the next request makes another."""
        if self._sock is not None:
            self._sock.close()
            self._sock = None
        self._frames = Frames()
        self._ready.clear()

    # ── jobs ──

    def submit(
        self,
        command: Sequence[str] | str,
        *,
        env: Mapping[str, str] | None = None,
        token: str | None = None,
        **fields: Any,
    ) -> Job:
        """A new job, stored when this returns.  A text is for the shell.  ``fields``: those of Spec.  ``env``: None is
        the environment of this process.  ``token``: a second submission with the same one gives the same job."""
        answer = self.request(**made.submission(command, env, token, fields))
        self.warnings = tuple(answer.get("warnings") or ())
        return made.jobs_of({"jobs": [answer["job"]]})[0]

    def jobs(self) -> list[Job]:
        """All in the list, by number."""
        return made.jobs_of(self.request("list", all=True))

    def job(self, which: Which) -> Job:
        """One of them."""
        return made.jobs_of({"jobs": [self.request("show", job=which)["job"]]})[0]

    def runs(self, which: Which) -> list[Run]:
        """All runs of a job, the last one perhaps under way."""
        return made.runs_of(self.request("show", job=which)["runs"])

    def words(self, which: Which) -> str:
        """The state of a job in words, with why."""
        return str(self.request("show", job=which)["words"])

    def find(self, *words: Which) -> list[int]:
        """The numbers of jobs."""
        return list(self.request("find", words=list(words))["jobs"])

    def wait(
        self,
        which: Sequence[Which],
        any: bool = False,
        timeout: float | None = None,
    ) -> dict[int, Outcome]:
        """Until all of them (or ``any`` one) have ended for good; how they ended.  Raises TimeoutError after
        ``timeout`` seconds."""
        deadline = None if timeout is None else time.monotonic() + timeout
        return made.outcomes_of(self._ask({"do": "wait", "jobs": list(which), "any": any}, deadline))

    def kill(self, *which: Which, signal: int | None = None, grace: float | None = None) -> None:
        """End them: SIGTERM, ``grace`` seconds (None: their own), SIGKILL, each with its tree; or send a signal."""
        self.request("kill", jobs=list(which), signal=signal, grace=grace)

    def stop(self, *which: Which) -> None:
        """Suspend them."""
        self.request("stop", jobs=list(which))

    def cont(self, *which: Which) -> None:
        """Continue them."""
        self.request("cont", jobs=list(which))

    def restart(self, *which: Which) -> None:
        """Run them again, at once or after their end."""
        self.request("restart", jobs=list(which))

    def type(self, which: Which, text: str) -> None:
        """Type into its terminal."""
        self.request("type", job=which, text=text)

    def edit(self, which: Which, **changes: Any) -> Job:
        """Change fields of its spec."""
        answer = self.request("edit", job=which, changes=made.plain_changes(changes))
        return made.jobs_of({"jobs": [answer["job"]]})[0]

    def clean(self, *which: Which, older: float | None = None, failed: bool = False) -> list[int]:
        """Forget these, or all that have ended well (``failed``: or not), ``older`` seconds ago at least."""
        chosen = list(which) or None
        return list(self.request("clean", jobs=chosen, older=older, failed=failed)["removed"])

    def history(self, limit: int = 50, since: float | None = None) -> list[Run]:
        """The last runs that have ended, the oldest first, also of jobs that have been forgotten."""
        return made.runs_of(self.request("history", limit=limit, since=since)["runs"])

    def logs(self, which: Which, run: int | None = None) -> Iterator[bytes]:
        """The output of a run (None: the last), in pieces, as far as there is any."""
        from procession.jobs.log_read import LogReader
        from procession.jobs.places import places

        job = self.job(which)
        number = job.runs if run is None else run
        with LogReader(places().log(job.id, number)) as log:
            yield from log.pieces()

    # ── groups, and the daemon ──

    def group(
        self, name: str, *, slots: int | None = None, paused: bool | None = None, remove: bool = False
    ) -> list[Group]:
        """Make a group or change it; all there are then."""
        return made.groups_of(self.request("group", name=name, slots=slots, paused=paused, remove=remove))

    def groups(self) -> list[Group]:
        """Those that somebody has named."""
        return made.groups_of(self.request("group"))

    def status(self) -> dict[str, Any]:
        """Of the daemon: pid, version, since (Unix time), jobs by state, warnings and more."""
        return {name: value for name, value in self.request("status").items() if name != "id"}

    def configure(self, **settings: float | None) -> None:
        """``idle``, ``log_max``, ``log_keep``, ``log_age``; None: as it is by default."""
        self.request("configure", **settings)

    def halt(self, *, end_jobs: bool = False) -> None:
        """End the daemon; jobs that run go on, or are ended before."""
        self.request("halt", jobs="end" if end_jobs else "leave")
        self.close()

    def watch(self) -> Watch:
        """All changes from now: an iterator and a context manager, with a connection of its own."""
        return Watch(Client(may_start=self._may_start))

    # ── below ──

    def request(self, do: str, **fields: Any) -> dict[str, Any]:
        """Ask the daemon anything of docs/decisions/0013-jobs.md; its answer."""
        return self._ask({"do": do, **fields}, None)

    def _ask(self, message: dict[str, Any], deadline: float | None) -> dict[str, Any]:
        try:
            return self._exchange(message, deadline)
        except made.Lost as error:
            self.close()
            if message["do"] not in REPEATABLE and not isinstance(error, made.Unsent):
                raise
        return self._patiently(message, deadline)

    def _patiently(self, message: dict[str, Any], deadline: float | None) -> dict[str, Any]:
        """The next daemon may die as well."""
        for _ in range(_TRIES):
            try:
                return self._exchange(message, deadline)
            except made.Lost as error:
                self.close()
                last = error
        raise last

    def _exchange(self, message: dict[str, Any], deadline: float | None) -> dict[str, Any]:
        from procession.jobs.start import connected

        if self._sock is None:
            self._sock = connected(may_start=self._may_start)
        self._number += 1
        number = self._number
        is_sent = self._send({**message, "id": number})
        while True:
            try:
                found = self.next_message(deadline)
            except made.Lost as error:
                if is_sent:
                    raise
                raise made.Unsent(str(error)) from None
            if found.get("id") in (number, None):
                return found

    def _send(self, message: dict[str, Any]) -> bool:
        """Has the daemon got all of it?  If not it is gone, or has said why before it closed."""
        assert self._sock is not None
        try:
            self._sock.settimeout(None)
            self._sock.sendall(json_frame(message))
        except (BrokenPipeError, ConnectionResetError):
            return False
        except Malformed as error:
            raise JobsError(f"the request is too long: {error}") from None
        return True

    def next_message(self, deadline: float | None = None) -> dict[str, Any]:
        """The next object that the daemon sends, of whatever request.  Raises TimeoutError at ``deadline``
        (time.monotonic())."""
        while True:
            if self._ready:
                return made.answer_of(*self._ready.popleft())
            self._receive(deadline)

    def _receive(self, deadline: float | None) -> None:
        assert self._sock is not None
        try:
            self._sock.settimeout(None if deadline is None else max(1e-6, deadline - time.monotonic()))
            piece = self._sock.recv(_PIECE)
        except TimeoutError:
            self.close()  # the answer may come yet, and belongs to nobody
            raise TimeoutError("the jobs have not ended in that time") from None
        except OSError as error:
            raise made.Lost(f"the daemon of the jobs is gone: {error}") from None
        if not piece:
            raise made.Lost("the daemon of the jobs is gone: try again")
        try:
            self._ready.extend(self._frames.feed(piece))
        except Malformed as error:
            raise made.Lost(f"the daemon of the jobs sent {error}") from None


class Watch:
    """Changes, one after the other.  When the daemon has died the next one is asked, and an event of kind "again" says
    that something may have been missed."""

    def __init__(self, client: Client) -> None:
        self._client = client
        client.request("watch")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Event:
        try:
            return made.event_of(self._client.next_message())
        except made.Lost:
            self._client.close()
            self._client.request("watch")
            return Event("again")

    def close(self) -> None:
        """No more of them."""
        self._client.close()
