"""User and group names: asked for once each, since a directory service may take its time."""

from __future__ import annotations

_users: dict[int, str] = {}
_groups: dict[int, str] = {}


def user_name(uid: int) -> str:
    """The number in digits for one without a name."""
    name = _users.get(uid)
    if name is None:
        import pwd

        try:
            name = pwd.getpwuid(uid).pw_name
        except (KeyError, OverflowError, OSError):
            name = str(uid)
        _users[uid] = name
    return name


def group_name(gid: int) -> str:
    """The number in digits for one without a name."""
    name = _groups.get(gid)
    if name is None:
        import grp

        try:
            name = grp.getgrgid(gid).gr_name
        except (KeyError, OverflowError, OSError):
            name = str(gid)
        _groups[gid] = name
    return name


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
