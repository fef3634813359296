"""docs/how-to/pool.md: each program on it runs and prints what it says beside; its tables name what there is."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from pathlib import Path

import pytest

from procession import Pool, PoolWorker, errors
from procession.pool import jobs
from procession.pool.progress import Progress
from procession.records import fields_of
from tests.examples.test_examples import run
from tests.harness.pages import matches
from tests.harness.places import ROOT

PAGE = (ROOT / "docs/how-to/pool.md").read_text(encoding="utf-8")


def snippets() -> list[tuple[str, str]]:
    """Each with the heading that it stands below."""
    found = []
    heading = "First"
    for match in re.finditer(r"^## ([^\n]*)$|^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL):
        if match[1]:
            heading = match[1]
        else:
            found.append((heading, match[2]))
    return found


def program_of(snippet: str) -> str:
    """A whole program: definitions and imports at the top, the rest where the page says that it stands."""
    if "__name__" in snippet:
        return snippet
    alone = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef)
    top: list[str] = []
    body: list[str] = []
    lines = snippet.splitlines()
    for node in ast.parse(snippet).body:
        assert node.end_lineno is not None
        part = "\n".join(lines[node.lineno - 1 : node.end_lineno])
        (top if isinstance(node, alone) else body).append(part)
    inner = "\n".join(body)
    if re.search(r"\bpool\.", inner):
        inner = "with Pool(2) as pool:\n" + textwrap.indent(inner, "    ")
    head = "from procession import Pool\n" + "\n".join(top)
    return f'{head}\nif __name__ == "__main__":\n' + textwrap.indent(inner, "    ")


def promised(snippet: str) -> list[str]:
    """What stands beside each print."""
    return re.findall(r"^ *print\(.*\)  # (.*)$", snippet, re.MULTILINE)


@pytest.mark.parametrize(
    ("heading", "snippet"), snippets(), ids=[heading.replace(" ", "-") for heading, _ in snippets()]
)
def test_a_snippet_prints_what_stands_beside_it(heading: str, snippet: str, tmp_path: Path) -> None:
    path = tmp_path / "program.py"
    path.write_text(program_of(snippet), encoding="utf-8")
    printed = run(path, tmp_path)
    wanted = "\n".join(promised(snippet))
    if "pool.report()" in snippet:
        (shown,) = re.findall(r"^```text\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
        # The widths of the columns are those of that run.
        wanted, printed = (re.sub(" +", " ", text) for text in (f"{wanted}\n{shown.rstrip()}", printed))
    if "progress=tell" in snippet:
        assert not wanted
        wanted = "1000 0 1000"
    assert matches(wanted, printed), printed


def test_the_program_in_the_readme_runs(tmp_path: Path) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (program,) = re.findall(
        r"^```python\n(from procession import Pool\n.*?)^```", readme, re.DOTALL | re.MULTILINE
    )
    path = tmp_path / "program.py"
    path.write_text(
        program.replace("progress=True", "progress=None"), encoding="utf-8"
    )  # stderr is to be empty
    printed = run(path, tmp_path)
    assert matches("['page a', 'page b']\n10\npool-1: ...\n4 done, 0 failed, ...\n...", printed), printed


def test_everything_that_a_pool_has_is_on_the_page() -> None:
    names = {name for name in vars(Pool) if not name.startswith("_")} - {"starmap_async"}
    names |= set(inspect.signature(Pool).parameters) - {"processes", "initargs"}
    names |= {name for name in PoolWorker.__slots__ if not name.startswith("_")}
    names |= {*fields_of(jobs.PLAIN), *fields_of(Progress(0, 0, None, 0.0, 0.0, None))}
    names |= {"ordered", "errors", "progress", "buffersize", "after"}
    for name in names:
        assert re.search(rf"\b{name}\b", PAGE), name


def test_each_way_to_fail_is_on_the_page() -> None:
    kinds = {kind.__name__ for kind in errors.PoolError.__subclasses__()} | {"TaskErrors", "DependencyFailed"}
    for kind in {name for name in kinds if name in vars(errors)}:
        assert kind in PAGE, kind
