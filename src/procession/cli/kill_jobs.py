"""``pn kill %JOB``: jobs by their words, beside the processes."""

from __future__ import annotations

from procession.cli.job_talk import numbers, print_done, talk

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from procession.jobs.client import Client


def kill_jobs(words: Sequence[str], signal: int | None, values: dict[str, Any]) -> int:
    """End jobs (TERM, some grace, KILL, the whole tree each), or send them a signal; returns the exit code."""
    return talk("kill", lambda client: _kill(client, words, signal, values))


def _kill(client: Client, words: Sequence[str], signal: int | None, values: dict[str, Any]) -> int:
    found = numbers(client, words)
    if values["dry"]:
        from procession.cli.job_talk import command_of

        for number in found:
            print(f"[{number}] {command_of(client.request('show', job=number)['job']['spec'])}")
        return 0
    done = client.request("kill", jobs=found, signal=signal, grace=values["grace"])["done"]
    if values["echo"]:
        print_done(done)
    if values["wait"] or values["wait_for"] is not None:
        from procession.cli.wait_jobs import wait_for

        ended = wait_for(client, found, until_any=False, timeout=values["wait_for"], quiet=True)
        return 0 if ended is not None else 1
    return 0
