"""Commands in the documentation, read and run.

A fenced ``console`` or ``sh`` block stands below a comment that says what the tests do with it::

    <!-- run -->                     run it
    <!-- run: mkdir -p photos -->    the same, after these commands of preparation
    <!-- not run: needs a network --> leave it, for this reason

In a ``console`` block each line ``$ command`` is run (``> `` continues it) in one scratch folder for the
whole page, and must end with code 0, or with N where the line ends in ``# exit N``.  Lines below it are its
output, compared if there are any: ``...`` stands for any text, on a line of its own for any lines.  A ``sh``
block is one script.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

_FENCE = re.compile(
    r"(?:^<!--\s*(?P<note>(?:not )?run\b.*?)-->\s*\n)?^```(?P<kind>console|sh)\b[^\n]*\n(?P<text>.*?)^```\s*$",
    re.MULTILINE | re.DOTALL,
)
_EXIT = re.compile(r"\s+# exit (\d+)$")


class PageError(AssertionError):
    """A block is not marked, or did not do what the page says."""


@dataclass(frozen=True)
class Block:
    """A fenced block: where it stands, what to prepare, what it holds."""

    line: int
    kind: str
    text: str
    note: str

    @property
    def runs(self) -> bool:
        return self.note.startswith("run")

    @property
    def preparation(self) -> str:
        return self.note.partition(":")[2].strip() if self.runs else ""


@dataclass(frozen=True)
class Step:
    """A command, the exit code it must have and the output that the page shows, if it shows any."""

    command: str
    code: int = 0
    output: str = ""


def blocks(page: str) -> Iterator[Block]:
    """The blocks of a page.  One that nobody has marked is an error: it would rot unseen."""
    for found in _FENCE.finditer(page):
        line = page.count("\n", 0, found.start("kind")) + 1
        note = (found["note"] or "").strip()
        reason = note.partition(":")[2].strip()
        if not note or (note.startswith("not run") and not reason):
            raise PageError(f"line {line}: say <!-- run --> or <!-- not run: why --> above the block")
        yield Block(line, found["kind"], found["text"], note)


def steps(block: Block) -> Iterator[Step]:
    """The commands of a block."""
    if block.kind == "sh":
        yield Step("set -e\n" + block.text)
        return
    command: list[str] = []
    output: list[str] = []
    for line in [*block.text.splitlines(), "$ "]:
        if line.startswith("$ "):
            if command:
                yield _step("\n".join(command), "\n".join(output))
            command, output = [line[2:]], []
        elif line.startswith("> ") and command and not output:
            command.append(line[2:])
        elif not command:
            raise PageError(f"line {block.line}: a console block begins with `$ command`")
        else:
            output.append(line)


def _step(command: str, output: str) -> Step:
    exits = _EXIT.search(command)
    return Step(_EXIT.sub("", command), int(exits[1]) if exits else 0, output)


def run_page(page: str, scratch: Path, environment: Mapping[str, str]) -> int:
    """Run the marked blocks of a page, in order, in ``scratch``; returns how many commands were run."""
    count = 0
    for block in blocks(page):
        if block.runs:
            preparation = [Step("set -e\n" + block.preparation)] if block.preparation else []
            for step in [*preparation, *steps(block)]:
                _run(step, block.line, scratch, environment)
                count += 1
    return count


def _run(step: Step, line: int, scratch: Path, environment: Mapping[str, str]) -> None:
    done = subprocess.run(
        ["sh", "-c", step.command],
        cwd=scratch,
        env=dict(environment),
        # A session of its own, as a terminal has one: who runs the check may be in that of pid 1, where the orphans
        # of a page could not be told from its children.
        start_new_session=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=50,
    )
    where = f"block at line {line}: {step.command}"
    if done.returncode != step.code:
        raise PageError(f"{where}: exit code {done.returncode}, not {step.code}:\n{done.stdout}")
    if step.output and not matches(step.output, done.stdout):
        raise PageError(f"{where}: printed\n{done.stdout}\nnot\n{step.output}")


def matches(wanted: str, printed: str) -> bool:
    """Is ``printed`` what the page shows?  Space at the ends of lines does not count."""
    pattern = ""
    for line in wanted.strip("\n").splitlines():
        if line.strip() == "...":
            pattern += r"(?:.*\n)*?"
        else:
            pattern += ".*?".join(re.escape(part) for part in line.rstrip().split("...")) + r"\s*?\n"
    text = "\n".join(line.rstrip() for line in printed.strip("\n").splitlines()) + "\n"
    return re.fullmatch(pattern, text) is not None
