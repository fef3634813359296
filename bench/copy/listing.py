"""What a tree consists of, as plain data: the one reading behind data set manifests and verification."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = b"."
FILE, FOLDER, LINK, OTHER = "file", "folder", "link", "special file"


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a tree.  ``content`` is a digest (files, if asked for) or the target (links)."""

    kind: str
    mode: int
    mtime_ns: int
    owner: tuple[int, int]
    size: int
    content: bytes = b""


Listing = Mapping[bytes, Entry]


@dataclass(frozen=True, slots=True)
class Totals:
    """How much there is in a tree, its root folder not counted."""

    files: int
    folders: int
    links: int
    bytes: int


def scan(root: Path, *, contents: bool) -> dict[bytes, Entry]:
    """Every entry below ``root`` by relative path, and the root itself as ``.``."""
    top = os.fsencode(root)
    found = {ROOT: _entry(top, contents)}
    for path in _walk(top):
        found[os.path.relpath(path, top)] = _entry(path, contents)
    return found


def totals(listing: Listing) -> Totals:
    """Count a listing."""
    kinds = [entry.kind for entry in listing.values()]
    size = sum(entry.size for entry in listing.values() if entry.kind == FILE)
    return Totals(kinds.count(FILE), kinds.count(FOLDER) - 1, kinds.count(LINK), size)


def fingerprint(listing: Listing) -> str:
    """One digest for a whole listing; owners are left out, they say who built a tree, not what it is."""
    digest = hashlib.blake2b(digest_size=16)
    for path, entry in sorted(listing.items()):
        facts = (path, entry.kind, entry.mode, entry.mtime_ns, entry.size, entry.content)
        digest.update(repr(facts).encode() + b"\n")
    return digest.hexdigest()


def _walk(folder: bytes) -> Iterator[bytes]:
    with os.scandir(folder) as entries:
        found = [(entry.path, entry.is_dir(follow_symlinks=False)) for entry in entries]
    for path, is_folder in found:
        yield path
        if is_folder:
            yield from _walk(path)


def _entry(path: bytes, contents: bool) -> Entry:
    status = os.lstat(path)
    mode, owner = stat.S_IMODE(status.st_mode), (status.st_uid, status.st_gid)
    if stat.S_ISREG(status.st_mode):
        digest = _digest(path) if contents else b""
        return Entry(FILE, mode, status.st_mtime_ns, owner, status.st_size, digest)
    if stat.S_ISLNK(status.st_mode):
        target = os.readlink(path)
        return Entry(LINK, mode, status.st_mtime_ns, owner, len(target), target)
    # The size of a folder is the file system's own affair.
    kind = FOLDER if stat.S_ISDIR(status.st_mode) else OTHER
    return Entry(kind, mode, status.st_mtime_ns, owner, 0)


def _digest(path: bytes) -> bytes:
    with open(path, "rb", buffering=0) as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).digest()
