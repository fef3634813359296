"""The daemon of the jobs: ``python -m procession.jobs.daemon --nursery FD``, started by the nursery and nobody else.

It may be killed at any instant.  What it knows is in the book or in a keeper; what it had begun and not done is done by
the next one.  One thread, one poll without a time-out unless something is due.  docs/decisions/0013-jobs.md.
"""

from __future__ import annotations

import fcntl
import os
import socket
import sqlite3
import sys
import time

from procession.errors import JobsError
from procession.jobs import faults, start
from procession.jobs.actions import DropLogs, Forget, Notify, Order, Sweep, Tell
from procession.jobs.book import open_book
from procession.jobs.daemon_cleanup import drop_logs, first_unused, forget_run, remove_orphans
from procession.jobs.daemon_desk import Desk
from procession.jobs.daemon_keepers import Keepers
from procession.jobs.daemon_ledger import Ledger
from procession.jobs.daemon_notices import Notices
from procession.jobs.daemon_nursery import Nursery
from procession.jobs.job import Ended
from procession.jobs.keeper_loop import Loop
from procession.jobs.places import places as found_places
from procession.jobs.requests import handlers
from procession.jobs.requests.waiting import Waits
from procession.linux.prctl import set_process_name
from procession.linux.procfs import boot_id, start_time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procession.jobs.actions import Action
    from procession.jobs.daemon_desk import Asker, Peer
    from procession.jobs.places import Places
    from procession.jobs.step import Step


class Daemon:
    """All its parts; ``run`` returns when it is to end."""

    def __init__(self, places: Places, lock: int, line: socket.socket) -> None:
        """Raises JobsError, sqlite3.Error, OSError."""
        self.places, self._lock = places, lock
        self.since = time.time()
        self.loop = Loop()
        book, self._damage = open_book(places.book)
        faults.point("opened")
        if book.setting("next") is None:  # it is new: its jobs must not meet with those of one before
            number = str(first_unused(places))
            book.set({"next": number, "first": number})
        self.ledger = Ledger(book, self.loop)
        self.nursery = Nursery(line, self.loop, self._nursery_died)
        self.keepers = Keepers(self.ledger, self.loop, self.nursery, places)
        self.notices = Notices(book, self.loop)
        self.waits = Waits()
        self._halting: list[Asker] = []
        self._logind: str | None = None
        self.ledger.act, self.ledger.told, self.ledger.reloaded = self._act, self._told, self.keepers.reloaded
        self._recover()
        self.desk = Desk(places.socket, self.loop, handlers(self), self._left)
        self.desk.calm = self._perhaps_idle
        start.tell_waiting(places)
        self._perhaps_idle()

    def run(self) -> None:
        """Until it is to end."""
        self.loop.run()

    # ── the begin ──

    def _recover(self) -> None:
        """Take over from a daemon that died, or from one before the machine went down."""
        ledger = self.ledger
        remove_orphans(self.places, ledger.plan, int(ledger.book.setting("first") or 1))
        now = boot_id()
        if ledger.book.setting("boot") != now:
            for run in list(ledger.plan.under_way.values()):
                self.keepers.recover_outcome(run.job, run.run)
            ledger.hear(lambda plan, now: plan.rebooted(now))
            if not ledger.unstored:
                ledger.book.set({"boot": now})
        for run in list(ledger.plan.under_way.values()):
            self.keepers.recover(run.job, run.run)
        ledger.tick()
        self.notices.soon()

    # ── steps ──

    def _act(self, action: Action) -> None:
        if isinstance(action, Order):
            self.keepers.order(action.job, action.run, action.mark)
        elif isinstance(action, Tell):
            self.keepers.tell(action.job, action.run, action.message)
        elif isinstance(action, Sweep):
            self.keepers.sweep(action.job, action.run, action.mark)
        elif isinstance(action, Forget):
            forget_run(self.places, action.job, action.run)
        elif isinstance(action, DropLogs):
            drop_logs(self.places, action.job)
        else:
            assert isinstance(action, Notify)
            self.notices.soon()

    def _told(self, step: Step) -> None:
        self.waits.told(step)
        if step.ended:
            if self._halting and self._is_done():
                self.loop.after(0.0, "halt", self._halt)
            self._perhaps_idle()

    def _left(self, peer: Peer) -> None:
        self.waits.left(peer)

    def warnings(self) -> list[str]:
        """What a user should know, a line each."""
        if self._logind is None:
            from procession.jobs.daemon_logind import warning

            self._logind = warning()
        unstored = self.ledger.trouble
        if unstored and self.ledger.unstored:
            unstored += f" ({self.ledger.unstored} events wait for it, which are lost by nobody)"
        return [line for line in (self._damage, unstored, self.keepers.trouble, self._logind) if line]

    # ── the end ──

    def _is_done(self) -> bool:
        return all(isinstance(job.state, Ended) for job in self.ledger.plan.jobs.values())

    def settings_changed(self) -> None:
        """Idle time, perhaps."""
        self._perhaps_idle()

    def _perhaps_idle(self) -> None:
        idle = self.ledger.book.setting("idle")
        if idle is None:
            self.loop.cancel("idle")
        elif self.desk.is_empty and self._is_done():
            self.loop.after(float(idle), "idle", self._idle)

    def _idle(self) -> None:
        if self.desk.is_empty and self._is_done():
            self._halt()

    def halt_when_done(self, asker: Asker, *, wait: bool) -> None:
        """End, at once or when all jobs have."""
        self._halting.append(asker)
        if not wait or self._is_done():
            self.loop.after(0.0, "halt", self._halt)

    def _halt(self) -> None:
        self.desk.close()
        faults.point("halting")
        self.nursery.order_and_wait({"do": "end"})
        self.ledger.book.close()  # who hears that we have ended may take the file away
        for asker in self._halting:
            asker.tell({})
        self.desk.flush_answers()
        self._unlock()
        start.tell_waiting(self.places)  # who came meanwhile starts the next one
        self._end()

    def _unlock(self) -> None:
        os.ftruncate(self._lock, 0)  # our nursery will not start another
        os.close(self._lock)

    def replace(self) -> None:
        """Begin anew, with a nursery of the version on disk."""
        self.loop.after(0.0, "replace", self._replace)

    def _replace(self) -> None:
        self.desk.close()
        self.desk.flush_answers()
        self.nursery.order_and_wait({"do": "end"})
        self._nursery_died()

    def _nursery_died(self) -> None:
        """Start another, which brings another daemon."""
        from procession.jobs.nursery import launch

        self.desk.close()
        self.ledger.book.close()
        self._unlock()
        faults.point("unlocked")
        try:
            launch(self.places)
        except (JobsError, OSError) as error:  # the next pn tries again
            sys.stderr.write(f"pn: no nursery could be started: {error}\n")
        self._end()

    def _end(self) -> None:
        sys.stderr.flush()
        os._exit(0)  # nothing is to be put away: all that must stay has been stored


def lock(places: Places) -> int | None:
    """The descriptor that makes this the daemon of these folders, or None: there is one.  In the file: our pid, and pid
    and start time of our nursery."""
    fd = os.open(places.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(fd)
        return None
    os.ftruncate(fd, 0)
    parent = os.getppid()
    os.pwrite(fd, b"%d\n%d %d\n" % (os.getpid(), parent, start_time(parent)), 0)
    return fd


def main(argv: list[str]) -> int:
    """Returns the exit code, if it ends without having been asked to."""
    if len(argv) != 2 or argv[0] != "--nursery" or not argv[1].isdecimal():
        sys.stderr.write("usage: python -m procession.jobs.daemon --nursery FD  (it is started by pn run)\n")
        return 2
    set_process_name("pn-daemon")
    line = socket.socket(fileno=int(argv[1]))
    line.set_inheritable(False)
    places = found_places()
    faults.arm_from_file(places)
    os.umask(0o077)
    _raise_limit()
    held = lock(places)
    if held is None:
        _tell_to_end(line)  # another nursery has a daemon for these folders
        return 0
    faults.point("locked")
    try:
        daemon = Daemon(places, held, line)
    except (JobsError, sqlite3.Error, OSError) as error:
        sys.stderr.write(f"pn: the daemon of the jobs cannot begin: {error}\n")
        start.tell_waiting(places, str(error))
        if isinstance(error, JobsError):
            _tell_to_end(line)
        return 1
    daemon.run()
    return 0


def _raise_limit() -> None:
    """A descriptor for each run that is under way."""
    import resource

    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _tell_to_end(line: socket.socket) -> None:
    Nursery(line, Loop(), lambda: None).order_and_wait({"do": "end"})


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
