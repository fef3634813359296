"""Markdown: tables, and sections that are replaced in place between their markers."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

HEADER = """# Benchmarks

Every section below is written by `python -m bench NAME` between its two markers; edit around them only.
"""


def table(heads: Sequence[str], rows: Sequence[Sequence[str]], left: Sequence[int] = (0,)) -> str:
    """A pipe table; columns are aligned right but for those numbered in ``left``."""
    cells = [[cell.replace("|", "\\|") for cell in row] for row in [heads, *rows]]
    if any(len(row) != len(heads) for row in cells):
        raise ValueError("each row needs as many cells as there are heads")
    widths = [max(3, *(len(row[column]) for row in cells)) for column in range(len(heads))]
    rule = ["-" * width if column in left else "-" * (width - 1) + ":" for column, width in enumerate(widths)]
    lines = [
        [
            _pad(cell, width, column in left)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        for row in cells
    ]
    return "\n".join("| " + " | ".join(line) + " |" for line in [lines[0], rule, *lines[1:]])


def replace_section(page: str, name: str, body: str) -> str:
    """``page`` with the section ``name`` replaced, or added at the end; every other byte is kept."""
    begin, end = f"<!-- bench:{name} -->", f"<!-- /bench:{name} -->"
    section = f"{begin}\n{body.strip()}\n{end}"
    starts, ends = page.count(begin), page.count(end)
    if starts == ends == 0:
        return f"{page.rstrip()}\n\n{section}\n" if page.strip() else f"{section}\n"
    if starts != 1 or ends != 1 or page.index(begin) > page.index(end):
        raise ValueError(f"the markers {begin} and {end} must stand once each, in this order: mend the page")
    before, rest = page.split(begin)
    return before + section + rest.split(end)[1]


def write_section(file: Path, name: str, body: str) -> None:
    """Put a section into ``file``, whole or not at all."""
    page = file.read_text() if file.exists() else HEADER
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f".{file.name}.new")
    draft.write_text(replace_section(page, name, body))
    os.replace(draft, file)


def _pad(cell: str, width: int, left: bool) -> str:
    return cell.ljust(width) if left else cell.rjust(width)
