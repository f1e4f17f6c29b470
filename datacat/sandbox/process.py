"""A process of its own that answers one query, read with a deadline and killed from outside."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import select
import signal
import subprocess
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any

from datacat.errors import SandboxMissing, SqlStopped
from datacat.sandbox.fence import refusal

_PIPE_BYTES = 1 << 20
_SAID_BYTES = 1 << 16
_END_S = 2
_starters: dict[int, ThreadPoolExecutor] = {}
_lock = threading.Lock()


class Process:
    """Runs a command that takes a request on stdin and answers on stdout.

    Only time spent waiting for it counts: whoever reads slowly is not punished for it.
    """

    def __init__(self, command: Sequence[str], *, request: bytes, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._left_s = timeout_s
        given = _in_memory(request)
        try:
            self._process = _starter().submit(_started, command, given).result()
        except OSError as error:
            raise SandboxMissing(f"the process for the query cannot be started: {error}") from error
        finally:
            os.close(given)
        self._out, self._err = _pipe(self._process.stdout), _pipe(self._process.stderr)

    def read(self, size: int) -> bytes:
        """At most `size` bytes of what it answers; none at the end.

        Raises:
            SqlStopped: the time is over; the process is gone.
        """
        return self._read(self._out, size)

    def last_words(self) -> dict[str, Any]:
        """How it went, by its own account; reads stderr to its end.

        Raises:
            SandboxMissing: the sandbox could not be made.
            SqlStopped: the time is over, or the process died.
        """
        said = b""
        while len(said) < _SAID_BYTES and (piece := self._read(self._err, _SAID_BYTES)):
            said += piece
        text = said.decode(errors="replace")
        if missing := refusal(text):
            self.kill()
            raise missing
        with contextlib.suppress(ValueError, IndexError):
            words = json.loads(text.splitlines()[-1])
            if isinstance(words, dict):
                return words
        raise SqlStopped(f"the process of the query ended without a word: {self._death()}")

    def kill(self) -> None:
        """Ends it and all that it started; nothing happens where it is over."""
        with contextlib.suppress(ProcessLookupError, subprocess.TimeoutExpired):
            if self._process.poll() is None and (below := _children(self._process.pid)):
                # The first process of the sandbox: with it all others there die, and bubblewrap collects it, which
                # in a container nobody else may do.
                os.kill(below[0], signal.SIGKILL)
                self._process.wait(_END_S)
        with contextlib.suppress(ProcessLookupError):
            if self._process.poll() is None:
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for stream in (self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()

    def _read(self, pipe: int, size: int) -> bytes:
        poll = select.poll()
        poll.register(pipe, select.POLLIN)
        start = time.monotonic()
        is_ready = poll.poll(max(0, self._left_s) * 1000)
        self._left_s -= time.monotonic() - start
        if not is_ready:
            self.kill()
            hint = "Ask for less, or give it more time: --timeout, sql_timeout_s."
            raise SqlStopped(f"the query was stopped after {self._timeout_s:g} s", hint=hint)
        return os.read(pipe, size)

    def _death(self) -> str:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(1)
        code = self._process.poll()
        self.kill()
        number = -code if code is not None and code < 0 else (code or 0) - 128
        if number == signal.SIGXCPU or number == signal.SIGKILL:
            return "it was killed, for its processor time or by the system"
        return signal.strsignal(number) or "" if number > 0 else f"exit status {code}"


def _started(command: Sequence[str], given: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        list(command),
        stdin=given,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={},
        cwd="/",
        bufsize=0,
        start_new_session=True,  # so that Ctrl-C reaches this process alone, which then kills that one
    )


def _starter() -> ThreadPoolExecutor:
    """The thread that starts processes: they die with the thread that started them, so it must last as long as we."""
    with _lock:
        if os.getpid() not in _starters:
            _starters.clear()
            _starters[os.getpid()] = ThreadPoolExecutor(1, thread_name_prefix="datacat-sql")
        return _starters[os.getpid()]


def _children(pid: int) -> list[int]:
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def _in_memory(content: bytes) -> int:
    """A file of no name with that content: unlike a pipe it never makes the writer wait."""
    file = os.memfd_create("request")
    with open(file, "wb", closefd=False) as stream:
        stream.write(content)
    os.lseek(file, 0, os.SEEK_SET)
    return file


def _pipe(stream: IO[bytes] | None) -> int:
    assert stream is not None
    with contextlib.suppress(OSError):  # above the limit of a user
        fcntl.fcntl(stream, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
    return stream.fileno()
