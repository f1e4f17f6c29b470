"""Takes from this process what no query needs: other processes, programs, sockets, ways out of its namespaces,
and where it need not spill, writing.

RLIMIT_NPROC would do the first, but not for root; so a seccomp filter does, which the kernel holds us to for good.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class _Machine:
    """System calls by number, of a kind of processor.

    From arch/x86/entry/syscalls/syscall_64.tbl and include/uapi/asm-generic/unistd.h of Linux.

    Attributes:
        arch: AUDIT_ARCH_*, as the kernel names it.
        refused: processes, programs, sockets, mounts, namespaces, keys, traces, io_uring.
        writing: what makes, changes, renames or removes files, and signals to others.
        opening: (open call, which argument has its flags).
        unseen: calls whose flags are in memory, where no filter sees them; libraries know how to do without.
        clone: makes a process, or a thread.
        seccomp: installs a filter.
    """

    arch: int
    refused: str
    writing: str
    opening: tuple[tuple[int, int], ...]
    unseen: tuple[int, ...]
    clone: int
    seccomp: int


_X86_64 = _Machine(
    arch=0xC000003E,
    refused="41 53 57 58 59 101 155 161 165 166 246 248 249 250 272 298 304 308 310 311 320 321 322 323 425 426 427 "
    "428 429 430 431 432 434 438 442",
    writing="62 76 77 82 83 84 85 86 87 88 90 91 92 93 94 129 133 188 189 190 258 259 260 263 264 265 266 268 316 424 "
    "452",
    opening=((2, 1), (257, 2)),
    unseen=(435, 437),
    clone=56,
    seccomp=317,
)
_AARCH64 = _Machine(
    arch=0xC00000B7,
    refused="39 40 41 51 97 104 117 198 199 217 218 219 221 241 265 268 270 271 280 281 282 294 425 426 427 428 429 "
    "430 431 432 434 438 442",
    writing="5 6 7 33 34 35 36 37 38 45 46 52 53 54 55 129 138 276 424 452",
    opening=((56, 2),),
    unseen=(435, 437),
    clone=220,
    seccomp=277,
)
_MACHINES = {"x86_64": _X86_64, "aarch64": _AARCH64}
_CLONE_THREAD = 0x00010000
_X32 = 0x40000000  # another way to number the calls of x86_64
_ALLOW, _KILL, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
_LOAD, _EQUAL, _AT_LEAST, _BITS, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER, _ARCH, _ARGUMENTS = 0, 4, 16  # places in struct seccomp_data
_TO_WRITE = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS = 1, 38
_SET_MODE_FILTER, _ALL_THREADS = 1, 1  # of seccomp(2)
_SIGKILL = 9

_Step = tuple[int, int, int, int]  # code, steps to skip if so, steps to skip if not, operand


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def die_with_parent() -> None:
    """The kernel kills this process when the thread that started it is gone."""
    _prctl(_PR_SET_PDEATHSIG, _SIGKILL)


def give_up(*, writing: bool) -> None:
    """No process, program, socket, mount or trace from here on; threads stay possible.

    Args:
        writing: whether to give up changing files and sending signals, too.

    Raises:
        OSError: the kernel or the kind of processor has no such filter.
    """
    if platform.machine() not in _MACHINES:
        raise OSError(errno.ENOSYS, f"no filter of system calls for {platform.machine()}")
    machine = _MACHINES[platform.machine()]
    code = b"".join(struct.pack("<HBBI", *step) for step in _filter(machine, writing))
    program = _Program(len(code) // 8, code)
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    libc = ctypes.CDLL(None, use_errno=True)
    # Not prctl: that would bind this thread alone, and DuckDB's have started.
    if libc.syscall(machine.seccomp, _SET_MODE_FILTER, _ALL_THREADS, ctypes.byref(program)):
        raise OSError(ctypes.get_errno(), "seccomp")


def _filter(machine: _Machine, writing: bool) -> list[_Step]:
    """The filter as BPF."""
    no, unknown = (_RETURN, 0, 0, _ERRNO | errno.EPERM), (_RETURN, 0, 0, _ERRNO | errno.ENOSYS)
    steps = [
        (_LOAD, 0, 0, _ARCH),
        (_EQUAL, 1, 0, machine.arch),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER),
        (_AT_LEAST, 0, 1, _X32),
        (_RETURN, 0, 0, _KILL),
    ]
    for number in machine.unseen:
        steps += [(_EQUAL, 0, 1, number), unknown]
    for word in f"{machine.refused} {machine.writing if writing else ''}".split():
        steps += [(_EQUAL, 0, 1, int(word)), no]
    steps += _unless(machine.clone, argument=0, bits=_CLONE_THREAD, has=True)
    for number, argument in machine.opening if writing else ():
        steps += _unless(number, argument=argument, bits=_TO_WRITE, has=False)
    return [*steps, (_RETURN, 0, 0, _ALLOW)]


def _unless(number: int, *, argument: int, bits: int, has: bool) -> list[_Step]:
    """Refuses a call unless an argument has, or has none of, some bits; no step follows for that call."""
    return [
        (_EQUAL, 0, 4, number),
        (_LOAD, 0, 0, _ARGUMENTS + 8 * argument),
        (_BITS, 0, 1, bits) if has else (_BITS, 1, 0, bits),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _ERRNO | errno.EPERM),
    ]


def _prctl(option: int, value: int) -> None:
    unused = (ctypes.c_ulong(0),) * 3
    if ctypes.CDLL(None, use_errno=True).prctl(option, ctypes.c_ulong(value), *unused):
        raise OSError(ctypes.get_errno(), "prctl")
