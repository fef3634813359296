"""The system calls that wait, by number: arch/x86/entry/syscalls/syscall_64.tbl, include/uapi/asm-generic/unistd.h.

/proc/PID/syscall gives the number that the process itself used, which for a 32-bit program on a 64-bit kernel is one
of another table: such a program has to be told apart beforehand.
"""

from __future__ import annotations

import os

_X86_64 = {
    "read": 0, "write": 1, "open": 2, "close": 3, "stat": 4, "fstat": 5, "lstat": 6, "poll": 7, "ioctl": 16,
    "pread64": 17, "pwrite64": 18, "readv": 19, "writev": 20, "select": 23, "pause": 34, "nanosleep": 35,
    "sendfile": 40, "connect": 42, "accept": 43, "sendto": 44, "recvfrom": 45, "sendmsg": 46, "recvmsg": 47,
    "clone": 56, "fork": 57, "vfork": 58, "execve": 59, "exit": 60, "wait4": 61, "semop": 65, "msgsnd": 69,
    "msgrcv": 70, "fcntl": 72, "flock": 73, "fsync": 74, "fdatasync": 75, "ftruncate": 77, "getdents": 78,
    "rename": 82, "mkdir": 83, "rmdir": 84, "creat": 85, "unlink": 87, "rt_sigtimedwait": 128,
    "rt_sigsuspend": 130, "sync": 162, "mount": 165, "umount2": 166, "futex": 202, "io_getevents": 208,
    "getdents64": 217, "restart_syscall": 219, "semtimedop": 220, "clock_nanosleep": 230, "exit_group": 231,
    "epoll_wait": 232, "mq_timedsend": 242, "mq_timedreceive": 243, "waitid": 247, "openat": 257,
    "mkdirat": 258, "newfstatat": 262, "unlinkat": 263, "renameat": 264, "pselect6": 270, "ppoll": 271,
    "splice": 275, "tee": 276, "sync_file_range": 277, "vmsplice": 278, "epoll_pwait": 281, "fallocate": 285,
    "accept4": 288, "preadv": 295, "pwritev": 296, "recvmmsg": 299, "syncfs": 306, "sendmmsg": 307,
    "renameat2": 316, "execveat": 322, "copy_file_range": 326, "preadv2": 327, "pwritev2": 328, "statx": 332,
}  # fmt: skip

_ARM64 = {
    "io_getevents": 4, "epoll_pwait": 22, "fcntl": 25, "ioctl": 29, "flock": 32, "mkdirat": 34, "unlinkat": 35,
    "renameat": 38, "umount2": 39, "mount": 40, "ftruncate": 46, "fallocate": 47, "openat": 56, "close": 57,
    "getdents64": 61, "read": 63, "write": 64, "readv": 65, "writev": 66, "pread64": 67, "pwrite64": 68,
    "preadv": 69, "pwritev": 70, "sendfile": 71, "pselect6": 72, "ppoll": 73, "vmsplice": 75, "splice": 76,
    "tee": 77, "newfstatat": 79, "fstat": 80, "sync": 81, "fsync": 82, "fdatasync": 83, "sync_file_range": 84,
    "exit": 93, "exit_group": 94, "waitid": 95, "futex": 98, "nanosleep": 101, "clock_nanosleep": 115,
    "restart_syscall": 128, "rt_sigsuspend": 133, "rt_sigtimedwait": 137, "mq_timedsend": 182,
    "mq_timedreceive": 183, "msgrcv": 188, "msgsnd": 189, "semtimedop": 192, "semop": 193, "accept": 202,
    "connect": 203, "sendto": 206, "recvfrom": 207, "sendmsg": 211, "recvmsg": 212, "clone": 220,
    "execve": 221, "accept4": 242, "recvmmsg": 243, "wait4": 260, "syncfs": 267, "sendmmsg": 269,
    "renameat2": 276, "execveat": 281, "copy_file_range": 285, "preadv2": 286, "pwritev2": 287, "statx": 291,
}  # fmt: skip

# The same on every architecture since Linux 5.1.
_COMMON = {
    "io_uring_enter": 426, "clone3": 435, "openat2": 437, "epoll_pwait2": 441, "process_mrelease": 448,
    "futex_waitv": 449, "futex_wait": 455,
}  # fmt: skip

_TABLES = {"x86_64": _X86_64, "aarch64": _ARM64}

_READS = ("read", "pread64", "readv", "preadv", "preadv2", "recvfrom", "recvmsg", "recvmmsg", "getdents", "getdents64",
          "mq_timedreceive")  # fmt: skip
_WRITES = ("write", "pwrite64", "writev", "pwritev", "pwritev2", "sendto", "sendmsg", "sendmmsg", "fsync", "fdatasync",
           "ftruncate", "fallocate", "sync_file_range", "mq_timedsend", "vmsplice", "sendfile", "syncfs")  # fmt: skip

#: What a call waits for, where it is one whose arguments tell: read and write begin with a descriptor.
MEANINGS: dict[str, str] = {
    **dict.fromkeys(_READS, "read"),
    **dict.fromkeys(_WRITES, "write"),
    **dict.fromkeys(("splice", "tee", "copy_file_range"), "between"),
    **dict.fromkeys(("open", "openat", "openat2", "creat"), "open"),
    **dict.fromkeys(("poll", "ppoll"), "poll"),
    **dict.fromkeys(("select", "pselect6"), "select"),
    **dict.fromkeys(("epoll_wait", "epoll_pwait", "epoll_pwait2"), "epoll"),
    **dict.fromkeys(("nanosleep", "clock_nanosleep"), "sleep"),
    **dict.fromkeys(("pause", "rt_sigsuspend", "rt_sigtimedwait"), "signal"),
    **dict.fromkeys(("wait4", "waitid"), "child"),
    **dict.fromkeys(("clone", "clone3", "fork", "vfork"), "vfork"),
    **dict.fromkeys(("accept", "accept4"), "accept"),
    **dict.fromkeys(("semop", "semtimedop"), "semaphore"),
    **dict.fromkeys(("msgsnd", "msgrcv"), "message"),
    "connect": "connect",
    "flock": "flock",
    "fcntl": "fcntl",
    "futex": "futex",
    "futex_wait": "futex",
    "restart_syscall": "again",
    "io_uring_enter": "io_uring",
}

_names: dict[int, str] | None = None


def syscall_name(number: int) -> str:
    """``read``; of one that no table here has, ``system call 511``."""
    global _names
    if _names is None:
        table = {**_TABLES.get(os.uname().machine, {}), **_COMMON}
        _names = {value: name for name, value in table.items()}
    return _names.get(number, f"system call {number}")
