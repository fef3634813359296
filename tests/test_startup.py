"""Starting costs little: what ``import procession`` and ``pn --version`` must not load."""

from __future__ import annotations

import ast
import subprocess
import sys

import pytest

import procession

HEAVY = {
    "argparse",
    "asyncio",
    "cloudpickle",
    "concurrent",
    "contextlib",
    "ctypes",
    "dataclasses",
    "enum",
    "inspect",
    "logging",
    "multiprocessing",
    "pathlib",
    "pickle",
    "re",
    "rich",
    "shutil",
    "signal",
    "socket",
    "sqlite3",
    "subprocess",
    "tempfile",
    "textual",
    "threading",
    "typing",
}
# A site package may load things of its own through a .pth file; that is not ours.
LIST = "print(sorted(set(sys.modules) - before))"
PROGRAMS = {
    "import procession": f"import sys; before = set(sys.modules); import procession; {LIST}",
    "pn --version": (
        "import sys; before = set(sys.modules)\n"
        "from procession.cli import main\n"
        "sys.argv = ['pn', '--version']\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n" + LIST
    ),
}


def loaded(program: str) -> set[str]:
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(ast.literal_eval(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize("what", PROGRAMS)
def test_nothing_heavy_is_loaded(what: str) -> None:
    modules = loaded(PROGRAMS[what])
    assert "procession" in modules
    assert sorted({module.partition(".")[0] for module in modules} & HEAVY) == []


def test_import_loads_only_the_root_and_the_version() -> None:
    ours = {module for module in loaded(PROGRAMS["import procession"]) if module.startswith("procession")}
    assert ours == {"procession", "procession._version"}


def test_every_public_name_is_there_and_listed() -> None:
    for name in procession.__all__:
        assert getattr(procession, name) is not None
    assert set(procession.__all__) <= set(dir(procession))
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = procession.nonsense  # type: ignore[attr-defined]


def test_every_error_is_public() -> None:
    from procession import errors

    classes = {name for name, value in vars(errors).items() if isinstance(value, type)}
    assert {name for name in classes if issubclass(getattr(errors, name), Exception)} <= set(
        procession.__all__
    )
