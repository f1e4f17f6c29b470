"""COCO's categories: their names by identifier, and all else that is said of them, for exports."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec

from datacat.ingest.attributes import composed
from datacat.ingest.batches import Sheets
from datacat.ingest.blank import name_of
from datacat.ingest.format import Document
from datacat.ingest.identifiers import known_id, stated_id
from datacat.ingest.json_stream import Fault, decoded
from datacat.ingest.twice import note_twice

_Raws = dict[str, msgspec.Raw]
_ONE = msgspec.json.Decoder(_Raws)
_MANY = msgspec.json.Decoder(list[_Raws])
_ANY = msgspec.json.Decoder()
_NAMES = msgspec.json.Decoder(list[str] | None)
_EDGES = msgspec.json.Decoder(list[list[int]] | None)
_NO_PARENT = "none"


class Category(NamedTuple):
    """What an identifier of a category means; `name` is None where two categories claim it."""

    name: str | None
    keypoints: list[str] | None = None
    skeleton: list[list[int]] | None = None


class _Listed(NamedTuple):
    source_id: str
    name: str
    parent: str | None
    details: str | None
    category: Category


def listed_categories(document: Document, sheets: Sheets) -> dict[str, Category]:
    """Category by identifier; rows of the staged table `classes`."""
    listed = list(_read(document, sheets))
    root = _root(listed)
    if root is not None:
        sheets.tally.assume(
            f"category {root.source_id}, {root.name!r}, stands above all others and is no class of its own "
            "(Roboflow writes it so)"
        )
    found: dict[str, Category] = {}
    ids: dict[str, set[str]] = defaultdict(set)
    for item in listed:
        ids[item.name].add(item.source_id)
        known = found.setdefault(item.source_id, item.category)
        if known.name != item.name:
            found[item.source_id] = Category(None)
            sheets.tally.note(
                f"category id {item.source_id} stands for two names; annotations with it are rejected"
            )
        if item is not root:
            columns = {"class": item.name, "source_id": item.source_id, "parent": item.parent}
            sheets.add("classes", 1, file=document.file, details=item.details, **columns)
    many = sum(len(of_name) > 1 for of_name in ids.values())
    if many:
        sheets.tally.note("a category name that has several ids; they are one class", many)
    return found


def _read(document: Document, sheets: Sheets) -> Iterator[_Listed]:
    for section in document.layout("object").sections:
        if section.key != "categories" or not section.is_list:
            continue
        content = document.bytes(section.start, section.end)
        records = list(decoded(content, decode=_MANY.decode, one=_ONE.decode))
        keys = {
            key: sum(key in item for *_, item in records if isinstance(item, dict)) for key in ("id", "name")
        }
        note_twice(content, keys, what="category", tally=sheets.tally)
        for number, at, record in records:
            place = f"categories[{number}]" + (f", byte {section.start + at}" if at >= 0 else "")
            item = _whole(record, place, file=document.file, sheets=sheets)
            if item is not None:
                yield item


def _whole(record: _Raws | Fault, place: str, *, file: int, sheets: Sheets) -> _Listed | None:
    """One category, or a reject."""
    try:
        if isinstance(record, Fault):
            raise ValueError(record.reason)
        return _listed(record, sheets)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        excerpt = (
            record.excerpt
            if isinstance(record, Fault)
            else composed(record.items()).decode("utf-8", "replace")
        )
        sheets.reject(file, place, reason=error, excerpt=excerpt)
        return None


def _listed(record: _Raws, sheets: Sheets) -> _Listed:
    """One category.

    Raises:
        ValueError: it has no id.
    """
    source_id = stated_id(_ANY.decode(record.pop("id", b"null")), name="id")
    name = _named(record.pop("name", b"null"))
    if name is None:
        sheets.tally.note("a category without a name; its id was kept as the class")
        name = source_id
    parent = _named(record.get("supercategory", b"null"))
    parent = None if parent == _NO_PARENT else parent
    if parent is not None:
        del record["supercategory"]  # said by the column
    category = Category(
        name,
        _list(record, "keypoints", decoder=_NAMES, sheets=sheets),
        _list(record, "skeleton", decoder=_EDGES, sheets=sheets),
    )
    return _Listed(source_id, name, parent, composed(record.items()).decode() if record else None, category)


def _named(raw: bytes | msgspec.Raw) -> str | None:
    """A name: a text as it is written, since 1.0 beside 1 is another, and a number as identifiers are."""
    said = _ANY.decode(raw)
    return name_of(said if isinstance(said, str) else known_id(said))


def _list(record: _Raws, key: str, *, decoder: msgspec.json.Decoder[Any], sheets: Sheets) -> Any:
    try:
        return decoder.decode(record.get(key, b"null"))
    except msgspec.MsgspecError:
        sheets.tally.note(f"`{key}` of a category that is no such list; not used")
        return None


def _root(listed: list[_Listed]) -> _Listed | None:
    """The category 0 that Roboflow puts above all others; as a class, it would seem absent everywhere."""
    roots = [item for item in listed if item.source_id == "0" and item.parent is None]
    others = [item for item in listed if item.source_id != "0"]
    if len(roots) == 1 and others and all(item.parent == roots[0].name for item in others):
        return roots[0]
    return None
