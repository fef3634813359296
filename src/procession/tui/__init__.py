"""Floor 7, the screens of ``pn top``: Textual draws what ``procession.table`` says.  No decision, no system call."""
