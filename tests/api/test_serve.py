"""`datacat serve` as a process: a real server on loopback, and what it refuses."""

from __future__ import annotations

import contextlib
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from datacat.catalog import Catalog


@contextlib.contextmanager
def served(catalog: Catalog, *options: str) -> Iterator[str]:
    """The address of a running `datacat serve`."""
    command = [sys.executable, "-m", "datacat", "serve", "--port", "0", "-C", str(catalog.root), *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        found = re.search(r"http://\S+", line)
        assert found, line
        yield found[0]
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
    assert process.returncode == 0


def refused(*options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "datacat", "serve", *options]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_search_and_a_range_over_a_real_socket(catalog: Catalog, lake: Path) -> None:
    with served(catalog) as address, httpx.Client(base_url=address, trust_env=False, timeout=30) as client:
        hit = client.get("/v1/search", params={"q": "roof", "limit": 1}).json()["hits"][0]
        part = client.get(f"/v1/assets/{hit['asset']}/media", headers={"Range": "bytes=1-3"})
        assert (part.status_code, part.content) == (206, b"PNG")
        assert client.get("/v1/health", headers={"Host": "evil.example"}).status_code == 421
        assert "server" not in part.headers


def test_ids_in_a_raw_path_lead_nowhere(catalog: Catalog) -> None:
    with served(catalog, "--host", "localhost") as address:
        port = int(address.rsplit(":", 1)[1])
        for path in (
            "/v1/assets/../../../../etc/passwd",
            "/web/../../app.py",
            "/../../etc/passwd",
            "//etc/passwd",
        ):
            with socket.create_connection(("localhost", port), timeout=30) as raw:
                raw.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
                answer = b"".join(iter(lambda raw=raw: raw.recv(65536), b""))  # type: ignore[misc]
            assert answer.startswith(b"HTTP/1.1 404 "), path


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.0.1", "example.org", "127.0.0.1.example.org"])
def test_an_open_address_is_refused(host: str) -> None:
    done = refused("--host", host)
    assert done.returncode == 2
    assert "no authentication" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_port_that_is_taken_is_told(catalog: Catalog) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = refused("--port", str(taken.getsockname()[1]), "-C", str(catalog.root))
    assert done.returncode == 2
    assert "cannot listen" in done.stderr
    assert "Traceback" not in done.stderr


def test_no_catalog_is_told_before_anything_listens(tmp_path: Path) -> None:
    done = refused("-C", str(tmp_path))
    assert done.returncode == 1
    assert "Traceback" not in done.stderr


def test_the_missing_extra_is_named(catalog: Catalog, tmp_path: Path) -> None:
    # An interpreter that finds no fastapi, as after an installation without the extra.
    blocked = "import sys; sys.modules['fastapi'] = None; from datacat.cli.main import main; main()"
    command = [sys.executable, "-c", blocked, "serve", "-C", str(catalog.root)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1
    assert "datacat[serve]" in done.stderr
