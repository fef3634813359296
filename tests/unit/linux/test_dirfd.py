from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from procession.linux import removal
from procession.linux.dirfd import open_beneath, open_dir, open_root, remove_tree, split_path

Fork = Callable[[Callable[[], object]], Any]


@pytest.fixture
def root(tmp_path: Path) -> Iterator[int]:
    (tmp_path / "root").mkdir()
    fd = open_root(tmp_path / "root")
    yield fd
    os.close(fd)


def same(fd: int, path: Path) -> bool:
    return os.path.samestat(os.fstat(fd), path.stat())


def open_fds() -> int:
    return len(os.listdir("/proc/self/fd"))


def make_deep(root: int, depth: int) -> None:
    """Folders in folders, each with a file and a link beside the next."""
    fd = os.dup(root)
    for _ in range(depth):
        os.mkdir("d", dir_fd=fd)
        below = os.open("d", os.O_RDONLY, dir_fd=fd)
        os.close(fd)
        fd = below
        os.close(os.open("file", os.O_CREAT | os.O_WRONLY, dir_fd=fd))
        os.symlink("/", "link", dir_fd=fd)
    os.close(fd)


def test_the_operators_own_root_may_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    fd = open_root(tmp_path / "link")
    assert same(fd, tmp_path / "real")
    assert not os.get_inheritable(fd)
    os.close(fd)
    with pytest.raises(FileNotFoundError):
        open_root(tmp_path / "missing")
    with pytest.raises(NotADirectoryError):
        open_root("/proc/version")


@pytest.mark.parametrize("kind", ["link to a folder", "link to nothing", "file", "fifo"])
def test_only_true_folders_are_opened_below(kind: str, tmp_path: Path, root: int) -> None:
    entry = tmp_path / "root" / "entry"
    match kind:
        case "link to a folder":
            entry.symlink_to(tmp_path)
        case "link to nothing":
            entry.symlink_to("nowhere")
        case "file":
            entry.touch()
        case "fifo":
            os.mkfifo(entry)
    with pytest.raises(NotADirectoryError):
        open_dir("entry", root)
    with pytest.raises(NotADirectoryError):
        open_beneath(root, ["entry", "x"])


def test_a_path_is_walked_by_descriptors(tmp_path: Path, root: int) -> None:
    deep = tmp_path / "root" / "a" / "b"
    deep.mkdir(parents=True)
    before = open_fds()
    fd = open_beneath(root, ["a", "b"])
    assert same(fd, deep)
    assert not os.get_inheritable(fd)
    os.close(fd)
    again = open_beneath(root, [])
    assert again != root
    assert same(again, tmp_path / "root")
    assert not os.get_inheritable(again)
    os.close(again)
    with pytest.raises(FileNotFoundError):
        open_beneath(root, ["a", "missing", "c"])
    assert open_fds() == before


def test_no_link_on_the_way_is_followed(tmp_path: Path, root: int) -> None:
    (tmp_path / "outside" / "b").mkdir(parents=True)
    (tmp_path / "root" / "a").symlink_to("../outside")
    with pytest.raises(NotADirectoryError):
        open_beneath(root, ["a", "b"])


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "/"])
def test_only_names_are_taken(name: str, root: int) -> None:
    with pytest.raises(ValueError, match="not the name"):
        open_beneath(root, ["a", name])
    with pytest.raises(ValueError, match="not the name"):
        remove_tree(name, root)


@pytest.mark.parametrize(
    ("path", "parts"),
    [("", []), (".", []), ("a//./b/", ["a", "b"]), ("./...", ["..."]), ("\udcff \n", ["\udcff \n"])],
)
def test_paths_are_split(path: str, parts: list[str]) -> None:
    assert split_path(path) == parts


@pytest.mark.parametrize("path", ["/a", "..", "a/../b", "a/.."])
def test_paths_that_lead_elsewhere_are_refused(path: str) -> None:
    with pytest.raises(ValueError):
        split_path(path)


@given(
    st.lists(
        st.text(st.characters(exclude_characters="/\0"), min_size=1).filter(lambda n: n not in (".", ".."))
    )
)
def test_what_is_joined_is_split_again(parts: list[str]) -> None:
    assert split_path("/".join(parts)) == parts


def test_a_path_beyond_path_max(tmpfs_dir: Path) -> None:
    root = open_root(tmpfs_dir)
    make_deep(root, 3000)  # 6,000 bytes of path
    before = open_fds()
    fd = open_beneath(root, ["d"] * 3000)
    assert sorted(os.listdir(fd)) == ["file", "link"]
    os.close(fd)
    remove_tree("d", root)
    assert os.listdir(root) == []
    assert open_fds() == before
    os.close(root)


def test_removing_holds_few_descriptors(root: int, fork: Fork) -> None:
    make_deep(root, 200)

    def body() -> None:
        import resource

        resource.setrlimit(resource.RLIMIT_NOFILE, (max(map(int, os.listdir("/proc/self/fd"))) + 4,) * 2)
        remove_tree("d", root)

    assert fork(body).reap().code == 0
    assert os.listdir(root) == []


def test_links_are_removed_and_never_followed(tmp_path: Path, root: int) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_text("kept")
    tree = tmp_path / "root" / "tree"
    (tree / "sub").mkdir(parents=True)
    (tree / "sub" / "to-folder").symlink_to(outside)
    (tree / "to-file").symlink_to(outside / "precious")
    os.link(outside / "precious", tree / "hard")
    os.mkfifo(tree / "fifo")
    remove_tree("tree", root)
    (tmp_path / "root" / "link").symlink_to(outside)
    remove_tree("link", root)
    assert os.listdir(root) == []
    assert (outside / "precious").read_text() == "kept"


@pytest.mark.parametrize("name", ["file", "missing", "empty", b"\xff\n".decode("utf-8", "surrogateescape")])
def test_small_things_are_removed(name: str, tmp_path: Path, root: int) -> None:
    (tmp_path / "root" / "empty").mkdir()
    if name not in ("missing", "empty"):
        (tmp_path / "root" / name).touch()
    remove_tree(name, root)
    assert name not in os.listdir(root)


def test_a_wide_tree_is_removed(tmp_path: Path, root: int) -> None:
    for folder in range(50):
        below = tmp_path / "root" / "tree" / str(folder)
        below.mkdir(parents=True)
        for file in range(20):
            (below / str(file)).touch()
    remove_tree("tree", root)
    assert os.listdir(root) == []


def locked_tree(base: Path) -> None:
    for mode in (0o000, 0o500, 0o300, 0o400):
        folder = base / f"mode-{mode:o}" / "below"
        folder.mkdir(parents=True)
        (folder / "file").touch()
        folder.chmod(mode)
        folder.parent.chmod(mode)


def test_folders_of_ours_get_their_permissions_first(tmp_path: Path, root: int, fork: Fork) -> None:
    os.chmod(tmp_path / "root", 0o777)
    base = tmp_path / "root" / "tree"

    def body() -> None:
        if os.geteuid() == 0:  # who needs no permission would prove nothing
            os.setuid(65534)
        work = open_dir(".", root)
        os.mkdir("tree", dir_fd=work)
        os.fchdir(work)
        locked_tree(Path("tree"))
        remove_tree("tree", work)

    assert fork(body).reap().code == 0
    assert not base.exists()


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to make a folder of somebody else")
def test_folders_of_others_stay_and_are_named(tmp_path: Path, root: int, fork: Fork) -> None:
    os.chmod(tmp_path / "root", 0o777)
    (tmp_path / "root" / "tree").mkdir(mode=0o755)
    (tmp_path / "root" / "tree" / "file").touch()
    (tmp_path / "root" / "shut").mkdir(mode=0o700)

    def body() -> None:
        os.setuid(65534)
        for name in ("tree", "shut"):
            with pytest.raises(PermissionError):
                remove_tree(name, root)

    assert fork(body).reap().code == 0
    assert stat.S_IMODE((tmp_path / "root" / "tree").stat().st_mode) == 0o755
    assert (tmp_path / "root" / "tree" / "file").exists()


def test_a_tree_that_is_moved_meanwhile_is_left(
    tmp_path: Path, root: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree, elsewhere = tmp_path / "root" / "tree", tmp_path / "elsewhere"
    (tree / "a" / "b").mkdir(parents=True)
    elsewhere.mkdir()
    (elsewhere / "b").mkdir()
    (elsewhere / "precious").touch()
    step_up = removal._step_up
    before = open_fds()

    def move_first(level: removal._Level, fd: int) -> int:
        if (tree / "a" / "b").exists():
            os.rename(tree / "a" / "b", elsewhere / "moved")
        return step_up(level, fd)

    monkeypatch.setattr(removal, "_step_up", move_first)
    with pytest.raises(OSError, match="moved") as caught:
        remove_tree("tree", root)
    assert caught.value.errno == errno.ESTALE
    assert sorted(os.listdir(elsewhere)) == ["b", "moved", "precious"]
    assert open_fds() == before


def test_a_folder_that_becomes_a_link_meanwhile_is_not_followed(
    tmp_path: Path, root: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    outside, sub = tmp_path / "outside", tmp_path / "root" / "tree" / "sub"
    outside.mkdir()
    (outside / "precious").touch()
    sub.mkdir(parents=True)
    step_down = removal._step_down

    def swap_first(level: removal._Level, fd: int) -> int | None:
        sub.rmdir()
        sub.symlink_to(outside)
        return step_down(level, fd)

    monkeypatch.setattr(removal, "_step_down", swap_first)
    with pytest.raises(NotADirectoryError):
        remove_tree("tree", root)
    assert os.listdir(outside) == ["precious"]


def test_who_removes_at_the_same_time_is_no_trouble(
    tmp_path: Path, root: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At every step somebody else has been there first."""
    unlink, rmdir, step_down = os.unlink, os.rmdir, removal._step_down
    tree = tmp_path / "root" / "tree"
    (tree / "a").mkdir(parents=True)
    (tree / "b").mkdir()
    (tree / "file").touch()

    def twice(call: Callable[..., None]) -> Callable[..., None]:
        def fake(name: str, *, dir_fd: int) -> None:
            call(name, dir_fd=dir_fd)
            call(name, dir_fd=dir_fd)

        return fake

    def gone(level: removal._Level, fd: int) -> int | None:
        if len(level.folders) == 2:
            rmdir(level.folders[-1], dir_fd=fd)
        return step_down(level, fd)

    monkeypatch.setattr(os, "unlink", twice(unlink))
    monkeypatch.setattr(os, "rmdir", twice(rmdir))
    monkeypatch.setattr(removal, "_step_down", gone)
    remove_tree("tree", root)
    assert os.listdir(root) == []


def test_a_folder_that_vanishes_before_it_is_opened(root: int, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkdir("tree", dir_fd=root)

    def gone(*_: object) -> int:
        raise FileNotFoundError

    monkeypatch.setattr(removal, "_open_to_empty", gone)
    remove_tree("tree", root)
