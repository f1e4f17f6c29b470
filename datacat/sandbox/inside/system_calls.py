"""Takes from this process what no query needs: other processes, programs, sockets, ways out of its namespaces.

RLIMIT_NPROC would do the first, but not for root; so a seccomp filter does, which the kernel holds us to for good.
"""

from __future__ import annotations

import ctypes
import errno
import platform
import struct

# AUDIT_ARCH_*, the calls that are refused by number, and clone and clone3, which threads need too.
# Numbers: arch/x86/entry/syscalls/syscall_64.tbl and include/uapi/asm-generic/unistd.h of Linux.
_X86_64 = (
    0xC000003E,
    "41 53 57 58 59 101 155 161 165 246 248 249 250 272 298 304 308 310 311 320 321 322 323 425 426 427 "
    "428 429 430 431 432 434 438 442",
    56,
    435,
)
_AARCH64 = (
    0xC00000B7,
    "39 40 41 51 97 104 117 198 199 217 218 219 221 241 265 268 270 271 280 281 282 294 425 426 427 428 "
    "429 430 431 432 434 438 442",
    220,
    435,
)
_MACHINES = {"x86_64": _X86_64, "aarch64": _AARCH64}
_CLONE_THREAD = 0x00010000
_X32 = 0x40000000  # another way to number the calls of x86_64
_ALLOW, _KILL, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
_LOAD, _EQUAL, _AT_LEAST, _BITS, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER, _ARCH, _FIRST_ARGUMENT = 0, 4, 16  # places in struct seccomp_data
_PR_SET_PDEATHSIG, _PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS = 1, 22, 38
_SECCOMP_MODE_FILTER = 2
_SIGKILL = 9


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def die_with_parent() -> None:
    """The kernel kills this process when the thread that started it is gone."""
    _prctl(_PR_SET_PDEATHSIG, _SIGKILL)


def give_up() -> None:
    """No process, program, socket, mount or trace from here on; threads stay possible.

    Raises:
        OSError: the kernel or the kind of processor has no such filter.
    """
    if platform.machine() not in _MACHINES:
        raise OSError(errno.ENOSYS, f"no filter of system calls for {platform.machine()}")
    code = _filter(*_MACHINES[platform.machine()])
    program = _Program(len(code) // 8, code)
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    _prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(program))


def _filter(arch: int, refused: str, clone: int, clone3: int) -> bytes:
    """The filter as BPF: each step is (code, jump if true, jump if false, operand)."""
    steps = [
        (_LOAD, 0, 0, _ARCH),
        (_EQUAL, 1, 0, arch),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER),
        (_AT_LEAST, 0, 1, _X32),
        (_RETURN, 0, 0, _KILL),
        # glibc falls back from clone3, whose flags no filter can see, to clone.
        (_EQUAL, 0, 1, clone3),
        (_RETURN, 0, 0, _ERRNO | errno.ENOSYS),
    ]
    for number in map(int, refused.split()):
        steps += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, _ERRNO | errno.EPERM)]
    steps += [
        (_EQUAL, 0, 3, clone),
        (_LOAD, 0, 0, _FIRST_ARGUMENT),
        (_BITS, 1, 0, _CLONE_THREAD),
        (_RETURN, 0, 0, _ERRNO | errno.EPERM),
        (_RETURN, 0, 0, _ALLOW),
    ]
    return b"".join(struct.pack("<HBBI", *step) for step in steps)


def _prctl(option: int, *arguments: object) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    padded = (*arguments, 0, 0, 0, 0)[:4]
    if libc.prctl(option, *(ctypes.c_ulong(item) if isinstance(item, int) else item for item in padded)):
        raise OSError(ctypes.get_errno(), "prctl")
