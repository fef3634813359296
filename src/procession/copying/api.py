"""``procession.copy``: the copier for Python programs."""

from __future__ import annotations

import os

from procession.copying.report import CopyReport
from procession.copying.roots import plan_roots
from procession.copying.run import CopyRun
from procession.errors import CopyError, CopyFailed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from procession.copying.progress import Progress

    StrPath = str | bytes | os.PathLike[str] | os.PathLike[bytes]


def default_workers() -> int:
    """The cores that this process may use (sched_getaffinity(2))."""
    return len(os.sched_getaffinity(0))


def copy(
    src: StrPath,
    dst: StrPath,
    *,
    workers: int | None = None,
    progress: Callable[[Progress], None] | None = None,
    on_error: str = "continue",
) -> CopyReport:
    """Copy a folder, file or link to ``dst`` itself, on ``workers`` processes.

    ``dst`` is the copy (what ``pn copy -T`` does); a folder that exists there is merged into, and what
    is whole there already is skipped.  ``workers`` None: one for each core this process may use.
    ``progress`` is called about ten times a second with a Progress.  ``on_error``: "continue" lists
    failed paths in the report, "raise" raises CopyFailed at the end when there are any.

    Raises CopyError before anything is written (no such source, same file, into itself, bad
    arguments), CopyFailed as said; KeyboardInterrupt passes through, and no process or temporary name
    is left behind.
    """
    if on_error not in ("continue", "raise"):
        raise CopyError(f'on_error is "continue" or "raise", not {on_error!r}')
    if workers is not None and workers < 1:
        raise CopyError(f"a copy needs at least one worker, not {workers}")
    roots, targets = plan_roots([os.fsdecode(src)], os.fsdecode(dst), as_target=True)
    report = CopyRun(roots, targets, workers=workers or default_workers(), on_progress=progress).run()
    if on_error == "raise" and report.failed:
        raise CopyFailed(report)
    return report
