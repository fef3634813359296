"""What survives a SIGKILL of the server: tried, not believed."""

from __future__ import annotations

import time
from pathlib import Path

from bench.jobs.peers import PATIENCE, Ours, Peer, Spooler, kill

WENT_ON = "the running job goes on"
CODE = "its exit code is known"
OUTPUT = "its output is whole"
QUEUED = "the job queued behind it runs"
QUESTIONS = (WENT_ON, CODE, OUTPUT, QUEUED)


def of(kind: type[Peer]) -> dict[str, str]:
    """Answers to QUESTIONS: yes, no, or why it cannot be asked."""
    peer = kind()
    try:
        peer.start()
        return _tried(peer)
    finally:
        peer.stop()


def _tried(peer: Peer) -> dict[str, str]:
    ledger, output = Path(f"{peer.folder}/ledger"), ""
    first = _script(
        peer, "first", f"echo began >>{ledger}; sleep 1; echo whole; echo ended >>{ledger}; exit 3"
    )
    second = _script(peer, "second", f"echo second >>{ledger}")
    if isinstance(peer, (Ours, Spooler)):
        peer.slots(1)
    job = peer.submit(["sh", first])
    _until(ledger, "began")
    queued = ""
    if isinstance(peer, (Ours, Spooler)):
        queued = peer.submit(["sh", second])
    kill(peer.server())
    went_on = _until(ledger, "ended", 4)
    try:
        peer.start()
        code = peer.code(job)
        output = _output(peer, job)
    except (RuntimeError, OSError):
        code = None
    ran = "it has no queue" if not queued else _words(_until(ledger, "second", 4))
    return {WENT_ON: _words(went_on), CODE: _words(code == 3), OUTPUT: _words("whole" in output), QUEUED: ran}


def _script(peer: Peer, name: str, text: str) -> str:
    path = peer.folder / name
    path.write_text(text + "\n")
    return str(path)


def _output(peer: Peer, job: str) -> str:
    if isinstance(peer, Ours):
        return peer.call(peer.program, "logs", job)
    if isinstance(peer, Spooler):
        return peer.call(peer.program, "-c", job, check=False)
    return (peer.folder / f"{job}.log").read_text()


def _until(ledger: Path, word: str, limit: float = PATIENCE) -> bool:
    until = time.monotonic() + limit
    while time.monotonic() < until:
        if ledger.exists() and word in ledger.read_text().split():
            return True
        time.sleep(0.005)
    return False


def _words(answer: bool) -> str:
    return "yes" if answer else "no"
