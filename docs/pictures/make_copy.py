"""Draw docs/pictures/copy.svg: a real copy, in the very lines that ``pn copy`` draws on a terminal.

Run it with a tree that takes a second or two to copy: ``python docs/pictures/make_copy.py SOURCE TARGET``.
"""

from __future__ import annotations

import io
import re
import sys
from pathlib import Path

from rich.console import Console

from procession.cli.copy_live import draw
from procession.cli.copy_out import summary
from procession.copying.api import default_workers
from procession.copying.progress import Progress
from procession.copying.roots import plan_roots
from procession.copying.run import CopyRun


def main(source: str, target: str) -> None:
    """Copy, and draw what was seen on the way."""
    looks: list[Progress] = []
    roots, targets = plan_roots([source], target, as_target=True)
    run = CopyRun(roots, targets, workers=default_workers(), on_progress=looks.append, tick=0.05)
    report = run.run()
    scanned = [look for look in looks if look.fraction is not None and look.fraction > 0.4]
    console = Console(record=True, width=92, file=io.StringIO(), force_terminal=True)
    console.print(f"[bold green]$[/] pn copy -T {Path(source).name} {Path(target).name}")
    console.print(draw(scanned[0] if scanned else looks[-1]))
    console.print()
    console.print("[dim]... and when it is done:[/]")
    console.print(summary(report).replace(targets[0], Path(target).name), highlight=False)
    svg = console.export_svg(title="pn copy")
    # No fonts from the network: the viewer's own fixed-width font will do.
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)
    Path(__file__).with_name("copy.svg").write_text(svg, encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
