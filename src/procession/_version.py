"""The one place where the version is written; ``pn --version`` and the build both read it here."""

__version__ = "0.1.0"
