"""Floor 2: how bytes and objects travel between processes."""
