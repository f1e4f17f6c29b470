"""Measuring: peak memory of a process tree, medians of repeated calls, tables of ratios."""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

_SAMPLE_S = 0.02


@dataclass(frozen=True, slots=True)
class Run:
    """One finished command: wall seconds, and the most memory its whole process tree held at once, in MB."""

    wall_s: float
    peak_mb: float


def run(command: Sequence[str], *, environment: dict[str, str] | None = None) -> Run:
    """Runs a command to its end, sampling the summed proportional memory of its process tree.

    Raises:
        SystemExit: the command failed; its stderr is shown.
    """
    started = time.perf_counter()
    process = subprocess.Popen(
        command, env={**os.environ, **(environment or {})}, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    peak_kb = 0
    while process.poll() is None:
        peak_kb = max(peak_kb, sum(_memory_kb(pid) for pid in _tree(process.pid)))
        time.sleep(_SAMPLE_S)
    wall_s = time.perf_counter() - started
    assert process.stderr is not None
    complaint = process.stderr.read().decode()
    if process.returncode != 0:
        raise SystemExit(f"{' '.join(command)} failed:\n{complaint}")
    return Run(wall_s, peak_kb / 1024)


def median_s(call: Callable[[], object], *, repeats: int = 7) -> float:
    """The median wall time of a call that was made once before, warm."""
    call()
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        call()
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def _tree(root: int) -> list[int]:
    """A process and all that came from it."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue
            parents.setdefault(int(fields[1]), []).append(int(entry.name))
    found, open_ = [], [root]
    while open_:
        pid = open_.pop()
        found.append(pid)
        open_ += parents.get(pid, [])
    return found


def _memory_kb(pid: int) -> int:
    """Anonymous memory: what is the process' own, without the page cache of files it maps."""
    try:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("RssAnon:"):
                return int(line.split()[1])
    except OSError:
        pass
    return 0
