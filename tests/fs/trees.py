"""Trees to copy, and two ways of comparing a copy with its source: by our own walk and by rsync."""

from __future__ import annotations

import hashlib
import os
import random
import socket
import stat
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PREFIX = ".pn~"
_DIR = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
NAMES = (
    b".hidden", b"-leading dash", b"--", b"new\nline", b"tab\tand \x1b[31mescape", b"caf\xe9 latin", b"\xff\xfe",
    "ünïcödé ☃".encode(), b"a b", b"'quote\"", b"back\\slash", b"*?[x]", b"n" * 255, b"...", b"%s%n", b" ",
)  # fmt: skip


@dataclass(frozen=True)
class Counts:
    """What a tree consists of; ``folders`` includes its top."""

    files: int
    folders: int
    links: int
    specials: int
    bytes: int


def write(path: Path | str | bytes, data: bytes, seconds: float = 1_500_000_000.123456789) -> None:
    with open(path, "wb") as file:
        file.write(data)
    moment = int(seconds * 10**9) + len(data)
    os.utime(path, ns=(moment + 7, moment))


def make_zoo(top: Path, *, big: int = 70 << 20) -> None:
    """Everything that a tree may hold, as far as this user may make it."""
    chance = random.Random(4)
    top.mkdir()
    base = os.fsencode(top)
    root = os.geteuid() == 0
    (top / "empty/empty").mkdir(parents=True)
    (top / "names").mkdir()
    for number, name in enumerate(NAMES):
        write(os.path.join(base, b"names", name), name * number)
        os.mkdir(os.path.join(base, b"names", name[:200] + b".d"))
        write(os.path.join(base, b"names", name[:200] + b".d", name), b"below")
        os.symlink(name, os.path.join(base, b"names", name[:200] + b".l"))
    (top / "links").mkdir()
    for link, words in {
        "dangling": "nowhere at all",
        "absolute": "/etc/passwd",
        "folder": "../names",
        "loop": "loop",
        "up": "../..",
        "long": "x/" * 1500,
    }.items():
        (top / "links" / link).symlink_to(words)
        os.utime(top / "links" / link, ns=(3, 1_234_567_890_987_654_321), follow_symlinks=False)
    os.symlink(b"bad \xff bytes", base + b"/links/bytes")
    (top / "sizes").mkdir()
    for size in (0, 1, 4095, 4096, 4097, (1 << 20) - 1, 1 << 20, (4 << 20) + 1):
        write(top / f"sizes/{size}", chance.randbytes(size))
    write(top / "sizes/big", chance.randbytes(big))
    with open(top / "sizes/sparse", "wb") as file:
        for offset in (1 << 20, 40 << 20):
            file.seek(offset)
            file.write(b"data in the middle of nothing")
        file.truncate(64 << 20)
    with open(top / "sizes/hole", "wb") as file:
        file.truncate(5 << 20)
    (top / "hard").mkdir()
    write(top / "hard/one", b"linked")
    os.link(top / "hard/one", top / "hard/two")
    (top / "modes").mkdir()
    for mode in (0, 0o400, 0o444, 0o222, 0o777, 0o4755, 0o2755, 0o6711, 0o1644, 0o644):
        write(top / f"modes/{mode:o}", b"mode")
        (top / f"modes/d{mode:o}").mkdir()
        write(top / f"modes/d{mode:o}/inside", b"x")
        os.chmod(top / f"modes/{mode:o}", mode)
    os.mkfifo(top / "fifo")
    with socket.socket(socket.AF_UNIX) as listener:
        before = os.getcwd()
        os.chdir(top)  # a socket's path may have only 107 bytes
        try:
            listener.bind("socket")
        finally:
            os.chdir(before)
    write(top / "future", b"not yet", 4_000_000_000.5)
    write(top / "ancient", b"long ago", -1_000_000_000.25)
    if root:
        os.mknod(top / "null", stat.S_IFCHR | 0o666, os.makedev(1, 3))
        (top / "owners").mkdir()
        for number in (1, 65534, 4_000_000):
            write(top / f"owners/{number}", b"whose")
            os.symlink("x", top / f"owners/l{number}")
            os.mkfifo(top / f"owners/f{number}")
            (top / f"owners/d{number}").mkdir()
            for kind in ("", "l", "f", "d"):
                os.lchown(top / f"owners/{kind}{number}", number, number + 1)
        write(top / "owners/setuid", b"whose")
        os.chown(top / "owners/setuid", 1, 1)
        os.chmod(top / "owners/setuid", 0o6755)
    make_deep(top / "deep", 600, "a folder with a long name")
    for mode in (0, 0o400, 0o444, 0o222, 0o777, 0o4755, 0o2755, 0o6711, 0o1644, 0o644):
        if root or mode & 0o500 == 0o500:
            os.chmod(top / f"modes/d{mode:o}", mode)
    chance.seed(5)
    for descriptor, _, kind in entries(top):
        if kind == "folder":
            moment = chance.randrange(10**18, 2 * 10**18)
            os.utime(descriptor, ns=(moment, moment))


def make_deep(top: Path, depth: int, name: str = "d") -> None:
    """Folders in folders, each with a file: beyond PATH_MAX if need be."""
    top.mkdir()
    folder = os.open(top, _DIR)
    for number in range(depth):
        os.mkdir(name, dir_fd=folder)
        below = os.open(name, _DIR, dir_fd=folder)
        os.close(folder)
        folder = below
        file = os.open("file", os.O_WRONLY | os.O_CREAT, 0o644, dir_fd=folder)
        os.write(file, b"%d" % number)
        os.utime(file, ns=(number, 10**18 + number))
        os.close(file)
    os.close(folder)


def make_flat(top: Path, count: int, *, folders: int = 0) -> None:
    """One folder with many small files, and perhaps as many folders as asked for."""
    top.mkdir()
    folder = os.open(top, _DIR)
    for number in range(count):
        file = os.open(f"file-{number}", os.O_WRONLY | os.O_CREAT, 0o644, dir_fd=folder)
        os.write(file, b"%d\n" % number)
        os.close(file)
    for number in range(folders):
        os.mkdir(f"folder-{number}", dir_fd=folder)
    os.close(folder)


def entries(top: Path) -> Iterator[tuple[int, str, str]]:
    """(descriptor or name's parent, path, kind) of everything, each folder after what is below it."""
    folder = os.open(top, _DIR)
    try:
        yield from _entries(folder, "")
    finally:
        os.close(folder)


def _entries(folder: int, path: str) -> Iterator[tuple[int, str, str]]:
    # Depth first with an explicit way up: the tree may be deeper than there are descriptors.
    levels: list[tuple[str, list[str]]] = []
    here = os.dup(folder)
    pending = _names(here)
    while True:
        while pending:
            name, is_folder = pending.pop()
            if not is_folder:
                yield here, os.path.join(path, name), "other"
                continue
            levels.append((path, [f"{'/' if d else ''}{n}" for n, d in pending]))
            path = os.path.join(path, name)
            below = os.open(name, _DIR, dir_fd=here)
            os.close(here)
            here, pending = below, _names(below)
        yield here, path, "folder"
        if not levels:
            break
        above = os.open("..", _DIR, dir_fd=here)
        os.close(here)
        here = above
        path, left = levels.pop()
        pending = [(n.lstrip("/"), n.startswith("/")) for n in left]
    os.close(here)


def _names(folder: int) -> list[tuple[str, bool]]:
    return sorted((name, stat.S_ISDIR(_stat(name, folder).st_mode)) for name in os.listdir(folder))


def _stat(name: str, folder: int) -> os.stat_result:
    return os.stat(name, dir_fd=folder, follow_symlinks=False)


def picture(top: Path, *, owners: bool = True, times: bool = True) -> dict[str, object]:
    """All that a copy has to keep, by path: kind, mode, mtime, owner, size and content."""
    seen: dict[str, object] = {}
    for folder, path, kind in entries(top):
        name = os.path.basename(path)
        found = os.fstat(folder) if kind == "folder" else _stat(name, folder)
        facts: list[object] = [oct(found.st_mode) if not stat.S_ISLNK(found.st_mode) else "link"]
        if times:
            facts.append(found.st_mtime_ns)
        if owners:
            facts += [found.st_uid, found.st_gid]
        if stat.S_ISLNK(found.st_mode):
            facts.append(os.readlink(name, dir_fd=folder))
        elif stat.S_ISREG(found.st_mode):
            facts += [found.st_size, _digest(name, folder)]
        elif kind != "folder":
            facts.append(found.st_rdev)
        seen[path] = tuple(facts)
    return seen


def _digest(name: str, folder: int) -> str:
    try:
        file = os.open(name, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=folder)
    except PermissionError:
        return "unreadable"
    with open(file, "rb") as data:
        return hashlib.file_digest(data, "blake2b").hexdigest()


def count(top: Path) -> Counts:
    files = folders = links = specials = size = 0
    for folder, path, kind in entries(top):
        if kind == "folder":
            folders += 1
            continue
        found = _stat(os.path.basename(path), folder)
        if stat.S_ISREG(found.st_mode):
            files, size = files + 1, size + found.st_size
        elif stat.S_ISLNK(found.st_mode):
            links += 1
        else:
            specials += 1
    return Counts(files, folders, links, specials, size)


def litter(top: Path) -> list[str]:
    """Temporary names anywhere below, and beside it."""
    found = [path for _, path, _ in entries(top) if os.path.basename(path).startswith(PREFIX)]
    return found + [name for name in os.listdir(top.parent) if name.startswith(PREFIX)]


def rsync_sees(source: Path, target: Path) -> str:
    """What rsync would still change: nothing, for a copy without hard links, ACLs and xattrs.

    It cannot go where a path is longer than PATH_MAX.
    """
    words = ["rsync", "-aAXn", "--delete", "--itemize-changes", "--exclude=/deep"]
    done = subprocess.run([*words, f"{source}/", f"{target}/"], capture_output=True, check=True)
    return done.stdout.decode(errors="backslashreplace")


def assert_whole(source: Path, target: Path) -> None:
    """Each file that stands at a final name in the target is its source's equal; others may be missing."""
    wanted = picture(source)
    for path, facts in picture(target).items():
        if PREFIX in path:
            continue
        assert path in wanted, f"{path!r} has come out of nowhere"
        assert isinstance(facts, tuple)
        if str(facts[0]).startswith("0o10"):
            assert facts == wanted[path], f"{path!r} is not whole"
