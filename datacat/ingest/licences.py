"""What a COCO file says of licences: a list of them, and in its images which of them holds."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from datacat.ingest.batches import Sheets
from datacat.ingest.format import Document
from datacat.ingest.identifiers import known_id
from datacat.ingest.json_stream import Fault, decoded

_Id = int | float | str | None
_ID = msgspec.json.Decoder(_Id)


class _Licence(msgspec.Struct):
    id: _Id = None
    name: str | None = None
    url: str | None = None


_ONE = msgspec.json.Decoder(_Licence)
_MANY = msgspec.json.Decoder(list[_Licence])


def listed_licences(document: Document, sheets: Sheets) -> dict[str, dict[str, str]]:
    """Id -> `name` and `url` of the licences that a file lists; rows of the staged table `licences`."""
    section = document.layout("object").section("licenses")
    found: dict[str, dict[str, str]] = {}
    if section is None or not section.is_list:
        return found
    content = document.bytes(section.start, section.end)
    for number, at, record in decoded(content, decode=_MANY.decode, one=_ONE.decode):
        if isinstance(record, Fault):
            place = f"licenses[{number}], byte {section.start + at}"
            sheets.reject(document.file, place, reason=record.reason, excerpt=record.excerpt)
            continue
        said = {"name": (record.name or "").strip(), "url": (record.url or "").strip()}
        key = known_id(record.id)
        if not any(said.values()):
            continue  # tools that ask nobody write empty ones
        if key is None:
            sheets.tally.note("a licence without id; no image can name it")
            key = f"licenses[{number}]"
        if found.setdefault(key, said) != said:
            sheets.tally.note("a licence id that is used twice; the first was kept")
    names = list(dict.fromkeys(map(_called, found.values())))
    _write(names, document.file, sheets=sheets, is_used=False)
    return found


def _called(licence: Mapping[str, str]) -> str:
    return licence["name"] or licence["url"]


class UsedLicences:
    """Collects which licences the images of one part name."""

    def __init__(self, sheets: Sheets, file: int, *, listed: Mapping[str, Mapping[str, str]]) -> None:
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
        names = {_called(self._listed[key]) for key in map(_key, self._ids) if key in self._listed}
        _write(sorted(names), self._file, sheets=self._sheets, is_used=True)


def _key(raw: bytes) -> str:
    try:
        return known_id(_ID.decode(raw)) or ""
    except msgspec.MsgspecError:
        return ""


def _write(names: list[str], file: int, *, sheets: Sheets, is_used: bool) -> None:
    sheets.add("licences", len(names), file=file, licence=names, is_used=is_used)
