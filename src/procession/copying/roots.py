"""Where things land: the operator's words turned into roots, and everything that must not begin.

The rules are those of ``cp -a``: into DST when it is a folder, else as DST.  The operator's own paths
are resolved as the system resolves them; only what lies below them is confined.
"""

from __future__ import annotations

import os
import stat

from procession.copying.messages import Root
from procession.copying.words import shown
from procession.errors import CopyError, IntoItself, SameFile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def plan_roots(
    sources: Sequence[str], target: str | None, *, as_target: bool = False
) -> tuple[tuple[Root, ...], tuple[str, ...]]:
    """The roots of a copy and the paths they land at.

    ``target`` None: a sibling ``SOURCE.copy``.  ``as_target``: ``target`` is the copy itself, also
    when it is a folder that exists.  Raises CopyError before anything is written.
    """
    if target is None:
        if len(sources) != 1:
            raise CopyError("several sources need a folder to be copied into: name it last")
        target, as_target = _sibling(sources[0]), True
    into = not as_target and os.path.isdir(target)
    if len(sources) > 1 and not into:
        raise CopyError(f"{shown(target)} is not a folder: several sources need one to be copied into")
    roots, targets = [], []
    for source in sources:
        root = _root(source, target, into=into)
        landing = os.path.join(root.target_parent, root.target_name)
        if landing in targets:
            raise CopyError(f"two sources would both become {shown(landing)}: copy them one by one")
        _check(source, root, landing, slashed=not into and target.endswith("/"))
        roots.append(root)
        targets.append(landing)
    return tuple(roots), tuple(targets)


def _root(source: str, target: str, *, into: bool) -> Root:
    if not source or not target:
        raise CopyError(f"the {'target' if source else 'source'}'s name is empty")
    if not os.path.lexists(source):
        raise CopyError(f"{shown(source)} does not exist")
    source_parent, source_name, landing = _split(source)
    if into and landing:
        target_parent, target_name = target, landing
    else:
        target_parent, target_name = _split_target(target)
    parent = _absolute(target_parent)
    if not os.path.isdir(parent):
        raise CopyError(f"the folder {shown(target_parent)} to copy into does not exist: make it first")
    return Root(_absolute(source_parent), source_name, parent, target_name, source.rstrip("/") or "/")


def _split(path: str) -> tuple[str, str, str]:
    """Parent and name of a source, and the name that it lands under in a folder.

    A trailing slash means what a link points to (path_resolution(7)).  "." and ".." have no name to land
    under: their content goes into the target itself, as with cp.
    """
    trimmed = path.rstrip("/")
    parent, name = os.path.split(trimmed)
    if not trimmed or name in (".", ".."):
        return trimmed or "/", ".", ""
    if trimmed != path and os.path.islink(trimmed):
        return path, ".", name
    return parent, name, name


def _split_target(target: str) -> tuple[str, str]:
    trimmed = target.rstrip("/") or "/"
    if os.path.isdir(trimmed) or os.path.basename(trimmed) in (".", ".."):
        trimmed = os.path.realpath(trimmed)  # the operator's own link to the folder is followed
    parent, name = os.path.split(trimmed)
    if not name:
        raise CopyError(f"{shown(target)} cannot be the copy itself: name a folder below it")
    return parent, name


def _absolute(path: str) -> str:
    # Not abspath(): folding "a/../b" is wrong where a is a link.
    return path if path.startswith("/") else os.path.join(os.getcwd(), path).rstrip("/") or "/"


def _sibling(source: str) -> str:
    base = source.rstrip("/")
    if os.path.basename(base) in ("", ".", ".."):
        base = os.path.realpath(source)
    if not os.path.basename(base):
        raise CopyError("/ has no sibling: name a target")
    number = 1
    while os.path.lexists(name := f"{base}.copy" if number == 1 else f"{base}.copy-{number}"):
        number += 1
    return name


def _check(source: str, root: Root, landing: str, *, slashed: bool) -> None:
    """Refuse to copy a thing onto or into itself; by (device, inode), so that no alias hides it."""
    try:
        found = os.stat(os.path.join(root.source_parent, root.source_name), follow_symlinks=False)
    except OSError as error:
        raise CopyError(f"{shown(source)} cannot be read: {error.strerror}") from error
    there = _lstat(landing)
    if there is not None and (there.st_dev, there.st_ino) == (found.st_dev, found.st_ino):
        raise SameFile(f"{shown(source)} and {shown(landing)} are the same: nothing to copy")
    if there is not None and stat.S_ISLNK(found.st_mode) != stat.S_ISLNK(there.st_mode):
        _check_referent(source, os.path.join(root.source_parent, root.source_name), landing)
    if not stat.S_ISDIR(found.st_mode):
        if there is None and slashed:
            raise CopyError(f"{shown(landing)}/ would have to be a folder, and {shown(source)} is none")
        return
    if there is not None and not stat.S_ISDIR(there.st_mode):
        raise CopyError(f"{shown(landing)} stands there and is no folder: remove it or name another target")
    _check_ancestors(source, found, root.target_parent, landing)


def _check_referent(source: str, path: str, landing: str) -> None:
    """One of the two is a link: a link put in place of the file that it points to would be all that is
    left of both."""
    try:
        same = os.path.samestat(os.stat(path), os.stat(landing))
    except OSError:
        return  # the link leads nowhere
    if same:
        raise SameFile(f"{shown(source)} and {shown(landing)} are the same file, one by a link to the other")


def _check_ancestors(source: str, found: os.stat_result, folder: str, landing: str) -> None:
    path = os.path.realpath(folder)
    while True:
        here = os.stat(path)
        if (here.st_dev, here.st_ino) == (found.st_dev, found.st_ino):
            raise IntoItself(f"{shown(landing)} lies inside {shown(source)}: the copy would never end")
        above = os.path.dirname(path)
        if above == path:
            return
        path = above


def _lstat(path: str) -> os.stat_result | None:
    try:
        return os.lstat(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise CopyError(f"{shown(path)} cannot be looked at: {error.strerror}") from error
