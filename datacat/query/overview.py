"""Who has labelled what: each team and label set in numbers, and with whom it shares assets.

Counts of classes and paths stand in tables of their own, so only the list of which label set speaks of which asset is
read whole: once for how many there are, and its shared part once for all pairs of label sets that share any.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from typing import Any

import duckdb

from datacat.model.coverage import Coverage
from datacat.model.rights import Licence
from datacat.query.compare import Sql
from datacat.query.html import overview_table
from datacat.query.run import arrow, rows
from datacat.query.vocabulary import Vocabulary

_numbers = count()
_TOP = 3  # classes and other label sets that are named
_SETS = """
    SELECT label_set, team || '/' || name AS full_name, team, format, licence, visibility, owner, created, changed,
        coalesce(files, 0) AS files, coalesce(rejected, 0) AS rejected, coverage
    FROM label_sets
    LEFT JOIN (SELECT label_set, max(modified) AS changed, count(*) AS files FROM source_files GROUP BY label_set)
        USING (label_set)
    LEFT JOIN (SELECT label_set, count(*) AS rejected FROM rejects GROUP BY label_set) USING (label_set)
    ORDER BY 2
"""
_CLASSES = """
    SELECT label_set, sum(annotations)::BIGINT, count(class),
        list({'class': class, 'annotations': annotations} ORDER BY annotations DESC, class)
            FILTER (class IS NOT NULL)
    FROM class_counts GROUP BY label_set
"""
_LISTED = "SELECT DISTINCT asset, label_set FROM label_set_assets"
_SHARED = """
    SELECT asset, label_set FROM {}
    SEMI JOIN (SELECT asset FROM {} GROUP BY asset HAVING min(label_set) <> max(label_set)) USING (asset)
"""
_PAIRS = """
    SELECT l.label_set, r.label_set, count(*) FROM {} AS l JOIN {} AS r USING (asset)
    WHERE l.label_set < r.label_set GROUP BY ALL
"""
_TEAMS = """
    SELECT team, label_sets, assets, classes, coalesce(shared, 0)
    FROM (SELECT team, count(DISTINCT label_set) AS label_sets, count(DISTINCT class) AS classes
          FROM label_sets LEFT JOIN class_counts USING (label_set) GROUP BY team)
    JOIN (SELECT team, count(DISTINCT asset) AS assets FROM label_sets LEFT JOIN {} USING (label_set) GROUP BY team)
        USING (team)
    LEFT JOIN (SELECT team, count(DISTINCT asset) AS shared FROM (
        SELECT asset, team, min(team) OVER same <> max(team) OVER same AS is_shared
        FROM {} JOIN label_sets USING (label_set) WINDOW same AS (PARTITION BY asset))
        WHERE is_shared GROUP BY team) USING (team)
    ORDER BY team
"""
_COVERED = (
    "SELECT label_set, list(DISTINCT class) FROM coverage WHERE answer <> 'not_exhaustive' GROUP BY label_set"
)


@dataclass(frozen=True, slots=True)
class Sharing:
    """How many assets another label set speaks of too."""

    label_set: str
    assets: int


@dataclass(frozen=True, slots=True)
class ClassCount:
    """A class and how many annotations have it."""

    name: str
    annotations: int


@dataclass(frozen=True, slots=True)
class LabelSetOverview:
    """One label set.

    Attributes:
        label_set: `team/name`.
        team: whose.
        assets: of which it speaks, labelled or not.
        annotations: how many.
        classes: how many different ones annotations have.
        top_classes: the commonest.
        attributes: how many attribute paths.
        format: of its label files.
        licence: as a person said, else as its label files name it.
        visibility: who may see it; nobody says so yet.
        owner: as a person said.
        created: when it was first ingested.
        changed: when a label file of it was last written.
        files: how many there are.
        rejects: records that could not be understood.
        coverage: who says what was labelled exhaustively: declared, format, derived; None: nobody, nothing.
        covered_classes: how many classes that is.
        ontology: the version of the ontology that was labelled by.
        shared: of its assets, how many another label set speaks of too.
        with_whom: those that share the most.
    """

    label_set: str
    team: str
    assets: int
    annotations: int
    classes: int
    top_classes: tuple[ClassCount, ...]
    attributes: int
    format: str | None
    licence: str | None
    visibility: str | None
    owner: str | None
    created: datetime | None
    changed: datetime | None
    files: int
    rejects: int
    coverage: str | None
    covered_classes: int
    ontology: str | None
    shared: int
    with_whom: tuple[Sharing, ...]


@dataclass(frozen=True, slots=True)
class TeamOverview:
    """One team over all its label sets; `assets` and `classes` are different ones.

    `shared`: of its assets, how many another team speaks of too.
    """

    team: str
    label_sets: int
    assets: int
    annotations: int
    classes: int
    rejects: int
    changed: datetime | None
    shared: int


@dataclass(frozen=True, slots=True)
class Overview:
    """All teams and label sets of a state, by name."""

    state: int
    assets: int
    annotations: int
    teams: tuple[TeamOverview, ...]
    label_sets: tuple[LabelSetOverview, ...]

    def _repr_html_(self) -> str:
        return overview_table(self)


def overview(cursor: duckdb.DuckDBPyConnection, *, vocabulary: Vocabulary, state: int) -> Overview:
    """The overview of the state that a cursor shows.

    Args:
        cursor: shows it.
        vocabulary: of the state.
        state: its number.
    """
    with _kept(cursor, "listed", Sql(_LISTED)) as listed, \
         _kept(cursor, "shared", Sql(_SHARED).filled(listed, listed)) as shared:  # fmt: skip
        counts = _Counts(
            assets=_counted(cursor, "count(*)", listed),
            shared=_counted(cursor, "count(*)", shared),
            paths=_counted(cursor, "count(DISTINCT path)", Sql("path_counts")),
            classes={number: tuple(row) for number, *row in rows(cursor, Sql(_CLASSES))},
            partners=_partners(rows(cursor, Sql(_PAIRS).filled(shared, shared))),
            covered=_covered(rows(cursor, Sql(_COVERED)), vocabulary),
        )
        of_teams = rows(cursor, Sql(_TEAMS).filled(listed, shared))
    described = arrow(cursor, Sql(_SETS)).to_pydict()  # DuckDB's own rows need pytz for times
    sets = tuple(
        _label_set(row, counts, vocabulary=vocabulary) for row in zip(*described.values(), strict=True)
    )
    ((every,),) = rows(cursor, Sql("SELECT count(*) FROM assets"))
    teams = tuple(_team(row, [item for item in sets if item.team == row[0]]) for row in of_teams)
    return Overview(state, every, sum(item.annotations for item in sets), teams, sets)


@dataclass(frozen=True, slots=True)
class _Counts:
    """What is known of label sets, by number."""

    assets: Mapping[int, int]
    shared: Mapping[int, int]
    paths: Mapping[int, int]
    classes: Mapping[int, tuple[Any, ...]]  # annotations, classes, [{class, annotations}]
    partners: Mapping[int, Sequence[tuple[int, int]]]
    covered: Mapping[int, set[str]]


def _label_set(row: tuple[Any, ...], counts: _Counts, *, vocabulary: Vocabulary) -> LabelSetOverview:
    number, name, team, form, licence, visibility, owner, created, changed, files, rejected, coverage = row
    annotations, classes, commonest = counts.classes.get(number, (0, 0, None))
    said = Coverage.from_json(coverage)
    covered = len(counts.covered.get(number, ()))
    return LabelSetOverview(
        label_set=name,
        team=team,
        assets=counts.assets.get(number, 0),
        annotations=annotations,
        classes=classes,
        top_classes=tuple(
            ClassCount(item["class"], item["annotations"]) for item in (commonest or ())[:_TOP]
        ),
        attributes=counts.paths.get(number, 0),
        format=form,
        licence=Licence.from_json(licence).text,
        visibility=visibility,
        owner=owner,
        created=created,
        changed=changed,
        files=files,
        rejects=rejected,
        coverage=said.origin if covered else None,
        covered_classes=covered,
        ontology=said.ontology,
        shared=counts.shared.get(number, 0),
        with_whom=tuple(
            Sharing(str(vocabulary.label_sets[other]), assets)
            for other, assets in counts.partners.get(number, ())[:_TOP]
        ),
    )


def _team(row: tuple[Any, ...], sets: Sequence[LabelSetOverview]) -> TeamOverview:
    team, label_sets, assets, classes, shared = row
    return TeamOverview(
        team,
        label_sets,
        assets,
        sum(item.annotations for item in sets),
        classes,
        sum(item.rejects for item in sets),
        max((item.changed for item in sets if item.changed), default=None),
        shared,
    )


def _partners(pairs: Sequence[tuple[int, int, int]]) -> dict[int, list[tuple[int, int]]]:
    """Label set -> the others with the assets that both have, the most first."""
    found: dict[int, list[tuple[int, int]]] = {}
    for left, right, assets in pairs:
        found.setdefault(left, []).append((right, assets))
        found.setdefault(right, []).append((left, assets))
    return {number: sorted(others, key=lambda item: (-item[1], item[0])) for number, others in found.items()}


def _covered(of_assets: Sequence[tuple[int, list[str]]], vocabulary: Vocabulary) -> dict[int, set[str]]:
    """Label set -> the classes that were looked for, on all or on some of its assets."""
    found = {number: set(names) for number, names in of_assets}
    for item in vocabulary.classes:
        for number in item.counts:
            if vocabulary.covers(item, number):
                found.setdefault(number, set()).add(item.name)
    return found


def _counted(cursor: duckdb.DuckDBPyConnection, what: str, table: Sql) -> dict[int, int]:
    query = f"SELECT label_set, {what} FROM {{}} GROUP BY label_set"  # noqa: S608 - our own words
    return dict(rows(cursor, Sql(query).filled(table)))


@contextmanager
def _kept(cursor: duckdb.DuckDBPyConnection, name: str, query: Sql) -> Iterator[Sql]:
    """A temporary table for as long as it is needed."""
    table = Sql(f"overview_{next(_numbers)}_{name}")
    rows(cursor, Sql("CREATE TEMP TABLE {} AS {}").filled(table, query))
    yield table
    rows(cursor, Sql("DROP TABLE {}").filled(table))
