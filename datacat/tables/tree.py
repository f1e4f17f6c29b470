"""A catalog's own tree: no link leads out of it, and what datacat did not write there is nobody's to remove.

A link in it would lead reads, writes and `gc` to files that are no part of the catalog. The root itself may be
reached through one, and so may the user's cache. The folder of snapshots has a guard of its own (`versions.guard`).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from datacat.config import Settings
from datacat.errors import CatalogError, LocationError
from datacat.model.schemas import TABLES
from datacat.sources.location import Location, filesystem, store_errors
from datacat.tables.state import PARTITION

FOLDERS = ("log", "ids", "leases", "pins", "vectors")  # beside that of snapshots
_UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_DATA_FILE = re.compile(
    rf"(?:(?:[0-9a-f]{{16}}|nobody)-)?(?:[0-9a-f]{{16}}-[0-9a-f]{{64}}|{_UUID}(?:_\d+)?)\.parquet"
)
# What a writer that died leaves: our temporary files, those of delta-rs and of its store, entries moved aside.
_LITTER = re.compile(
    r"(?:\d{10}\.json|newest\.json|space-[A-Za-z0-9._-]+-[0-9a-f]{8}\.json"
    r"|[0-9a-f]{16}\.json|\d{20}\.json|\d{20}\.checkpoint[\w.-]*\.parquet|_last_checkpoint"
    rf"|_commit_{_UUID}\.json\.tmp|probe-[0-9a-f]{{32}}|clock-[0-9a-f]{{32}}\.tmp)"
    r"(#\d+|\.[0-9a-f]{32}\.tmp|\.torn-[0-9a-f]{8})?"
)
_BEGUN = f"{0:010}.json"  # in ids/: all that an `init` which was interrupted leaves
_ALONE = ("_commit_", "probe-", "clock-")


def is_data_file(name: str) -> bool:
    """Whether a file has a name that datacat gives to data files, in this or an earlier release."""
    return _DATA_FILE.fullmatch(name) is not None


def is_litter(name: str) -> bool:
    """Whether a file has a name that only what a writer left unfinished has."""
    found = _LITTER.fullmatch(name)
    return found is not None and (found[1] is not None or name.startswith(_ALONE))


def links(root: Location) -> Iterator[Path]:
    """The links in the tree of the catalog at `root`; none on S3.

    Raises:
        LocationError: a folder cannot be listed.
    """
    if root.is_s3:
        return
    for name in FOLDERS:
        place = Path(root.path) / name
        if place.is_symlink():
            yield place
        elif place.is_dir():
            yield from _links_below(str(place))


def _links_below(folder: str) -> Iterator[Path]:
    try:
        with os.scandir(folder) as entries:
            below = [
                (entry.path, entry.is_symlink(), entry.is_dir(follow_symlinks=False)) for entry in entries
            ]
    except FileNotFoundError:
        return
    except OSError as error:
        raise LocationError(f"cannot be listed: {error.strerror}", where=folder) from error
    for path, is_link, is_folder in below:
        if is_link:
            yield Path(path)
        elif is_folder:
            yield from _links_below(path)


def refuse_links(root: Location) -> None:
    """Makes sure that no folder or file of a catalog is a link.

    Raises:
        CatalogError: one is, with its place.
    """
    for path in links(root):
        raise CatalogError(
            "is a link, and a catalog has none: what it leads to is no part of it",
            where=str(path),
            hint="Put the folder or file itself in its place. The catalog as a whole may be reached through a link.",
        )


def remains(root: Location, settings: Settings) -> str | None:
    """What shows that a catalog lay at `root`, where its log is gone; None where there was none.

    Raises:
        LocationError: the store does not answer.
    """
    files = filesystem(root, settings)
    for folder in ("log", "ids", "pins", "snapshots"):
        place = root.child(folder)
        try:
            listed = sorted(
                str(path).rstrip("/").rsplit("/", 1)[-1] for path in files.ls(place.path, detail=False)
            )
        except (FileNotFoundError, NotADirectoryError):
            continue
        except store_errors() as error:
            raise LocationError(f"cannot be listed: {error}", where=str(place)) from error
        for name in listed:
            if name and name not in (folder, "_delta_log", _BEGUN):
                return f"{folder}/{name}"
    return None


def refuse_remains(root: Location, settings: Settings) -> None:
    """Makes sure that no catalog lost its log at `root`.

    Raises:
        CatalogError: one did.
    """
    found = remains(root, settings)
    if found is not None:
        raise CatalogError(
            f"the log of this catalog is lost; {found} is left of it",
            where=str(root.child("log/_delta_log")),
            hint="Restore that folder from a backup, or make a catalog in another place and ingest again.",
        )


def strangers(root: Location) -> Iterator[Path]:
    """Files among the data files that have no name of ours; none on S3."""
    if root.is_s3:
        return
    for kind in TABLES:
        folder = Path(root.path) / "log" / f"{PARTITION}={kind}"
        for above, _, names in os.walk(folder):
            is_below = Path(above) != folder
            yield from (Path(above) / name for name in sorted(names) if is_below or not is_data_file(name))
