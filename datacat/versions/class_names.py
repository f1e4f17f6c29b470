"""What the classes of several teams are called in a snapshot: by a map, by concepts, or as they are."""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from os import PathLike, fspath
from pathlib import Path
from typing import Any

import duckdb

from datacat.errors import LocationError, UsageError, cause_of
from datacat.ingest.limits import YAML_BYTES, check_size, read_yaml
from datacat.model.joining import (
    CLASSES_BY,
    OVERLAPS,
    Joining,
    JoiningChoice,
    Renamed,
    checked_class,
)
from datacat.query.compare import Sql
from datacat.query.plurals import comparable
from datacat.query.run import rows
from datacat.query.vocabulary import nearest_names

_Pair = tuple[str, str]  # new name, and the class or team:class that gets it
# Every class of the state: as counted, as declared, and of what is to be frozen.
_KNOWN = """
    SELECT DISTINCT s.team, c.class FROM class_counts AS c JOIN label_sets AS s USING (label_set)
    WHERE c.class IS NOT NULL
    UNION
    SELECT DISTINCT team, json_extract_string(item, '$.class') AS class
    FROM (SELECT team, unnest(CAST(coalesce(classes, '[]') AS JSON[])) AS item FROM label_sets)
    WHERE json_extract_string(item, '$.class') IS NOT NULL
"""
_PREFER = "Write --prefer TEAM,TEAM; in Python joining={'prefer': ['TEAM', 'TEAM']}."
_GROUPED = "Write {new: [class, class]} or {class: new}, for all entries alike."


@dataclass(frozen=True, slots=True)
class Asked:
    """The rule of a version that is to be made.

    Attributes:
        choice: what somebody chooses for it.
        before: the rule of the version before; it holds where nothing is chosen.
    """

    choice: JoiningChoice
    before: Joining = field(default_factory=Joining)

    def rule(self, cursor: duckdb.DuckDBPyConnection, found: Iterable[tuple[str, str]]) -> Joining:
        """The rule, with every name in it checked.

        Args:
            cursor: the catalog at one state.
            found: the team and class of what is to be frozen.

        Raises:
            UsageError: a choice that makes no sense, or a class, team or label set that is not there.
            FormatError: the file of a map is none.
            LocationError: it cannot be read.
        """
        choice, rule = self.choice, self.before
        if unknown := sorted(choice.keys() - JoiningChoice.__annotations__.keys()):
            raise UsageError(
                f"no choice {unknown[0]!r} in joining",
                hint=f"Known: {', '.join(JoiningChoice.__annotations__)}.",
            )
        if "classes_by" in choice:
            rule = replace(rule, classes_by=_one_of(choice["classes_by"], CLASSES_BY, what="classes_by"))
        if "class_map" in choice:
            known = {*found, *rows(cursor, Sql(_KNOWN))}
            rule = replace(rule, class_map=class_map(choice["class_map"], known=known))
        if "overlap" in choice:
            overlap = _one_of(choice["overlap"], OVERLAPS, what="overlap")
            rule = replace(rule, overlap=overlap, prefer=rule.prefer if overlap == "one" else ())
        if "prefer" in choice:
            rule = replace(rule, overlap="one", prefer=self._preferred(cursor))
        return rule

    def _preferred(self, cursor: duckdb.DuckDBPyConnection) -> tuple[str, ...]:
        given = self.choice["prefer"]
        if self.choice.get("overlap") == "keep":
            raise UsageError(
                "who is preferred says nothing where all is kept", hint="Leave out --overlap keep."
            )
        if isinstance(given, str):
            given = [name.strip() for name in given.split(",")]
        if not isinstance(given, Sequence) or not all(isinstance(name, str) for name in given):
            raise UsageError("`prefer` is no list of names", hint=_PREFER)
        if not any(given):
            raise UsageError("nobody is preferred", hint=_PREFER)
        sets = rows(cursor, Sql("SELECT team, name FROM label_sets ORDER BY ALL"))
        known = [*dict.fromkeys(team for team, _ in sets), *(f"{team}/{name}" for team, name in sets)]
        for number, name in enumerate(given):
            if name not in known:
                near = nearest_names(name, known)
                hint = f"Did you mean {' or '.join(near)}?" if near else "See: datacat overview"
                raise UsageError(f"no team or label set {name!r} to prefer", hint=hint)
            if name in given[:number]:
                raise UsageError(f"{name!r} is preferred twice")
        return tuple(given)


def class_map(
    given: str | PathLike[str] | Mapping[str, str | Sequence[str]], *, known: Iterable[tuple[str, str]]
) -> tuple[Renamed, ...]:
    """A map of classes, from a file (YAML or JSON) or as it is given.

    Args:
        given: see `JoiningChoice`.
        known: team and class of all that there is.

    Raises:
        UsageError: it has two shapes, a class that is not there or stands in it twice, or a name that is none.
        FormatError: the file is no YAML, or larger than is read.
        LocationError: it cannot be read.
    """
    where = None
    if isinstance(given, Mapping):
        pairs = _pairs(given, where=None)
    else:
        where = fspath(given)
        pairs = _read_pairs(Path(where))
    spoken = _Spoken(frozenset(known))
    found: dict[tuple[str, str], Renamed] = {}
    for name, text in pairs:
        team, said = spoken.meant(text, where=where)
        if (team, said) in found:
            raise UsageError(f"the class {text!r} stands twice in the map of classes", where=where)
        found[team, said] = Renamed(team, said, checked_class(name, where=where))
    return tuple(sorted(found.values()))


class Names:
    """What classes are called by a rule, at one state of the catalog."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection, rule: Joining) -> None:
        self._mapped = {(item.team, item.said): item.name for item in rule.class_map}
        self._concepts = _Concepts(cursor) if rule.classes_by == "concept" else None

    def of(self, team: str, said: str) -> str:
        """The name of a class; "": it is left out. A map goes before concepts, and in it a team's own class.

        Raises:
            UsageError: it belongs to several concepts.
        """
        name = self._mapped.get((team, said), self._mapped.get(("", said)))
        if name is None:
            return self._concepts.of(team, said) if self._concepts else said
        return name

    def others(self, found: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
        """Those of some classes, given as team and class, that are not called as the team writes them.

        Raises:
            UsageError: one belongs to several concepts.
        """
        named = {(team, said): self.of(team, said) for team, said in found}
        return {key: name for key, name in named.items() if name != key[1]}


def renamed_classes(
    label_sets: Mapping[str, Mapping[str, Any]], *, names: Names
) -> dict[str, Mapping[str, Any]]:
    """What label sets say of themselves, with the classes that they declare called as in the snapshot.

    A class that stands for several loses the number that its label files give it: what they say under that number (that
    there is none on a picture) does not hold for all of them.

    Args:
        label_sets: as in `Definition`, by `team/name`.
        names: how classes are called.
    """
    known: dict[tuple[str, str], str] = {}
    meant: dict[str, set[str]] = defaultdict(set)
    for label_set, facts in label_sets.items():
        team = label_set.partition("/")[0]
        for said in {item["class"] for item in facts["classes"]}:
            known[team, said] = said
            with contextlib.suppress(UsageError):  # no annotation has it, so it may stay as it is
                known[team, said] = names.of(team, said)
            meant[known[team, said]].add(said)
    found: dict[str, Mapping[str, Any]] = {}
    for label_set, facts in label_sets.items():
        team = label_set.partition("/")[0]
        classes = [_renamed(item, known[team, item["class"]], meant) for item in facts["classes"]]
        found[label_set] = {**facts, "classes": [item for item in classes if item is not None]}
    return found


def _renamed(item: Mapping[str, Any], name: str, meant: Mapping[str, set[str]]) -> Mapping[str, Any] | None:
    """A declared class as it is called now; None where it is left out."""
    said = item["class"]
    if name == said and meant[name] == {said}:
        return item
    if not name:
        return None
    left_out = {"source_id"} if len(meant[name]) > 1 else set()
    return {key: value for key, value in item.items() if key not in left_out} | {
        "class": name,
        "said_class": said,
    }


def _read_pairs(path: Path) -> list[_Pair]:
    try:
        with path.open("rb") as file:
            content = file.read(YAML_BYTES + 1)
            size = max(len(content), path.stat().st_size)
    except OSError as error:
        raise LocationError(f"cannot be read: {cause_of(error)}", where=str(path)) from error
    check_size(size, limit=YAML_BYTES, where=str(path))
    document = read_yaml(content, where=str(path))
    if document.twice:
        raise UsageError(f"{document.twice[0]!r} stands twice in the map of classes", where=str(path))
    if not isinstance(document.tree, dict):
        raise UsageError("is no map of classes", where=str(path), hint=_GROUPED)
    return _pairs(document.tree, where=str(path))


def _pairs(given: Mapping[str, str | Sequence[str]], *, where: str | None) -> list[_Pair]:
    """The entries of a map, each as the new name and what gets it."""
    if all(isinstance(value, str) for value in given.values()):
        pairs = [(value, key) for key, value in given.items()]
    elif any(isinstance(value, str) for value in given.values()):
        raise UsageError("the map of classes has two shapes", where=where, hint=_GROUPED)
    else:
        if not all(isinstance(value, list | tuple) for value in given.values()):
            raise UsageError("the map of classes holds more than names", where=where, hint=_GROUPED)
        pairs = [(key, item) for key, value in given.items() for item in value]
    if not all(isinstance(text, str) for pair in pairs for text in pair):
        raise UsageError("the map of classes holds more than names", where=where, hint=_GROUPED)
    return [(str(name), str(said)) for name, said in pairs]


class _Spoken:
    """Which class is meant by `class`, `team:class` or `team/class`."""

    def __init__(self, known: frozenset[tuple[str, str]]) -> None:
        self._known = known
        self._classes = {said for _, said in known}

    def meant(self, text: str, *, where: str | None) -> tuple[str, str]:
        """The team ("": every one) and its class.

        Raises:
            UsageError: there is none, or there are two.
        """
        found = [("", text)] if text in self._classes else []
        for sign in (":", "/"):
            team, _, said = text.partition(sign)
            if (team, said) in self._known:
                found.append((team, said))
        if not found:
            near = nearest_names(text, sorted({*self._classes, *map(":".join, self._known)}))
            hint = f"Did you mean {' or '.join(near)}?" if near else "See: datacat classes"
            raise UsageError(f"no class {text!r}, which the map of classes names", where=where, hint=hint)
        if len(found) > 1:
            raise UsageError(
                f"{text!r} is a class, and the class {found[1][1]!r} of the team {found[1][0]}",
                where=where,
                hint="Write TEAM:CLASS.",
            )
        return found[0]


class _Concepts:
    """Which concept a class belongs to: as a member, else by its name; case and plural are forgiven."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection) -> None:
        self._members: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
        self._named: dict[str, str] = {}
        members = rows(cursor, Sql("SELECT concept, coalesce(team, ''), class FROM concepts ORDER BY ALL"))
        for concept, team, said in members:
            self._members[comparable(said)][team].add(concept)
            self._named.setdefault(comparable(concept), concept)

    def of(self, team: str, said: str) -> str:
        """The name of the concept, else the class itself.

        Raises:
            UsageError: there are several.
        """
        by_team = self._members.get(comparable(said), {})
        found = sorted({*by_team.get(team, ()), *by_team.get("", ())})
        if len(found) > 1:
            raise UsageError(
                f"the class {said!r} of {team} belongs to several concepts: {', '.join(found)}",
                hint=f"Say which: --map-class '{team}:{said}={found[0]}'",
            )
        return found[0] if found else self._named.get(comparable(said), said)


def _one_of(given: object, known: Sequence[str], *, what: str) -> str:
    if given not in known:
        raise UsageError(f"no {what} {given!r}", hint=f"Known: {', '.join(known)}.")
    return str(given)
