"""Floor 6, ``pn map``: a command for each input, on the workers of a pool.

::

    inputs.py ──▶ Plan (plan.py: attempts, order, halts) ──▶ Pool ──▶ worker: shell.py runs one command
                     ▲                                         │          its output: capture.py
                     └── Outcome ──▶ joblog.py ──▶ turns.py ◀──┘
                                                  (in order) ──▶ cli/map_out.py

templates.py and plan.py are the pure middle; run.py is the one loop that owns them all, workers.py its pool.
"""
