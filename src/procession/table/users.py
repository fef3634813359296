"""User and group names: asked for once each, since a directory service may take its time."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_users: dict[int, str] = {}
_groups: dict[int, str] = {}


def user_name(uid: int) -> str:
    """The number in digits for one without a name."""
    name = _users.get(uid)
    return name if name is not None else _asked(_users, uid, _user)


def group_name(gid: int) -> str:
    """The number in digits for one without a name."""
    name = _groups.get(gid)
    return name if name is not None else _asked(_groups, gid, _group)


def _asked(known: dict[int, str], number: int, ask: Callable[[int], str]) -> str:
    try:
        name = ask(number)
    except (KeyError, OverflowError, OSError):
        name = str(number)
    known[number] = name
    return name


def _user(uid: int) -> str:
    import pwd

    return pwd.getpwuid(uid).pw_name


def _group(gid: int) -> str:
    import grp

    return grp.getgrgid(gid).gr_name


def user_id(word: str) -> int | None:
    """Of a name, or of a number in digits; None when there is no such user."""
    import pwd

    try:
        return pwd.getpwnam(word).pw_uid
    except (KeyError, OSError, ValueError):
        return int(word) if word.isascii() and word.isdecimal() else None


def group_id(word: str) -> int | None:
    """Of a name, or of a number in digits; None when there is no such group."""
    import grp

    try:
        return grp.getgrnam(word).gr_gid
    except (KeyError, OSError, ValueError):
        return int(word) if word.isascii() and word.isdecimal() else None
