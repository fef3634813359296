"""Draw docs/pictures/top.svg: the screen of ``pn top`` on the recorded machine of its tests.

Run it in the root of the repository: ``python docs/pictures/make_top.py``.
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from procession.records import replace  # noqa: E402
from procession.table import users  # noqa: E402
from procession.table.board.board import View  # noqa: E402
from procession.table.board.columns import Style  # noqa: E402
from tests.tui.recorded import NAMES, shop, top_app  # noqa: E402


async def draw(folder: Path) -> str:
    """The picture as SVG."""
    app = top_app(shop(folder), view=View(tree=True, style=replace(Style(), whole=True)))
    async with app.run_test(size=(124, 29)) as pilot:
        await pilot.press("down", "down", "down")
        await pilot.pause()
        return app.export_screenshot(title="pn top")


def main() -> None:
    """Draw, and write the file beside this one."""
    os.environ["TZ"] = "UTC"
    time.tzset()
    vars(users)["_users"].update(NAMES)
    with tempfile.TemporaryDirectory() as folder:
        svg = asyncio.run(draw(Path(folder) / "proc"))
    # No fonts from the network: the viewer's own fixed-width font will do.
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)
    Path(__file__).with_name("top.svg").write_text(svg, encoding="utf-8")


if __name__ == "__main__":
    main()
