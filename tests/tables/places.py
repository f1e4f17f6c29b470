"""What the tests of storage share: opened catalogs, and programs that run beside the test."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa

from datacat.config import Settings
from datacat.sources.location import Location
from datacat.tables import Tables

SETTINGS = Settings(threads=1, memory_limit="500MB")

# Ingests a label set of its own, again and again: files of five assets, some of which all workers share.
WORKER = """
import sys
from pathlib import Path
from datacat.config import Settings
from datacat.sources.location import Location
from datacat.tables import Tables
from datacat.testing.staging import LabelFile, box, ingest

root, name, rounds, folder = sys.argv[1], sys.argv[2], int(sys.argv[3]), Path(sys.argv[4])
tables = Tables.open(Location(root), Settings(threads=1, memory_limit="500MB"))
print("ready", flush=True)
sys.stdin.readline()
for number in range(rounds):
    uris = [f"/lake/{number * 3 + step}.png" for step in range(5)]
    said = [box(uri, "Roof", attributes={"by": name, "round": number}) for uri in uris]
    files = [LabelFile(f"/labels/{name}/{n}", uris, said) for n in (number, "all")]
    report = ingest(tables, f"team/{name}", files=files, folder=folder)
    print(report.state, flush=True)
"""


def rows(tables: Tables, query: str, at: int | None = None) -> list[tuple[Any, ...]]:
    """What a query gives at a state."""
    return tables.cursor(tables.state(at)).execute(query).fetchall()


def add_concepts(tables: Tables, added: pa.Table, *, author: str = "ada") -> int | None:
    """Commits further rows of `concepts`; the new state."""
    return tables.replace("concepts", lambda old: pa.concat_tables([old, added]), author=author, message="m")


def worker(root: Location, name: str, *, rounds: int, folder: Path) -> subprocess.Popen[str]:
    """Starts WORKER, which waits for a line on its input."""
    command = [sys.executable, "-c", WORKER, str(root), name, str(rounds), str(folder)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    assert process.stdout.readline() == "ready\n"
    return process


def go(process: subprocess.Popen[str]) -> None:
    """Lets a worker begin."""
    assert process.stdin
    process.stdin.write("\n")
    process.stdin.flush()


def errors(tables: Tables) -> list[str]:
    """What `check` says is wrong."""
    return [finding.text for finding in tables.check(tables.state()) if finding.severity == "error"]
