"""A mutex in shared memory that outlives its holder: pthread_mutexattr_setrobust(3), since glibc 2.12.

The kernel keeps a list of the robust mutexes that a thread holds and, at its end, marks each and wakes a
waiter (get_robust_list(2)), also after SIGKILL.  The next holder is told so and the mutex goes on.

It guards sections of a few microseconds and is never held while waiting for anything: its own wait has no
timeout, and Ctrl-C is heard after a tenth of a second.  What it guards must be whole after every single store,
since its holder may be killed between any two (see ``Guard``).
"""

from __future__ import annotations

import ctypes
import errno
import time
from ctypes import c_int, c_long, c_void_p
from functools import partial

TYPE_CHECKING = False

SIZE = 64  # bytes to reserve; pthread_mutex_t is 40 on x86-64, 48 on aarch64

_PROCESS_SHARED = 1
_ROBUST = 1
_ERRORCHECK = 2  # PTHREAD_MUTEX_ERRORCHECK of glibc and musl: the holder gets EDEADLK, not a deadlock

# PyDLL keeps the GIL: right for calls that cannot block.  CDLL gives it back: for the one that can.
_quick = ctypes.PyDLL(None)
_slow = ctypes.CDLL(None)
trylock = ctypes.PYFUNCTYPE(c_int, c_void_p)(("pthread_mutex_trylock", _quick))
unlock_now = ctypes.PYFUNCTYPE(c_int, c_void_p)(("pthread_mutex_unlock", _quick))
_consistent = ctypes.PYFUNCTYPE(c_int, c_void_p)(("pthread_mutex_consistent", _quick))
# What "with" says about an exception comes in further registers, and is not looked at.
_give_back = ctypes.PYFUNCTYPE(None, c_void_p, *3 * (ctypes.py_object,))(("pthread_mutex_unlock", _quick))
_lock = ctypes.CFUNCTYPE(c_int, c_void_p, c_void_p)(("pthread_mutex_timedlock", _slow))

_EBUSY, _EOWNERDEAD, _EDEADLK, _EPERM = errno.EBUSY, errno.EOWNERDEAD, errno.EDEADLK, errno.EPERM
_SLICE = 100_000_000  # nanoseconds


def init(address: int) -> None:
    """Make a mutex in the ``SIZE`` zeroed bytes at ``address``; once, before anybody else maps them."""
    attributes = ctypes.create_string_buffer(64)  # pthread_mutexattr_t has 4 to 8 bytes
    for name, *value in (
        ("pthread_mutexattr_init",),
        ("pthread_mutexattr_setpshared", _PROCESS_SHARED),
        ("pthread_mutexattr_setrobust", _ROBUST),
        ("pthread_mutexattr_settype", _ERRORCHECK),
    ):
        _checked(getattr(_quick, name)(attributes, *map(c_int, value)), name)
    _checked(_quick.pthread_mutex_init(c_void_p(address), attributes), "pthread_mutex_init")


def lock(address: int) -> bool:
    """Take the mutex; True when its last holder died with it (what it guards may be half-changed).

    Raises Reentered when this thread holds it already.
    """
    result = trylock(address)
    return result != 0 and contested(address, result)


def contested(address: int, result: int) -> bool:
    """The rest of ``lock`` where ``trylock`` has not said 0.

    The two apart save a microsecond.  Who uses them so gives the mutex back on every way out, also where
    an exception came, which may be that of a signal's handler, and by ``unlock_now``: at the first step of
    a Python function the next signal's handler may raise.  Only a fresh Reentered is left alone, see there.
    """
    while result in (_EBUSY, errno.ETIMEDOUT):
        # In slices, because no signal ends it, and its holder may have been stopped in its microseconds.
        ends_at = divmod(time.clock_gettime_ns(time.CLOCK_REALTIME) + _SLICE, 1_000_000_000)
        result = _lock(address, ctypes.byref((c_long * 2)(*ends_at)))
    if result == 0:
        return False
    if result == _EOWNERDEAD:
        _consistent(address)
        return True
    if result == _EDEADLK:
        raise Reentered
    raise OSError(result, "pthread_mutex_lock")


def unlock(address: int) -> None:
    """Give the mutex back; does nothing when this thread does not hold it."""
    result = unlock_now(address)
    if result not in (0, _EPERM):
        raise OSError(result, "pthread_mutex_unlock")


class Reentered(RuntimeError):
    """A signal's handler came in the middle of a guarded section, and calls into the same object.

    ``fresh``: raised in the inner section, which has no mutex to give back and sets it to False.
    """

    def __init__(self) -> None:
        super().__init__("a signal handler came in the middle of an operation on this very object")
        self.fresh = True


def attempt(address: int) -> bool:
    """Take the mutex without waiting; False when anybody has it, this thread included.

    For finalizers: the collector runs them in the middle of anything, in a section of another mutex too, and
    two processes that wait for each other's would wait for ever.  To be given back with ``Guard.__exit__``.
    """
    result = _EBUSY
    try:
        # Unpacked: the handler of a signal may raise between a call and an assignment.
        (result,) = map(trylock, (address,))
        if result == _EOWNERDEAD:
            contested(address, result)
    except BaseException:
        if result in (0, _EOWNERDEAD):
            unlock(address)
        raise
    return result in (0, _EOWNERDEAD)


class Guard:
    """``with guard as died:`` a guarded section; ``died`` is what ``lock`` says.

    An exception that a signal handler raises (KeyboardInterrupt) may end the section anywhere, just as a
    SIGKILL may; the mutex is given back all the same.
    """

    __slots__ = ("__exit__", "address")

    if TYPE_CHECKING:

        def __exit__(self, *_: object) -> None: ...

    def __init__(self, address: int) -> None:
        self.address = address
        # A slot that holds a C function, and no method: at the first step of a Python function a signal's
        # handler may raise, and the mutex would stay locked.
        self.__exit__ = partial(_give_back, address)  # type: ignore[method-assign]

    def __enter__(self) -> bool:
        try:
            return lock(self.address)
        except Reentered as error:
            if not error.fresh:
                unlock_now(self.address)
            error.fresh = False
            raise
        except BaseException:
            unlock_now(self.address)  # the handler of a signal ran just after we had got it
            raise


def _checked(result: int, what: str) -> None:
    if result:
        raise OSError(result, what)
