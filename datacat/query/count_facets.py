"""Counts all facets of a query together; see `facets.py`."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import duckdb

from datacat.errors import UsageError
from datacat.query import meaning as m
from datacat.query.compare import TRUE, Sql, of_class, one_of
from datacat.query.counted import Counted, Wanted
from datacat.query.coverage import decided
from datacat.query.facet_assets import asset_facets, times_facet
from datacat.query.facet_columns import COLUMNS, ColumnFacets
from datacat.query.facet_leaves import LeafFacets, Paths, are_few, leaves_of
from datacat.query.facet_path import portions
from datacat.query.facets import NAMES, OF_ANNOTATIONS, OF_ASSETS, PLUMBING, Facet, Facets, chosen
from datacat.query.fields import ATTRIBUTE_PREFIX, METADATA_PREFIX
from datacat.query.run import rows
from datacat.query.vocabulary import Vocabulary, nearest_names
from datacat.query.words import class_meant

_ATTRIBUTES = """
    SELECT path, sum(numbers)::BIGINT, sum(leaves) > sum(annotations), sum(leaves)::BIGINT
    FROM path_counts GROUP BY path ORDER BY path
"""
_METADATA = "SELECT path, count(number) > 0 FROM metadata_values GROUP BY path ORDER BY path"


def count_facets(
    cursor: duckdb.DuckDBPyConnection,
    *,
    assets: Sql,
    wanted: Wanted | None,
    vocabulary: Vocabulary,
    names: Sequence[str] | None = None,
    limit: int = 10,
    all_paths: bool = True,
) -> Facets:
    """Counts the facets.

    Args:
        cursor: shows one state.
        assets: a table of the matching assets.
        wanted: the annotations that count; None: all of those assets'.
        vocabulary: of the state.
        names: which facets: some of `NAMES`, paths; None: all.
        limit: values of a facet.
        all_paths: where none are named, also those that tools write for themselves.

    Raises:
        UsageError: there is no such facet, or a limit below 1.
    """
    if limit < 1:
        raise UsageError(f"{limit} values of a facet make no sense", hint="Give a limit from 1.")
    attributes, leaf_count = _attribute_paths(cursor)
    metadata = _metadata_paths(cursor)
    if not all_paths and names is None:
        attributes, metadata = (paths.only(_telling(paths)) for paths in (attributes, metadata))
    if names is not None:
        attributes, metadata, names = _asked(names, attributes=attributes, metadata=metadata)
    with Counted(cursor, assets, wanted=wanted, has_set_aside=vocabulary.sorts.set_aside > 0) as counted:
        has_documents = bool(attributes.all) and are_few(counted.chosen_count, leaf_count=leaf_count)
        said = _said(counted, has_documents=has_documents)
        columns = ColumnFacets(
            counted, said, vocabulary=vocabulary, names=chosen(names, OF_ANNOTATIONS), limit=limit
        )
        found = columns.facets()
        total = columns.total
        if wanted is None:
            found = [_with_absence(counted, facet, vocabulary=vocabulary) for facet in found]
        if names is None or "created" in names:
            found += _created(counted, said, total=total)
        found += asset_facets(counted, names=chosen(names, OF_ASSETS), limit=limit)
        if attributes.all and total:
            leaves = leaves_of(
                counted, said, paths=attributes, count=None if has_documents else total, leaf_count=leaf_count
            )
            found += _of_attributes(counted, leaves, paths=attributes, total=total, limit=limit)
        if metadata.all:
            found += _of_metadata(counted, metadata, limit=limit)
        found.sort(key=lambda facet: NAMES.index(facet.name) if facet.name in NAMES else len(NAMES))
        return Facets(counted.asset_count, total, wanted is not None, tuple(found))


def _telling(paths: Paths) -> frozenset[str]:
    """Those that say something of a picture or an annotation, not of the tool that wrote them."""
    return frozenset(path for path in paths.all if PLUMBING.isdisjoint(path.replace("[]", "").split(".")))


def _said(counted: Counted, *, has_documents: bool) -> Sql:
    """The annotations that count: as a table, or where class and label set tell them, as a SELECT."""
    own = ", annotation, attributes" if has_documents else ""
    columns = ", ".join(
        column if column == name else f"{column} AS {name}" for name, column in COLUMNS.items()
    )
    said = counted.of_annotations("annotations", f"class, label_set, {columns}, created{own}")
    return Sql("({})").filled(said) if counted.is_direct else counted.table("said", said)


def _created(counted: Counted, said: Sql, *, total: int) -> list[Facet]:
    times = Sql("SELECT created AS time, place FROM {} WHERE created IS NOT NULL").filled(said)
    facet = times_facet(counted, "created", times=times, total=total)
    return [] if facet is None else [facet]


def _of_attributes(counted: Counted, leaves: Sql, *, paths: Paths, total: int, limit: int) -> list[Facet]:
    found: list[Facet] = []
    for counting, some, portion in portions(counted, leaves, paths=paths):
        found += counting(
            counted, some, paths=portion, prefix=ATTRIBUTE_PREFIX, total=total, limit=limit
        ).facets()
    return sorted(found, key=lambda facet: (facet.missing, facet.name))


def _of_metadata(counted: Counted, paths: Paths, *, limit: int) -> list[Facet]:
    of_paths = TRUE if paths.are_all else one_of("path", paths.all)
    leaves = counted.of_assets(Sql("metadata_values"), "path, text, number, asset AS who", where=of_paths)
    counting = LeafFacets(
        counted, leaves, paths=paths, prefix=METADATA_PREFIX, total=counted.asset_count, limit=limit
    )
    return counting.facets()


def _with_absence(counted: Counted, facet: Facet, *, vocabulary: Vocabulary) -> Facet:
    """The facet of classes or concepts with what is known of the other assets: looked for, or not."""
    if facet.name not in ("class", "concept"):
        return facet
    values = []
    for bucket in facet.values:
        meaning = _meaning(bucket.value, is_concept=facet.name == "concept", vocabulary=vocabulary)
        looked = decided(meaning)
        assert looked is not None
        either = Sql("({} UNION ALL SELECT asset FROM annotations WHERE {} AND {})").filled(
            looked, of_class(meaning.members), counted.standing
        )
        unknown = counted.asset_count - counted.asset_count_of(either)
        absent = counted.asset_count - bucket.assets - unknown
        values.append(dataclasses.replace(bucket, absent=absent, unknown=unknown))
    return dataclasses.replace(facet, values=tuple(values))


def _meaning(name: str, *, is_concept: bool, vocabulary: Vocabulary) -> m.ClassIs:
    """A concept as queries understand it, or that class as it is written and nothing else."""
    if is_concept:
        return class_meant(name, vocabulary)
    item = vocabulary.by_class[name]
    members = (m.ClassMember(name, None),)
    covering = tuple(number for number in sorted(item.counts) if vocabulary.covers(item, number))
    return m.ClassIs(name, members, covering, members)


def _attribute_paths(cursor: duckdb.DuckDBPyConnection) -> tuple[Paths, int]:
    """The attribute paths, and how many leaves there are."""
    known = rows(cursor, Sql(_ATTRIBUTES))
    paths = Paths(
        tuple(path for path, *_ in known),
        tuple(path for path, numbers, *_ in known if numbers),
        tuple(path for path, _, is_repeated, _ in known if is_repeated),
        leaves={path: leaves for path, _, _, leaves in known},
        textual=frozenset(path for path, numbers, _, leaves in known if numbers < leaves),
    )
    return paths, sum(leaves for *_, leaves in known)


def _metadata_paths(cursor: duckdb.DuckDBPyConnection) -> Paths:
    known = rows(cursor, Sql(_METADATA))
    numeric = tuple(path for path, has_numbers in known if has_numbers)
    return Paths(tuple(path for path, _ in known), numeric, None)


def _asked(
    names: Sequence[str], *, attributes: Paths, metadata: Paths
) -> tuple[Paths, Paths, tuple[str, ...]]:
    """Only the paths that are asked for, and the names of `NAMES` among them."""
    known = [*NAMES, *attributes.all, *metadata.all]
    known += [*map(ATTRIBUTE_PREFIX.__add__, attributes.all), *map(METADATA_PREFIX.__add__, metadata.all)]
    for name in names:
        if name not in known:
            near = nearest_names(name, known)
            hint = (
                f"Did you mean {' or '.join(near)}?" if near else f"There are {', '.join(NAMES)}, and paths."
            )
            raise UsageError(f"there is no facet {name!r}", hint=hint)
    paths = [name for name in names if name not in NAMES]
    return (
        attributes.only({*paths, *(path.removeprefix(ATTRIBUTE_PREFIX) for path in paths)}),
        metadata.only({*paths, *(path.removeprefix(METADATA_PREFIX) for path in paths)}),
        tuple(name for name in names if name in NAMES),
    )
