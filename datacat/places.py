"""Which catalog a command or a program means when it names none."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

from datacat.config import Settings, read_settings
from datacat.errors import CatalogNotFound
from datacat.sources.location import Location

_MARK = Path("log") / "_delta_log"


def chosen_place(place: str | PathLike[str] | None) -> tuple[Location, Settings]:
    """The catalog that is meant, and the settings that hold for it.

    In this order: `place`, the setting `catalog` (DATACAT_CATALOG or datacat.toml), the working directory and
    the folders above it.

    Raises:
        CatalogNotFound: none of these is one.
    """
    named = place or read_settings().catalog
    if named:
        location = Location.parse(named)
        return location, read_settings(location.uri)
    for folder in (Path.cwd(), *Path.cwd().parents):
        if (folder / _MARK).is_dir():
            return Location.parse(str(folder)), read_settings(folder)
    raise CatalogNotFound(
        "there is no catalog here or in a folder above",
        where=str(Path.cwd()),
        hint="Name one with -C PLACE or DATACAT_CATALOG, or make one: datacat init",
    )


def author_of(settings: Settings) -> str:
    """Who commits: the setting `author`, git's user, else the login name."""
    if settings.author:
        return settings.author
    import getpass
    import subprocess

    try:
        found = subprocess.run(["git", "config", "user.name"], capture_output=True, text=True, check=False)
        return found.stdout.strip() or getpass.getuser()
    except OSError:
        return getpass.getuser()
