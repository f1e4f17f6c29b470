"""What a COCO file says of licences: a list of them, and in its images which of them holds."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from datacat.ingest.batches import Sheets
from datacat.ingest.format import Document
from datacat.ingest.json_stream import Fault, decoded

_Id = int | float | str | None
_ID = msgspec.json.Decoder(_Id)


class _Licence(msgspec.Struct):
    id: _Id = None
    name: str | None = None
    url: str | None = None


_ONE = msgspec.json.Decoder(_Licence)
_MANY = msgspec.json.Decoder(list[_Licence])


def listed_licences(document: Document, sheets: Sheets) -> dict[str, str]:
    """Id -> name, or else address, of the licences that a file lists; rows of the staged table `licences`."""
    section = document.layout("object").section("licenses")
    found: dict[str, str] = {}
    if section is None or not section.is_list:
        return found
    content = document.bytes(section.start, section.end)
    for number, at, record in decoded(content, decode=_MANY.decode, one=_ONE.decode):
        if isinstance(record, Fault):
            place = f"licenses[{number}], byte {section.start + at}"
            sheets.reject(document.file, place, reason=record.reason, excerpt=record.excerpt)
        elif name := (record.name or record.url or "").strip():  # tools that ask nobody write empty ones
            found.setdefault(str(record.id), name)
    _write(list(found.values()), document.file, sheets=sheets, is_used=False)
    return found


class UsedLicences:
    """Collects which licences the images of one part name."""

    def __init__(self, sheets: Sheets, file: int, *, listed: Mapping[str, str]) -> None:
        self._sheets = sheets
        self._file = file
        self._listed = listed
        self._ids: set[bytes] = set()

    def add(self, image: Mapping[str, msgspec.Raw]) -> None:
        """Takes in an image."""
        if self._listed and "license" in image:
            self._ids.add(bytes(image["license"]))

    def flush(self) -> None:
        """Writes what was collected; an id that is not listed stays in the image's metadata alone."""
        names = {self._listed[key] for key in map(_key, self._ids) if key in self._listed}
        _write(sorted(names), self._file, sheets=self._sheets, is_used=True)


def _key(raw: bytes) -> str:
    try:
        return str(_ID.decode(raw))
    except msgspec.MsgspecError:
        return ""


def _write(names: list[str], file: int, *, sheets: Sheets, is_used: bool) -> None:
    sheets.add("licences", len(names), file=file, licence=names, is_used=is_used)
