"""What label files say of an asset beside its labels: leaves by path, and when and where it was taken.

The names under which formats and tools write the latter stand in docs/formats/metadata.md, of which
`CAPTURED` and `PLACES` are the source.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from datacat.ingest.attributes import Leaves
from datacat.model.report import Tally

# Without regard to case, `_`, `-` and spaces; the first that can be read counts.
CAPTURED = (
    "date_captured",
    "captured",
    "captured_at",
    "capture_time",
    "date_taken",
    "taken_at",
    "datetime_original",
    "date_time",
    "timestamp",
)
# Latitude and longitude of one container: half a place is none.
PLACES = tuple(
    (f"{container}{latitude}", f"{container}{longitude}")
    for container in ("", "gps.", "location.", "geo.", "coordinates.", "position.")
    for latitude, longitude in (
        ("latitude", "longitude"),
        ("lat", "lon"),
        ("lat", "lng"),
        ("lat", "long"),
        ("gps_latitude", "gps_longitude"),
    )
)
# Objects around all of it.
CONTAINERS = frozenset({"data", "meta", "metadata", "exif", "image", "info"})
# ISO 8601; with colons in the date as EXIF has it: 2013:11:14 17:02:52
_WRITTEN = re.compile(r"\s*(\d{4})[-:/](\d\d)[-:/](\d\d)((?:[T ]\d.*?)?)\s*(?:UTC|GMT)?\s*")
# A number is a time in seconds where it lies in these years: 10000 may be a frame's, or milliseconds of a video.
_YEARS = (datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))

_Leaf = tuple[str | None, float | None]  # text, number


class Metadata:
    """The leaves of assets' metadata, collected while assets are listed; columns of `listed_leaves`."""

    def __init__(self) -> None:
        self._leaves = Leaves()
        self._owners: list[tuple[int, str]] = []

    def __len__(self) -> int:
        return len(self._leaves)

    def add(self, file: int, key: str, *, document: str | None, tally: Tally) -> Taken | None:
        """Takes the metadata of one asset apart; what is no JSON object is noted and has no leaves.

        Args:
            file: the number of the label file.
            key: what it calls the asset.
            document: JSON.
            tally: where the note goes.
        """
        if document is None or document in ("", "null", "{}"):
            return None
        first = len(self._leaves)
        try:
            if document.lstrip()[:1] != "{":
                raise ValueError
            self._leaves.extract(document.encode(), len(self._owners))
        except (msgspec.MsgspecError, RecursionError, ValueError, TypeError):
            tally.note("metadata of an asset that are no JSON object: kept, not searchable by path")
            return None
        self._owners.append((file, key))
        return self._taken(first)

    def columns(self) -> dict[str, list[Any]]:
        """What was collected; the collection is empty afterwards."""
        leaves, owners = self._leaves, self._owners
        self._leaves, self._owners = Leaves(), []
        return {
            "file": [owners[row][0] for row in leaves.rows],
            "key": [owners[row][1] for row in leaves.rows],
            "path": leaves.paths,
            "text": leaves.texts,
            "number": leaves.numbers,
        }

    def _taken(self, first: int) -> Taken | None:
        leaves = self._leaves
        known: dict[str, _Leaf] = {}
        for number in range(first, len(leaves)):
            name = _plain_name(leaves.paths[number])
            if name is not None:
                known.setdefault(name, (leaves.texts[number], leaves.numbers[number]))
        return taken(known) if known else None


class Taken(msgspec.Struct, frozen=True):
    """When and where, as far as it is said: a time in UTC, degrees of WGS 84."""

    captured: datetime | None = None
    latitude: float | None = None
    longitude: float | None = None


def taken(said: Mapping[str, _Leaf]) -> Taken:
    """What metadata say under the usual names (plain: lower case, without `_` and `-`)."""
    times = (_time(*said[name]) for name in _TIME_NAMES if name in said)
    captured = next((time for time in times if time is not None), None)
    for latitude_name, longitude_name in _PLACE_NAMES:
        if latitude_name in said and longitude_name in said:
            latitude = _degrees(said[latitude_name], limit=90)
            longitude = _degrees(said[longitude_name], limit=180)
            if latitude is not None and longitude is not None:
                return Taken(captured, latitude, longitude)
    return Taken(captured)


def spread(value: Any, count: int) -> Sequence[Any]:
    """A column as `Sheets.add` takes it, as `count` values."""
    if isinstance(value, list):
        return value
    return value.to_pylist() if hasattr(value, "to_pylist") else [value] * count


def _plain(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "").replace(" ", "")


_TIME_NAMES = tuple(map(_plain, CAPTURED))
_PLACE_NAMES = tuple((_plain(latitude), _plain(longitude)) for latitude, longitude in PLACES)
_NAMES = {*_TIME_NAMES, *(name for pair in _PLACE_NAMES for name in pair)}


@functools.lru_cache(maxsize=4096)
def _plain_name(path: str) -> str | None:
    """The name by which `taken` knows a path, if it does."""
    steps = path.split(".")
    while len(steps) > 1 and steps[0].lower() in CONTAINERS:
        steps = steps[1:]
    name = _plain(".".join(steps))
    return name if name in _NAMES else None


def _time(text: str | None, number: float | None) -> datetime | None:
    """A time in UTC, which is also taken for granted where no zone is named; None where it is no time."""
    if number is not None:
        is_seconds = _YEARS[0].timestamp() <= number < _YEARS[1].timestamp()
        return datetime.fromtimestamp(number, UTC) if is_seconds else None
    written = _WRITTEN.fullmatch(text or "")
    if written is None:
        return None
    year, month, day, rest = written.groups()
    try:
        time = datetime.fromisoformat(f"{year}-{month}-{day}{rest}")
        return (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _degrees(leaf: _Leaf, *, limit: int) -> float | None:
    text, number = leaf
    try:
        degrees = float(text or "") if number is None else number
    except ValueError:
        return None
    return degrees if -limit <= degrees <= limit else None
