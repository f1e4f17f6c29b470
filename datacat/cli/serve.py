"""serve: the HTTP service, on this machine alone."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import socket
from importlib.util import find_spec

import click

from datacat.cli.options import catalog_option, opened
from datacat.cli.output import Output
from datacat.config import read_settings
from datacat.errors import ExtraMissing, UsageError

_PROTOCOL = "datacat_api.protocol:BoundedProtocol"
_APPLICATION = "datacat_api:create_app"  # by name: datacat itself never imports a web framework


@click.command(epilog="Example: datacat serve --port 8080")
@click.option(
    "--host", default="127.0.0.1", show_default=True, help="The address to listen on; of this machine only."
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8000,
    show_default=True,
    help="The port; 0: any free one.",
)
@catalog_option
def serve(host: str, port: int, catalog: str | None) -> None:
    """Serve search, assets and snapshots over HTTP, with a page to search at /.

    There is no authentication yet, so only this machine is served.
    """
    if not _is_loopback(host):
        raise UsageError(
            f"{host} can be reached by others, and there is no authentication yet",
            hint="Keep 127.0.0.1; let others in by an ssh tunnel or a reverse proxy that asks who they are.",
        )
    for package in ("fastapi", "uvicorn"):
        if find_spec(package) is None:
            raise ExtraMissing(package, extra="serve")
    root = str(opened(catalog).root)
    with _listening(host, port=port) as listener:
        name = f"[{host}]" if ":" in host else host
        out = Output(as_json=False)
        out.line(f"Serving {root} on http://{name}:{listener.getsockname()[1]} (API: /docs; stop: Ctrl-C)")
        out.console.file.flush()
        _run(root, listener=listener)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _listening(host: str, *, port: int) -> socket.socket:
    """A bound socket, so that a port that is taken is told before anything starts."""
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return socket.create_server(address[:2], family=family)
    except OSError as error:
        raise UsageError(
            f"cannot listen on {host}:{port}: {error.strerror}",
            hint="Name another --port; 0 takes a free one.",
        ) from error


def _run(root: str, *, listener: socket.socket) -> None:
    import uvicorn

    os.environ["DATACAT_CATALOG"] = root
    config = uvicorn.Config(
        _APPLICATION,
        factory=True,
        http=_PROTOCOL,
        ws="none",
        timeout_keep_alive=read_settings(root).serve_idle_s,
        log_level="warning",
        server_header=False,
    )
    with contextlib.suppress(KeyboardInterrupt):  # Ctrl-C is how it is meant to end
        uvicorn.Server(config).run(sockets=[listener])
