"""Dense 64-bit identifiers, reserved in ranges before they are used.

A range is taken by creating `<root>/ids/<number>.json` where nobody has; so a commit that is tried again on
top of somebody else's need not renumber its rows. A range whose commit never came is lost; there are plenty.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Mapping

from datacat.config import Settings
from datacat.errors import CatalogError, LocationError
from datacat.sources.location import Location, filesystem, store_errors
from datacat.tables.durable import put_if_absent

COUNTED = ("source", "label_set", "source_file", "asset", "annotation")
_NAME = re.compile(r"(\d{10})\.json$")
_ATTEMPTS = 1000
_KEPT = 10
_RESTORE = (
    "Restore <catalog>/ids from a backup before anything is ingested; searches and snapshots do without."
)


def start(root: Location, settings: Settings) -> None:
    """The beginning: every count at 1."""
    put_if_absent(_place(root, 0), json.dumps(dict.fromkeys(COUNTED, 1)).encode(), settings=settings)


def reserve(root: Location, wanted: Mapping[str, int], *, settings: Settings) -> dict[str, int]:
    """Takes `wanted` identifiers of each sort; returns the first of each range.

    Raises:
        CatalogError: `ids/` is damaged, or others were always faster.
        LocationError: nothing can be written there.
    """
    if not any(wanted.values()):
        return dict.fromkeys(wanted, 0)
    for _ in range(_ATTEMPTS):
        number, following = _last(root, settings)
        after = {name: following[name] + wanted.get(name, 0) for name in COUNTED}
        taken = {**after, "id": uuid.uuid4().hex}  # equal numbers of two writers are not equal bytes
        if put_if_absent(_place(root, number + 1), json.dumps(taken).encode(), settings=settings):
            return {name: following[name] for name in wanted}
    raise CatalogError("no identifiers could be reserved: too many others at once", where=str(root))


def last(root: Location, settings: Settings) -> dict[str, int]:
    """The next identifier of each sort."""
    return _last(root, settings)[1]


def stale(root: Location, settings: Settings) -> list[Location]:
    """All reservations but the last few: only the last one says what is free."""
    return [_place(root, number) for number in _numbers(root, settings)[:-_KEPT]]


def _last(root: Location, settings: Settings) -> tuple[int, dict[str, int]]:
    numbers = _numbers(root, settings)
    if not numbers:
        what = "the record of used identifiers is gone"
        raise CatalogError(what, where=str(root.child("ids")), hint=_RESTORE)
    try:
        content = filesystem(root, settings).cat_file(_place(root, numbers[-1]).path)
        return numbers[-1], {name: int(json.loads(content)[name]) for name in COUNTED}
    except store_errors() as error:
        raise LocationError(f"cannot be read: {error}", where=str(root.child("ids"))) from error
    except (ValueError, KeyError, TypeError) as error:
        what = f"the record of used identifiers cannot be read: {error}"
        raise CatalogError(what, where=str(_place(root, numbers[-1])), hint=_RESTORE) from error


def _numbers(root: Location, settings: Settings) -> list[int]:
    try:
        names = filesystem(root, settings).ls(root.child("ids").path, detail=False)
    except FileNotFoundError:
        return []
    except store_errors() as error:
        raise LocationError(f"cannot be listed: {error}", where=str(root.child("ids"))) from error
    return sorted(int(found[1]) for name in names if (found := _NAME.search(name)))


def _place(root: Location, number: int) -> Location:
    return root.child(f"ids/{number:010}.json")
