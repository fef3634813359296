"""The benches of procession: ``python -m bench NAME``.

Each module or package in this folder is one bench and has ``main(argv) -> int``; the first line of its
docstring is its description in the list.  Adding a bench is adding a file.  What benches share
(statistics, alternation, measuring, places, tables) lives in ``bench.kit``.
"""
