"""trust: which settings files are followed that lie in folders of others."""

from __future__ import annotations

import click

from datacat.cli.options import json_option
from datacat.cli.output import Output
from datacat.config import confirm, distrust, file_in, trusted
from datacat.errors import UsageError


@click.command(epilog="Example: datacat trust catalog")
@click.argument("place", default=".")
@click.option("--list", "is_listing", is_flag=True, help="List the files that were confirmed.")
@click.option("--remove", "is_removing", is_flag=True, help="Take back that PLACE was confirmed.")
@json_option
def trust(place: str, is_listing: bool, is_removing: bool, output: Output) -> None:
    """Follow the settings of a datacat.toml that lies in a folder: PLACE is the file or its folder (default: here).

    Such a file may have come with somebody's catalog. Until it is confirmed, what directs credentials, writes or
    identity (catalog, author, cache_dir, s3_endpoint, s3_region, dvc_remote) is not taken from it. A file that changes
    must be confirmed again.
    """
    if is_listing and is_removing:
        raise UsageError("--list and --remove do not go together")
    if is_listing:
        rows = [
            {"file": item.path, "state": "followed" if item.is_current else "changed or gone"}
            for item in trusted()
        ]
        output.table(rows, empty="No file was confirmed.")
        return
    if is_removing:
        path = file_in(place)
        removed = distrust(path)
        if output.as_json:
            output.record({"file": str(path), "removed": removed})
        else:
            output.note(f"{path} is followed no more" if removed else f"{path} was not confirmed")
        return
    found, said = confirm(place)
    if output.as_json:
        output.record({"file": found.path, "settings": said})
        return
    output.note(f"From now on this is followed of {found.path}:")
    for name, value in said.items():
        output.line(f"{name} = {value!r}")
