"""How the annotations of several label sets become one training set, and what that did.

`Joining` is the rule, kept in a snapshot's definition; `Joined` counts what it did.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from os import PathLike
from typing import Any, TypedDict

from datacat.errors import UsageError

CLASSES_BY = ("team", "concept")
OVERLAPS = ("keep", "one")
MAX_NAME = 1000  # characters of a class name that somebody gives
# Kinds of characters that are not seen, turn text round or act on a terminal.
_HIDDEN = frozenset(("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"))
_NOTHING = frozenset(("~", "null", "Null", "NULL"))  # what YAML means by it is no name
# The lists of `Joined`, and what an item of each says.
_ITEMS: dict[str, dict[str, type]] = {
    "mapped": {"team": str, "class": str, "name": str, "annotations": int},
    "left_out": {"team": str, "class": str, "annotations": int},
    "duplicates": {"team": str, "class": str, "annotations": int},
    "same": {"team": str, "class": str, "annotations": int},
    "shared": {"class": str, "objects": int, "annotations": int},
    "coinciding": {"class": str, "other": str, "pairs": int},
}

Item = Mapping[str, str | int]


class JoiningChoice(TypedDict, total=False):
    """What somebody chooses; what is not said is as in the version before.

    `classes_by`: one of `CLASSES_BY`. `class_map`: a file, or `{new: [class, …]}` or `{class: new}`; "" for the new
    name leaves a class out, `team:class` speaks of one team, and `{}` is no map. `overlap`: one of `OVERLAPS`.
    `prefer`: teams or label sets (`team/name`), the first before the second, as a list or with commas; it means "one".
    """

    classes_by: str
    class_map: str | PathLike[str] | Mapping[str, str | Sequence[str]]
    overlap: str
    prefer: str | Sequence[str]


@dataclass(frozen=True, slots=True, order=True)
class Renamed:
    """One entry of a map: the class `said` of `team` ("": of every team) is called `name` ("": it is left out)."""

    team: str
    said: str
    name: str


@dataclass(frozen=True, slots=True)
class Joining:
    """The rule by which the annotations of several label sets become one training set.

    Attributes:
        classes_by: "team": classes are called as their team writes them; "concept": as the concept that they belong to.
        class_map: goes before that; sorted.
        overlap: "keep": all annotations stay, and of those that say exactly the same one; "one": of an object that
            several label sets labelled, one does.
        prefer: whose does: teams or label sets, the first before the second. All others come behind, by name.
    """

    classes_by: str = "team"
    class_map: tuple[Renamed, ...] = ()
    overlap: str = "keep"
    prefer: tuple[str, ...] = ()

    def to_document(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return asdict(self)

    @classmethod
    def from_document(cls, document: Any) -> Joining:
        """Reads what `to_document` gave.

        Raises:
            ValueError: it is something else.
            TypeError: likewise.
            KeyError: likewise.
        """
        found = cls(
            document["classes_by"],
            tuple(Renamed(item["team"], item["said"], item["name"]) for item in document["class_map"]),
            document["overlap"],
            tuple(document["prefer"]),
        )
        texts = [
            *found.prefer,
            *(text for item in found.class_map for text in (item.team, item.said, item.name)),
        ]
        if (
            found.classes_by not in CLASSES_BY
            or found.overlap not in OVERLAPS
            or not all(map(_is_text, texts))
        ):
            raise ValueError("`joining` is no such rule")
        return found


@dataclass(frozen=True, slots=True)
class Joined:
    """What a `Joining` did.

    Attributes:
        mapped: how many annotations got another class name: team, class, name, annotations.
        left_out: how many a map left out: team, class, annotations.
        duplicates: how many went because another one says the same: team, class (as frozen), annotations.
        same: how many went because the object has the label of somebody who goes before: team, class, annotations.
        shared: where all stayed, how many objects have several labels of one class: class, objects, annotations.
        coinciding: how many boxes of two label sets coincide and have two classes, of the 100 most frequent pairs of
            classes: class, other, pairs.
    """

    mapped: tuple[Item, ...] = ()
    left_out: tuple[Item, ...] = ()
    duplicates: tuple[Item, ...] = ()
    same: tuple[Item, ...] = ()
    shared: tuple[Item, ...] = ()
    coinciding: tuple[Item, ...] = ()

    def to_document(self) -> dict[str, Any]:
        """As JSON can hold it: what there is none of is left out."""
        lists = {item.name: getattr(self, item.name) for item in fields(self)}
        return {name: [dict(item) for item in found] for name, found in lists.items() if found}

    @classmethod
    def from_document(cls, document: Any) -> Joined:
        """Reads what `to_document` gave.

        Raises:
            ValueError: it is something else.
            TypeError: likewise.
        """
        if not isinstance(document, dict) or not document.keys() <= _ITEMS.keys():
            raise ValueError("`joined` is no such object")
        for name, items in document.items():
            wanted = _ITEMS[name]
            if not isinstance(items, list) or not all(_is_item(item, wanted) for item in items):
                raise ValueError(f"`joined.{name}` is no such list")
        return cls(**{name: tuple(items) for name, items in document.items()})


def checked_class(name: str, *, where: str | None = None) -> str:
    """Returns a class name that somebody gives; "" is none.

    Raises:
        UsageError: it holds characters that are not seen, begins or ends with a blank, is what YAML calls nothing,
            or is longer than `MAX_NAME`.
    """
    if len(name) > MAX_NAME:
        raise UsageError(f"a class name of {len(name):,} characters, more than {MAX_NAME:,}", where=where)
    if any(unicodedata.category(character) in _HIDDEN for character in name):
        raise UsageError(f"{name!r} has characters in it that are not seen", where=where)
    if name != name.strip():
        raise UsageError(f"the class name {name!r} begins or ends with a blank", where=where)
    if name in _NOTHING:
        raise UsageError(f"{name!r} is no class name", where=where, hint='Write "" to leave a class out.')
    return name


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_item(item: object, wanted: Mapping[str, type]) -> bool:
    return (
        isinstance(item, dict)
        and item.keys() == wanted.keys()
        and all(type(item[key]) is kind for key, kind in wanted.items())
        and all(0 <= value < 2**63 for value in item.values() if type(value) is int)
    )
