"""A listing of ``pn ps``: read, select, sort, set.  Pure but for the reading of /proc."""

from __future__ import annotations

import os

from procession.cli.job_roles import of_jobs
from procession.records import record as frozen
from procession.table.columns.base import View, utf8_wanted
from procession.table.layout import Layout, Slot, for_processes, for_threads
from procession.table.select import Selection, Simple, accepts
from procession.table.snapshot import snapshot

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from procession.cli.ps_formats import Key
    from procession.cli.ps_request import Request
    from procession.table.record import ProcessRecord
    from procession.table.roles import Provider
    from procession.table.snapshot import Snapshot
    from procession.table.words import Words

    Branches = list[tuple[ProcessRecord, str]]


# Of roles: what the floors beside ``table`` know of processes.
PROVIDERS: tuple[Provider, ...] = (of_jobs,)


@frozen
class Listing:
    """``rows``: processes or threads, each with the branch of a tree in front of its command."""

    view: View
    rows: list[tuple[ProcessRecord, str]]


def listing(request: Request, slots: list[Slot], keys: list[Key]) -> Listing:
    """Of now."""
    found = _read(request, slots, keys)
    view = View(
        found,
        numeric=request.numeric,
        with_children=request.with_children,
        true_name=request.true_name,
        environment=request.environment,
        full=request.full,
        human=request.human,
        utf8=utf8_wanted(),
        date_format=request.date_format,
        providers=PROVIDERS,
    )
    return Listing(view, _arranged(request, found.records, keys, view))


def _read(request: Request, slots: list[Slot], keys: list[Key]) -> Snapshot:
    """The selected processes.  Where some are left out, only what decides that is read of all of them."""
    threads = bool(request.threads)
    needs = _needs(request, slots, keys)
    if request.quick is not None:
        return snapshot(needs, pids=request.quick, threads=threads)
    selection = selection_of(request)
    if selection.all and not request.words:
        return snapshot(needs, threads=threads)
    first = snapshot(_needs_to_select(request, selection), threads=threads)
    words = _words(request, first)
    kept = [
        record
        for record in first
        if accepts(selection, record) and (words is None or (words.fit(record) and record.pid != os.getpid()))
    ]
    if not set(needs) - {"stat"}:
        first.records = kept
        return first
    pids = dict.fromkeys(record.pid for record in kept)
    second = snapshot(needs, pids=pids, threads=threads, source=first.source)
    chosen = {record.tid for record in kept}
    second.records = [record for record in second if record.tid in chosen]
    return second


def _needs(request: Request, slots: list[Slot], keys: list[Key]) -> list[str]:
    wanted = [file for slot in slots if slot.column is not None for file in slot.column.needs]
    wanted += [file for column, _ in keys for file in column.needs]
    if request.full:
        wanted.append("cmdline")  # in the columns of short names
    if request.environment:
        wanted.append("environ")
    if request.true_name and not request.full:
        wanted = [file for file in wanted if file != "cmdline"]
    return list(dict.fromkeys(wanted))


def _needs_to_select(request: Request, selection: Selection) -> list[str]:
    wanted = list(selection.needs)
    if request.words:
        wanted.append("cmdline")
    return wanted


def _words(request: Request, found: Snapshot) -> Words | None:
    if not request.words:
        return None
    from procession.table.words import Words

    return Words(request.words, found.source)


def selection_of(request: Request) -> Selection:
    """The options of selection, put together by the rules of ps(1)."""
    from procession.cli.ps_bsd import my_terminal

    simple = _simple(request)
    return Selection(
        everything=request.everything or simple is None,
        simple=None if request.lists and not request.simple else simple,
        lists=tuple((field, frozenset(values)) for field, values in request.lists),  # type: ignore[misc]
        running=request.running,
        negated=request.negated,
        uid=os.geteuid(),
        tty=my_terminal() if simple is not None and simple.on_my_terminal else 0,
    )


def _simple(request: Request) -> Simple | None:
    """What a, d, g and x select, or their absence; None: everything.  Raises Improper."""
    chosen = request.simple
    if not chosen:
        if request.words and not request.lists:
            return None
        return Simple(mine=True, on_any_terminal=request.bsd, on_my_terminal=not request.bsd)
    if chosen == {"-a"}:
        return Simple(no_leaders=True, on_any_terminal=True)
    if chosen <= {"-a", "-d"}:
        return Simple(no_leaders=True, leaders_on_terminals=len(chosen) == 2)
    chosen = chosen - {"g"}
    if chosen == {"a"}:
        return Simple(on_any_terminal=True)
    if chosen == {"x"}:
        return Simple(mine=True)
    if chosen == {"a", "x"}:
        return None
    if not chosen:  # g alone
        return Simple(mine=True, on_any_terminal=True)
    from procession.cli.ps_request import Improper

    raise Improper("these options select different processes: use one grammar")


def _arranged(request: Request, records: list[ProcessRecord], keys: list[Key], view: View) -> Branches:
    if request.tree:
        from procession.table.forest import forest
        from procession.table.sorting import ordered

        if not keys:
            records = sorted(records, key=lambda record: record.starttime)
        return forest(ordered(records, keys, view), request.tree == "drawn")
    if keys:
        from procession.table.sorting import ordered

        records = ordered(records, keys, view)
    return [(record, "") for record in records]


def lines(request: Request, slots: list[Slot], found: Listing, room: int, page: int = 0) -> Iterator[str]:
    """The rows, with headings as they are wanted; ``page``: rows of the screen, for headings on each."""
    layout = Layout(slots, found.view, room)
    header = "" if request.header == "none" else layout.header()
    rows = _threads_below(slots, found, room) if request.threads & {"m", "-m"} else _rows(layout, found.rows)
    if request.header == "repeated" and header:
        every = max(1, page - 1)
        for number, row in enumerate(rows):
            if number % every == 0:
                yield header
            yield row
        return
    if header:
        yield header
    yield from rows


def _rows(layout: Layout, rows: Branches) -> Iterator[str]:
    row = layout.row
    return (row(record, branch) for record, branch in rows)


def _threads_below(slots: list[Slot], found: Listing, room: int) -> Iterable[str]:
    """A line for each process and then one for each of its threads."""
    processes = Layout(for_processes(slots), found.view, room)
    threads = Layout(for_threads(slots), found.view, room)
    last = 0
    for record, _ in found.rows:
        if record.pid != last:
            last = record.pid
            yield processes.row(record)
        yield threads.row(record)
