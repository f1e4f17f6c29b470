"""Which results speak of the same region, and what each of them says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from datacat.ingest.blank import name_of
from datacat.ingest.formats.label_studio.shapes import PLACES, Item, is_shape, place_of
from datacat.ingest.reasons import kind_name

_CLASSES = ("choices", "taxonomy")  # of a whole medium, these give a class
_MAPPED = {"id", "type", "value", "from_name", "to_name", "score", "original_width", "original_height"}


@dataclass(slots=True)
class Region:
    """Results about one place on one medium; `main` draws it. Without a `place`, about all of the medium."""

    main: Item
    place: dict[str, Any]
    items: list[Item] = field(default_factory=list)

    @property
    def drawn(self) -> list[Item]:
        """The results that draw it, `main` first."""
        return [item for item in self.items if item is self.main or is_shape(item)]

    @property
    def labels(self) -> list[str]:
        """The classes that the drawing results give, each once."""
        return list(dict.fromkeys(label for item in self.drawn for label in labels_of(item)))

    def attributes(self) -> dict[str, Any]:
        """What else is said of it, by the name of the control; and what `main` says beside that."""
        extra = values_of([item for item in self.items if item is not self.main and not is_shape(item)])
        if not is_shape(self.main) and not labels_of(self.main):
            extra |= values_of([self.main])
        extra |= {key: value for key, value in self.main.items() if key not in _MAPPED}
        extra["from_name"] = self.main.get("from_name")
        value = self.main.get("value")
        if isinstance(value, dict) and is_shape(self.main) and not _is_kept_whole(value):
            known = PLACES | {str(self.main.get("type"))}
            extra |= {key: item for key, item in value.items() if key not in known}
        return {key: item for key, item in extra.items() if item is not None}

    def text(self) -> str | None:
        """The marked text itself, else what people wrote about it."""
        own = text_of(self.main)
        written = [text_of(item) for item in self.items if item is not self.main]
        return own or "\n".join(text for text in written if text) or None


def grouped(results: Sequence[Item]) -> tuple[list[Region], list[Item], int]:
    """Regions, results about a whole medium (relations too), and how many ids stood for several regions.

    Results of one region have its id and repeat its place. Two that draw at different places are two regions,
    whatever their ids.
    """
    regions: dict[tuple[Any, str], list[Region]] = {}
    whole: list[Item] = []
    for number, item in enumerate(results):
        name = (item["id"] if "id" in item and item["id"] is not None else number, str(item.get("to_name")))
        place = place_of(item)
        if not place and not is_shape(item):
            _join_or(whole, regions.get(name, []), item)
            continue
        same = next((region for region in regions.get(name, []) if _is_same(region.place, place)), None)
        if same is None:
            regions.setdefault(name, []).append(Region(item, place, [item]))
            continue
        same.items.append(item)
        if is_shape(item) and not is_shape(same.main):
            same.main = item
    again = sum(len(same) > 1 for same in regions.values())
    return [region for same in regions.values() for region in same], whole, again


def _join_or(whole: list[Item], regions: list[Region], item: Item) -> None:
    """A result without a place is about the region of its id drawn last, if there is one."""
    if regions and "id" in item:
        regions[-1].items.append(item)
    else:
        whole.append(item)


def _is_same(place: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether one place repeats the other; some controls leave parts of it out."""
    common = place.keys() & other.keys()
    return (
        bool(common) and common in (place.keys(), other.keys()) and all(place[k] == other[k] for k in common)
    )


def _is_kept_whole(value: dict[str, Any]) -> bool:
    """Whether the geometry column holds all of the value already."""
    return bool(value.keys() & {"rle", "sequence", "ranges", "vertices", "radiusX", "imageDataURL"})


def is_class(item: Item) -> bool:
    """Whether a result about a whole medium gives classes."""
    return item.get("type") == "relation" or bool(labels_of(item))


def labels_of(item: Item) -> list[str]:
    """The classes that one result gives: labels, choices, taxonomy paths joined by /."""
    value, type_ = item.get("value"), str(item.get("type"))
    if type_ == "relation":
        return [label for label in map(str, item.get("labels") or []) if name_of(label)] or ["relation"]
    if not isinstance(value, dict) or not (type_.endswith("labels") or type_ in _CLASSES or is_shape(item)):
        return []
    said = value.get(type_, value.get("labels", []))  # the latter of a videorectangle
    said = [said] if is_bare_label(item) else said
    return [] if not isinstance(said, list) else [_word(one) for one in said if one is not None]


def is_bare_label(item: Item) -> bool:
    """Whether a result has a text where a list of labels belongs."""
    return isinstance(_labels_said(item), str)


def check_labels(item: Item) -> None:
    """Raises ValueError where what should be labels is neither a list nor a text."""
    said = _labels_said(item)
    if said is not None and not isinstance(said, list | str):
        raise ValueError(f"`{item.get('type')}` is {kind_name(said)} where a list of labels belongs")


def _labels_said(item: Item) -> Any:
    value, type_ = item.get("value"), str(item.get("type"))
    is_labels = type_.endswith("labels") or type_ in _CLASSES
    return value.get(type_) if is_labels and isinstance(value, dict) else None


def values_of(items: Sequence[Item]) -> dict[str, Any]:
    """What controls say, by their names; what one says several times becomes one list."""
    found: dict[str, Any] = {}
    for name, said in _said(items):
        if name not in found:
            found[name] = said
        else:
            before = found[name] if isinstance(found[name], list) else [found[name]]
            found[name] = [*before, *(said if isinstance(said, list) else [said])]
    return found


def _said(items: Sequence[Item]) -> Iterator[tuple[str, Any]]:
    for item in items:
        value, type_ = item.get("value"), str(item.get("type"))
        name = str(item.get("from_name") or type_)
        if not isinstance(value, dict):
            yield name, value
        elif type_ == "textarea" and "text" in value:
            yield name, value["text"]
        elif type_ == "taxonomy" and isinstance(value.get(type_), list):
            yield name, [_word(path) for path in value[type_]]
        elif type_ in value:
            yield name, value[type_]
        else:
            rest = {key: one for key, one in value.items() if key not in PLACES}
            yield name, next(iter(rest.values())) if len(rest) == 1 else rest


def text_of(item: Item) -> str | None:
    """The text that a result marks or that somebody wrote."""
    value = item.get("value")
    text = value.get("text") if isinstance(value, dict) else None
    if isinstance(text, list):
        return "\n".join(str(line) for line in text)
    return text if isinstance(text, str) else None


def _word(one: Any) -> str:
    parts = list(map(str, one)) if isinstance(one, list) else [str(one)]
    return "/".join(parts) if any(map(name_of, parts)) else ""
