"""The daemon's lines to the keepers: orders, what they tell, and what is found where one tells nothing any more.

``recover`` is asked again and again with the same answer until the plan has moved on; it is the one place that decides
what has become of a run, at the start of a daemon and after the end of each line.  docs/decisions/0013-jobs.md,
"A run begins once, and ends once".
"""

from __future__ import annotations

import os
import select
import socket

from procession.jobs import claims, faults
from procession.jobs.daemon_told import hear
from procession.jobs.job import Ending, Starting
from procession.jobs.keeper_links import Gone, Link
from procession.jobs.plain import Malformed, plain
from procession.jobs.wire import JSON, json_of
from procession.linux.procfs import boot_id

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from procession.jobs.daemon_ledger import Ledger
    from procession.jobs.daemon_nursery import Nursery
    from procession.jobs.keeper_loop import Loop
    from procession.jobs.places import Places

    Key = tuple[int, int]

_FIRST, _LAST = 0.05, 10.0  # seconds between attempts, doubled each time
_KILLED = "its keeper was killed"


class Keepers:
    """Of all runs that are under way."""

    def __init__(self, ledger: Ledger, loop: Loop, nursery: Nursery, places: Places) -> None:
        self._ledger, self._loop, self._nursery, self._places = ledger, loop, nursery, places
        self._links: dict[Key, Link] = {}
        self._sweeps: dict[Key, int] = {}  # the read end that closes with the sweep
        self._attempts: dict[Key, int] = {}
        self._voids = 0  # orders in a row that came to nothing
        self.trouble = ""  # why an order could not be given, as one line

    # ── actions of the plan ──

    def order(self, job: int, run: int, mark: str) -> None:
        """Make the folder of the run and have a keeper forked for it."""
        try:
            self._order(job, run, mark)
            self.trouble = ""
        except OSError as error:
            self.trouble = f"job {job} cannot be begun: {error}"
            self._later((job, run))

    def _order(self, job: int, run: int, mark: str) -> None:
        ledger = self._ledger
        found = ledger.plan.jobs[job]
        os.mkdir(self._places.run(job, run), 0o700)
        faults.point("folder")
        try:
            env = ledger.book.environment(found.environment)
        except KeyError:
            env = {}
        message = {"do": "keep", "job": job, "run": run, "mark": mark, "spec": plain(found.spec), "env": env}
        for name in ("log_max", "log_keep", "log_age"):
            value = ledger.book.setting(name)
            if value is not None:
                message[name] = float(value) if name == "log_age" else int(value)
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        self._nursery.order(message, theirs.detach())
        self._add((job, run), Link(ours))

    def tell(self, job: int, run: int, message: dict[str, Any]) -> bool:
        """To the keeper of the run; False: nobody listens."""
        link = self._links.get((job, run))
        if link is None:
            return False
        try:
            link.say(message)
        except Gone:
            self._ended((job, run))
            return False
        faults.point("told-keeper")
        self._await((job, run), link)
        return True

    def sweep(self, job: int, run: int, mark: str) -> None:
        """Have everything ended that carries the mark; the plan hears of it."""
        key = job, run
        if key in self._sweeps:
            return
        try:
            reader, writer = os.pipe2(os.O_CLOEXEC)
        except OSError as error:
            self.trouble = f"what is left of job {job} cannot be ended: {error}"
            self._loop.after(_LAST, f"sweep {job}.{run}", lambda: self.sweep(job, run, mark))
            return
        self._sweeps[key] = reader
        self._loop.watch(reader, select.POLLIN, lambda _: self._swept(key))
        self._nursery.order({"do": "sweep", "mark": mark}, writer)

    def _swept(self, key: Key) -> None:
        if self._nursery.is_gone():
            return  # then nobody has swept; the next daemon will see to it
        reader = self._sweeps.pop(key)
        self._loop.forget(reader)
        os.close(reader)
        outcome = claims.read_outcome(self._places.run(*key))
        if outcome is not None:  # written in its last moment
            self._ledger.hear(lambda plan, now: plan.ended(*key, outcome, now))
        else:
            self._ledger.hear(lambda plan, now: plan.swept(*key, _KILLED, now))

    def reloaded(self) -> None:
        """The plan is a new one: it does not know whose trees are being cleaned up."""
        for key in self._sweeps:
            self._lost(key, _KILLED)

    # ── what keepers tell ──

    def _add(self, key: Key, link: Link) -> None:
        self._links[key] = link
        self._await(key, link)

    def _await(self, key: Key, link: Link) -> None:
        events = select.POLLIN | (select.POLLOUT if link.behind else 0)
        self._loop.watch(link.fd, events, lambda events: self._serve(key, link, events))

    def _serve(self, key: Key, link: Link, events: int) -> None:
        try:
            if events & select.POLLOUT:
                link.flush()
            if events & ~select.POLLOUT:
                for kind, body in link.read():
                    faults.point("heard-keeper")
                    if kind == JSON:
                        self._hear(key, json_of(body))
        except (Gone, Malformed):
            if self._links.get(key) is link:
                self._ended(key)
        else:
            if self._links.get(key) is link:
                self._await(key, link)

    def _hear(self, key: Key, message: dict[str, Any]) -> None:
        kind = hear(self._ledger, key, message)
        if kind == "began":
            self._voids = 0
        elif kind == "state":
            self._attempts.pop(key, None)
        elif kind == "ended":
            self._drop(key)

    def _drop(self, key: Key) -> None:
        link = self._links.pop(key, None)
        if link is not None:
            self._loop.forget(link.fd)
            link.close()

    def _ended(self, key: Key) -> None:
        """The line has an end."""
        self._drop(key)
        self.recover(*key)

    # ── what has become of a run ──

    def recover_outcome(self, job: int, run: int) -> None:
        """Only what its keeper has written, if it has."""
        outcome = claims.read_outcome(self._places.run(job, run))
        if outcome is not None:
            self._ledger.hear(lambda plan, now: plan.ended(job, run, outcome, now))

    def recover(self, job: int, run: int) -> None:
        """Look at its folder and find out."""
        key = job, run
        found = self._ledger.plan.jobs.get(job)
        if (
            found is None
            or getattr(found.state, "run", None) != run
            or key in self._links
            or key in self._sweeps
        ):
            return
        try:
            self._look(
                key, is_begun=not isinstance(found.state, Starting | Ending) or self._has_pid(found.state)
            )
        except OSError as error:
            self.trouble = f"job {job}: {error}"
            self._later(key)

    def _has_pid(self, state: object) -> bool:
        return isinstance(state, Ending) and state.pid > 0

    def _look(self, key: Key, *, is_begun: bool) -> None:
        folder = self._places.run(*key)
        claim = None
        outcome = claims.read_outcome(folder)
        if outcome is None and not is_begun and _is_void(folder):
            faults.point("void")
            self._void(key)
            return
        if outcome is None:
            claim, lives = claims.holder(folder)
            if lives:
                self._connect(key)
                return
            if claim is not None and claim.boot == claims.VOID and not is_begun:
                self._void(key)
                return
            outcome = claims.read_outcome(folder)  # its last act may have been just now
        if outcome is not None:
            known = outcome
            self._ledger.hear(lambda plan, now: plan.ended(*key, known, now))
        else:
            is_of_now = claim is None or claim.boot == boot_id()
            self._lost(key, _KILLED if is_of_now else "the machine went down")

    def _lost(self, key: Key, why: str) -> None:
        self._ledger.hear(lambda plan, now: plan.lost(*key, why, now))

    def _void(self, key: Key) -> None:
        """Nobody can begin it any more: it is ordered anew, less and less soon if that happens again and again."""
        self._voids += 1
        wait = 0.0 if self._voids < 3 else min(_LAST, _FIRST * 2.0 ** min(self._voids - 3, 20))
        self._loop.after(
            wait, f"void {key}", lambda: self._ledger.hear(lambda plan, now: plan.void(*key, now))
        )

    def _connect(self, key: Key) -> None:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        try:
            sock.connect(self._places.keeper(*key))
            link = Link(sock)
            link.say({"do": "watch"})
        except (OSError, Gone):
            sock.close()
            self._later(key)  # it does not listen yet, or no more
            return
        faults.point("connected")
        self._add(key, link)

    def _later(self, key: Key) -> None:
        count = self._attempts[key] = self._attempts.get(key, 0) + 1
        wait = min(_LAST, _FIRST * 2.0 ** min(count - 1, 20))
        self._loop.after(wait, f"recover {key}", lambda: self.recover(*key))


def _is_void(folder: str) -> bool:
    """Is it so that nobody can begin in this folder any more?  False: somebody has begun."""
    try:
        return claims.void(folder)
    except FileNotFoundError:
        return True  # no folder, no claim
