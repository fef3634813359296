"""The jobs of this user, from asyncio: as ``client.Client``, each method a coroutine.

Several tasks may ask over one client: answers find their requests by number.  A request that is cancelled (a wait with
``asyncio.timeout``) is forgotten here; the daemon forgets it with the connection.
"""

from __future__ import annotations

import asyncio
import contextlib

from procession.errors import JobsError
from procession.jobs import client_plain as made
from procession.jobs.client import REPEATABLE
from procession.jobs.plain import Malformed
from procession.jobs.wire import Frames, json_frame, json_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping, Sequence
    from typing import Any, Self

    from procession.jobs.client_plain import Event, Which
    from procession.jobs.job import Group, Job, Run
    from procession.jobs.outcome import Outcome

_PIECE = 256 << 10  # bytes
_TRIES = 10  # daemons that die one after the other


class AsyncClient:
    """An asynchronous context manager; connects at the first request, and starts the daemon if there is none."""

    def __init__(self, *, may_start: bool = True) -> None:
        self._may_start = may_start
        self._writer: asyncio.StreamWriter | None = None
        self._task: asyncio.Task[None] | None = None
        self._waiting: dict[int, asyncio.Queue[dict[str, Any]]] = {}
        self._number = 0
        self.warnings: tuple[str, ...] = ()  # see Client
        self._connecting = asyncio.Lock()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Let go of the connection; the next request makes another."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    # ── jobs ──

    async def submit(
        self,
        command: Sequence[str] | str,
        *,
        env: Mapping[str, str] | None = None,
        token: str | None = None,
        **fields: Any,
    ) -> Job:
        """A new job, stored when this returns; see Client."""
        answer = await self.request(**made.submission(command, env, token, fields))
        self.warnings = tuple(answer.get("warnings") or ())
        return made.jobs_of({"jobs": [answer["job"]]})[0]

    async def jobs(self) -> list[Job]:
        """All in the list, by number."""
        return made.jobs_of(await self.request("list", all=True))

    async def job(self, which: Which) -> Job:
        """One of them."""
        return made.jobs_of({"jobs": [(await self.request("show", job=which))["job"]]})[0]

    async def runs(self, which: Which) -> list[Run]:
        """All runs of a job."""
        return made.runs_of((await self.request("show", job=which))["runs"])

    async def words(self, which: Which) -> str:
        """The state of a job in words, with why."""
        return str((await self.request("show", job=which))["words"])

    async def find(self, *words: Which) -> list[int]:
        """The numbers of jobs."""
        return list((await self.request("find", words=list(words)))["jobs"])

    async def wait(self, which: Sequence[Which], any: bool = False) -> dict[int, Outcome]:
        """Until all of them (or ``any`` one) have ended for good; how they ended."""
        return made.outcomes_of(await self.request("wait", jobs=list(which), any=any))

    async def kill(self, *which: Which, signal: int | None = None, grace: float | None = None) -> None:
        """End them, or send a signal."""
        await self.request("kill", jobs=list(which), signal=signal, grace=grace)

    async def stop(self, *which: Which) -> None:
        """Suspend them."""
        await self.request("stop", jobs=list(which))

    async def cont(self, *which: Which) -> None:
        """Continue them."""
        await self.request("cont", jobs=list(which))

    async def restart(self, *which: Which) -> None:
        """Run them again."""
        await self.request("restart", jobs=list(which))

    async def type(self, which: Which, text: str) -> None:
        """Type into its terminal."""
        await self.request("type", job=which, text=text)

    async def edit(self, which: Which, **changes: Any) -> Job:
        """Change fields of its spec."""
        answer = await self.request("edit", job=which, changes=made.plain_changes(changes))
        return made.jobs_of({"jobs": [answer["job"]]})[0]

    async def clean(self, *which: Which, older: float | None = None, failed: bool = False) -> list[int]:
        """Forget these, or all that have ended well."""
        answer = await self.request("clean", jobs=list(which) or None, older=older, failed=failed)
        return list(answer["removed"])

    async def history(self, limit: int = 50, since: float | None = None) -> list[Run]:
        """The last runs that have ended, the oldest first."""
        return made.runs_of((await self.request("history", limit=limit, since=since))["runs"])

    async def logs(self, which: Which, run: int | None = None) -> AsyncGenerator[bytes, None]:
        """The output of a run (None: the last), in pieces of at most 64 KiB."""
        from procession.jobs.log_read import LogReader
        from procession.jobs.places import places

        job = await self.job(which)
        with LogReader(places().log(job.id, job.runs if run is None else run)) as log:
            for piece in log.pieces():
                yield piece
                await asyncio.sleep(0)  # a long log lets the others have their turn

    # ── groups, and the daemon ──

    async def group(
        self, name: str, *, slots: int | None = None, paused: bool | None = None, remove: bool = False
    ) -> list[Group]:
        """Make a group or change it; all there are then."""
        answer = await self.request("group", name=name, slots=slots, paused=paused, remove=remove)
        return made.groups_of(answer)

    async def groups(self) -> list[Group]:
        """Those that somebody has named."""
        return made.groups_of(await self.request("group"))

    async def status(self) -> dict[str, Any]:
        """Of the daemon."""
        return {name: value for name, value in (await self.request("status")).items() if name != "id"}

    async def configure(self, **settings: float | None) -> None:
        """See Client."""
        await self.request("configure", **settings)

    async def halt(self, *, end_jobs: bool = False) -> None:
        """End the daemon."""
        await self.request("halt", jobs="end" if end_jobs else "leave")
        await self.aclose()

    async def watch(self) -> AsyncGenerator[Event, None]:
        """All changes from now.  Raises DaemonGone when the daemon dies."""
        number, queue = await self._send({"do": "watch"})
        try:
            _taken(await queue.get())
            while True:
                yield made.event_of(_taken(await queue.get()))
        finally:
            self._waiting.pop(number, None)

    # ── below ──

    async def request(self, do: str, **fields: Any) -> dict[str, Any]:
        """Ask the daemon anything of docs/decisions/0013-jobs.md; its answer."""
        for left in range(_TRIES, -1, -1):
            try:
                return await self._exchange({"do": do, **fields})
            except made.Lost:
                if do not in REPEATABLE or not left:
                    raise
        raise AssertionError

    async def _exchange(self, message: dict[str, Any]) -> dict[str, Any]:
        number, queue = await self._send(message)
        try:
            return _taken(await queue.get())
        finally:
            self._waiting.pop(number, None)

    async def _send(self, message: dict[str, Any]) -> tuple[int, asyncio.Queue[dict[str, Any]]]:
        async with self._connecting:
            if self._task is None or self._task.done():
                await self._connect()
            self._number += 1
            number = self._number
            queue = self._waiting[number] = asyncio.Queue()
            assert self._writer is not None
            try:
                self._writer.write(json_frame({**message, "id": number}))
                await self._writer.drain()
            except Malformed as error:
                raise JobsError(f"the request is too long: {error}") from None
            except OSError:
                pass  # the reader hears of it, and of why
            return number, queue

    async def _connect(self) -> None:
        import socket

        from procession.jobs.start import connected

        found = await asyncio.to_thread(lambda: connected(may_start=self._may_start))
        sock = socket.socket(fileno=found.detach())
        sock.setblocking(False)
        reader, self._writer = await asyncio.open_unix_connection(sock=sock)
        self._task = asyncio.create_task(self._read(reader, self._writer))

    async def _read(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        frames = Frames()
        try:
            while piece := await reader.read(_PIECE):
                for _, body in frames.feed(piece):
                    self._deliver(json_of(body))
        except (OSError, Malformed):
            pass
        finally:
            for queue in self._waiting.values():
                queue.put_nowait({"gone": True})
            self._waiting.clear()
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    def _deliver(self, found: dict[str, Any]) -> None:
        number = found.get("id")
        for queue in (
            list(self._waiting.values()) if number is None else filter(None, [self._waiting.get(number)])
        ):
            queue.put_nowait(found)


def _taken(found: dict[str, Any]) -> dict[str, Any]:
    if "gone" in found:
        raise made.Lost("the daemon of the jobs is gone: try again")
    made.raise_error(found)
    return found
