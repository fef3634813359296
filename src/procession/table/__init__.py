"""The process table: what runs on this machine, and why it is in the state that it is in."""
