"""``pn copy``: parse, call, print, exit code."""

from __future__ import annotations

import os
import sys

from procession.cli.options import Command, Option, parse, positive
from procession.errors import CopyError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from procession.cli.copy_out import Output
    from procession.cli.interrupts import Interrupts
    from procession.copying.messages import Root
    from procession.copying.report import CopyReport
    from procession.copying.run import CopyRun

COMMAND = Command(
    verb="copy",
    usage="pn copy [OPTIONS] [SOURCE...] [TARGET]",
    summary="""\
Copy folders and files on several processes.  What is whole at the target already (same size and mtime)
is skipped, so running the same line again finishes an interrupted copy.""",
    words="SOURCE... TARGET",
    words_help="what to copy, and where to; TARGET alone may be left out: the copy is SOURCE.copy",
    options=(
        Option(
            ("-w", "--workers"),
            "workers",
            "processes that copy (default: the cores that pn may use)",
            "N",
            positive,
        ),
        Option(
            ("-T", "--no-target-directory"), "as_target", "TARGET is the copy itself, also if it is a folder"
        ),
        Option(("-q", "--quiet"), "quiet", "print nothing but errors"),
        Option(("--json",), "json", "print one JSON object a line: plan, progress, error, done"),
    ),
    epilog="""\
examples:
  pn copy photos /mnt/backup        into /mnt/backup/photos, as cp -a would
  pn copy -T photos /mnt/photos     /mnt/photos becomes the copy; what is there is merged with it
  pn copy photos                    a sibling: photos.copy, then photos.copy-2, ...
  pn copy a.iso b.iso disks/        several sources into a folder
  pn copy                           asks for the folder

Files appear under their names only when they are whole.  Links are copied as links and never followed
inside the target.  Ctrl-C finishes the files in flight; a second one stops at once; neither leaves half
a file.  Not copied yet: hard links between files (each becomes a file of its own), ACLs and extended
attributes.

exit codes:
  0 all is copied    1 some paths failed (they are listed)    2 it did not begin    130 interrupted""",
)


def main(argv: list[str]) -> int:
    """Run ``pn copy``; returns the exit code."""
    options = parse(COMMAND, argv)
    words: list[str] = options["words"]
    if not words:
        if not (sys.stdin.isatty() and sys.stdout.isatty()):
            return _refuse("what is to be copied is missing: pn copy SOURCE... [TARGET]")
        from procession.cli.ask import ask_for_copy

        words = ask_for_copy()
    sources, target = (words, None) if len(words) == 1 else (words[:-1], words[-1])
    from procession.copying.roots import plan_roots

    try:
        roots, targets = plan_roots(sources, target, as_target=options["as_target"])
    except CopyError as error:
        return _refuse(str(error))
    from procession.copying.api import default_workers

    workers = options["workers"] or default_workers()
    output = _output(options)
    output.begin(sources, targets, workers)
    try:
        report, code = _copy(roots, targets, workers, output)
    except BaseException:
        output.abandon()
        raise
    output.end(report)
    return code


def _refuse(words: str) -> int:
    print(f"pn copy: {words}", file=sys.stderr)
    return 2


def _output(options: dict[str, Any]) -> Output:
    if options["json"]:
        from procession.cli.copy_json import JsonOutput

        return JsonOutput()
    from procession.cli.copy_out import Output, Summary

    if options["quiet"]:
        return Output()
    if sys.stdout.isatty() and os.environ.get("TERM") != "dumb":
        from procession.cli.copy_live import LiveOutput

        return LiveOutput()
    return Summary()


def _copy(
    roots: tuple[Root, ...], targets: tuple[str, ...], workers: int, output: Output
) -> tuple[CopyReport, int]:
    from procession.copying.run import CopyRun

    run = CopyRun(
        roots,
        targets,
        workers=workers,
        on_failure=output.failure,
        on_progress=output.progress if output.tick else None,
        tick=output.tick or 1.0,
    )
    stopper = _Stopper(run, output)
    try:
        report = run.run(stopper.attach)
    finally:
        code = stopper.close()
    if code or report.interrupted:
        return report, code or 130
    return report, 1 if report.failed else 0


class _Stopper:
    """Ctrl-C (and SIGTERM, SIGHUP): the first one stops the copy in order, the second one at once.

    Until workers start, a signal only asks for the stop: nothing is torn apart between the making of a
    temporary name and its end.  From then on the loop of the crew sees them.
    """

    def __init__(self, run: CopyRun, output: Output) -> None:
        self._run = run
        self._output = output
        self._interrupts: Interrupts | None = None
        self._came = 0
        self._early = 0
        # The builtin behind signal, whose enums cost 4 ms of start-up.
        import _signal  # type: ignore[import-not-found]

        self._put: Any = _signal.signal
        # One that is ignored stays so: nohup(1) asked for it.
        self._old = {
            number: self._put(number, self._on_early)
            for number in (_signal.SIGINT, _signal.SIGTERM, _signal.SIGHUP)
            if _signal.getsignal(number) != _signal.SIG_IGN
        }

    def attach(self) -> dict[int, Callable[[], None]]:
        """Begin to watch; what to watch and what to call then."""
        from procession.cli.interrupts import Interrupts

        self._interrupts = Interrupts()
        return {self._interrupts.fileno(): self._on_signal}

    def close(self) -> int:
        """Give the signals back; the exit code that they ask for, 0 if none came."""
        code = 128 + self._early if self._early else 0
        if self._interrupts is not None:
            self._interrupts.take()
            self._interrupts.close()
            code = code or self._interrupts.exit_code
        for number, handler in self._old.items():
            self._put(number, handler)
        return code

    def _on_early(self, number: int, _frame: object) -> None:
        self._early = self._early or number
        self._run.stop()

    def _on_signal(self) -> None:
        from procession.copying.run import Aborted

        assert self._interrupts is not None
        self._came += self._interrupts.take()
        if self._came > 1:
            raise Aborted
        self._output.stopping()
        self._run.stop()
