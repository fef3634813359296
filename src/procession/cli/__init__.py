"""The command line: one file per verb."""

from __future__ import annotations


def main(argv: list[str] | None = None) -> int:
    """Run ``pn``; a stand-in until the first verb lands."""
    import sys

    from procession._version import __version__

    words = sys.argv[1:] if argv is None else argv
    if words == ["--version"]:
        print(f"pn {__version__}")
        return 0
    print("usage: pn VERB ...")
    return 0 if words == ["--help"] else 2
