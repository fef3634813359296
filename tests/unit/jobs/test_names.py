"""Words of a shell for jobs."""

from __future__ import annotations

import pytest

from procession.errors import NoSuchJob
from procession.jobs.names import find
from tests.harness.plans import Desk


@pytest.fixture
def desk() -> Desk:
    """Jobs 1 to 6; 4 has ended; 2 was touched last."""
    desk = Desk()
    desk.submit("make", "-j4", "all")
    desk.submit("./deploy", "--now", name="deploy")
    desk.submit("./deploy", "--docs", name="deploy-docs")
    desk.end(desk.submit("make", "clean"))
    desk.submit("sh", name="twin")
    desk.submit("sh", name="twin")
    desk.do("touch", 5)
    desk.do("touch", 2)
    return desk


@pytest.mark.parametrize(
    ("word", "job"),
    [
        ("3", 3),
        ("%3", 3),
        ("003", 3),
        ("%+", 2),
        ("%%", 2),
        ("%", 2),
        ("%-", 5),
        ("deploy", 2),
        ("twin", 6),  # the newest
        ("%deploy", 2),  # a whole name goes before the beginning of another one
        ("%deploy-", 3),
        ("%make", 1),  # what has not ended goes before what has
        ("%make clean", 4),
        ("%?clean", 4),
        ("%?-j4", 1),
    ],
)
def test_words(desk: Desk, word: str, job: int) -> None:
    assert find(desk.plan, word).id == job


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("9", "there is no job 9"),
        ("%9", "there is no job 9"),
        ("99999999999999999999", "there is no job with the name"),
        ("make", "there is no job with the name 'make'"),
        ("", "there is no job with the name ''"),
        ("%nothing", "no job fits %nothing"),
        ("%?\x1b[31m", "no job fits %?\\x1b[31m"),
        ("%twin", "%twin may mean several jobs: 5 (twin), 6 (twin)"),
        ("%dep", "%dep may mean several jobs: 2 (deploy), 3 (deploy-docs)"),
        ("%?", "1 (make -j4 all)"),
    ],
)
def test_words_that_mean_none_or_several(desk: Desk, word: str, told: str) -> None:
    with pytest.raises(NoSuchJob) as caught:
        find(desk.plan, word)
    assert told in str(caught.value)
    assert "\x1b" not in str(caught.value)


def test_there_may_be_no_current_job() -> None:
    desk = Desk()
    with pytest.raises(NoSuchJob, match="there is no job yet"):
        find(desk.plan, "%+")
    desk.submit()
    with pytest.raises(NoSuchJob, match="no job before the current one"):
        find(desk.plan, "%-")


def test_an_ambiguous_word_names_a_few() -> None:
    desk = Desk()
    for _ in range(9):
        desk.submit("sleep", "1" * 50)
    with pytest.raises(NoSuchJob) as caught:
        find(desk.plan, "%sleep")
    assert str(caught.value).endswith("and 4 more")
    assert "1 (sleep 111111111111111111111...)" in str(caught.value)
