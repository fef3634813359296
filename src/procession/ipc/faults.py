"""Carrying an exception across a process boundary, whatever it is made of."""

from __future__ import annotations

import pickle

from procession.errors import RemoteError

_set_cause = BaseException.__dict__["__cause__"].__set__


class RemoteTraceback(Exception):
    """The traceback of a worker, as text: the ``__cause__`` of the error that a task raised."""

    @property
    def tb(self) -> str:
        """The text (its name in multiprocessing.pool and concurrent.futures)."""
        return str(self.args[0])

    def __str__(self) -> str:
        return f'\n"""\n{self.args[0]}"""'


def pack_error(error: BaseException) -> bytes:
    """An exception as bytes.  One that does not pickle travels as its name, words and traceback."""
    import traceback

    text = "".join(traceback.format_exception(error))
    kind = f"{type(error).__module__}.{type(error).__qualname__}"
    try:
        words = str(error)
    except BaseException as broken:  # whatever it is, it is only the text of a text
        words = f"(its text cannot be had: {type(broken).__name__})"
    try:
        whole = pickle.dumps(error, pickle.HIGHEST_PROTOCOL)
    except BaseException:
        whole = b""
    return pickle.dumps((kind, words, text, whole), pickle.HIGHEST_PROTOCOL)


def peek_error(data: bytes) -> tuple[str, str]:
    """Its kind (``module.Name``) and words; runs no code of the exception's own."""
    kind, words, _, _ = pickle.loads(data)
    return kind, words


def unpack_error(data: bytes) -> BaseException:
    """The exception again, or a RemoteError where it does not unpickle (CPython issue 79492)."""
    kind, words, text, whole = pickle.loads(data)
    error: BaseException
    try:
        error = pickle.loads(whole)
        if not isinstance(error, BaseException):
            raise TypeError(kind)
    except (Exception, SystemExit):
        error = RemoteError(kind, words, text)
    # By the slot itself: an exception that is a frozen dataclass refuses an assignment.
    _set_cause(error, RemoteTraceback(text))
    return error
