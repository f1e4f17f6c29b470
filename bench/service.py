"""How much memory the service takes while many clients ask, and afterwards.

    python bench/service.py CATALOG [--clients 100] [--requests 8] [--tree FOLDER]

Each client asks one thing after another; those told to come again (429, 503) do so. `--tree` is another checkout to
measure instead of this one. Prints JSON: memory in MB at the start, at most, and when all is quiet.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

PATHS = (
    "/v1/search?q=roof&limit=100&count=true",
    "/v1/facets?q=roof",
    "/v1/search.ndjson?q=car",
    "/v1/search?q=roof%5Bmaterial%3Dslate%5D&limit=50&answers=true",
    "/v1/overview",
    "/v1/attributes",
)
_QUIET_S = 8


def main() -> None:
    """Measures once."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("catalog")
    asked.add_argument("--clients", type=int, default=100)
    asked.add_argument("--requests", type=int, default=8)
    asked.add_argument("--tree", type=Path, default=Path(__file__).parents[1])
    given = asked.parse_args()
    paths = os.pathsep.join((str(given.tree), str(given.tree / "api")))
    command = [sys.executable, "-m", "datacat", "serve", "--port", "0", "-C", given.catalog]
    environment = {**os.environ, "PYTHONPATH": paths}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env=environment, cwd=given.tree
    ) as process:
        try:
            assert process.stdout is not None
            found = re.search(r":(\d+) ", process.stdout.readline())
            assert found
            print(json.dumps(asyncio.run(_measured(int(found[1]), process.pid, given=given)), indent=2))
        finally:
            process.terminate()


async def _measured(port: int, pid: int, *, given: argparse.Namespace) -> dict[str, object]:
    statuses: Counter[int] = Counter()
    await _ask(port, PATHS[0])
    before, started = _memory_mb(pid, "VmRSS"), time.monotonic()
    clients = (
        _client(port, number, requests=given.requests, statuses=statuses) for number in range(given.clients)
    )
    await asyncio.gather(*clients)
    took_s = time.monotonic() - started
    await asyncio.sleep(_QUIET_S)
    await _ask(port, PATHS[0])
    await asyncio.sleep(1)
    return {
        "start": before,
        "most": _memory_mb(pid, "VmHWM"),
        "after": _memory_mb(pid, "VmRSS"),
        "seconds": round(took_s, 1),
        "statuses": dict(sorted(statuses.items())),
    }


async def _client(port: int, number: int, *, requests: int, statuses: Counter[int]) -> None:
    for turn in range(requests):
        while True:
            status = await _ask(port, PATHS[(number + turn) % len(PATHS)])
            statuses[status] += 1
            if status not in (429, 503):
                break
            await asyncio.sleep(0.5)


async def _ask(port: int, path: str) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
    head = await reader.readline()
    while await reader.read(1 << 16):
        pass
    writer.close()
    return int(head.split()[1]) if head else 0


def _memory_mb(pid: int, name: str) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return round(int(re.findall(rf"{name}:\s+(\d+) kB", status)[0]) / 1024)


if __name__ == "__main__":
    main()
