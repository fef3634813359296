"""Where the records of a user's pools lie: ``<runtime folder>/procession/pools``, nobody else's business.

Without a login session the runtime folder is one in /tmp, where anybody may have been first: a folder that
is not ours is not used.
"""

from __future__ import annotations

import os
import stat

_BELOW = ("procession", "pools")


def prepared(folder: str | None = None) -> str | None:
    """The folder (``folder`` instead, for tests), made where it was missing; None where that cannot be."""
    if folder is not None:
        return folder if made(folder) else None
    place = runtime_folder()
    if place is None or not made(place):
        return None
    for name in _BELOW:
        place = f"{place}/{name}"
        if not made(place):
            return None
    return place


def existing() -> str | None:
    """The folder if there is one that is ours."""
    place = runtime_folder()
    if place is None:
        return None
    path = "/".join((place, *_BELOW))
    return path if _is_ours(place) and _is_ours(os.path.dirname(path)) and _is_ours(path) else None


def runtime_folder() -> str | None:
    """Of this user; None where it cannot be known.  It may be missing still."""
    import warnings

    # Newer ones warn that a user has no login session, which is no news to a cron job.  A filter, since
    # catch_warnings would undo what another thread does to the filters meanwhile.
    warnings.filterwarnings("ignore", message="XDG_RUNTIME_DIR", category=UserWarning)
    try:
        import platformdirs

        return str(platformdirs.user_runtime_path())
    except (OSError, ImportError):
        return None


def made(path: str) -> bool:
    """Make it if it is missing: True when it is there and ours alone."""
    try:
        os.mkdir(path, 0o700)
    except FileExistsError:
        pass
    except OSError:
        return False
    return _is_ours(path)


def _is_ours(path: str) -> bool:
    """A real folder, of this user, into which nobody else can write."""
    try:
        found = os.lstat(path)
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o022
