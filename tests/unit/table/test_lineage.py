"""Who belongs to a tree, over tables out of thin air."""

from __future__ import annotations

from typing import Any

from procession.table.lineage import Lineage, owns_cgroup
from tests.unit.table.recordkit import made, table_of

SHELL = made(10, 1, name="bash", session=10, layout=1, start=100)
ROOT = made(20, 10, name="make", session=10, pgrp=20, layout=2, start=1000)


def book(*more: Any, roots: Any = (ROOT,)) -> Any:
    return Lineage(roots, table_of(SHELL, ROOT, *more), {ROOT.ppid})


def claims(lineage: Any, one: Any, *others: Any) -> bool:
    by_pid = {each.pid: each for each in (SHELL, ROOT, *others)}
    return bool(lineage.claims(one, lambda child: by_pid.get(child.ppid)))


def test_children_of_members_are_members_and_stay_so() -> None:
    lineage = book()
    child = made(30, 20, session=10, pgrp=20, start=1100)
    assert claims(lineage, child)
    lineage.add(child)
    assert lineage.knows(made(30, 1, session=10, start=1100))  # adopted since
    assert claims(lineage, made(31, 30, session=10, pgrp=5, start=1200), child)


def test_a_sibling_in_the_session_of_the_shell_is_none() -> None:
    assert not claims(book(), made(30, 10, session=10, pgrp=30, layout=3, start=1100))


def test_an_orphan_in_the_group_of_the_root() -> None:
    assert claims(book(), made(30, 1, session=10, pgrp=20, start=1100))


def test_an_orphan_in_a_session_that_somebody_dead_below_the_root_began() -> None:
    lineage = book()
    lineage.add(made(30, 20, session=25, pgrp=25, start=1100))
    assert claims(lineage, made(40, 1, session=25, pgrp=40, start=1200))


def test_a_later_holder_of_a_dead_member_s_pid_is_another() -> None:
    lineage = book()
    lineage.add(made(30, 20, session=30, pgrp=30, start=1100))
    stranger = made(30, 1, session=30, pgrp=30, start=5000)
    assert not claims(lineage, stranger)
    assert not claims(lineage, made(41, 30, session=30, pgrp=30, start=5100), stranger)


def test_an_orphan_of_the_same_layout_went_its_own_way() -> None:
    assert claims(book(), made(30, 1, session=30, layout=2, start=1100))
    assert not claims(book(), made(30, 1, session=30, layout=3, start=1100))


def test_a_layout_that_was_not_drawn_by_lot_is_no_evidence() -> None:
    for personality in (b"00040000\n", None):
        assert not claims(book(), made(30, 1, session=30, layout=2, start=1100, personality=personality))


def test_layouts_that_cannot_be_seen_are_not_equal() -> None:
    root = made(20, 10, session=10, pgrp=20, layout=0, start=1000)
    assert not claims(book(roots=(root,)), made(30, 1, session=30, layout=0, start=1100))


def test_the_layout_of_a_parent_program_is_no_evidence() -> None:
    worker = made(20, 10, session=10, pgrp=20, layout=1, start=1000)  # a fork of the shell
    assert not claims(book(roots=(worker,)), made(30, 1, session=30, layout=1, start=1100))


def test_nor_that_of_an_adopted_root() -> None:
    init = made(1, 0, name="init", layout=9, start=1)
    daemon = made(20, 1, session=20, layout=2, start=1000)
    lineage = Lineage((daemon,), table_of(init, daemon))
    brother = made(30, 1, session=30, layout=2, start=1100)
    assert not lineage.claims(brother, lambda _: init)


def test_a_process_forked_by_a_stranger_of_the_same_layout_is_the_stranger_s() -> None:
    stranger = made(40, 10, session=40, layout=2, start=900)
    assert not claims(book(stranger), made(41, 40, session=40, pgrp=41, layout=2, start=1100), stranger)


def test_who_is_older_than_the_root_does_not_descend_from_it() -> None:
    assert not claims(book(), made(30, 1, session=30, layout=2, start=900))


def test_the_spared_and_the_kernel_s_are_never_taken() -> None:
    lineage = Lineage((ROOT,), table_of(SHELL, ROOT), {30})
    assert not claims(lineage, made(30, 20, start=1100))
    assert not claims(lineage, made(31, 20, start=1100, flags=0x200000))
    assert not claims(lineage, made(1, 20, start=1100))


def test_a_cgroup_of_its_own() -> None:
    manager = made(10, 1, cgroup="/manager", start=100)
    root = made(20, 10, cgroup="/job", start=1000)
    helper = made(30, 1, session=30, cgroup="/job", start=1100)
    table = table_of(manager, root, helper)
    assert owns_cgroup(root, table)
    assert Lineage((root,), table).claims(helper, lambda _: None)
    assert not owns_cgroup(root, table_of(manager, root, made(15, 1, cgroup="/job", start=900)))
    assert not owns_cgroup(made(20, 10, cgroup="/manager", start=1000), table)
    assert not owns_cgroup(made(20, 10, cgroup="/", start=1000), table)
