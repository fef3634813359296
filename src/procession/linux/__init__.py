"""Floor 1: facts of the kernel, each wrapped once, with no policy and no threads.

Every module here stands alone; import the one that is needed (``procession.linux.pidfd``).  None of
them loads ``typing``, ``enum``, ``re``, ``socket``, ``signal`` or ``ctypes`` before a call needs it:
the start of ``pn`` pays for what it uses only.
"""
