"""docs/reference/ps.md and python-table.md: their tables name what there is, and the program runs."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from procession.cli.ps_long import _SWITCHES, _WITH_VALUE
from procession.table.columns import names

ROOT = Path(__file__).parents[2]
REFERENCE = (ROOT / "docs/reference/ps.md").read_text(encoding="utf-8")
PYTHON = (ROOT / "docs/reference/python-table.md").read_text(encoding="utf-8")
ALIASES = re.compile(r"no-?head|head|^context$")


def test_the_table_has_every_column_and_no_other() -> None:
    section = REFERENCE.partition("## Columns")[2].partition("Only the files")[0]
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    assert set(re.findall(r"`([^`]+)`", " ".join(rows))) == set(names())


def test_every_long_option_is_there() -> None:
    for name in {*_SWITCHES, *_WITH_VALUE} - {"version", "cumulative"}:
        assert ALIASES.search(name) or f"--{name}" in REFERENCE, name


def test_the_program_runs() -> None:
    found = re.search(r"```python\n(.*?)```", PYTHON, re.DOTALL)
    assert found
    ran = subprocess.run([sys.executable, "-c", found[1]], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert len(ran.stdout.splitlines()) > 3
