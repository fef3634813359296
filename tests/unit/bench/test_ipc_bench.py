"""The ipc bench: it comes to its end with tiny counts, and judges as it should."""

from __future__ import annotations

import pytest

from bench import ipc
from bench.ipc.contestants import PIPES, Ours, Standard
from bench.ipc.report import section
from bench.ipc.runs import messages, pipe_latency, pipe_messages, storm
from bench.kit.apart import apart
from bench.kit.figures import OURS, Row, Session, verdicts


@pytest.mark.parametrize("shape", [(1, 1), (2, 3)])
@pytest.mark.parametrize("contestant", [Ours(), Standard()], ids=lambda one: str(one.name))
def test_messages_a_second(contestant: Ours, shape: tuple[int, int]) -> None:
    assert apart(messages, contestant, *shape, 60) > 0


def test_the_storm_counts_what_is_lost() -> None:
    rate, kills, lost = apart(storm, Ours(), 2, 2, 3000, 0.005)
    assert rate > 0
    assert 0 <= lost <= kills


@pytest.mark.parametrize("name", PIPES)
def test_pipes(name: str) -> None:
    assert apart(pipe_messages, PIPES[name], 50) > 0
    assert apart(pipe_latency, PIPES[name], 20) > 0


def session() -> Session:
    rows = (
        Row("tuples, 1/1", "messages/s", {OURS: [300.0, 310.0, 290.0], "old": [100.0]}, targets={"old": 2.0}),
        Row("Pipe, there and back", "µs", {OURS: [5.0], "old": [10.0]}, less_is_better=True),
        Row("8 MiB arrays", "arrays/s", {OURS: [9.0]}, {"old": "nothing came any more"}, {"old": 5.0}),
    )
    return Session("2026-01-01", "python -m bench ipc", "a machine", ("x",), ("y",), 3, rows)


def test_the_verdicts_are_those_of_the_medians() -> None:
    assert verdicts(session().rows) == [
        ("tuples, 1/1", "old", 2.0, 3.0),
        ("8 MiB arrays", "old", 5.0, None),
    ]
    text = section(session(), "raw.json")
    assert "3.00x" in text
    assert "2.00x" in text
    assert "2x old: met" in text
    assert "5x old: no figure" in text
    assert "nothing came any more" in text


@pytest.mark.slow
def test_a_whole_call_with_tiny_counts(capsys: pytest.CaptureFixture[str]) -> None:
    ipc.main(
        ["--rounds", "1", "--scale", "0.001", "--rows", "1/1", "Pipe", "--peers", "multiprocessing.Queue"]
    )
    out = capsys.readouterr().out
    assert "## Queues and pipes" in out
    assert "tuples, 1/1" in out
    assert "8 MiB arrays" in out
