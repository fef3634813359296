"""The two sides: a venv each, without packages; in one of them ``multiprocessing`` means ours from the start."""

from __future__ import annotations

import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
STDLIB, OURS = "stdlib", "ours"

# The first import of multiprocessing by anybody but ourselves installs ours.  Our own children are told by
# the data that they start with; this is for the interpreters that a case starts by itself.
HOOK = """
import sys

class Hook:
    def find_spec(self, name, path, target=None):
        if name != "multiprocessing" or any(
            name.startswith("procession") and getattr(module.__spec__, "_initializing", False)
            for name, module in list(sys.modules.items())
        ):
            return None
        sys.meta_path.remove(self)
        import procession.mp
        procession.mp.install()
        from procession.mp.aliases import Alias, ModuleSpec
        return ModuleSpec(name, Alias("procession.mp"))

if "multiprocessing" not in sys.modules:
    sys.meta_path.insert(0, Hook())
"""


# Test modules that the interpreter does not bring, from a folder that somebody named.
BORROW = """
import sys
from importlib.machinery import PathFinder

class Borrow:
    def find_spec(self, name, path, target=None):
        return PathFinder.find_spec(name, [FOLDER]) if name.rpartition(".")[0] == "test" else None

sys.meta_path.append(Borrow())
"""


def has_suite(python: Path, module: str = "test._test_multiprocessing") -> bool:
    """Does this interpreter bring its test package, and this module in it?"""
    words = [str(python), "-c", f"import test.support, {module}"]
    return subprocess.run(words, capture_output=True, check=False).returncode == 0


def make_venv(python: Path, folder: Path, side: str, tests: str | None = None) -> Path:
    """Build the side's venv in ``folder``; returns its interpreter.

    ``tests``: a folder of test modules for what this interpreter does not bring.
    """
    subprocess.run([python, "-m", "venv", "--without-pip", folder], check=True, capture_output=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    if tests is not None:
        (packages / "borrow_hook.py").write_text(f"FOLDER = {str(Path(tests).resolve())!r}\n{BORROW}")
        (packages / "borrow.pth").write_text("import borrow_hook\n")
    if side == OURS:
        cloudpickle = find_spec("cloudpickle")
        if cloudpickle is not None and cloudpickle.origin is not None:
            shutil.copytree(Path(cloudpickle.origin).parent, packages / "cloudpickle")
        (packages / "face_hook.py").write_text(HOOK)
        shutil.copy(Path(__file__).with_name("executor_hook.py"), packages)
        (packages / "face.pth").write_text(f"{ROOT / 'src'}\nimport face_hook\nimport executor_hook\n")
    return folder / "bin/python"


def interpreters(versions: list[str]) -> dict[str, Path]:
    """The interpreter of each version that is asked for and here; without a wish, the running one."""
    here = f"{sys.version_info.major}.{sys.version_info.minor}"
    if not versions:
        return {here: Path(sys._base_executable)}  # type: ignore[attr-defined]
    found: dict[str, Path] = {}
    for version in versions:
        places = [Path(sys._base_executable)] if version == here else []  # type: ignore[attr-defined]
        places += sorted(Path.home().glob(f".pyenv/versions/{version}*/bin/python{version}"), reverse=True)
        on_path = shutil.which(f"python{version}")
        places += [Path(on_path)] if on_path else []
        for place in places:
            if place.exists() and has_suite(place):
                found[version] = place
                break
    return found
