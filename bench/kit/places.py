"""Where a bench works: a file system in memory, ext4 in memory, the disk, or any folder.

Every place is a context manager, and what it took (memory, a mount, a loop device) is given back when
the bench ends, however it ends: see ``_loop_ext4`` for the one case that ``finally`` cannot cover.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.kit.machine import FileSystem, available_memory, file_system

MEMORY = Path("/dev/shm")
DISK = Path(".bench")
IMAGE_BYTES = 12 << 30
NAMES = ("tmpfs", "loop-ext4", "disk")

_CLONE_NEWNS = 0x00020000  # <sched.h>; os.unshare came with Python 3.12


class PlaceError(Exception):
    """A place cannot be had here; the text says why and what to do."""


@dataclass(frozen=True)
class Place:
    """A folder to work in.  ``backing`` is where its bytes really lie when that is not the folder."""

    name: str
    folder: Path
    system: FileSystem
    backing: Path | None = None

    def room(self) -> int:
        """Bytes that still fit, counting the memory behind a place in memory."""
        room = _free(self.folder)
        if self.backing is not None:
            room = min(room, _free(self.backing))
        if self.backing == MEMORY or self.system.kind == "tmpfs":
            room = min(room, available_memory())
        return room

    def describe(self) -> str:
        """``loop-ext4: ext4 on a loop device, its image in memory``."""
        text = f"{self.name}: {self.system.describe()}"
        return f"{text}, its image in memory" if self.backing == MEMORY else text


@contextmanager
def place(where: str, *, keep: bool = False, image_bytes: int = IMAGE_BYTES) -> Iterator[Place]:
    """Open the place called ``where``; ``keep`` leaves the data sets of ``tmpfs`` for the next run."""
    if where == "tmpfs":
        with _tmpfs(keep) as folder:
            yield Place(where, folder, file_system(folder))
    elif where == "loop-ext4":
        with _loop_ext4(image_bytes) as folder:
            yield Place(where, folder, file_system(folder), backing=MEMORY)
    else:
        folder = DISK if where == "disk" else Path(where)
        folder.mkdir(parents=True, exist_ok=True)
        if where == "disk":
            (folder / ".gitignore").write_text("*\n")  # data sets in a checkout are nobody's sources
        # A path of this machine means nothing to a reader of the table: its last name does.
        name = where if where == "disk" else folder.resolve().name
        yield Place(name, folder.resolve(), file_system(folder))


@contextmanager
def _tmpfs(keep: bool) -> Iterator[Path]:
    if not MEMORY.is_dir():
        raise PlaceError("tmpfs: /dev/shm is missing: give a folder on a tmpfs with --where DIR")
    folder = MEMORY / f"procession-bench-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid != os.getuid():
        raise PlaceError("tmpfs: the bench folder in /dev/shm belongs to somebody else: remove it first")
    try:
        yield folder
    finally:
        if not keep:
            remove(folder)


@contextmanager
def _loop_ext4(image_bytes: int) -> Iterator[Path]:
    """ext4 on a loop device over a sparse file in memory: the cost of ext4 without the cost of a disk.

    What would outlive a SIGKILL is arranged not to: the image loses its name as soon as it is mounted,
    and the mount lives in a mount namespace of this process alone, so the kernel unmounts it, frees the
    loop device and the memory, when the last process of the bench is gone.
    """
    if os.getuid() != 0:
        raise PlaceError("loop-ext4: only root can mount: run as root, or use --where tmpfs or disk")
    _own_mounts()
    # The image can grow to its full size, since ext4 does not hurry to use freed blocks again: it must never
    # be larger than memory can bear.
    image_bytes = min(image_bytes, (min(available_memory(), _free(MEMORY)) // 10 * 9) & -4096)
    folder = Path(tempfile.mkdtemp(prefix="bench-ext4-"))
    try:
        with tempfile.TemporaryDirectory(prefix="bench-ext4-", dir=MEMORY) as nursery:
            image = Path(nursery) / "image"
            image.touch(mode=0o600)
            os.truncate(image, image_bytes)
            # Lazy initialisation would go on in a kernel thread during the first runs.
            _root("mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=0,lazy_journal_init=0", str(image))
            _root("mount", "-t", "ext4", "-o", "loop,nosuid,nodev", str(image), str(folder))
        try:
            yield folder
        finally:
            if subprocess.run(["umount", str(folder)], check=False, capture_output=True).returncode != 0:
                _root("umount", "--lazy", str(folder))
    finally:
        folder.rmdir()


def _own_mounts() -> None:
    """Move this process into a mount namespace of its own, from which nothing spreads back."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWNS) != 0:
        code = ctypes.get_errno()
        raise PlaceError(
            f"loop-ext4: no private mounts here ({os.strerror(code)}): use --where tmpfs or disk"
        )
    _root("mount", "--make-rprivate", "/")


def _root(*command: str) -> None:
    program = shutil.which(command[0], path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin")
    if program is None:
        raise PlaceError(f"loop-ext4: {command[0]} is missing: install e2fsprogs and mount (util-linux)")
    done = subprocess.run([program, *command[1:]], check=False, capture_output=True, text=True)
    if done.returncode != 0:
        raise PlaceError(f"loop-ext4: {command[0]} failed: {done.stderr.strip() or done.returncode}")


def remove(path: Path) -> None:
    """Delete a file or a whole tree, if it is there (by rm: the bench itself stays small and idle)."""
    subprocess.run(["rm", "-rf", "--one-file-system", "--", str(path)], check=True)


def settle(folder: Path) -> None:
    """Write back all that is dirty on the file system of ``folder``, and wait for it (syncfs).

    Not ``os.sync``: that would wait for every other disk of the machine too.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        if libc.syncfs(descriptor) != 0:
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code), str(folder))
    finally:
        os.close(descriptor)


def _free(folder: Path) -> int:
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize
