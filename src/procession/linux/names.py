"""Names of entries and relative paths, as they may be handed to the calls that work below a folder."""

from __future__ import annotations


def check_name(name: str) -> None:
    """Raise ValueError unless ``name`` is that of one entry of a folder."""
    if name in ("", ".", "..") or "/" in name:
        raise ValueError(f"{name!r} is not the name of one file")


def split_path(path: str) -> list[str]:
    """The parts of a relative path: ``"a//./b/"`` is ["a", "b"].  Raises ValueError for ".." and "/a"."""
    if path.startswith("/"):
        raise ValueError(f"{path!r} is not relative")
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise ValueError(f"{path!r} leads upwards")
    return parts
