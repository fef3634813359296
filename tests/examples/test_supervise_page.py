"""docs/how-to/supervise.md: its program runs, prints what the page shows, and its tables name what there is."""

from __future__ import annotations

import re
from pathlib import Path

from procession.process import childspec
from procession.process.supervisor import Supervisor
from procession.records import fields_of
from tests.examples.test_examples import run
from tests.harness.pages import matches
from tests.harness.places import ROOT

PAGE = (ROOT / "docs/how-to/supervise.md").read_text(encoding="utf-8")


def test_the_program_prints_what_the_page_shows(tmp_path: Path) -> None:
    (program,) = re.findall(r"^```python\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    (shown,) = re.findall(r"^```text\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    path = tmp_path / "program.py"
    path.write_text(program, encoding="utf-8")
    printed = run(path, tmp_path)
    assert matches(shown.rstrip("\n"), printed), printed


def test_every_rule_is_on_the_page() -> None:
    for word in (*childspec.STRATEGIES, *childspec.RESTARTS, "any_significant"):
        assert f'"{word}"' in PAGE
    for record in (childspec.ChildSpec("x", print), childspec.Backoff(), childspec.Rules()):
        for field in fields_of(record):
            assert re.search(rf"\b{field}\b", PAGE) or field in ("type", "start_method"), field
    methods = {name for name in vars(Supervisor) if not name.startswith("_")} - {"start"}
    for name in methods:
        assert f"{name}(" in PAGE, name
