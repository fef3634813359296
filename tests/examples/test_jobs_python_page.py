"""docs/reference/jobs-python.md: its program prints what it says, its table names every method of both clients."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

from procession.jobs import AsyncClient, Client
from procession.jobs.places import Places

PAGE = (Path(__file__).parents[2] / "docs/reference/jobs-python.md").read_text(encoding="utf-8")


def methods(cls: type) -> dict[str, list[str]]:
    return {
        name: [parameter for parameter in inspect.signature(found).parameters if parameter != "self"]
        for name, found in vars(cls).items()
        if inspect.isfunction(found) and not name.startswith("_")
    }


def test_the_program_prints_what_the_page_says(jobs_place: Places) -> None:
    program = re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)
    printed = re.search(r"```text\n(.*?)```", PAGE, re.DOTALL)
    assert program
    assert printed
    ran = subprocess.run([sys.executable, "-c", program[1]], capture_output=True, text=True, check=False)
    assert (ran.stdout, ran.stderr, ran.returncode) == (printed[1], "", 0)
    assert jobs_place.book


@pytest.mark.parametrize("name", sorted(set(methods(Client)) - {"close", "next_message"}))
def test_every_method_is_there(name: str) -> None:
    rows = "".join(line.split("|")[1] for line in PAGE.splitlines() if line.startswith("| `"))
    assert re.search(rf"`{name}[(`]", rows)


def test_both_clients_have_the_same_methods() -> None:
    ours = {name: found for name, found in methods(Client).items() if name not in ("close", "next_message")}
    theirs = {name: found for name, found in methods(AsyncClient).items() if name != "aclose"}
    ours["wait"].remove("timeout")  # asyncio.timeout
    assert ours == theirs
