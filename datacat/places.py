"""Which catalog a command or a program means when it names none."""

from __future__ import annotations

import contextlib
import os
from os import PathLike
from pathlib import Path

from datacat.config import Settings, read_settings
from datacat.errors import CatalogNotFound
from datacat.sources.location import Location

_MARK = Path("log") / "_delta_log"
_USERS_OWN = ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM")


def chosen_place(place: str | PathLike[str] | None) -> tuple[Location, Settings]:
    """The catalog that is meant, and the settings that hold for it.

    In this order: `place`, the setting `catalog` (DATACAT_CATALOG or a settings file), the working directory and
    the folders above it.

    Raises:
        CatalogNotFound: none of these is one.
    """
    settings = read_settings()
    named = place or settings.catalog
    if named:
        location = Location.parse(named)
        return location, read_settings(location.uri)
    for folder in (Path.cwd(), *Path.cwd().parents):
        if (folder / _MARK).is_dir() or any((folder / "log").glob("logical_table=*")):  # or its log is lost
            return Location.parse(str(folder)), read_settings(folder)
    hint = "Name one with -C PLACE or DATACAT_CATALOG, or make one: datacat init"
    unheard = [str(item) for item in settings.unheard if "catalog" in item.names]
    raise CatalogNotFound(
        "there is no catalog here or in a folder above",
        where=str(Path.cwd()),
        hint="\n".join([hint, *unheard]),
    )


def author_of(settings: Settings) -> str:
    """Who commits: the setting `author`, git's user, else the login name.

    git is asked outside of every repository: the one that we stand in may be somebody else's.
    """
    if settings.author:
        return settings.author
    import getpass
    import subprocess

    kept = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    kept |= {key: os.environ[key] for key in _USERS_OWN if key in os.environ}
    command = ["git", "config", "user.name"]
    with contextlib.suppress(OSError):  # no git: said when it is needed
        found = subprocess.run(command, cwd="/", env=kept, capture_output=True, text=True, check=False)
        if found.stdout.strip():
            return found.stdout.strip()
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        return "datacat"
