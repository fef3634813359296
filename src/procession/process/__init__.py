"""Floor 3, one process: how it starts, how it ends, and the words for both."""
