"""What the verbs of jobs share: a client for the time of a verb, jobs by words, errors in one line."""

from __future__ import annotations

from procession.cli.say import say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from procession.jobs.client import Client

LAST = "%+"  # what fg, bg, show and logs mean when nobody is named
JOBS_HELP = (
    "a number, a name, %%NAME (its beginning), %%?TEXT (in its command), %%+ the last job, %%- the one before"
)
JOB_CODES = """
exit codes: 0 done    1 there is no such job, or it cannot be done    2 usage"""


def talk(verb: str, act: Callable[[Client], int]) -> int:
    """Do it with a client; returns the exit code.  What the daemon refuses is said in its words."""
    from procession.errors import JobsError
    from procession.jobs.client import Client

    try:
        with Client() as client:
            return act(client)
    except JobsError as error:
        say(verb, str(error))
        return 1


def numbers(client: Client, words: Sequence[str]) -> list[int]:
    """The jobs that these words mean.  Raises NoSuchJob."""
    found: list[int] = client.request("find", words=list(words))["jobs"]
    return found


def is_job(word: str) -> bool:
    """In the verbs that know processes, too, a job begins with %."""
    return word.startswith("%")


def print_done(done: Sequence[tuple[int, str]]) -> None:
    """Of each job what has become of it."""
    from procession.jobs.words_command import safe

    for number, words in done:
        print(f"[{number}] {safe(words)}")


def command_of(spec: dict[str, Any]) -> str:
    """The command of a job as one would type it, safe to print.  ``spec``: as it comes from the daemon."""
    from procession.jobs.plain import to_record
    from procession.jobs.spec import Spec
    from procession.jobs.words_command import command_words

    return command_words(to_record(Spec, spec, "spec"))
