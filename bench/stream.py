"""Streams ten million matching rows out of a catalog: how fast, and how much memory the process takes at most.

    python bench/stream.py [--catalog FOLDER] [--query QUERY] [--memory 512MiB]

The command line that a user would type runs in a process of its own; what it writes is read here from a pipe, counted
and thrown away. The catalog is that of `python bench/search.py 10m`. Memory is the highest resident set, of which some
200 MB are the program itself; the whole answer would be as large as what was written.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import IO

import pyarrow as pa

_CATALOG = Path(__file__).parent / "out" / "search-10m" / "catalog"
_PIECE = 1 << 20
_MATCH = b'"annotation":'
COLUMNS = ("asset,uri", "asset,uri,matches", "asset,uri,matches,why")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--catalog", type=Path, default=_CATALOG)
    parser.add_argument("--query", default="area>=0", help="By default all annotations.")
    parser.add_argument("--columns", action="append", help="As in asset,uri; may come several times.")
    parser.add_argument("--memory", help="memory_limit, as in 512MiB.")
    asked = parser.parse_args()
    if asked.memory:
        os.environ["DATACAT_MEMORY_LIMIT"] = asked.memory
    print(
        "format  columns                    assets    matches      MB  process s  wall s  matches/s  peak MB  load"
    )
    for columns in asked.columns or COLUMNS:
        for form in ("arrow", "ndjson"):
            print(
                f"{form:<7} {columns:<22} {measured(asked.catalog, asked.query, form=form, columns=columns)}"
            )


def measured(catalog: Path, query: str, *, form: str, columns: str) -> str:
    """Streams once and says what it took; matches a second are of process time.

    Raises:
        SystemExit: the command failed.
    """
    command = [sys.executable, "-m", "datacat", "search", query, "--format", form, "--columns", columns]
    started = time.perf_counter()
    process = subprocess.Popen([*command, "-C", str(catalog)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    assets, matches, size = (counted_arrow if form == "arrow" else counted_lines)(process.stdout)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"{' '.join(command)} failed")
    wall_s = time.perf_counter() - started
    cpu_s = used.ru_utime + used.ru_stime
    return (
        f"{assets:>10,} {matches:>10,} {size / 1e6:>7,.0f} {cpu_s:>10.1f} {wall_s:>7.1f} "
        f"{(matches or assets) / cpu_s:>10,.0f} {used.ru_maxrss / 1024:>8,.0f}  {os.getloadavg()[0]:.1f}"
    )


def counted_lines(pipe: IO[bytes]) -> tuple[int, int, int]:
    """Assets, matches and bytes of NDJSON."""
    assets = matches = size = 0
    rest = b""
    while piece := pipe.read(_PIECE):
        assets += piece.count(b"\n")
        size += len(piece)
        matches += (rest + piece).count(_MATCH)
        rest = piece[1 - len(_MATCH) :]
    return assets, matches, size


def counted_arrow(pipe: IO[bytes]) -> tuple[int, int, int]:
    """The same of Arrow."""
    assets = matches = size = 0
    with pa.ipc.open_stream(pipe) as reader:
        for batch in reader:
            assets += len(batch)
            size += batch.nbytes
            if "matches" in batch.schema.names:
                matches += len(batch["matches"].flatten())
    return assets, matches, size


if __name__ == "__main__":
    main()
