"""The options by which ``pn pgrep``, ``pn kill`` and ``pn wait`` choose processes: pgrep(1)'s."""

from __future__ import annotations

import os

from procession.cli.options import Option
from procession.cli.times import seconds_of
from procession.table.match import NAME_MAX, Criteria, choose
from procession.table.snapshot import snapshot
from procession.table.ttys import tty_number
from procession.table.users import group_id, user_id

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from procession.table.record import ProcessRecord

NAMESPACES = ("ipc", "mnt", "net", "pid", "user", "uts")


class Wrong(Exception):
    """A mistake on the command line, in words that follow "pn VERB: "."""


OPTIONS = (
    Option(("-f", "--full"), "full", "lay patterns on the whole command line"),
    Option(("-x", "--exact"), "exact", "a pattern must fit the whole name (or command line)"),
    Option(("-i", "--ignore-case"), "ignore_case", "capitals or not"),
    Option(("-n", "--newest"), "newest", "only the one that started last"),
    Option(("-o", "--oldest"), "oldest", "only the one that started first"),
    Option(
        ("-O", "--older", "--older-than"),
        "older",
        "started at least so long ago: 90, 10m, 2h",
        "TIME",
        seconds_of,
    ),
    Option(("--younger-than",), "younger", "started less than so long ago", "TIME", seconds_of),
    Option(("-u", "--euid", "--user"), "euids", "of these effective users", "USER,...", str),
    Option(("-U", "--uid"), "uids", "of these real users", "USER,...", str),
    Option(("-G", "--group"), "gids", "of these real groups", "GROUP,...", str),
    Option(("-P", "--parent"), "parents", "children of these", "PID,...", str),
    Option(("-g", "--pgroup"), "groups", "in these process groups; 0: ours", "PGID,...", str),
    Option(("--session",), "sessions", "in these sessions; 0: ours", "SID,...", str),
    Option(("-t", "--terminal"), "ttys", "on these terminals: pts/3, tty1", "TTY,...", str),
    Option(("-r", "--runstates"), "states", "in these states: D,R,S,T,Z", "STATE,...", str),
    Option(("-F", "--pidfile"), "pidfile", "whose pid stands in a file", "FILE", str),
    Option(("--logpidfile",), "locked", "fail unless that file is locked"),
    Option(("-A", "--ignore-ancestors"), "ignore_ancestors", "none of those that run this command"),
    Option(("--cgroup",), "cgroups", "in these cgroups (v2)", "PATH,...", str),
    Option(("--ns",), "ns", "in the same namespaces as this one", "PID", str),
    Option(("--nslist",), "nslist", f"of which only: {','.join(NAMESPACES)}", "NS,...", str),
)


def criteria_of(values: dict[str, Any], patterns: tuple[str, ...] = (), **more: object) -> Criteria:
    """From the values of ``OPTIONS`` (where a verb has them).  Raises Wrong."""
    if values["newest"] + values["oldest"] + values.get("inverse", False) > 1:
        raise Wrong("-n, -o and -v do not go together: choose one")
    return Criteria(
        patterns=patterns,
        full=values["full"],
        exact=values["exact"],
        ignore_case=values["ignore_case"],
        inverse=values.get("inverse", False),
        newest=values["newest"],
        oldest=values["oldest"],
        euids=_each(values["euids"], _user),
        uids=_each(values["uids"], _user),
        gids=_each(values["gids"], _group),
        parents=_each(values["parents"], _number),
        groups=_each(values["groups"], lambda word: _number(word) or os.getpgrp()),
        sessions=_each(values["sessions"], lambda word: _number(word) or os.getsid(0)),
        ttys=_each(values["ttys"], _tty),
        states=values["states"].replace(",", "") if values["states"] is not None else None,
        older=values["older"],
        younger=values["younger"],
        cgroups=frozenset(values["cgroups"].split(",")) if values["cgroups"] is not None else None,
        namespaces=_namespaces(values["ns"], values["nslist"]),
        pids=_from_file(values["pidfile"], values["locked"]),
        ignore_ancestors=values["ignore_ancestors"],
        **more,  # type: ignore[arg-type]
    )


def find(criteria: Criteria, *, threads: bool = False) -> list[ProcessRecord]:
    """Who is chosen in the table of now.  Raises Wrong."""
    table = snapshot(criteria.needs, threads=threads)
    try:
        return choose(criteria, table, os.getpid())
    except ValueError as error:
        raise Wrong(f"{error}: quote it, and put a \\ before what is meant as it stands") from None


def too_long(criteria: Criteria) -> str:
    """A warning for a pattern that no name can fit; "" for others."""
    for pattern in criteria.patterns:
        if (
            not criteria.full
            and len(os.fsencode(pattern)) > NAME_MAX
            and pattern.replace("-", "").replace("_", "").isalnum()
        ):
            return f"{pattern!r} is longer than the {NAME_MAX} bytes that the kernel keeps of a name: -f looks at the command line"
    return ""


def _each(words: str | None, convert: Callable[[str], int]) -> frozenset[int] | None:
    return None if words is None else frozenset(convert(word) for word in words.split(","))


def _number(word: str) -> int:
    if not (word.isascii() and word.isdecimal()):
        raise Wrong(f"{word!r} is not a number")
    return int(word)


def _user(word: str) -> int:
    found = user_id(word)
    if found is None:
        raise Wrong(f"there is no user {word!r}")
    return found


def _group(word: str) -> int:
    found = group_id(word)
    if found is None:
        raise Wrong(f"there is no group {word!r}")
    return found


def _tty(word: str) -> int:
    if word in ("-", "?"):
        return 0
    found = tty_number(word)
    return -1 if found is None else found  # pgrep finds nobody there


def _namespaces(pid: str | None, names: str | None) -> tuple[tuple[str, str], ...]:
    if pid is None:
        return ()
    wanted = NAMESPACES if names is None else tuple(names.split(","))
    found = []
    for name in wanted:
        if name not in NAMESPACES:
            raise Wrong(f"there is no namespace {name!r}: choose from {', '.join(NAMESPACES)}")
        try:
            found.append((name, os.readlink(f"/proc/{_number(pid)}/ns/{name}")))
        except OSError as error:
            raise Wrong(f"the namespaces of pid {pid}: {error.strerror}") from None
    return tuple(found)


def _from_file(path: str | None, must_be_locked: bool) -> frozenset[int] | None:
    """The first number in a file that a daemon has written, and perhaps holds a lock on as long as it lives."""
    if path is None:
        if must_be_locked:
            raise Wrong("--logpidfile needs -F FILE")
        return None
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            if must_be_locked and not _is_locked(file.fileno()):
                raise Wrong(f"{path} is not locked: its daemon has ended")
            words = file.read(64).split()
    except OSError as error:
        raise Wrong(f"{path}: {error.strerror}") from None
    if not words or not words[0].isdecimal():
        raise Wrong(f"{path}: there is no pid in it")
    return frozenset((int(words[0]),))


def _is_locked(fd: int) -> bool:
    import fcntl
    import struct

    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    fcntl.flock(fd, fcntl.LOCK_UN)
    asked = struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, 0, 0, 0)
    kind: int = struct.unpack_from("h", fcntl.fcntl(fd, fcntl.F_GETLK, asked))[0]
    return kind != fcntl.F_UNLCK
