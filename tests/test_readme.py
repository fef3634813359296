"""What README.md tells a newcomer to type works, and shows what it really prints."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

import pytest

from procession.jobs.places import Places
from tests.harness.pages import PageError, blocks, matches, run_page, steps
from tests.harness.places import ROOT
from tests.harness.program import clean_environment


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    """A folder with a ``./pn`` like that of a clone: the program of this environment, without a bootstrap."""
    folder = tmp_path / "procession"
    folder.mkdir()
    program = folder / "pn"
    program.write_text(
        f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m procession "$@"\n', encoding="utf-8"
    )
    program.chmod(0o755)
    return folder


def run(page: str, scratch: Path, **more: str) -> int:
    environment = clean_environment(scratch.parent, **more)
    environment["PATH"] = f"{scratch}:{environment['PATH']}"
    return run_page(page, scratch, environment)


@pytest.mark.readme
@pytest.mark.parametrize("page", ["README.md", "docs/tutorial/processes.md", "docs/tutorial/jobs.md"])
def test_the_commands_of_the_page_work(page: str, scratch: Path, jobs_place: Places) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    assert run(text, scratch, PN_JOBS=os.path.dirname(jobs_place.state)) > 0


GOOD = """
<!-- run: mkdir photos -->
```console
$ ls
photos
pn
$ echo one; echo two 2; \\
> echo three
one
...
three
$ ls nowhere  # exit 2
ls: ...nowhere...
$ pn --version && ./pn --version
pn ...
pn ...
```

<!-- run -->
```sh
# the same folder
echo x > photos/x
```
<!-- not run: it would never end -->
```console
$ yes
```
```python
not_ours()
```
"""


def test_marked_blocks_are_run_in_order_in_one_folder(scratch: Path) -> None:
    assert run(GOOD, scratch) == 6
    assert (scratch / "photos/x").read_text() == "x\n"


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ("```console\n$ true\n```\n", "line 1: say <!-- run -->"),
        ("<!-- not run -->\n```sh\ntrue\n```\n", "line 2: say"),
        ("<!-- run -->\n```console\ntrue\n```\n", "begins with"),
        ("<!-- run -->\n```console\n$ false\n```\n", "exit code 1, not 0"),
        ("<!-- run -->\n```sh\nfalse\ntrue\n```\n", "exit code 1, not 0"),
        ("<!-- run -->\n```console\n$ true  # exit 3\n```\n", "exit code 0, not 3"),
        ("<!-- run -->\n```console\n$ echo a\nb\n```\n", "printed\na\n"),
    ],
)
def test_a_page_that_is_wrong_is_found(page: str, words: str, scratch: Path) -> None:
    with pytest.raises(PageError) as caught:
        run(page, scratch)
    assert words in str(caught.value)


def test_dots_stand_for_text_and_lines() -> None:
    assert matches("a\n...\nb", "a\nb\n")
    assert matches("a\n...\nb", "a\n1\n2\nb\n")
    assert matches("took ... s", "took 0.3 s   \n")
    assert not matches("took ... s", "took 0.3 s\nmore\n")


def test_steps_of_a_block() -> None:
    (block,) = blocks("<!-- run -->\n```console\n$ a\n$ b  # exit 1\nout\n```\n")
    assert [(step.command, step.code, step.output) for step in steps(block)] == [
        ("a", 0, ""),
        ("b", 1, "out"),
    ]
