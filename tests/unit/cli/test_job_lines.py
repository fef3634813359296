"""Jobs as lines, and what is typed into them."""

from __future__ import annotations

from typing import Any

import pytest

from procession.cli.job_lines import columns, history_lines, show_lines
from procession.cli.job_talk import command_of
from procession.cli.send import unescaped
from procession.jobs.outcome import FAILED, Outcome
from procession.jobs.plain import plain
from procession.jobs.spec import Spec


def test_columns_stand_below_one_another() -> None:
    assert list(columns([("A", "B", "C"), ("long", "b", "the rest")])) == ["A     B  C", "long  b  the rest"]


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("\\x03", "\x03"),
        ("a\\nb\\t\\e[A", "a\rb\t\x1b[A"),
        ("\\\\x03", "\\x03"),
        ("\\xff", "\udcff"),
        ("plain", "plain"),
    ],
)
def test_escapes_mean_keys(text: str, keys: str) -> None:
    assert unescaped(text) == keys


@pytest.mark.parametrize("text", ["\\", "\\q", "\\x", "\\x3", "\\xzz"])
def test_no_escape(text: str) -> None:
    with pytest.raises(ValueError):
        unescaped(text)


def test_a_command_is_what_one_would_type_and_cannot_harm_a_terminal() -> None:
    assert command_of({"command": ["make", "a b", "\x1b]0;x\x07"]}) == "make 'a b' '\\x1b]0;x\\x07'"
    assert command_of({"command": ["echo $HOME | wc"], "shell": True}) == "echo $HOME | wc"


def answer(**spec: Any) -> dict[str, Any]:
    outcome = Outcome(
        FAILED, "exited with code 3", 3, began=1000.0, ended=1012.0, cpu_seconds=1.5, log_lost=2000
    )
    job = {
        "id": 3,
        "spec": plain(Spec(("make",), **spec)),
        "state": {"kind": "ended", "outcome": plain(outcome)},
        "created": 999.0,
    }
    run = {"job": 3, "run": 1, "ordered": 999.5, "outcome": plain(outcome)}
    return {"job": job, "runs": [run], "words": "exited with code 3", "places": {"log": "/x/3/1"}}


def test_show_says_what_is_not_as_by_default() -> None:
    text = "\n".join(show_lines(answer(memory=2_000_000_000, cpu=0.5, after=(1, 2), name="b\ny", retries=2)))
    assert text.startswith("job 3: exited with code 3\n")
    for part in ("b\\ny", "job 1, job 2", "memory 2.0 GB, CPU 50 %", "2, the first after 1.0 s", "/x/3/1"):
        assert part in text
    assert "exited with code 3; " in text
    assert "for 12 s; CPU 1.5 s; 2.0 kB of output could not be stored" in text
    assert "not before" not in text


def test_history_of_what_never_began() -> None:
    gone = Outcome("unstarted", "was not started: job 3 failed")
    lines = list(history_lines([{"job": 4, "run": 1, "name": "deploy", "outcome": plain(gone)}]))
    assert lines[1].split() == ["4.1", "-", "-", "deploy", "not", "started:", "job", "3", "failed"]
