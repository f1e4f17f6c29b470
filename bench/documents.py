"""What the label sets of bench/generate_catalog.py say: their nested schemas, and SQL of the values and the JSON.

A schema has 4 to 10 leaves up to 3 deep. All have `condition.score` and `condition.inspector.name`; `level` is a
number in one label set and a text in the next. A row's values follow from its number `r` by hashes, so nothing is
drawn in order.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

CLASSES = 200
RARE = "survey_flag"  # the key that one annotation in RARE_ONE_IN has
RARE_ONE_IN = 20_000
RARE_TEXT = "look again"
WORDS = (
    "slate", "clay", "metal", "thatch", "red", "blue", "green", "open", "closed", "left", "right", "none",
)  # fmt: skip
_TEAMS = 12
_GROUPS = ("detail", "state", "survey", "origin")
_LEAVES = ("level", "note", "checked", "side")
_FLAT = ("color", "occlusion", "damage", "pitch", "age", "source", "lamp")
_NUMBERS = ("score", "pitch", "age")


@dataclass(frozen=True, slots=True)
class Leaf:
    """A leaf of a schema.

    Attributes:
        path: keys, joined by dots.
        value: SQL of the value as text, over the column `r`.
        is_number: whether it is a number.
        is_quoted: whether JSON puts it in quotes.
    """

    path: str
    value: str
    is_number: bool
    is_quoted: bool


def label_set_name(number: int) -> tuple[str, str]:
    """Team and name of a label set, counted from 0."""
    return f"team{number % _TEAMS:02}", f"set{number:04}"


def label_set_order(column: str) -> str:
    """SQL that orders label sets, whose identifiers are counted from 1, by their names."""
    return f"({column} - 1) % {_TEAMS}, {column}"


def salt_of(label_set: int, *, seed: int) -> int:
    """What the hashes of a label set start from."""
    return label_set + (seed - 1) * 1_000_003


def schema(label_set: int, *, salt: int) -> list[Leaf]:
    """The leaves of a label set's documents."""
    dice = random.Random(f"schema-{salt}")
    paths = ["material", "condition.score", "condition.inspector.name"]
    paths += dice.sample(_FLAT, dice.randrange(1, 4))
    for group in dice.sample(_GROUPS, dice.randrange(1, 3)):
        paths += [f"{group}.{leaf}" for leaf in dice.sample(_LEAVES, dice.randrange(1, 3))]
    return [
        _leaf(path, f"(hash(r, {number}, {salt}) % {{}})", label_set=label_set)
        for number, path in enumerate(paths)
    ]


def document(leaves: Sequence[Leaf]) -> str:
    """SQL of the JSON text of a row of which the columns v0, v1, … hold the values of the leaves."""
    members = {
        leaf.path: f"('\"' || v{number} || '\"')" if leaf.is_quoted else f"v{number}"
        for number, leaf in enumerate(leaves)
    }
    rare = f'\', "{RARE}": "{RARE_TEXT}"\''
    return f"'{{' || {_members(tree(members))} || CASE WHEN is_rare THEN {rare} ELSE '' END || '}}'"


def tree(values: Mapping[str, object]) -> dict[str, object]:
    """Values by their paths, as nested objects."""
    nested: dict[str, object] = {}
    for path, value in values.items():
        *steps, last = path.split(".")
        inner = nested
        for step in steps:
            below = inner.setdefault(step, {})
            assert isinstance(below, dict), f"{path} goes through a leaf"
            inner = below
        inner[last] = value
    return nested


def values(leaves: Sequence[Leaf]) -> str:
    """A SELECT of path, class, text, number, label_set, asset, annotation over a table `made` with those columns."""
    listed = [
        f"SELECT '{leaf.path}' AS path, class, v{number} AS text, "
        f"{f'v{number}' if leaf.is_number else 'NULL'}::DOUBLE AS number, label_set, asset, annotation FROM made"
        for number, leaf in enumerate(leaves)
    ]
    listed.append(
        f"SELECT '{RARE}', class, '{RARE_TEXT}', NULL::DOUBLE, label_set, asset, annotation FROM made WHERE is_rare"
    )
    return " UNION ALL ".join(listed)


def _leaf(path: str, drawn: str, *, label_set: int) -> Leaf:
    last = path.rsplit(".", 1)[-1]
    if last == "score":
        return Leaf(path, f"({drawn.format(1000)} / 1000.0)::DECIMAL(4,3)::VARCHAR", True, False)
    if last in _NUMBERS or (last == "level" and label_set % 2 == 0):
        return Leaf(path, f"{drawn.format(100)}::VARCHAR", True, False)
    if last == "name":
        return Leaf(path, f"'insp' || {drawn.format(500)}", False, True)
    if last == "checked":
        return Leaf(path, f"CASE WHEN {drawn.format(2)} = 0 THEN 'true' ELSE 'false' END", False, False)
    words = ", ".join(f"'{word}'" for word in WORDS)
    return Leaf(path, f"[{words}][1 + {drawn.format(len(WORDS))}::INT]", False, True)


def _members(tree: Mapping[str, object]) -> str:
    parts = []
    for number, (name, value) in enumerate(tree.items()):
        before = f'{", " if number else ""}"{name}": '
        if isinstance(value, dict):
            parts.append(f"'{before}{{' || {_members(value)} || '}}'")
        else:
            parts.append(f"'{before}' || {value}")
    return " || ".join(parts)
