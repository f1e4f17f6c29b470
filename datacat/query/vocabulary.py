"""What can be asked for: classes, concepts, label sets and attribute paths of one state."""

from __future__ import annotations

import difflib
import json
import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property

import duckdb

from datacat.model.names import folded
from datacat.query.compare import Sql
from datacat.query.plurals import comparable
from datacat.query.run import rows

_KEPT = 4  # states of catalogs whose vocabulary is remembered; a server answers for few at a time
_PATHS_KEPT = 10_000
_NEAR = 0.6  # difflib's own default: below it suggestions look random


@dataclass(frozen=True, slots=True)
class LabelSet:
    """One label set as queries name it."""

    number: int
    team: str
    name: str

    def __str__(self) -> str:
        return f"{self.team}/{self.name}"


@dataclass(frozen=True, slots=True)
class ClassUse:
    """A class as one label set writes it."""

    name: str
    label_set: int
    annotations: int


@dataclass(frozen=True, slots=True)
class Member:
    """A class name that belongs to a concept; `team` None: whichever team writes it."""

    concept: str
    team: str | None
    name: str


@dataclass(frozen=True)
class Vocabulary:
    """The names of one state."""

    label_sets: dict[int, LabelSet]
    uses: tuple[ClassUse, ...]
    members: tuple[Member, ...]
    known_paths: dict[str, bool] = field(default_factory=dict)
    """What `has_path` answered."""
    _leaf_counts: dict[str, int] = field(default_factory=dict)

    @property
    def teams(self) -> list[str]:
        """Every team once, sorted."""
        return sorted({label_set.team for label_set in self.label_sets.values()})

    @cached_property
    def by_name(self) -> dict[str, list[ClassUse]]:
        """Comparable class name -> where it is used."""
        found: dict[str, list[ClassUse]] = defaultdict(list)
        for use in self.uses:
            found[comparable(use.name)].append(use)
        return dict(found)

    @cached_property
    def concepts(self) -> dict[str, list[Member]]:
        """Comparable concept name -> its members."""
        found: dict[str, list[Member]] = defaultdict(list)
        for member in self.members:
            found[comparable(member.concept)].append(member)
        return dict(found)

    @cached_property
    def _members_by_name(self) -> dict[str, list[Member]]:
        found: dict[str, list[Member]] = defaultdict(list)
        for member in self.members:
            found[comparable(member.name)].append(member)
        return dict(found)

    def knows(self, name: str) -> bool:
        """Whether a class, a concept or a member of one is called `name` (comparable form)."""
        return name in self.by_name or name in self.concepts or name in self._members_by_name

    def same_as(self, name: str) -> list[ClassUse]:
        """The classes that `name` (comparable form) asks for: so called, or the same by a concept."""
        found = dict.fromkeys(self.by_name.get(name, ()))
        named = {comparable(member.concept) for member in self._members_by_name.get(name, ())}
        for concept in sorted(named | ({name} & self.concepts.keys())):
            found.update(dict.fromkeys(self.by_name.get(concept, ())))
            for member in self.concepts[concept]:
                found.update(dict.fromkeys(self._uses_of(member)))
        return list(found)

    def shown(self, name: str) -> str:
        """How a comparable name is written for people: as its shortest class or concept is, folded."""
        written = [use.name for use in self.by_name.get(name, ())]
        written += [member.concept for member in self.concepts.get(name, ())]
        written += [member.name for member in self._members_by_name.get(name, ())]
        return min((folded(text) for text in written), key=lambda text: (len(text), text), default=name)

    def _uses_of(self, member: Member) -> Iterator[ClassUse]:
        for use in self.by_name.get(comparable(member.name), ()):
            if member.team is None or self.label_sets[use.label_set].team == member.team:
                yield use

    def near_classes(self, name: str) -> str | None:
        """A sentence that names the nearest classes with their counts; None where nothing is near."""
        near = nearest_names(name, [*self.by_name, *self.concepts])
        if not near:
            return None
        return f"Did you mean {' or '.join(self._counted(found) for found in near)}?"

    def _counted(self, name: str) -> str:
        uses = self.same_as(name)
        teams = len({self.label_sets[use.label_set].team for use in uses})
        annotations = sum(use.annotations for use in uses)
        by_teams = "1 team" if teams == 1 else f"{teams} teams"
        used = "1 annotation" if annotations == 1 else f"{annotations:,} annotations"
        return f"`{self.shown(name)}` ({by_teams}, {used})"

    def has_path(self, cursor: duckdb.DuckDBPyConnection, path: str) -> bool:
        """Whether some annotation has a leaf at `path`; 1 ms, as they are sorted."""
        if path in self.known_paths:
            return self.known_paths[path]
        if self._leaf_counts:
            return path in self._leaf_counts
        query = "SELECT 1 FROM attribute_values WHERE path = ? LIMIT 1"
        found = bool(rows(cursor, Sql(query, (path,))))
        if len(self.known_paths) < _PATHS_KEPT:  # whoever asks a server for nonsense must not fill it
            self.known_paths[path] = found
        return found

    def leaf_counts(self, cursor: duckdb.DuckDBPyConnection) -> dict[str, int]:
        """Path -> leaves; read once (17 ms at 16 million leaves)."""
        if not self._leaf_counts:
            query = "SELECT path, count(*) FROM attribute_values GROUP BY path ORDER BY path"
            self._leaf_counts.update(rows(cursor, Sql(query)))
        return self._leaf_counts


def nearest_names(name: str, known: Iterable[str]) -> list[str]:
    """At most two of `known` that look like `name`, the nearest first."""
    return difflib.get_close_matches(name, list(dict.fromkeys(known)), n=2, cutoff=_NEAR)


_remembered: dict[tuple[str, int], Vocabulary] = {}
_lock = threading.Lock()


def vocabulary(cursor: duckdb.DuckDBPyConnection, *, state: int) -> Vocabulary:
    """The vocabulary of the state that `cursor` shows.

    Reading it takes 20 ms at 4 million annotations, so it is remembered while the views read the same Parquet
    files (which never change); over anything else it is read each time.
    """
    key = _identity(cursor)
    if key is None:
        return read_vocabulary(cursor)
    with _lock:
        found = _remembered.get((key, state))
    if found is None:
        found = read_vocabulary(cursor)
        with _lock:
            _remembered[key, state] = found
            while len(_remembered) > _KEPT:
                del _remembered[next(iter(_remembered))]
    return found


def _identity(cursor: duckdb.DuckDBPyConnection) -> str | None:
    """The files behind the views; None where they are not all Parquet files."""
    views = rows(
        cursor,
        Sql(
            "SELECT view_name, sql FROM duckdb_views() "
            "WHERE view_name IN ('annotations', 'label_sets', 'concepts', 'attribute_values') ORDER BY ALL"
        ),
    )
    if len(views) < 4 or "read_parquet" not in views[0][1]:
        return None
    return "\n".join(sql for _, sql in views)


def read_vocabulary(cursor: duckdb.DuckDBPyConnection) -> Vocabulary:
    """Reads it from the tables."""
    sets = rows(cursor, Sql("SELECT label_set, team, name, classes FROM label_sets ORDER BY label_set"))
    used = rows(
        cursor,
        Sql(
            "SELECT class, label_set, count(*) FROM annotations WHERE class IS NOT NULL "
            "GROUP BY ALL ORDER BY ALL"
        ),
    )
    counted = {(name, number): count for name, number, count in used}
    for number, _, _, declared in sets:
        for name in _declared(declared):
            counted.setdefault((name, number), 0)
    members = rows(cursor, Sql("SELECT concept, team, class FROM concepts ORDER BY ALL"))
    return Vocabulary(
        label_sets={number: LabelSet(number, team, name) for number, team, name, _ in sets},
        uses=tuple(ClassUse(name, number, count) for (name, number), count in counted.items()),
        members=tuple(Member(*row) for row in members),
    )


def _declared(classes: str | None) -> list[str]:
    """Names in a label set's JSON class list, whether they were used or not."""
    if not classes:
        return []
    entries = json.loads(classes)
    names = [entry.get("class") if isinstance(entry, dict) else entry for entry in entries]
    return [name for name in names if isinstance(name, str)]
