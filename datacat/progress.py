"""A progress bar for what lasts over a second; silent without a terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

_QUIET_S = 1.0


class Advance(Protocol):
    """Tells the bar that `count` more items are done."""

    def __call__(self, count: int = 1, /) -> None: ...


@contextmanager
def bar(label: str, *, total: int | None, unit: str = "items") -> Iterator[Advance]:
    """Draws `label`, done/total, rate and time left on stderr once the work has lasted a second.

    Args:
        label: what is being done, as in "embedding".
        total: how many items there are, or None where nobody knows.
        unit: what the items are, as in "pictures".
    """
    if not sys.stderr.isatty():
        yield _no_advance
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(unit),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    progress = Progress(*columns, console=Console(stderr=True), transient=True)
    started = time.monotonic()
    task = progress.add_task(label, total=total, rate="")
    shown = False

    def advance(count: int = 1, /) -> None:
        nonlocal shown
        elapsed_s = time.monotonic() - started
        if not shown and elapsed_s > _QUIET_S:
            shown = True
            progress.start()
        done = progress.tasks[0].completed + count
        progress.update(task, advance=count, rate=f"{done / max(elapsed_s, 1e-9):,.0f}/s")

    try:
        yield advance
    finally:
        if shown:
            progress.stop()


def _no_advance(count: int = 1, /) -> None:
    return None
