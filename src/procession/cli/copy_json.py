"""``pn copy --json``: one object a line, exact figures (bytes, seconds)."""

from __future__ import annotations

import json

from procession.cli.copy_out import Output, say
from procession.records import fields_of, values_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from procession.copying.messages import Failure
    from procession.copying.progress import Progress
    from procession.copying.report import CopyReport


class JsonOutput(Output):
    r"""Events: plan, progress (at most four a second), error, stopping, done.

    Bytes of a name that are not UTF-8 appear as lone surrogates ``\udcXX`` (PEP 383), so that
    ``os.fsencode`` of what a JSON reader gives back is the name again.
    """

    tick = 0.25

    def begin(self, sources: Sequence[str], targets: Sequence[str], workers: int) -> None:
        _say("plan", sources=list(sources), targets=list(targets), workers=workers)

    def progress(self, progress: Progress) -> None:
        facts = dict(zip(fields_of(progress), values_of(progress), strict=True))
        facts["workers"] = [{"pid": worker.pid, "entry": worker.entry} for worker in progress.workers]
        _say("progress", **facts, rate=progress.rate, fraction=progress.fraction, eta=progress.eta)

    def failure(self, failure: Failure) -> None:
        _say("error", path=failure.path, cause=failure.cause)

    def stopping(self) -> None:
        _say("stopping")

    def end(self, report: CopyReport) -> None:
        facts = dict(zip(fields_of(report), values_of(report), strict=True))
        facts["failed"] = [{"path": failure.path, "cause": failure.cause} for failure in report.failed]
        _say("done", **facts)


def _say(event: str, **facts: object) -> None:
    say(json.dumps({"event": event, **facts}))
