"""import-linter guards the floors: a planted import upwards is found, wherever it hides."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.harness.places import ROOT


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """The package and its contracts, to plant things in."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "src/procession", tmp_path / "src/procession", ignore=ignore)
    return tmp_path


def lint(copied: Path) -> subprocess.CompletedProcess[str]:
    # The copy must come before the real sources, which an editable install has put on the path.
    words = (
        "import sys; sys.path.insert(0, 'src'); from importlinter.cli import lint_imports_command as go; go()"
    )
    return subprocess.run(
        [sys.executable, "-c", words, "--no-cache"], cwd=copied, capture_output=True, text=True, check=False
    )


def plant(copied: Path, module: str, text: str) -> None:
    path = copied / "src/procession" / module
    path.parent.mkdir(exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(f"\n\n{text}\n")


def test_the_package_as_it_is_keeps_its_floors(copied: Path) -> None:
    done = lint(copied)
    assert done.returncode == 0, done.stdout
    assert "2 kept, 0 broken" in done.stdout


@pytest.mark.parametrize(
    ("module", "text", "named"),
    [
        ("linux/planted.py", "import procession.pool", "procession.linux.planted -> procession.pool"),
        (
            "linux/planted.py",
            "def late() -> None:\n    from procession import cli\n\n    cli.main()",
            "procession.linux.planted -> procession.cli",
        ),
        ("errors.py", "from procession.linux import pidfd", "procession.errors -> procession.linux"),
        ("cron/__init__.py", "from procession import copying", "procession.cron -> procession.copying"),
        ("pool/planted.py", "from procession import copy", "procession.pool.planted -> procession (l"),
    ],
    ids=["upwards", "upwards in a function", "from the ground", "to a sibling", "from the root"],
)
def test_a_forbidden_import_is_found(copied: Path, module: str, text: str, named: str) -> None:
    plant(copied, module, text)
    done = lint(copied)
    assert done.returncode == 1, done.stdout
    assert named in done.stdout


def test_an_import_for_type_checkers_only_is_no_import(copied: Path) -> None:
    text = "TYPE_CHECKING = False\nif TYPE_CHECKING:\n    from procession.cli import main as main"
    plant(copied, "linux/planted.py", text)
    assert lint(copied).returncode == 0


def test_a_module_without_a_floor_is_refused(copied: Path) -> None:
    plant(copied, "stray.py", "")
    done = lint(copied)
    assert done.returncode == 1, done.stdout
    assert "stray" in done.stdout
