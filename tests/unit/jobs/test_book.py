"""The book: what is stored is there again, whole steps only, in files of every version; a damaged one is kept."""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from procession.errors import JobsError
from procession.jobs.book import Book, open_book
from procession.jobs.book_environments import packed, restored
from procession.jobs.changes import PutJob
from procession.jobs.job import Ended, Running, Waiting
from procession.jobs.migrations import STEPS
from procession.jobs.outcome import DONE, FAILED, Outcome
from procession.jobs.plan import Plan
from procession.jobs.spec import Spec
from procession.jobs.step import Step

ENV = packed({"PATH": "/bin", "ODD\udcff": "\udcfe\n"})
WELL = Outcome(DONE, "ended normally", code=0, began=10.0, ended=20.0)


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "book.sqlite")


@pytest.fixture
def book(path: str) -> Iterator[Book]:
    found, words = open_book(path)
    assert words == ""
    yield found
    found.close()


def submitted(book: Book, plan: Plan, token: str = "", **fields: object) -> int:
    step = plan.submit(Spec(("true",), **fields), ENV[0], 1.0)  # type: ignore[arg-type]
    book.store(step, plan, environment=ENV, token=token)
    assert step.job is not None
    return step.job


def test_a_plan_comes_back_as_it_was(book: Book) -> None:
    plan = book.plan()
    book.store(step := plan.group("g", 1, None, 0.5), plan)
    assert step.changes
    numbers = [submitted(book, plan, group="g", name=name) for name in ("a", "b\udcff\x1b", "c")]
    book.store(plan.began(numbers[0], 1, 77, 8, 2.0, "files: rlimit", 2.0), plan)
    again = book.plan()
    assert again.jobs == plan.jobs
    assert again.groups == plan.groups
    assert again.under_way == plan.under_way
    assert isinstance(again.jobs[numbers[0]].state, Running)
    assert isinstance(again.jobs[numbers[1]].state, Waiting)


def test_numbers_are_never_used_again(book: Book) -> None:
    plan = book.plan()
    number = submitted(book, plan)
    book.store(plan.ended(number, 1, WELL, 3.0), plan)
    book.store(plan.remove([number], 4.0), plan)
    assert book.plan().jobs == {}
    assert submitted(book, book.plan()) == number + 1


def test_the_environment_is_kept_once_and_goes_with_its_last_job(book: Book, path: str) -> None:
    plan = book.plan()
    for _ in range(3):
        submitted(book, plan)
    assert book.environment(ENV[0]) == {"PATH": "/bin", "ODD\udcff": "\udcfe\n"}
    with sqlite3.connect(path) as other:
        assert other.execute("SELECT count(*) FROM environments").fetchone() == (1,)
    other.close()
    for number in list(plan.jobs):
        book.store(plan.ended(number, 1, WELL, 3.0), plan)
    book.store(plan.remove(list(plan.jobs), 4.0), plan)
    book.forget_unused()
    with pytest.raises(KeyError):
        book.environment(ENV[0])


def test_environments_have_one_hash_whatever_their_order() -> None:
    assert packed({"A": "1", "B": "2"}) == packed({"B": "2", "A": "1"})
    assert packed({"A": "1"})[0] != packed({"A": "2"})[0]
    assert restored(ENV[1]) == {"PATH": "/bin", "ODD\udcff": "\udcfe\n"}


def test_a_token_is_known_again(book: Book) -> None:
    plan = book.plan()
    number = submitted(book, plan, token="t")
    assert book.job_of_token("t") == number
    assert book.job_of_token("u") is None


def test_a_step_is_stored_whole_or_not_at_all(book: Book) -> None:
    plan = book.plan()
    number = submitted(book, plan)
    before = book.plan().jobs

    class Broken:
        id, environment = 99, object()  # no type that SQLite knows

    step = plan.ended(number, 1, WELL, 3.0)
    bad = Step((*step.changes, PutJob(Broken())), step.actions)  # type: ignore[arg-type]
    with pytest.raises((sqlite3.Error, AttributeError, TypeError)):
        book.store(bad, plan)
    assert book.plan().jobs == before
    assert book.runs(number)[0].outcome is None
    book.store(step, plan)
    assert isinstance(book.plan().jobs[number].state, Ended)


def test_history_outlives_its_job(book: Book) -> None:
    plan = book.plan()
    first, second = submitted(book, plan, name="n"), submitted(book, plan, remove=True)
    book.store(plan.ended(first, 1, Outcome(FAILED, "exited with code 1", code=1, ended=30.0), 30.0), plan)
    book.store(plan.remove([first], 31.0), plan)
    book.store(plan.ended(second, 1, WELL, 32.0), plan)  # takes itself out of the list
    assert not plan.jobs
    found = book.history(10, None)
    assert [(run["job"], run["name"], run["command"]) for run in found] == [
        (second, "", "true"),
        (first, "n", "true"),
    ]
    assert [run["job"] for run in book.history(1, None)] == [first]
    assert [run["job"] for run in book.history(10, 25.0)] == [first]
    assert book.last_outcome(second) == WELL
    assert book.last_outcome(77) is None


def test_history_has_a_limit(book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("procession.jobs.book.HISTORY", 2)
    plan = book.plan()
    numbers = [submitted(book, plan) for _ in range(4)]
    for number in numbers:
        book.store(plan.ended(number, 1, WELL, 3.0), plan)
    book.store(plan.remove(numbers[:3], 4.0), plan)
    book.forget_unused()
    assert {run["job"] for run in book.history(10, None)} == {*numbers[1:3], numbers[3]}


def test_a_notice_stays_until_it_is_crossed_out(book: Book, path: str) -> None:
    plan = book.plan()
    number = submitted(book, plan, notify="echo", remove=True)
    book.store(plan.ended(number, 1, WELL, 3.0), plan)
    book.forget_unused()
    other = Book(path)
    ((key, notice),) = other.notices()
    assert (notice["job"], notice["spec"]["notify"], notice["env"]["PATH"]) == (number, "echo", "/bin")
    other.cross_out(key)
    other.close()
    assert book.notices() == []


def test_it_is_ours_alone(book: Book, path: str) -> None:
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600


@pytest.mark.parametrize("version", range(len(STEPS)))
def test_an_older_file_is_brought_up(path: str, version: int) -> None:
    db = sqlite3.connect(path)
    for step in STEPS[:version]:
        for statement in step:
            db.execute(statement)
    if version:
        db.execute("INSERT INTO settings VALUES ('next', '12')")
    db.execute(f"PRAGMA user_version = {version}")
    db.commit()
    db.close()
    book, words = open_book(path)
    assert words == ""
    assert submitted(book, book.plan(), notify="x") == (12 if version else 1)
    book.close()


def test_a_migration_is_done_whole_or_not_at_all(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    Book(path).close()
    broken = (*STEPS, ("CREATE TABLE later (x)", "CREATE TABLE nonsense ("))
    monkeypatch.setattr("procession.jobs.migrations.STEPS", broken)
    with pytest.raises(sqlite3.Error):
        Book(path)
    monkeypatch.undo()
    book, words = open_book(path)
    assert words == ""
    assert submitted(book, book.plan()) == 1
    book.close()


def test_a_newer_file_is_left_alone(path: str) -> None:
    Book(path).close()
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    before = Path(path).read_bytes()
    with pytest.raises(JobsError, match="newer version"):
        open_book(path)
    assert Path(path).read_bytes() == before


@pytest.mark.parametrize("how", ["no database", "torn", "no JSON", "no job"])
def test_a_damaged_one_is_put_aside_whole(path: str, how: str) -> None:
    book, _ = open_book(path)
    plan = book.plan()
    for _ in range(50):
        submitted(book, plan)
    book.close()
    if how == "no database":
        Path(path).write_bytes(b"what is this" * 1000)
    elif how == "torn":
        data = bytearray(Path(path).read_bytes())
        data[4096:] = os.urandom(len(data) - 4096)
        Path(path).write_bytes(data)
    else:
        with sqlite3.connect(path) as db:
            db.execute("UPDATE jobs SET body = ? WHERE id = 7", ("{" if how == "no JSON" else '{"id": 7}',))
        db.close()
    before = Path(path).read_bytes()
    found, words = open_book(path)
    assert "damaged" in words
    assert f"{path}.damaged-1" in words
    assert found.plan().jobs == {}
    found.close()
    assert Path(f"{path}.damaged-1").read_bytes() == before


def test_a_file_that_cannot_be_opened_now_is_not_called_damaged(path: str) -> None:
    os.mkdir(path)
    with pytest.raises(sqlite3.OperationalError):
        open_book(path)
    assert os.path.isdir(path)
