"""A copy from its first task to its report.

::

    Plan ─▶ Crew ─▶ workers (job.handle) ─▶ outcomes ─▶ Plan, Sums
                     └─ pages: gauges, names ─▶ Progress (with the sums of the Scan)

The first tasks are done right here: a small folder needs no crew.
"""

from __future__ import annotations

import os
import time

from procession.copying.account import BYTES, ENTRIES, FAILED, GAUGES, SKIPPED_BYTES
from procession.copying.job import CopySetup, Job, do
from procession.copying.litter import Run
from procession.copying.messages import CopyFolder, CopyTask, Failure, FinishFolders, FolderDone, Tally
from procession.copying.plan import Plan
from procession.copying.report import CopyReport, Sums

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from procession.copying.messages import Root
    from procession.copying.progress import Progress
    from procession.copying.published import Published
    from procession.copying.scan import Scan
    from procession.pool.crew import Crew, Portion, Sight
    from procession.pool.outcomes import Outcome

    Watch = Mapping[int, Callable[[], None]]

INLINE_TASKS = 4
INLINE_BYTES = 4 << 20
PUBLISHED = 1.0  # seconds between two looks for others' sake


class Aborted(Exception):
    """Raised by a watcher to end a copy at once (the second Ctrl-C)."""


class _OwnDesk:
    """What stands for a worker's page while tasks are done in this process."""

    def __init__(self) -> None:
        self.gauges = [0] * GAUGES
        self.step = [0]
        self.stopping = False

    def note(self, text: bytes) -> None:
        """Nobody needs to be told."""

    def note_steps(self, texts: bytes) -> bool:
        """Nobody needs to be told."""
        del texts
        return True


class CopyRun:
    """One copy.  ``run`` may be called once; ``stop`` from within a watcher, a listener or a tick."""

    def __init__(
        self,
        roots: Sequence[Root],
        targets: tuple[str, ...],
        *,
        workers: int,
        on_failure: Callable[[Failure], None] = lambda _failure: None,
        on_progress: Callable[[Progress], None] | None = None,
        tick: float = 0.1,
    ) -> None:
        self._roots = tuple(roots)
        self._targets = targets
        self._workers = workers
        self._on_failure = on_failure
        self._on_progress = on_progress
        self._tick = tick
        self._litter = Run.of_this_process()
        self._setup = CopySetup(self._roots, self._litter.token, time.time_ns())
        self._desk = _OwnDesk()
        self._job = Job(self._setup, self._desk)
        self._plan = Plan(len(self._roots), workers, self._list, self._job.shown)
        self._sums = Sums()
        self._crew: Crew | None = None
        self._scan: Scan | None = None
        self._stopped = False
        self._published: Published | None = None
        self._begun = time.monotonic()

    def run(self, attach: Callable[[], Watch] = dict) -> CopyReport:
        """Copy; returns the report.

        ``attach`` is called once workers start, and tells which descriptors to watch beside them and
        what to call when one is readable.
        """
        aborted = False
        try:
            if _single_threaded():
                self._run_inline()
            if not self._plan.done and not self._stopped:
                aborted = not self._run_crew(attach)
        finally:
            self._job.tree.close()
        interrupted = aborted or self._stopped or not self._plan.done
        return self._sums.report(time.monotonic() - self._begun, self._targets, interrupted=interrupted)

    def stop(self) -> None:
        """Finish the files in flight, begin no other."""
        self._stopped = self._desk.stopping = True
        if self._crew is not None:
            self._crew.stop()

    # -- without a crew ----------------------------------------------------------------------------

    def _run_inline(self) -> None:
        if len(self._roots) != 1 or _is_big(self._roots[0]):
            return
        old = os.umask(0)
        try:
            for _ in range(INLINE_TASKS):
                if self._plan.pending > 1 or self._plan.done or self._stopped:
                    return
                for task in self._plan.take(1)[0]:
                    self._answered(task, do(self._job, task))
        finally:
            os.umask(old)

    # -- with a crew -------------------------------------------------------------------------------

    def _run_crew(self, attach: Callable[[], Watch]) -> bool:
        """False when it was aborted."""
        from procession.copying.job import handle
        from procession.pool.crew import Crew

        with Crew(handle, workers=self._workers, setup=self._setup, gauges=GAUGES) as crew:
            self._crew = crew
            self._start_scan(crew)
            try:
                crew.run(
                    self,
                    self._on_outcome,
                    watch=attach(),
                    tick=self._tick if self._on_progress else PUBLISHED,
                    on_tick=self._tell,
                )
            except BaseException as error:
                self._sweep(crew.kill())
                if not isinstance(error, Aborted):
                    raise
                return False
            finally:
                self._crew = None
                if self._published is not None:
                    self._published.close()
                if self._scan is not None:
                    self._scan.close()
        return True

    def _start_scan(self, crew: Crew) -> None:
        if self._on_progress is not None and _single_threaded():
            from procession.copying.scan import Scan

            self._scan = Scan(self._roots, crew.keepalive)

    def take(self, limit: int) -> Portion | None:
        """The crew asks for work."""
        from procession.pool.crew import Portion

        tasks, heavy = ((), False) if self._stopped else self._plan.take(limit)
        return Portion(tasks, heavy) if tasks else None

    def _on_outcome(self, outcome: Outcome) -> None:
        from procession.pool import outcomes

        task = outcome.payload
        assert isinstance(task, CopyTask)
        if isinstance(outcome, outcomes.Done):
            assert isinstance(outcome.value, FolderDone | Tally)
            self._answered(task, outcome.value)
        elif isinstance(outcome, outcomes.Lost):
            name = outcome.note.decode("utf-8", "surrogateescape")
            died = outcome.error
            cause = f"it cost two workers their lives; the last, {died.pid}, {died.exit.reason}"
            failure = self._plan.lost(task, name, self._litter.name(died.pid), cause)
            if failure is not None:
                self._add(Tally(failures=(failure,)))
                self._sweep([(died.pid, task)])  # perhaps nobody will come there again
        elif isinstance(outcome, outcomes.Failed):
            cause = f"{type(outcome.error).__name__}: {outcome.error}"
            self._add(Tally(failures=(self._plan.failed(task, cause),)))
        else:
            self._plan.cancelled(task)

    def _answered(self, task: CopyTask, answer: FolderDone | Tally) -> None:
        self._add(answer.tally if isinstance(answer, FolderDone) else answer)
        self._plan.answered(task, answer)

    def _add(self, tally: Tally) -> None:
        for failure in self._sums.add(tally):
            self._on_failure(failure)

    def _list(self, root: int, path: str) -> Iterator[tuple[str, str]]:
        from procession.copying.listing import list_folder

        return list_folder(self._job, root, path, lambda failure: self._add(Tally(failures=(failure,))))

    def _sweep(self, at_work: list[tuple[int, object]]) -> None:
        """Remove what killed workers had in the making; what cannot be removed is litter for the next run."""
        from functools import partial

        for worker, task in at_work:
            assert isinstance(task, CopyTask)
            if isinstance(task, CopyFolder):
                self._remove(worker, partial(self._job.tree.parent, task.root, task.path))
            if not isinstance(task, FinishFolders):
                self._remove(worker, partial(self._job.tree.folder, task.root, task.path))

    def _remove(
        self, worker: int, folders: Callable[[], tuple[int, int] | tuple[int, int, str, str]]
    ) -> None:
        from procession.linux.dirfd import remove_tree

        try:
            remove_tree(self._litter.name(worker), folders()[1])
        except OSError:
            return

    # -- progress ----------------------------------------------------------------------------------

    def _tell(self) -> None:
        if self._published is None:  # loaded only now: most copies are over by then
            from procession.copying.published import Published

            self._published = Published([root.shown for root in self._roots], self._targets)
        due = self._published.due()
        if due or self._on_progress is not None:
            progress = self.progress()
            if due:
                self._published.show(progress)
            if self._on_progress is not None:
                self._on_progress(progress)

    def progress(self) -> Progress:
        """How far the copy is."""
        from procession.copying.progress import Progress, Worker

        crew, scan = self._crew, self._scan
        sums = (
            [sum(pair) for pair in zip(self._desk.gauges, crew.gauge_totals(), strict=True)]
            if crew
            else self._desk.gauges
        )
        workers = [Worker(sight.pid, self._entry(sight)) for sight in (crew.sights() if crew else ())]
        return Progress(
            seconds=time.monotonic() - self._begun,
            entries=sums[ENTRIES],
            bytes=sums[BYTES],
            skipped_bytes=sums[SKIPPED_BYTES],
            failed=sums[FAILED],
            found_entries=scan.entries if scan else 0,
            found_bytes=scan.bytes if scan else 0,
            scanned=scan.ended if scan else False,
            workers=tuple(workers),
        )

    def _entry(self, sight: Sight) -> str:
        """The path that a worker is at, "" between two tasks."""
        task, name = sight.payload, sight.note.decode("utf-8", "surrogateescape")
        if not isinstance(task, CopyTask):
            return ""
        if isinstance(task, FinishFolders):
            return self._job.shown(task.root, name)
        folder = self._job.shown(task.root, task.path)
        return f"{folder}/{name}" if name else folder


def _single_threaded() -> bool:
    return len(os.listdir("/proc/self/task")) == 1


def _is_big(root: Root) -> bool:
    """A single big file: copying it here would keep the display and Ctrl-C waiting."""
    import stat

    try:
        found = os.lstat(os.path.join(root.source_parent, root.source_name))
    except OSError:
        return False
    return stat.S_ISREG(found.st_mode) and found.st_size >= INLINE_BYTES
