"""The section of docs/benchmarks.md."""

from __future__ import annotations

from bench.kit.figures import ROUNDS, Session, head, notes, rows_table

METHOD = f"""Method: {ROUNDS} Producers and consumers are forked processes that \
start together; the clock stops when the last item has arrived. 3/20: 3 producers, 20 consumers. Items are tuples of five ints, put \
and got one by one. Arrays are 8 MiB of numpy int64; the receiver reads one number of each page. In the storm a producer or a \
consumer is killed with SIGKILL and replaced all the time; peers are left out of it, since a process that is \
killed in the lock of `multiprocessing.Queue` or faster-fifo stops all others for ever, and pyzmq loses what \
is queued for a dead consumer without a word."""


def section(session: Session, raw: str = "") -> str:
    """The whole section, in Markdown."""
    queues = [row for row in session.rows if "Pipe" not in row.name]
    pipes = [row for row in session.rows if "Pipe" in row.name]
    parts = ["## Queues and pipes", head(session, raw), METHOD]
    parts += [rows_table(rows) for rows in (queues, pipes) if rows]
    return "\n\n".join([*parts, *notes(session.rows)])
