"""Floor 4: many tasks on many workers, each task with exactly one outcome.

Read ``messages.py`` first, then ``page.py``, ``schedule.py`` (pure), ``worker.py`` (the child's side)
and ``crew.py`` (the parent's side).
"""
