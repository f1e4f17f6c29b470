"""Dense 64-bit identifiers, reserved in ranges before they are used.

A range is taken by creating `<root>/ids/<number>.json`, a claim, where nobody has; so a commit that is tried again on
top of somebody else's need not renumber its rows. A range whose commit never came is lost; there are plenty.

A number given twice makes one asset of two, and no answer is right any more. So a claim carries a digest of what it
says, and nothing is given out that is not beyond what the catalog has: a claim of an earlier release has no digest, and
the newest one can be lost. Damage is refused, as nobody can tell from it which numbers were given.
"""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from collections.abc import Mapping
from typing import Any

from datacat.config import Settings
from datacat.errors import CatalogError, LocationError
from datacat.sources.location import Location, filesystem, store_errors
from datacat.tables.durable import put_if_absent

COUNTED = ("source", "label_set", "source_file", "asset", "annotation")
_NAME = re.compile(r"(\d{10})\.json$")
_ATTEMPTS = 1000
_KEPT = 10
_TOO_MANY = 2**63
_RESTORE = (
    "Restore <catalog>/ids from a backup before anything is ingested; searches and snapshots do without."
)


def start(root: Location, settings: Settings) -> None:
    """The beginning: every count at 1."""
    put_if_absent(_place(root, 0), _claim(0, dict.fromkeys(COUNTED, 1)), settings=settings)


def reserve(
    root: Location, wanted: Mapping[str, int], *, used: Mapping[str, int], settings: Settings
) -> dict[str, int]:
    """Takes `wanted` identifiers of each sort; returns the first of each range.

    Args:
        root: of the catalog.
        wanted: how many of each sort.
        used: the greatest of each sort that the state has on which they will rest.
        settings: the user's.

    Raises:
        CatalogError: `ids/` is damaged, or others were always faster.
        LocationError: nothing can be written there.
    """
    if not any(wanted.values()):
        return dict.fromkeys(wanted, 0)
    for _ in range(_ATTEMPTS):
        number, following = _last(root, settings)
        behind = behind_use(following, used=used)
        if behind and _content(root, number + 1, settings) is None:  # else the listing was late
            raise _damaged(root, number, f"is behind the catalog: {'; '.join(behind)}")
        if behind:
            continue
        after = {name: following[name] + wanted.get(name, 0) for name in COUNTED}
        taken = _claim(
            number + 1, after, id_=uuid.uuid4().hex
        )  # equal numbers of two writers are not equal bytes
        if put_if_absent(_place(root, number + 1), taken, settings=settings):
            return {name: following[name] for name in wanted}
    raise CatalogError("no identifiers could be reserved: too many others at once", where=str(root))


def behind_use(following: Mapping[str, int], *, used: Mapping[str, int]) -> list[str]:
    """Says of each sort whose next identifier is not beyond the greatest that is `used`; nothing where all are."""
    return [
        f"{name} {used[name]} is in use, yet {following[name]} would be given next"
        for name in COUNTED
        if name in used and used[name] >= following[name]
    ]


def last(root: Location, settings: Settings) -> dict[str, int]:
    """The next identifier of each sort.

    Raises:
        CatalogError: `ids/` is damaged.
        LocationError: the store does not answer.
    """
    return _last(root, settings)[1]


def check_beyond(root: Location, *, used: Mapping[str, int], settings: Settings) -> None:
    """Makes sure that what is given next is beyond what is `used`.

    Raises:
        CatalogError: it is not, or `ids/` is damaged.
        LocationError: the store does not answer.
    """
    number, following = _last(root, settings)
    behind = behind_use(following, used=used)
    if behind and _content(root, number + 1, settings) is None:
        raise _damaged(root, number, f"is behind the catalog: {'; '.join(behind)}")


def stale(root: Location, settings: Settings) -> list[Location]:
    """All reservations but the last few: only the last one says what is free."""
    return [_place(root, number) for number in _numbers(root, settings)[:-_KEPT]]


def _last(root: Location, settings: Settings) -> tuple[int, dict[str, int]]:
    numbers = _numbers(root, settings)
    content = _content(root, numbers[-1], settings) if numbers else None
    if content is None:
        what = "the record of used identifiers is gone"
        raise CatalogError(what, where=str(root.child("ids")), hint=_RESTORE)
    try:
        return numbers[-1], _parsed(content, number=numbers[-1])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _damaged(root, numbers[-1], f"cannot be read: {error}") from error


def _damaged(root: Location, number: int, what: str) -> CatalogError:
    return CatalogError(
        f"the record of used identifiers {what}", where=str(_place(root, number)), hint=_RESTORE
    )


def _claim(number: int, following: Mapping[str, int], *, id_: str = "") -> bytes:
    said = {**following, "id": id_}
    return json.dumps({**said, "check": _check(number, said)}).encode()


def _parsed(content: bytes, *, number: int) -> dict[str, int]:
    """The next identifier of each sort, as a claim says it.

    Raises:
        ValueError, KeyError, TypeError, AttributeError, RecursionError: it is not what was written.
    """
    said = json.loads(content)
    stated = said.pop("check", None)
    if said.keys() - {"id"} != set(COUNTED):  # a key that was hit may have been that of the digest
        raise ValueError("it has other keys than were written")
    following = {name: said[name] for name in COUNTED}
    if any(type(value) is not int or not 0 < value < _TOO_MANY for value in following.values()):
        raise ValueError("it has other numbers than were written")
    if stated is not None and stated != _check(number, said):
        raise ValueError("its digest is another one, so it is not what was written")
    return following


def _check(number: int, said: Mapping[str, Any]) -> str:
    """By what a changed bit is found, and a claim that lies in another's place."""
    text = json.dumps(said, sort_keys=True)
    return hashlib.sha256(f"datacat identifiers {number} {text}".encode()).hexdigest()[:16]


def _content(root: Location, number: int, settings: Settings) -> bytes | None:
    """The bytes of a claim; None where there is none."""
    try:
        content: bytes = filesystem(root, settings).cat_file(_place(root, number).path)
        return content
    except FileNotFoundError:
        return None
    except store_errors() as error:
        raise LocationError(f"cannot be read: {error}", where=str(root.child("ids"))) from error


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
