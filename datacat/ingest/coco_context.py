"""What a COCO file says beside its annotations: categories, licences, and what else is known of an image."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from datacat.ingest.export import Losses, rows
from datacat.ingest.identifiers import known_id
from datacat.model.snapshot import Described

_json = msgspec.json.encode
_RAWS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_SAID = msgspec.json.Decoder(list[dict[str, msgspec.Raw]])
_ANY = msgspec.json.Decoder()
_OWN = frozenset({"id", "file_name", "width", "height", "sha256"})
_OF_LICENCES = frozenset({"license", "license_name", "license_url"})
_OF_CATEGORIES = ("neg_category_ids", "not_exhaustive_category_ids")
_FACTS = ("parent", "details")


class Said:
    """The metadata of assets by URI: each (label set, key, raw value)."""

    def __init__(self, assets: pa.Table, losses: Losses) -> None:
        self._of: dict[str, list[tuple[str, str, bytes]]] = {}
        for row in rows(assets.select(["uri", "metadata"])):
            if row["metadata"] is not None:
                self._of[row["uri"]] = list(_pieces(row["metadata"], losses))

    def of(self, uri: str) -> list[tuple[str, str, bytes]]:
        """What is said of one asset."""
        return self._of.get(uri, [])

    def all(self) -> Iterator[tuple[str, str, bytes]]:
        """What is said of any."""
        for pieces in self._of.values():
            yield from pieces


def _pieces(metadata: str, losses: Losses) -> Iterator[tuple[str, str, bytes]]:
    for item in _SAID.decode(metadata):
        label_set = str(_ANY.decode(item["label_set"]))
        try:
            pieces = _RAWS.decode(item["metadata"])
        except msgspec.MsgspecError:
            losses.add("metadata of images that are no object")
            continue
        yield from ((label_set, key, bytes(raw)) for key, raw in pieces.items())


class Licences:
    """The licences that images name, each with one number, and those of whole label sets."""

    def __init__(self, assets: pa.Table, said: Said, described: Described) -> None:
        wanted: dict[tuple[str, str], int | None] = {}
        self._taken: set[int] = set()
        for uri in assets.column("uri").to_pylist():
            licence, number = _licence(said.of(uri))
            if licence is not None:
                wanted.setdefault(licence, number)
            elif number is not None:
                self._taken.add(number)  # one that no list explains stays so
        self._numbers = {
            licence: self._number(number)
            for licence, number in sorted(wanted.items(), key=lambda item: item[0])
        }
        known = {name for name, _ in self._numbers}
        self._others = [(self._number(None), name) for name in _licences_of(described) if name not in known]

    def _number(self, wanted: int | None) -> int:
        number = wanted if wanted is not None and wanted not in self._taken else 1
        while number in self._taken:
            number += 1
        self._taken.add(number)
        return number

    def of(self, pieces: list[tuple[str, str, bytes]]) -> int | None:
        """The number for an image of which this is said."""
        licence, _ = _licence(pieces)
        return None if licence is None else self._numbers[licence]

    def items(self) -> Iterator[bytes]:
        """The list `licenses`."""
        for (name, url), number in sorted(self._numbers.items(), key=lambda item: item[1]):
            yield _json({"id": number, "name": name, "url": url})
        for number, name in self._others:
            yield _json({"id": number, "name": name, "url": ""})


def _licence(pieces: list[tuple[str, str, bytes]]) -> tuple[tuple[str, str] | None, int | None]:
    """Name and address, and the number, of the licence of an image; the first that is said."""
    said = {key: _ANY.decode(raw) for _, key, raw in reversed(pieces) if key in _OF_LICENCES}
    number = said.get("license")
    whole = number if isinstance(number, int) and not isinstance(number, bool) else None
    if "license_name" not in said and "license_url" not in said:
        return None, whole
    return (str(said.get("license_name", "")), str(said.get("license_url", ""))), whole


def _licences_of(described: Described) -> list[str]:
    names: dict[str, None] = {}
    for facts in described.label_sets.values():
        licence = facts.get("licence") or {}
        named = [licence["said"]] if licence.get("said") else licence.get("named") or []
        names.update(dict.fromkeys(map(str, named)))
    return list(names)


class Categories:
    """The categories of an export.

    Attributes:
        numbers: the id of each class.
        keypoints: the names of a class's keypoints.
    """

    def __init__(
        self,
        classes: Mapping[str, int],
        annotations: pa.Table,
        *,
        said: Said,
        described: Described,
        losses: Losses,
    ) -> None:
        self._facts: dict[str, dict[str, Any]] = {}
        self.numbers = {name: index + 1 for name, index in classes.items()}
        self._sources: dict[tuple[str, str], str] = {}
        for label_set, facts in described.label_sets.items():
            for item in facts.get("classes", []):
                self._add(label_set, item, losses=losses)
        is_open = any(key in _OF_CATEGORIES for _, key, _ in said.all())
        unused = sorted(set(self._facts) - set(self.numbers))
        if described.is_whole or is_open:
            self.numbers |= {name: len(self.numbers) + at for at, name in enumerate(unused, start=1)}
        elif unused:
            losses.add("classes without a frozen annotation, which would seem absent", len(unused))
        self._count_renumbered(described, losses)
        self._learn_keypoints(annotations)

    def _add(self, label_set: str, item: Mapping[str, Any], *, losses: Losses) -> None:
        name = item["class"]
        facts = {key: item[key] for key in _FACTS if item.get(key)}
        known = self._facts.setdefault(name, facts)
        if known != facts and facts:
            losses.add("what label sets say differently of one class (supercategory, keypoints, …)")
        number = known_id(item.get("source_id"))
        if number is not None:
            self._sources[label_set, number] = name

    def _count_renumbered(self, described: Described, losses: Losses) -> None:
        ids = {
            number
            for (label_set, number), name in self._sources.items()
            if described.label_sets[label_set].get("format") == "coco"
            and str(self.numbers.get(name, number)) != number
        }
        if ids:
            losses.add("ids of categories, numbered anew from 1", len(ids))

    def _learn_keypoints(self, annotations: pa.Table) -> None:
        """Names of keypoints that annotations have and no class list; the first of a class counts."""
        chosen = annotations.filter(pc.equal(annotations.column("geometry_type"), "keypoints"))
        for row in rows(chosen.select(["class", "geometry"])):
            details = self._facts.setdefault(row["class"], {}).setdefault("details", {})
            if row["class"] is not None and row["geometry"] is not None and "keypoints" not in details:
                said = json.loads(row["geometry"])
                more = {"keypoints": said.get("names"), "skeleton": said.get("edges")}
                details.update({key: value for key, value in more.items() if value})

    def keypoints(self, name: str) -> tuple[Any, Any]:
        """Names and edges of the keypoints of a class, as its category says."""
        details = self._facts.get(name, {}).get("details", {})
        return details.get("keypoints"), details.get("skeleton")

    def number_of(self, label_set: str, source_id: str) -> int | None:
        """The id of what a label set calls the category `source_id`; None where it is none of ours."""
        return self.numbers.get(self._sources.get((label_set, source_id), ""))

    def items(self) -> Iterator[bytes]:
        """The list `categories`, by id."""
        for name, number in self.numbers.items():
            facts = self._facts.get(name, {})
            parent = {"supercategory": facts["parent"]} if "parent" in facts else {}
            more = {
                key: value for key, value in facts.get("details", {}).items() if key not in ("id", "name")
            }
            yield _json({"id": number, "name": name, **parent, **more})


def image_metadata(
    pieces: list[tuple[str, str, bytes]], *, licences: Licences, categories: Categories, losses: Losses
) -> list[tuple[str, bytes]]:
    """What is said of an image as keys of its record."""
    found: dict[str, bytes] = {}
    number = licences.of(pieces)
    if number is not None:
        found["license"] = _json(number)
    for label_set, key, raw in pieces:
        if key in _OF_LICENCES and number is not None:
            continue
        if key in _OWN and key != "sha256":
            losses.add(f"metadata of images that are named `{key}`")
            continue
        value = _ids(raw, label_set, categories=categories, losses=losses) if key in _OF_CATEGORIES else raw
        if found.setdefault(key, value) != value:
            losses.add("metadata of images that label sets say differently")
    found.pop("sha256", None)
    return list(found.items())


def _ids(raw: bytes, label_set: str, *, categories: Categories, losses: Losses) -> bytes:
    """A list of category ids of a label set as ids of the export."""
    said = _ANY.decode(raw)
    if not isinstance(said, list):
        return raw
    numbers = [categories.number_of(label_set, known_id(item) or "") for item in said]
    lost = sum(number is None for number in numbers)
    if lost:
        losses.add("categories that images are said to lack or not to have all of, unknown here", lost)
    return _json([number for number in numbers if number is not None])
