"""The live list: which rows it shows, and in which order.  Pure: a frame and a view give a listing."""

from __future__ import annotations

from procession.records import record
from procession.table.board.columns import CLASSIC, COLUMNS, Style
from procession.table.board.tree import in_tree_order
from procession.table.users import user_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from procession.table.board.frame import Frame
    from procession.table.record import ProcessRecord

    Key = tuple[int, bytes]


@record
class View:
    """What the user asked to see.  ``flipped``: sorted the other way round.  ``user``: a user id.  ``kernel``:
    kernel threads too.  ``idle``: those too that did nothing since the refresh before.  ``pids``: these only, ()
    all.  ``folded``: rows whose descendants the tree hides."""

    columns: tuple[str, ...] = CLASSIC
    sort: str = "cpu"
    flipped: bool = False
    tree: bool = False
    filter: str = ""
    user: int | None = None
    kernel: bool = True
    idle: bool = True
    threads: bool = False
    pids: tuple[int, ...] = ()
    folded: frozenset[tuple[int, bytes]] = frozenset()
    style: Style = Style()


@record
class Listing:
    """``records``: the rows, first to last.  ``branches``: what a tree draws in front of a command, by thread id.
    ``hidden``: descendants that a folded row stands for."""

    records: Sequence[ProcessRecord]
    branches: Mapping[int, str]
    hidden: Mapping[int, int]

    def index(self, key: Key) -> int:
        """Where a row stands; -1 when it is not there."""
        for index, one in enumerate(self.records):
            if one.tid == key[0] and one.fields[19] == key[1]:
                return index
        return -1


def key_of(one: ProcessRecord) -> Key:
    """What names a row in every frame since the boot: its number and its start."""
    return one.tid, one.fields[19]


def arrange(frame: Frame, view: View) -> Listing:
    """The rows of a view."""
    rows = _kept(frame, view)
    if view.sort not in COLUMNS:
        view_sort, down = COLUMNS["pid"], False
    else:
        view_sort = COLUMNS[view.sort]
        down = view_sort.down
    if not (view_sort.name == "pid" and not view.threads):  # they come in this order
        key: Callable[[ProcessRecord], object] = lambda one: view_sort.key(one, frame)  # noqa: E731
        rows.sort(key=key, reverse=down != view.flipped)  # type: ignore[arg-type]
    elif view.flipped:
        rows.reverse()
    if view.tree:
        return Listing(*in_tree_order(rows, view.folded))
    return Listing(rows, {}, {})


def _kept(frame: Frame, view: View) -> list[ProcessRecord]:
    rows = list(frame.snapshot.records)
    if view.pids:
        wanted = set(view.pids)
        rows = [one for one in rows if one.pid in wanted]
    if view.user is not None:
        rows = [one for one in rows if one.uid == view.user]
    if not view.kernel:
        rows = [one for one in rows if not one.is_kernel_thread]
    if not view.idle:
        usage = frame.usage
        rows = [one for one in rows if one.tid in usage or one.fields[0] == b"R"]
    if view.filter:
        matches = matcher(view.filter)
        rows = [one for one in rows if matches(one)]
    return rows


def matcher(words: str) -> Callable[[ProcessRecord], bool]:
    """Do all words fit?  ``|`` parts alternatives.  A word fits the user's name, or a part of the command or of the
    pid, in any case."""
    wanted = [each.casefold().split() for each in words.split("|") if each.strip()]

    def matches(one: ProcessRecord) -> bool:
        text = f"{one.tid} {one.comm} {one.command}".casefold()
        user = user_name(one.uid).casefold()
        return not wanted or any(all(word in text or word == user for word in each) for each in wanted)

    return matches


def search(listing: Listing, words: str, start: int, step: int = 1) -> int:
    """The next row that matches, from ``start`` on and round; -1 when none does."""
    matches = matcher(words)
    count = len(listing.records)
    for offset in range(count):
        index = (start + step * offset) % count
        if matches(listing.records[index]):
            return index
    return -1
