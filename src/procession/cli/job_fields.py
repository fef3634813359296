"""The options that ``pn run`` and ``pn edit`` share, as fields of a job."""

from __future__ import annotations

import os
import time

from procession.cli.job_talk import numbers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from procession.jobs.client import Client

_PLAIN = (
    "name", "group", "priority", "retries", "backoff", "restart", "restart_delay", "restart_cap", "jitter", "timeout",
    "grace", "nice", "leftovers", "ready", "notify",
)  # fmt: skip
_JOBS = ("after", "after_any", "after_failed")


class Mistake(Exception):
    """A mistake in the command line, in words that follow "pn VERB: "."""


def fields_of(values: dict[str, Any]) -> dict[str, Any]:
    """What is given, by the names of ``Spec``; jobs are words still.  Raises Mistake."""
    if values["at"] is not None and values["delay"] is not None:
        raise Mistake("--at and --in: give one of them")
    fields = {name: values[name] for name in (*_PLAIN, *_JOBS) if values[name] is not None}
    if values["at"] is not None:
        fields["at"] = values["at"]
    if values["delay"] is not None:
        fields["at"] = time.time() + values["delay"]
    if values["intensity"] is not None:
        fields["restart_limit"], fields["restart_within"] = values["intensity"]
    if values["limit"] is not None:
        fields |= values["limit"]
    if values["cwd"] is not None:
        fields["cwd"] = os.path.abspath(values["cwd"])
        if not os.path.isdir(fields["cwd"]):
            raise Mistake(f"{values['cwd']}: there is no such folder")
    return fields


def with_numbers(client: Client, fields: dict[str, Any]) -> dict[str, Any]:
    """The words for jobs as numbers.  Raises NoSuchJob."""
    return fields | {name: tuple(numbers(client, fields[name])) for name in _JOBS if name in fields}
