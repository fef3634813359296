"""What a job runs, in one line that is safe to print."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procession.jobs.spec import Spec

_LONGEST = 2000  # characters; what a screen or a list shows of a command


def command_words(spec: Spec) -> str:
    """As one would type it, without control characters."""
    if spec.adopt is not None:
        return f"(adopted: pid {spec.adopt})"
    if spec.shell:
        return safe(spec.command[0])
    import shlex

    return safe(shlex.join(spec.command))


def title(spec: Spec) -> str:
    """Its name, if it has one, in front of that."""
    return f"{safe(spec.name)}: {command_words(spec)}" if spec.name else command_words(spec)


def safe(text: str) -> str:
    """One line without control characters and without bytes that are no UTF-8: these are escaped."""
    if len(text) <= _LONGEST and text.isprintable():
        return text
    from procession.pool.short import one_line

    return one_line(text, _LONGEST)
