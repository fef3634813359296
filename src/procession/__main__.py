"""``python -m procession``: the same as ``pn``; ``python -m procession run SCRIPT`` is ``pn python SCRIPT``."""

from __future__ import annotations

import sys

from procession.cli import main

if __name__ == "__main__":
    sys.exit(main(["python", *sys.argv[2:]] if sys.argv[1:2] == ["run"] else None))
