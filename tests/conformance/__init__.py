"""CPython's own tests of ``multiprocessing`` and process executors, run with the standard library and with ours.

::

    python -m tests.conformance                          everything, on this interpreter
    python -m tests.conformance --subset                 what ./check runs, in under 4 minutes
    python -m tests.conformance --methods fork --cases '*Queue*' --keep /tmp/conf

    python -m tests.conformance --cases '*:ProcessPool*' --tests ~/cpython/Lib/test

    __main__.py ─ sections.py ─┐   one section: a start method and a kind of test
                               ▼
    drive.py: section × {stdlib, ours}  ──▶  venv's python cases.py SECTION   one JSON line a case
      (side.py builds both venvs)        ◀──  log; a case that hangs is shot, the rest goes on after it
                               ▼
    table.py: what passes with the standard library and not with ours, against docs/reference/differences.md

Both runs use the ``test`` package of the interpreter; where it has none the run skips and says so.  Where it
has one without ``test_concurrent_futures``, another Python runs those cases, or ``--tests`` names a folder
that has the module.

In the venv of our side *every* ``import multiprocessing`` means ours, also in ``python -I -c ...`` that a case
starts (not with ``-S``); in the sections about executors so does every ``ProcessPoolExecutor``
(executor_hook.py).
"""
