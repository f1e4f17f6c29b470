"""An S3 server on loopback, and one in front of it that fails on purpose."""

from __future__ import annotations

import contextlib
import http.client
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

REGION = "eu-central-1"
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "key",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "AWS_REGION": REGION,
    "AWS_EC2_METADATA_DISABLED": "true",
}
_START_S = 60
_CONTROL = "/moto-api/"

Headers = dict[str, str]
Answer = tuple[int, Headers, bytes]


@dataclass(frozen=True, slots=True)
class Request:
    """What a client asks; `forward(headers)` asks the server behind with these headers and the same body."""

    method: str
    path: str
    headers: Headers
    forward: Callable[[Headers], Answer]


Fault = Callable[[Request], Answer | bytes | None]
"""Answers a request, with bytes just as they are (then the connection ends); None breaks the connection."""


@contextlib.contextmanager
def s3_server() -> Iterator[str]:
    """A moto server in a process of its own; yields its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-W", "ignore", "-m", "moto.server", "-p", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    try:
        _wait_for(address, process)
        yield address
    finally:
        process.terminate()
        process.wait()


@contextlib.contextmanager
def faulty(address: str, fault: Fault) -> Iterator[str]:
    """A server that hands requests to the one at `address` as `fault` wants it; yields its own address."""

    class Handler(_Forward):
        behind = address.removeprefix("http://")
        chosen = staticmethod(fault)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def careless(request: Request) -> Answer:
    """A fault: `If-None-Match` is ignored, as some S3 servers do."""
    kept = {name: value for name, value in request.headers.items() if name.lower() != "if-none-match"}
    return request.forward(kept)


def _wait_for(address: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), urllib.request.urlopen(address + _CONTROL, timeout=5):
            return
        time.sleep(0.05)
    raise RuntimeError("the S3 server does not start")


class _Forward(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    behind: str
    chosen: Fault

    def _any(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))

        def forward(headers: Headers) -> Answer:
            connection = http.client.HTTPConnection(self.behind, timeout=60)
            try:
                connection.request(self.command, self.path, body, headers)
                answer = connection.getresponse()
                return answer.status, dict(answer.getheaders()), answer.read()
            finally:
                connection.close()

        answer = type(self).chosen(Request(self.command, self.path, dict(self.headers.items()), forward))
        if answer is None or isinstance(answer, bytes):
            self.close_connection = True
            self.wfile.write(answer or b"")
            return
        self._send(*answer)

    def _send(self, status: int, headers: Headers, body: bytes) -> None:
        self.send_response_only(status)
        for name, value in headers.items():
            if name.lower() not in ("content-length", "transfer-encoding", "connection"):
                self.send_header(name, value)
        length = headers.get("Content-Length", "0") if self.command == "HEAD" else str(len(body))
        self.send_header("Content-Length", length)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _any

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as the base class calls it
        """Says nothing."""
