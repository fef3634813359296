"""Floor 6: the folder copier.

``messages.py`` says what a worker is asked and what it answers, ``plan.py`` (pure) decides what comes
next, ``folder.py`` and ``entry.py`` do the work on one folder and one name, ``run.py`` ties them to a
crew, ``api.py`` is ``procession.copy``.
"""
