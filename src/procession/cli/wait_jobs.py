"""``pn wait %JOB``: until jobs have ended for good, with the exit code of the last, as wait of bash(1)."""

from __future__ import annotations

from procession.cli.fg import code_of
from procession.cli.job_talk import numbers, talk
from procession.cli.say import say
from procession.jobs.words import outcome_words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from procession.jobs.client import Client

_TIME_IS_OVER = 3


def wait_jobs(words: Sequence[str], values: dict[str, Any]) -> int:
    """Returns the exit code: that of the job which was named last, or with --any of the first that has ended."""

    def wait(client: Client) -> int:
        found = numbers(client, words)
        if values["count"]:
            print(len(found))
        if values["echo"]:
            print(f"waiting for {', '.join(f'job {number}' for number in found)}", flush=True)
        code = wait_for(
            client, found, until_any=values["any"], timeout=values["timeout"], quiet=values["quiet"]
        )
        return _TIME_IS_OVER if code is None else code

    return talk("wait", wait)


def wait_for(
    client: Client, jobs: Sequence[int], *, until_any: bool, timeout: float | None, quiet: bool
) -> int | None:
    """Wait, and say how they ended; the exit code, or None: the time is over."""
    try:
        outcomes = client.wait(list(jobs), any=until_any, timeout=timeout)
    except TimeoutError:
        say("wait", f"the time is over: {', '.join(f'job {number}' for number in jobs)}: pn jobs says why")
        return None
    if not quiet:
        for number, outcome in outcomes.items():
            print(f"[{number}] {outcome_words(outcome)}", flush=True)
    last = [number for number in jobs if number in outcomes][-1]
    return code_of(outcomes[last])
