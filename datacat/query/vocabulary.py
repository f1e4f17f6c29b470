"""What can be asked for: classes, concepts, label sets and attribute paths of one state."""

from __future__ import annotations

import difflib
import json
import threading
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import duckdb

from datacat.model.names import folded
from datacat.query.addresses import Addresses
from datacat.query.bitmap import bounds
from datacat.query.compare import Sql
from datacat.query.plurals import comparable
from datacat.query.run import rows
from datacat.query.stated import LOOKED_FOR, stated_of

_KEPT = 4  # states of catalogs whose vocabulary is remembered; a server answers for few at a time
_PATHS_KEPT = 10_000
_NEAR = 0.6  # difflib's own default: below it suggestions look random


@dataclass(frozen=True, slots=True)
class LabelSet:
    """One label set as queries name it. `covers`: the classes it looked for on all its assets; None: the declared."""

    number: int
    team: str
    name: str
    covers: frozenset[str] | None = frozenset()

    def __str__(self) -> str:
        return f"{self.team}/{self.name}"


@dataclass(frozen=True)
class ClassName:
    """A class as label sets write it.

    Attributes:
        name: that.
        counts: label set -> annotations; 0 where it was only declared.
        declared: label sets whose label files list it.
        things: of the annotations, so many are one thing each, drawn by people.
        predictions: so many were made by models.
        set_aside: so many were skipped, or are drafts.
        shares: so many have boxes in fractions.
        wide_texts: so many say something, their attributes aside, that is not in ASCII.
        repeats: so many have the box of another one that the label set has of the same address, whatever their shapes.
    """

    name: str
    counts: Mapping[int, int]
    declared: frozenset[int]
    things: int = 0
    predictions: int = 0
    set_aside: int = 0
    shares: int = 0
    wide_texts: int = 0
    repeats: int = 0

    @property
    def annotations(self) -> int:
        """Of all label sets."""
        return sum(self.counts.values())

    @cached_property
    def everywhere(self) -> Use:
        """It in all label sets that have it."""
        return Use(self.name, frozenset(self.counts))


@dataclass(frozen=True, slots=True)
class Use:
    """A class in some of the label sets that have it."""

    name: str
    label_sets: frozenset[int]


@dataclass(frozen=True, slots=True)
class Member:
    """A class name that belongs to a concept; `team` None: whichever team writes it."""

    concept: str
    team: str | None
    name: str


@dataclass(frozen=True, slots=True)
class PathUse:
    """An attribute path: how many leaves, in which label sets, and of what sort.

    Attributes:
        leaves: how many.
        label_sets: that have some.
        numbers: how many leaves are numbers.
        odd_texts: how many texts are spelled oddly (`model.spelling`).
        wide_texts: how many texts are not in ASCII.
    """

    leaves: int
    label_sets: tuple[int, ...]
    numbers: int
    odd_texts: int
    wide_texts: int


@dataclass(frozen=True, slots=True)
class Sorts:
    """How many annotations, of all classes and of none, were made by models, are set aside, are boxes in fractions, say
    something (their attributes aside) that is not in ASCII, or have the box of another one."""

    predictions: int = 0
    set_aside: int = 0
    shares: int = 0
    wide_texts: int = 0
    repeats: int = 0


@dataclass(frozen=True)
class Vocabulary:
    """The names of one state.

    Attributes:
        label_sets: by number.
        classes: every class name, used or only declared.
        members: of concepts.
        synonyms: comparable further name of a concept -> concepts.
        narrower: comparable concept -> the concepts below it.
        kinds: comparable name of a parent in label files' class lists -> the classes below it, where.
        sorts: how many annotations are of which sort.
    """

    label_sets: dict[int, LabelSet]
    classes: tuple[ClassName, ...]
    members: tuple[Member, ...]
    synonyms: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    narrower: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    kinds: Mapping[str, tuple[Use, ...]] = field(default_factory=dict)
    sorts: Sorts = field(default_factory=Sorts)
    _paths: dict[str, PathUse] = field(default_factory=dict)
    _bounds: list[tuple[int, int] | None] = field(default_factory=list)
    _addresses: list[Addresses] = field(default_factory=list)
    _metadata: dict[str, bool] = field(default_factory=dict)
    _all_metadata: list[tuple[str, ...]] = field(default_factory=list)
    _has_twice: list[bool] = field(default_factory=list)
    _stated: list[Sql | None] = field(default_factory=list)
    alike: list[tuple[tuple[int, str, str], ...]] = field(default_factory=list)
    """What `once.may_repeat` found out of all classes."""
    meant: dict[str, Any] = field(default_factory=dict)
    """What `hierarchy.meant` answered, by name."""

    @property
    def teams(self) -> list[str]:
        """Every team once, sorted."""
        return sorted({label_set.team for label_set in self.label_sets.values()})

    @cached_property
    def by_class(self) -> dict[str, ClassName]:
        """Class name as written -> what is known of it."""
        return {item.name: item for item in self.classes}

    @cached_property
    def by_name(self) -> dict[str, list[ClassName]]:
        """Comparable class name -> the classes so called."""
        found: dict[str, list[ClassName]] = defaultdict(list)
        for item in self.classes:
            found[comparable(item.name)].append(item)
        return dict(found)

    @cached_property
    def concepts(self) -> dict[str, list[Member]]:
        """Comparable concept name -> its members."""
        found: dict[str, list[Member]] = defaultdict(list)
        for member in self.members:
            found[comparable(member.concept)].append(member)
        return dict(found)

    @cached_property
    def concepts_of(self) -> dict[str, list[Member]]:
        """Comparable class name -> the memberships so called."""
        found: dict[str, list[Member]] = defaultdict(list)
        for member in self.members:
            found[comparable(member.name)].append(member)
        return dict(found)

    def knows(self, name: str) -> bool:
        """Whether a class, a concept, a member or synonym of one, or a parent of classes is called `name`."""
        known = (self.by_name, self.concepts, self.concepts_of, self.synonyms, self.narrower, self.kinds)
        return any(name in names for names in known)

    @cached_property
    def known_names(self) -> tuple[str, ...]:
        """Every comparable name that a word may say."""
        known = (self.by_name, self.concepts, self.synonyms, self.narrower, self.kinds)
        return tuple(dict.fromkeys(name for names in known for name in names))

    def shown(self, name: str) -> str:
        """How a comparable name is written for people: as its shortest class or concept is, folded."""
        written = [item.name for item in self.by_name.get(name, ())]
        written += [member.concept for member in self.concepts.get(name, ())]
        written += [member.name for member in self.concepts_of.get(name, ())]
        return min((folded(text) for text in written), key=lambda text: (len(text), text), default=name)

    def of_teams(self, item: ClassName, team: str | None) -> Use:
        """The class in the label sets of a team; None: of all."""
        if team is None:
            return item.everywhere
        return Use(item.name, frozenset(n for n in item.counts if self.label_sets[n].team == team))

    def covers(self, item: ClassName, label_set: int) -> bool:
        """Whether a label set looked for all of a class on each of its assets."""
        covers = self.label_sets[label_set].covers
        return label_set in item.declared if covers is None else item.name in covers

    def paths(self, cursor: duckdb.DuckDBPyConnection) -> Mapping[str, PathUse]:
        """Attribute path -> its use; read when it is first needed."""
        if not self._paths:
            query = (
                "SELECT path, sum(leaves)::BIGINT, list(DISTINCT label_set), sum(numbers)::BIGINT, "
                "sum(odd_texts)::BIGINT, sum(wide_texts)::BIGINT "
                "FROM path_counts GROUP BY path ORDER BY path"
            )
            for path, leaves, sets, numbers, odd, wide in rows(cursor, Sql(query)):
                self._paths[path] = PathUse(leaves, tuple(sorted(sets)), numbers, odd, wide)
        return self._paths

    def asset_bounds(self, cursor: duckdb.DuckDBPyConnection) -> tuple[int, int] | None:
        """See `bitmap.bounds`; remembered, as 14 million assets are looked through in 35 ms."""
        if not self._bounds:
            self._bounds.append(bounds(cursor))
        return self._bounds[0]

    def addresses(self, cursor: duckdb.DuckDBPyConnection) -> Addresses:
        """Which assets stand for which addresses; remembered, 16 bytes a copy."""
        if not self._addresses:
            self._addresses.append(Addresses.read(cursor))
        return self._addresses[0]

    def has_pictures_twice(self, cursor: duckdb.DuckDBPyConnection) -> bool:
        """Whether a label set lists a picture at two addresses; looked for where there are copies, and remembered."""
        if not self._has_twice:
            is_copied = bool(rows(cursor, Sql("SELECT 1 FROM other_addresses LIMIT 1")))
            self._has_twice.append(is_copied and bool(rows(cursor, Sql(_PICTURES_TWICE))))
        return self._has_twice[0]

    def stated(self, cursor: duckdb.DuckDBPyConnection) -> Sql | None:
        """Where label files state other sizes than pictures have (see `stated.py`); remembered, None: nowhere."""
        if not self._stated:
            self._stated.append(stated_of(rows(cursor, LOOKED_FOR)))
        return self._stated[0]

    def metadata_paths(self, cursor: duckdb.DuckDBPyConnection, paths: Sequence[str]) -> tuple[str, ...]:
        """Those of the paths at which label files say something of an asset; a look of 1 ms, remembered."""
        return tuple(path for path in paths if self._has_metadata(cursor, path))

    def _has_metadata(self, cursor: duckdb.DuckDBPyConnection, path: str) -> bool:
        if path in self._metadata:
            return self._metadata[path]
        found = bool(rows(cursor, Sql("SELECT 1 FROM metadata_values WHERE path = ? LIMIT 1", (path,))))
        if len(self._metadata) < _PATHS_KEPT:  # whoever asks a server for nonsense must not fill it
            self._metadata[path] = found
        return found

    def every_metadata_path(self, cursor: duckdb.DuckDBPyConnection) -> tuple[str, ...]:
        """All paths at which label files say something of an asset; read when they are first needed."""
        if not self._all_metadata:
            query = "SELECT DISTINCT path FROM metadata_values ORDER BY path"
            self._all_metadata.append(tuple(path for (path,) in rows(cursor, Sql(query))))
        return self._all_metadata[0]

    def metadata_below(self, cursor: duckdb.DuckDBPyConnection, path: str) -> tuple[str, ...]:
        """The paths at which label files say something of an asset, at `path` or below it."""
        query = (
            "SELECT DISTINCT path FROM metadata_values "
            "WHERE path = ? OR starts_with(path, ?) OR starts_with(path, ?) ORDER BY path"
        )
        return tuple(name for (name,) in rows(cursor, Sql(query, (path, f"{path}.", f"{path}["))))


def nearest_names(name: str, known: Iterable[str]) -> list[str]:
    """At most two of `known` that look like `name`, the nearest first."""
    return difflib.get_close_matches(name, list(dict.fromkeys(known)), n=2, cutoff=_NEAR)


_remembered: dict[str, Vocabulary] = {}
_lock = threading.Lock()


def vocabulary(cursor: duckdb.DuckDBPyConnection, *, identity: str | None) -> Vocabulary:
    """The vocabulary of the state that `cursor` shows; remembered by `identity`, where there is one.

    Args:
        cursor: shows the tables of one state.
        identity: names what they hold, once and for all; None: read it each time.
    """
    if identity is None:
        return read_vocabulary(cursor)
    with _lock:
        found = _remembered.get(identity)
    if found is None:
        found = read_vocabulary(cursor)
        with _lock:
            _remembered[identity] = found
            while len(_remembered) > _KEPT:
                del _remembered[next(iter(_remembered))]
    return found


_DECLARED = """
    SELECT entry['class'] AS class, entry.parent, list(label_set) AS label_sets
    FROM (SELECT label_set, unnest(from_json(classes, '[{"class": "VARCHAR", "parent": "VARCHAR"}]')) AS entry
          FROM label_sets WHERE classes IS NOT NULL)
    WHERE entry['class'] IS NOT NULL GROUP BY ALL ORDER BY ALL
"""
_PICTURES_TWICE = """
    SELECT 1 FROM label_set_assets SEMI JOIN other_addresses USING (asset)
    GROUP BY label_set, asset HAVING count(DISTINCT label_set_assets.address) > 1 LIMIT 1
"""
_COUNTED = """
    SELECT class, list(label_set), list(annotations), sum(things)::BIGINT, sum(predictions)::BIGINT,
        sum(set_aside)::BIGINT, sum(shares)::BIGINT, sum(wide_texts)::BIGINT, sum(repeats)::BIGINT
    FROM class_counts GROUP BY class ORDER BY class
"""


def read_vocabulary(cursor: duckdb.DuckDBPyConnection) -> Vocabulary:
    """Reads it from the tables."""
    sets = rows(cursor, Sql("SELECT label_set, team, name, coverage FROM label_sets ORDER BY label_set"))
    declared = rows(cursor, Sql(_DECLARED))
    members = rows(cursor, Sql("SELECT concept, team, class FROM concepts ORDER BY ALL"))
    counted = rows(cursor, Sql(_COUNTED))
    label_sets = {number: LabelSet(number, team, name, _covers(said)) for number, team, name, said in sets}
    details = rows(cursor, Sql("SELECT concept, synonyms, parents FROM concept_details ORDER BY ALL"))
    return Vocabulary(
        label_sets=label_sets,
        classes=_classes([row for row in counted if row[0] is not None], declared, label_sets.values()),
        sorts=Sorts(*(sum(row[n] for row in counted) for n in (4, 5, 6, 7, 8))),
        members=tuple(Member(*row) for row in members),
        synonyms=_gathered(
            (comparable(name), concept) for concept, named, _ in details for name in _names(named)
        ),
        narrower=_gathered(
            (comparable(name), concept) for concept, _, named in details for name in _names(named)
        ),
        kinds=_gathered(
            (comparable(parent), Use(name, frozenset(at))) for name, parent, at in declared if parent
        ),
    )


def _classes(
    counted: list[tuple[Any, ...]], declared: list[tuple[Any, ...]], every: Iterable[LabelSet]
) -> tuple[ClassName, ...]:
    """Those that label sets have, declare, or have looked for and found none of."""
    counts: dict[str, dict[int, int]] = {name: dict(zip(at, n, strict=True)) for name, at, n, *_ in counted}
    sorts = {name: tuple(more) for name, _, _, *more in counted}
    listed: dict[str, set[int]] = defaultdict(set)
    for name, _, label_sets in declared:
        listed[name].update(label_sets)
        of_name = counts.setdefault(name, {})
        for number in label_sets:
            of_name.setdefault(number, 0)
    for label_set in every:
        for name in label_set.covers or ():
            counts.setdefault(name, {}).setdefault(label_set.number, 0)
    return tuple(
        ClassName(name, counts[name], frozenset(listed[name]), *sorts.get(name, ()))
        for name in sorted(counts)
    )


def _covers(said: str | None) -> frozenset[str] | None:
    """What `label_sets.coverage` says of classes: their names; None: those that are declared."""
    classes = json.loads(said).get("classes") if said else "none"
    if classes == "declared":
        return None
    return frozenset(classes) if isinstance(classes, list) else frozenset()


def _names(said: str | None) -> list[str]:
    return json.loads(said) if said else []


def _gathered(pairs: Iterable[tuple[str, Any]]) -> dict[str, tuple[Any, ...]]:
    found: dict[str, list[Any]] = defaultdict(list)
    for key, value in pairs:
        found[key].append(value)
    return {key: tuple(values) for key, values in found.items()}
