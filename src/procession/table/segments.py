"""Memory of a process by what it is for: code, data, heap, stack, anonymous, mapped files, shared.

::

    /proc/PID/smaps ─▶ each mapping: what kind, how large, how much in memory ─▶ a sum for each kind
    /proc/PID/maps     the same without "in memory", for kernels that have no smaps

Both are ours only (ptrace(2) rights), see proc_pid_smaps(5).  smaps walks the page tables: milliseconds for a
large process.
"""

from __future__ import annotations

from procession.records import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procession.table.record import ProcessRecord

KINDS = ("code", "data", "heap", "stack", "anonymous", "mapped", "shared", "kernel")

ABOUT = {
    "code": "machine instructions of the program and its libraries",
    "data": "variables of the program and its libraries, private copies of file pages",
    "heap": "from brk(2), where malloc(3) takes small pieces",
    "stack": "of the main thread",
    "anonymous": "from mmap(2): large pieces of malloc, stacks of threads, arenas",
    "mapped": "files read through memory, constants of libraries",
    "shared": "shared memory: seen by others too when they map it",
    "kernel": "vdso and the like, the same pages in every process",
}


@record
class Mapping:
    """One line of maps.  Bytes; ``rss``, ``pss``, ``private`` and ``swap`` are 0 without smaps."""

    start: int
    end: int
    permissions: str
    path: str
    inode: int
    rss: int = 0
    pss: int = 0
    private: int = 0
    swap: int = 0

    @property
    def size(self) -> int:
        return self.end - self.start


@record
class Segment:
    """A sum over ``count`` mappings.  ``pss``: in memory, shared pages counted in parts; ``private``: its alone."""

    kind: str
    count: int
    size: int
    rss: int
    pss: int
    private: int
    swap: int


def read_mappings(one: ProcessRecord) -> tuple[list[Mapping], bool] | None:
    """All of them, and whether they say what is in memory; None when they are not ours to read."""
    data = one.read("smaps")
    if data:
        return parse(data), True
    data = one.read("maps")
    return (parse(data), False) if data else None


def parse(data: bytes) -> list[Mapping]:
    """From the text of maps or smaps.  A path may hold anything but a newline, which stands as \\012 there."""
    found: list[Mapping] = []
    facts: dict[bytes, int] = {}
    head: list[bytes] | None = None
    for line in data.split(b"\n"):
        words = line.split(None, 5)
        if len(words) >= 5 and b"-" in words[0] and not words[0].endswith(b":"):
            if head is not None:
                found.append(_mapping(head, facts))
            head, facts = words, {}
        elif len(words) >= 3 and words[2] == b"kB":
            facts[words[0]] = int(words[1]) * 1024
    if head is not None:
        found.append(_mapping(head, facts))
    return found


def _mapping(head: list[bytes], facts: dict[bytes, int]) -> Mapping:
    start, _, end = head[0].partition(b"-")
    path = head[5].decode("utf-8", "surrogateescape") if len(head) > 5 else ""
    return Mapping(
        start=int(start, 16),
        end=int(end, 16),
        permissions=head[1].decode("ascii"),
        path=path,
        inode=int(head[4]),
        rss=facts.get(b"Rss:", 0),
        pss=facts.get(b"Pss:", 0),
        private=facts.get(b"Private_Clean:", 0) + facts.get(b"Private_Dirty:", 0),
        swap=facts.get(b"Swap:", 0),
    )


def kind_of(mapping: Mapping) -> str:
    """One of ``KINDS``."""
    path, permissions = mapping.path, mapping.permissions
    if path == "[heap]":
        return "heap"
    if path.startswith("[stack"):
        return "stack"
    if path in ("[vdso]", "[vvar]", "[vvar_vclock]", "[vsyscall]", "[vectors]", "[sigpage]"):
        return "kernel"
    if permissions.endswith("s"):
        return "shared" if _is_memory(path) or "w" in permissions else "mapped"
    if not mapping.inode:  # also [anon:NAME] (PR_SET_VMA_ANON_NAME)
        return "anonymous"
    if "x" in permissions:
        return "code"
    return "data" if "w" in permissions else "mapped"


def _is_memory(path: str) -> bool:
    return not path or path.startswith(("/dev/shm/", "/memfd:", "/SYSV", "/dev/zero", "[anon_shmem:"))


def by_kind(mappings: list[Mapping]) -> list[Segment]:
    """A sum for each kind that there is, in the order of ``KINDS``."""
    groups: dict[str, list[Mapping]] = {}
    for each in mappings:
        groups.setdefault(kind_of(each), []).append(each)
    return [
        Segment(
            kind,
            len(group),
            sum(each.size for each in group),
            sum(each.rss for each in group),
            sum(each.pss for each in group),
            sum(each.private for each in group),
            sum(each.swap for each in group),
        )
        for kind in KINDS
        if (group := groups.get(kind))
    ]
