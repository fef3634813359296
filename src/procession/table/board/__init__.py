"""What the screen of ``pn top`` shows, as plain models: rows and their order, columns, details, keys."""
