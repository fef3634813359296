"""``python -m bench NAME [OPTIONS...]``: find the bench of that name and run it."""

from __future__ import annotations

import ast
import importlib
import os
import pkgutil
import signal
import sys
from pathlib import Path
from types import FrameType

HERE = Path(__file__).parent
SHARED = "kit"


def benches() -> dict[str, str]:
    """Name and description of every bench, read from the files without importing one."""
    found: dict[str, str] = {}
    for module in sorted(pkgutil.iter_modules([str(HERE)]), key=lambda module: module.name):
        if module.name == SHARED or module.name.startswith("_"):
            continue
        file = HERE / module.name / "__init__.py" if module.ispkg else HERE / f"{module.name}.py"
        lines = (ast.get_docstring(ast.parse(file.read_text())) or "").splitlines()
        found[module.name] = lines[0] if lines else ""
    return found


def main(argv: list[str]) -> int:
    """Run one bench; the exit code is its own, 2 for a wrong name, 130 after Ctrl-C."""
    found = benches()
    if not argv or argv[0] in ("-h", "--help"):
        print("usage: python -m bench NAME [OPTIONS...]\n")
        print("\n".join(f"  {name:<10} {text}" for name, text in found.items()))
        return 0 if argv else 2
    if argv[0] not in found:
        print(f"bench: no bench named {argv[0]!r}: choose from {', '.join(found)}", file=sys.stderr)
        return 2
    # A place (a loop mount, gigabytes in memory) is given back by ``finally`` clauses: a polite kill must
    # reach them just as Ctrl-C does.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    # With it every start of ours would compile what has changed since the last installation.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    bench = importlib.import_module(f"bench.{argv[0]}")
    try:
        return int(bench.main(argv[1:]))
    except KeyboardInterrupt:
        print("bench: interrupted; places given back", file=sys.stderr)
        return 130


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
