"""Where an absence can be believed: assets on which somebody looked for it, as SQL.

An annotation that is not there means "there is none" only where a label set covers its class: on all its assets
(`label_sets.coverage`) or on that one (the table `coverage`). Of attributes, only where each annotation that could
fulfil the condition says something at its path.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from datacat.query import meaning as m
from datacat.query.compare import TRUE, Sql, joined
from datacat.query.documents import json_path
from datacat.query.geometry import WITH_SIZE
from datacat.query.pairs import (
    Pairs,
    at,
    classes_of,
    narrowed,
    needs_size,
    of_class,
    of_row,
    one_of,
    table_at,
)

_LOOKED = ("absent", "exhaustive")


def decided(predicate: m.Meaning, *, within: Sql = TRUE) -> Sql | None:
    """A SELECT of the assets on which it is known whether some annotation fulfils the predicate; None: on all."""
    parts = m.conjuncts(predicate)
    own = lookers(predicate, within=within)
    found = None if own is None else Sql("SELECT asset FROM ({})").filled(own)
    for part in parts:
        others = decided(part.predicate, within=within) if isinstance(part, m.Related) else None
        if others is None:
            continue
        # The others must have been looked for, too, unless there is nothing that could lie so to them.
        rest = m.And(tuple(other for other in parts if other is not part) or (m.Anything(),))
        nothing = Sql("SELECT asset FROM assets ANTI JOIN ({}) USING (asset) WHERE {}")
        looked = Sql("{} UNION ALL {}").filled(others, nothing.filled(Pairs(within).of(rest), within))
        found = looked if found is None else narrowed([found, looked], [], by="asset")
    return found


def lookers(predicate: m.Meaning, *, within: Sql = TRUE) -> Sql | None:
    """A SELECT of asset and label set, where the label set would have said so if some annotation fulfilled it.

    None: nobody need have looked. So it is of a predicate that names no class and no attribute: who has said
    something, and when, is known of everybody.
    """
    parts = m.conjuncts(predicate)
    asked = [part for part in parts if isinstance(part, m.ClassIs)]
    conditions = list(attributes_asked(predicate))
    if not asked and not conditions:
        return None
    speakers = [part.label_sets for part in parts if isinstance(part, m.LabelSetIs)]
    of_speakers = joined(" AND ", [one_of("label_set", sets) for sets in speakers])
    if not asked:
        # No class says which annotations should have it: whoever labels it at all has looked.
        looked = Sql("label_set IN (SELECT label_set FROM path_counts WHERE {})").filled(
            joined(" OR ", [at(condition.paths) for condition in conditions])
        )
        where = joined(" AND ", [looked, of_speakers, within])
        return Sql("SELECT asset, label_set FROM label_set_assets WHERE {}").filled(where)
    # Of what is of two classes at once there is none where there is none of one of them.
    covered = joined(" UNION ALL ", [_covered(part, of_speakers, within=within) for part in asked])
    silent = [_silent(parts, condition, within=within) for condition in conditions]
    anti = " ANTI JOIN ({}) USING (asset, label_set)" * len(silent)
    template = "SELECT asset, label_set FROM ({})" + anti  # noqa: S608 - our own words
    return Sql(template).filled(covered, *silent)


_OfAttributes = m.AttributeIs | m.LengthIs | m.ElementIs


def attributes_asked(node: m.Meaning) -> Iterator[_OfAttributes]:
    """Conditions on attributes that must hold, or some of them: none below NOT."""
    match node:
        case m.And(parts=parts) | m.Or(parts=parts) | m.LeafAnd(parts=parts):
            for part in parts:
                yield from attributes_asked(part)
        case m.AttributeIs() | m.LengthIs() | m.ElementIs():
            yield node


def _covered(asked: m.ClassIs, of_speakers: Sql, *, within: Sql) -> Sql:
    """Asset and label set, where the label set looked for the class."""
    said = Sql("SELECT asset, label_set FROM coverage WHERE {} AND answer IN ({})")
    answers = Sql(", ".join(f"'{answer}'" for answer in _LOOKED))
    of_names, of_above = (of_class(names) if names else Sql("false") for names in (asked.names, asked.above))
    looked, above = (joined(" AND ", [names, of_speakers, within]) for names in (of_names, of_above))
    partly = joined(" AND ", [of_class(asked.members), of_speakers, within])
    everywhere = joined(" AND ", [one_of("label_set", asked.covered_by), of_speakers, within])
    return Sql(
        "SELECT asset, label_set FROM label_set_assets ANTI JOIN ({}) USING (asset, label_set) WHERE {} "
        "UNION ALL {} UNION ALL {}"
    ).filled(
        said.filled(partly, Sql("'not_exhaustive'")),
        everywhere,
        said.filled(looked, answers),
        said.filled(above, Sql("'absent'")),
    )


def _silent(parts: Sequence[m.Meaning], condition: _OfAttributes, *, within: Sql) -> Sql:
    """Asset and label set of annotations that could fulfil the predicate and have no value at a path of it."""
    rows = [row for part in parts if (row := of_row(part)) is not None]
    candidates = joined(" AND ", [*rows, within])
    table = Sql(WITH_SIZE) if any(map(needs_size, parts)) else table_at("annotations", classes_of(parts))
    if not isinstance(condition, m.AttributeIs):  # of an empty list the index knows nothing
        path = json_path(condition.path.partition("[]")[0])
        nothing = Sql("coalesce(json_type(attributes, ?), 'NULL') = 'NULL'", (path,))
        return Sql("SELECT asset, label_set FROM {} WHERE {} AND {}").filled(table, candidates, nothing)
    spoken = joined(" AND ", [at(condition.paths), Sql("text IS NOT NULL"), within])
    return Sql(
        "SELECT asset, label_set FROM (SELECT asset, label_set, annotation FROM {} WHERE {}) "
        "ANTI JOIN (SELECT annotation FROM {} WHERE {}) USING (annotation)"
    ).filled(table, candidates, table_at("attribute_values", condition.paths), spoken)
