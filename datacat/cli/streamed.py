"""`datacat search --format`: all hits as a file or into a pipe."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import click

from datacat.cli.output import Output
from datacat.cli.terminal import to_terminal
from datacat.errors import UsageError

F = TypeVar("F", bound=Callable[..., Any])


def stream_options(command: F) -> F:
    """`--format`, `--columns` and `-o`."""
    command = click.option(
        "-o",
        "--output-file",
        "file",
        metavar="FILE",
        default="-",
        show_default="stdout",
        help="Where --format writes to.",
    )(command)
    command = click.option(
        "--columns",
        metavar="A,B,…",
        help="Which columns --format writes; without `matches` and `why` it is much faster.",
    )(command)
    return click.option(
        "--format",
        "to",
        type=click.Choice(["ndjson", "arrow", "csv"]),
        help="Write all hits (or --limit of them) as a stream.",
    )(command)


def write_stream(hits: Any, *, to: str, file: str, columns: str | None, output: Output) -> None:
    """Writes hits to `file`; "-" is stdout."""
    chosen = [name.strip() for name in columns.split(",")] if columns is not None else None
    pieces = hits.stream(to, columns=chosen)
    if file == "-":
        if to == "arrow" and sys.stdout.isatty():
            raise UsageError("Arrow is nothing to look at", hint="Write it to a file (-o) or a pipe.")
        _write(pieces, to_terminal(sys.stdout.buffer))
        return
    try:
        size = _write_to(Path(file), pieces)
    except OSError as error:
        raise UsageError(f"it cannot be written: {error.strerror}", where=file) from error
    output.note(f"{size:,} bytes: {file}")


def _write_to(target: Path, pieces: Iterator[bytes]) -> int:
    """Replaces a file, or makes it, when all is there; a pipe or device is written to, a link followed."""
    if target.exists() and not target.is_file():
        with target.open("wb") as opened:
            return _write(pieces, opened)
    target = Path(os.path.realpath(target))
    part = target.with_name(f"{target.name}.part")
    try:
        with part.open("wb") as opened:
            size = _write(pieces, opened)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    return size


def _write(pieces: Iterator[bytes], target: BinaryIO) -> int:
    size = 0
    for piece in pieces:
        target.write(piece)
        size += len(piece)
    target.flush()
    return size
