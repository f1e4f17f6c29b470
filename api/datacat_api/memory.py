"""Gives memory back to the system: glibc and Arrow keep what a burst of requests needed.

Measured with bench/service.py; see docs/explanation/measurements.md.
"""

from __future__ import annotations

import asyncio
import ctypes
import time

import pyarrow as pa

_M_ARENA_MAX = -8
_ARENAS = 2  # glibc makes up to 8 a core, and each keeps what its threads once used
_EVERY_S = 5.0


def keep_few_arenas() -> None:
    """Threads share a few heaps from now on; before the first of them starts."""
    libc = _libc()
    if libc is not None:
        libc.mallopt(_M_ARENA_MAX, _ARENAS)


async def give_back() -> None:
    """Returns what is free to the system, every few seconds at most."""
    now = time.monotonic()
    if now - _last[0] < _EVERY_S:
        return
    _last[0] = now
    await asyncio.get_running_loop().run_in_executor(None, _trim)


def _trim() -> None:
    pa.default_memory_pool().release_unused()
    libc = _libc()
    if libc is not None:
        libc.malloc_trim(0)


def _libc() -> ctypes.CDLL | None:
    """The C library, where it is glibc."""
    libc = ctypes.CDLL(None)
    return libc if hasattr(libc, "malloc_trim") else None


_last = [0.0]
