"""``pn python``: what a program sees is what python shows it, but for its multiprocessing."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.harness.program import Program

GOLDEN = Path(__file__).with_name("golden")

SCRIPT = """\
import multiprocessing, sys
from multiprocessing import Process, Queue

class Thing:
    pass

def work(queue, thing):
    queue.put((multiprocessing.__name__, type(thing) is Thing, sys.argv[1:]))

if __name__ == "__main__":
    multiprocessing.set_start_method(sys.argv[1])
    queue = multiprocessing.SimpleQueue()
    child = Process(target=work, args=(queue, Thing()))
    child.start()
    print(*queue.get())
    child.join()
    sys.exit(child.exitcode + 7)
"""

# What a program can see of how it was started.
MIRROR = """\
import sys
names = ("__name__", "__file__", "__package__", "__doc__", "__spec__", "__cached__", "__annotations__")
print({name: globals().get(name, "absent") if name != "__spec__" else getattr(__spec__, "name", None) for name in names})
print(sys.argv, sys.path[0], sys.modules["__main__"].__dict__ is globals(), type(__loader__).__name__)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "programs"
    (folder / "package").mkdir(parents=True)
    (folder / "script.py").write_text(SCRIPT)
    (folder / "mirror.py").write_text(MIRROR)
    (folder / "package/__init__.py").write_text("")
    (folder / "package/__main__.py").write_text(MIRROR)
    (folder / "package/inside.py").write_text(MIRROR)
    return folder


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_an_unchanged_script_and_its_children_use_ours(pn: Program, folder: Path, method: str) -> None:
    ran = pn("python", "script.py", method, "--word", cwd=folder)
    assert (ran.out, ran.err) == (f"procession.mp True ['{method}', '--word']\n", "")
    assert ran.code == 7


def test_python_m_procession_is_pn(folder: Path) -> None:
    words = [sys.executable, "-m", "procession", "python", "script.py", "fork"]
    ran = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    assert (ran.stdout, ran.stderr, ran.returncode) == ("procession.mp True ['fork']\n", "", 7)


@pytest.mark.parametrize(
    "words",
    [
        ["mirror.py", "a", "-b", "--help"],
        ["-m", "mirror", "a", "-b"],
        ["-m", "package"],
        ["-m", "package.inside", "--", "x"],
        ["package", "a"],
        ["-c", MIRROR, "-x", "y"],
    ],
    ids=lambda words: " ".join(words[:2]).split("\n")[0],
)
def test_a_program_sees_what_python_shows_it(pn: Program, folder: Path, words: list[str]) -> None:
    wanted = subprocess.run(
        [sys.executable, *words], cwd=folder, capture_output=True, input=MIRROR, text=True, check=True
    )
    ran = pn("python", *words, cwd=folder, stdin=MIRROR.encode())
    assert (ran.out, ran.err, ran.code) == (wanted.stdout, wanted.stderr, 0)


def test_a_program_from_standard_input(pn: Program, folder: Path) -> None:
    ran = pn("python", "-", "a", cwd=folder, stdin=b"import sys; print(__name__, sys.argv)")
    assert (ran.out, ran.err, ran.code) == ("__main__ ['-', 'a']\n", "", 0)


@pytest.mark.parametrize(
    "text",
    [
        "def f():\n    1 / 0\nf()",
        "import sys\nsys.exit('some words')",
        "import sys\nsys.exit(3)",
        "import sys\nsys.exit()",
        "raise SystemExit([1])",
        "raise KeyboardInterrupt",
        "this is no Python",
        "import os\nos.kill(os.getpid(), 15)",
    ],
)
def test_how_it_ends_is_how_python_would_end(pn: Program, folder: Path, text: str) -> None:
    (folder / "ends.py").write_text(text)
    wanted = subprocess.run(
        [sys.executable, "ends.py"], cwd=folder, capture_output=True, text=True, check=False
    )
    ran = pn("python", "ends.py", cwd=folder)
    assert (ran.out, ran.err) == (wanted.stdout, wanted.stderr)
    # A program that python ends by SIGINT has 130 for a shell.
    assert ran.code == (130 if wanted.returncode == -2 else wanted.returncode)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], "what is to be run is missing: pn python SCRIPT [ARGUMENTS]"),
        (["nowhere.py"], "nowhere.py: No such file or directory: name a Python file"),
        (["-m", "no.such.module"], "No module named 'no'): see pn python --help"),
        (["-m"], "argument -m: expected one argument: see pn python --help"),
        (["--wrong", "script.py"], "unrecognized arguments: --wrong: see pn python --help"),
    ],
)
def test_what_cannot_be_run_is_one_line_and_code_2(
    pn: Program, folder: Path, words: list[str], says: str
) -> None:
    ran = pn("python", *words, cwd=folder)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("pn python: ")
    assert ran.err.endswith(f"{says}\n")
    assert ran.err.count("\n") == 1


def test_help_is_the_page_that_we_know(pn: Program) -> None:
    # UPDATE_GOLDEN=1 writes the page anew.
    ran = pn("python", "--help", env={"COLUMNS": "100"})
    assert (ran.code, ran.err) == (0, "")
    text = re.sub(r" {2,}", "  ", ran.out)
    golden = GOLDEN / "python-help.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(text)
    assert text == golden.read_text()
