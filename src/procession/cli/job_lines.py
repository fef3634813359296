"""Jobs and runs as lines of text.  Pure: plain objects in, lines out."""

from __future__ import annotations

from procession.cells import cut
from procession.cli.job_talk import command_of
from procession.cli.times import clock
from procession.jobs.words_command import safe
from procession.units import seconds, size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any

_NAME = 30  # cells


def columns(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Cells below one another; the last column is as long as it is."""
    widths = [max(map(len, cells)) for cells in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row[:-1], widths, strict=False))
        yield "  ".join((*cells, row[-1])).rstrip()


def history_lines(runs: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Of ``history``."""
    rows = [("RUN", "BEGAN", "TOOK", "NAME", "HOW IT ENDED")]
    for run in runs:
        outcome = run.get("outcome") or {}
        began, ended = outcome.get("began"), outcome.get("ended")
        rows.append((
            f"{run['job']}.{run['run']}",
            clock(began) if began is not None else "-",
            seconds(max(0.0, ended - began)) if began is not None and ended is not None else "-",
            cut(safe(run.get("name") or str(run.get("command") or "")), _NAME),
            _how(outcome) if outcome else "has not ended",
        ))  # fmt: skip
    return columns(rows)


def _how(outcome: Mapping[str, Any]) -> str:
    """Its reason, without a subject."""
    return safe(outcome["reason"]).removeprefix("was ")


def show_lines(answer: Mapping[str, Any], mark: str = "") -> Iterator[str]:
    """Of ``show``: everything about a job, a fact a line."""
    job, runs = answer["job"], answer["runs"]
    spec = job["spec"]
    yield f"job {job['id']}{mark}: {safe(answer['words'])}"
    facts = [*_facts(job, spec), *_of_now(job, answer), *_runs(runs)]
    width = max(len(name) for name, _ in facts)
    for name, value in facts:
        yield f"  {name:{width}}  {value}"


def _facts(job: Mapping[str, Any], spec: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Whatever is not as it is by default."""
    yield "command", command_of(dict(spec))
    if spec["name"]:
        yield "name", safe(spec["name"])
    yield "folder", safe(spec["cwd"])
    yield "group", f"{safe(spec['group'])}, priority {spec['priority']}"
    yield "submitted", clock(job["created"])
    for name, words in (
        ("after", "after"),
        ("after_any", "after, however"),
        ("after_failed", "after failed"),
    ):
        if spec[name]:
            yield words, ", ".join(f"job {number}" for number in spec[name])
    if spec["at"] is not None:
        yield "not before", clock(spec["at"])
    if spec["retries"]:
        yield "retries", f"{spec['retries']}, the first after {seconds(spec['backoff'])}"
    if spec["restart"] != "no":
        yield (
            "restart",
            (
                f"{spec['restart']}, after {seconds(spec['restart_delay'])} to {seconds(spec['restart_cap'])}, at most "
                f"{spec['restart_limit']} times in {seconds(spec['restart_within'])}"
            ),
        )
    yield from _limits(spec)
    yield (
        "terminal",
        f"{spec['columns']} by {spec['rows']} at first" if spec["pty"] else "none: it reads nothing",
    )
    for name in ("ready", "notify"):
        if spec[name]:
            yield name, safe(spec[name])


def _limits(spec: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    limits = []
    if spec["memory"] is not None:
        limits.append(f"memory {size(spec['memory'])}")
    if spec["cpu"] is not None:
        limits.append(f"CPU {100 * spec['cpu']:g} %")
    if spec["files"] is not None:
        limits.append(f"{spec['files']} files")
    if spec["timeout"] is not None:
        limits.append(f"time {seconds(spec['timeout'])} a run")
    if spec["nice"]:
        limits.append(f"nice {spec['nice']}")
    if limits:
        yield "limits", ", ".join(limits)


def _of_now(job: Mapping[str, Any], answer: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    state = job["state"]
    if state.get("pid"):
        yield "process", f"pid {state['pid']}, since {clock(state['since'])}"
    if state.get("level"):
        yield "kept by", safe(state["level"])
    places = answer.get("places") or {}
    if places.get("log"):
        yield "log", safe(places["log"])


def _runs(runs: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    for run in runs[-10:]:
        outcome = run.get("outcome")
        if outcome is None:
            yield f"run {run['run']}", f"ordered {clock(run['ordered'])}, under way"
            continue
        yield f"run {run['run']}", "; ".join(_of_run(outcome))


def _of_run(outcome: Mapping[str, Any]) -> Iterator[str]:
    began, ended = outcome["began"], outcome["ended"]
    yield _how(outcome)
    if began is not None and ended is not None:
        yield f"{clock(began)} for {seconds(max(0.0, ended - began))}"
    if outcome["cpu_seconds"] is not None:
        yield f"CPU {seconds(outcome['cpu_seconds'])}"
    if outcome["peak_memory"]:
        yield f"at most {size(outcome['peak_memory'])}"
    if outcome["log_bytes"]:
        yield f"{size(outcome['log_bytes'])} of output"
    if outcome["log_lost"]:
        yield f"{size(outcome['log_lost'])} of output could not be stored"
    if outcome["leftovers"]:
        yield f"{outcome['leftovers']} left behind and ended"
