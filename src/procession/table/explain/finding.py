"""What an explanation says."""

from __future__ import annotations

from procession.records import record

FINE, NOTE, WRONG = "fine", "note", "wrong"


@record
class Finding:
    """``kind``: the file that it comes from, in short.  ``severity``: fine (as it should be), note (worth knowing),
    wrong.  ``headline``: one sentence, its subject left out.  ``why``: what it rests on.  ``pids``: all that are named.
    ``todo``: what can be done."""

    kind: str
    severity: str
    headline: str
    why: tuple[str, ...] = ()
    pids: tuple[int, ...] = ()
    todo: tuple[str, ...] = ()
