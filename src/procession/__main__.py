"""``python -m procession VERB``: the same as ``pn VERB``, with the python of your choice and its packages."""

from __future__ import annotations

import sys

from procession.cli import main

if __name__ == "__main__":
    sys.exit(main())
