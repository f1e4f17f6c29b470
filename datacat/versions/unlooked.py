"""On how many frozen assets nobody looked for a class, so that having no annotation of it says nothing."""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

import duckdb

from datacat.errors import UsageError
from datacat.query import meaning as m
from datacat.query.compare import Sql, joined, of_class
from datacat.query.coverage import decided
from datacat.query.run import rows
from datacat.query.sql import STANDING
from datacat.query.vocabulary import Use, Vocabulary, vocabulary
from datacat.versions.class_names import Names

MOST_CLASSES = 50
"""Of so many classes it is counted, the most frequent ones: each takes a look at what every label set looked for."""

_NOBODY = Sql("SELECT asset FROM snapshot_assets WHERE false")
_FROZEN = Sql("asset IN (SELECT asset FROM snapshot_assets)")
_FREQUENT = Sql(
    "SELECT name, count(DISTINCT asset) FROM snapshot_rows WHERE name IS NOT NULL "
    "GROUP BY name ORDER BY count(*) DESC, name LIMIT ?",
    (MOST_CLASSES,),
)
# Who labelled one has looked, though that annotation was not frozen.
_LABELLED = Sql("SELECT asset FROM annotations WHERE {} AND {} AND {}")
_COUNT = """
    SELECT count(*) FROM snapshot_assets ANTI JOIN ({}) USING (asset) ANTI JOIN ({}) USING (asset)
    ANTI JOIN (SELECT asset FROM snapshot_rows WHERE name = ?) USING (asset)
"""


def unlooked(cursor: duckdb.DuckDBPyConnection, *, names: Names, asset_count: int) -> dict[str, int]:
    """By class of the snapshot, how many of its assets have none and nobody can say that there is none.

    Args:
        cursor: the catalog at one state, with the tables `snapshot_assets` and `snapshot_rows`.
        names: how classes are called.
        asset_count: of the snapshot.
    """
    frequent = {name: count for name, count in rows(cursor, _FREQUENT) if count < asset_count}
    if not frequent:
        return {}
    words = vocabulary(cursor, identity=None)
    uses = _uses(words, names=names, wanted=frequent)
    found = {}
    for name in frequent:
        known = joined(" UNION ALL ", [_NOBODY, *_looked(uses[name], words)])
        members = [_member(use, words) for use in uses[name]]
        labelled = _LABELLED.filled(of_class(members), Sql(STANDING), _FROZEN)
        ((found[name],),) = rows(cursor, Sql(_COUNT, (name,)).filled(known, labelled))
    return found


def _uses(words: Vocabulary, *, names: Names, wanted: Iterable[str]) -> dict[str, list[Use]]:
    """By name in the snapshot, the classes that became it, each in the label sets whose word it is."""
    found: dict[str, list[Use]] = {name: [] for name in wanted}
    for item in words.classes:
        called: dict[str, set[int]] = defaultdict(set)
        for number in item.counts:
            with contextlib.suppress(UsageError):  # of several concepts: no frozen annotation has it
                called[names.of(words.label_sets[number].team, item.name)].add(number)
        for name in called.keys() & found.keys():
            found[name].append(Use(item.name, frozenset(called[name])))
    return found


def _looked(uses: Sequence[Use], words: Vocabulary) -> Iterator[Sql]:
    """SELECTs of the assets on which somebody looked for all that he has of some classes.

    Where a label set has several of them, as a map may join cars and trucks, who says that there is no car has not
    looked for both.
    """
    of_label_set: dict[int, list[str]] = defaultdict(list)
    for use in uses:
        for number in use.label_sets:
            of_label_set[number].append(use.name)
    alike: dict[tuple[str, ...], set[int]] = defaultdict(set)
    for number, had in of_label_set.items():
        alike[tuple(had)].add(number)
    for classes, label_sets in alike.items():
        parts = tuple(_meaning(Use(name, frozenset(label_sets)), words) for name in classes)
        sql = decided(parts[0] if len(parts) == 1 else m.Or(parts), within=_FROZEN)
        assert sql is not None  # a class is known only where somebody looked
        yield sql


def _meaning(use: Use, words: Vocabulary) -> m.ClassIs:
    item, members = words.by_class[use.name], (_member(use, words),)
    covering = tuple(number for number in sorted(use.label_sets) if words.covers(item, number))
    return m.ClassIs(use.name, members, covering, members)


def _member(use: Use, words: Vocabulary) -> m.ClassMember:
    is_everywhere = use.label_sets >= words.by_class[use.name].counts.keys()
    return m.ClassMember(use.name, None if is_everywhere else tuple(sorted(use.label_sets)))
