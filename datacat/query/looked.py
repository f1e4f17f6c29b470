"""Who looked for what: label sets that would have said so if there were such an annotation, as SQL.

An annotation that is not there means "there is none" only where a label set covers its class: on all its assets
(`label_sets.coverage`) or on that one (the table `coverage`). Where no class is asked for, whoever says such things at
all has looked. A picture that is listed without a label file says nothing. Where a label set's record could not be
read (`rejects`), nobody knows what it would have said.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from datacat.query import meaning as m
from datacat.query.compare import TRUE, Sql, at, joined, of_class, one_of

_LOOKED = ("absent", "exhaustive")
LABELLED = (
    "label_set_assets ANTI JOIN (SELECT asset, label_set, source_file FROM coverage WHERE class IS NULL) "
    "USING (asset, label_set, source_file)"
)
"""What label sets list and somebody has looked at. A picture that is listed without a label file, or that nobody has
completed, covers nothing, and takes nothing from its copies."""
OWN_COLUMNS = ("text", "track", "confidence")
"""Columns that label sets need not have at all: who says none anywhere has not looked."""

OfAttributes = m.AttributeIs | m.LengthIs | m.ElementIs


def looked(predicate: m.Meaning, *, within: Sql = TRUE) -> Sql | None:
    """A SELECT of asset and label set, where the label set looked for such annotations and all that it said was read.

    None: nobody need have looked. So it is of a predicate that names no class and nothing that only some annotations
    have: who has said something, and when, is known of everybody.
    """
    of_speakers = joined(" AND ", [*_speakers(predicate), within])
    by_class = _by_class(predicate, of_speakers)
    if by_class is not None:
        return by_class
    saying = [*_saying(predicate)]
    if not saying:
        return None
    listed = Sql(f"SELECT asset, label_set FROM {LABELLED} WHERE ({{}}) AND {{}}").filled(  # noqa: S608 - our own words
        joined(" OR ", saying), of_speakers
    )
    return _without(listed, rejected((), where=of_speakers))


def names_class(predicate: m.Meaning) -> bool:
    """Whether it asks for classes, so that it is known which annotations should have what else it asks for."""
    match predicate:
        case m.ClassIs():
            return True
        case m.And(parts=parts) | m.Or(parts=parts):
            return any(map(names_class, parts))
    return False


def attributes_asked(node: m.Meaning) -> Iterator[OfAttributes]:
    """Conditions on attributes that decide it, those below NOT as well."""
    match node:
        case m.And(parts=parts) | m.Or(parts=parts) | m.LeafAnd(parts=parts):
            for part in parts:
                yield from attributes_asked(part)
        case m.Not(part=part):
            yield from attributes_asked(part)
        case m.AttributeIs() | m.LengthIs() | m.ElementIs():
            yield node


def own_columns_asked(node: m.Meaning) -> Iterator[str]:
    """Columns of `OWN_COLUMNS` that decide it."""
    match node:
        case m.And(parts=parts) | m.Or(parts=parts):
            for part in parts:
                yield from own_columns_asked(part)
        case m.Not(part=part):
            yield from own_columns_asked(part)
        case m.ColumnIs(column=column) if column in OWN_COLUMNS:
            yield column
        case m.TrackIs():
            yield "track"


def rejected(members: Sequence[m.ClassMember], *, where: Sql) -> Sql:
    """Asset and label set of records that could not be read and may have been of one of the classes; of none: any.

    Of a record whose asset cannot be told, all assets of its label file.
    """
    is_one = Sql("(class IS NULL OR ({}))").filled(of_class(members)) if members else TRUE
    return Sql(
        "SELECT asset, label_set FROM rejects WHERE asset IS NOT NULL AND {} AND {} UNION ALL "
        "SELECT asset, label_set FROM label_set_assets "
        "SEMI JOIN (SELECT label_set, source_file FROM rejects WHERE asset IS NULL AND {}) "
        "USING (label_set, source_file) WHERE {}"
    ).filled(is_one, where, is_one, where)


def _without(found: Sql, left_out: Sql) -> Sql:
    return Sql("SELECT asset, label_set FROM ({}) ANTI JOIN ({}) USING (asset, label_set)").filled(
        found, left_out
    )


def _speakers(predicate: m.Meaning) -> Iterator[Sql]:
    """Conditions on the label sets whose annotations it is about."""
    for part in m.conjuncts(predicate):
        match part:
            case m.LabelSetIs(label_sets=sets):
                yield one_of("label_set", sets)
            case m.Not(part=m.LabelSetIs(label_sets=sets)):
                yield Sql("NOT ({})").filled(one_of("label_set", sets))


def _by_class(node: m.Meaning, of_speakers: Sql) -> Sql | None:
    """Where a label set covers the classes that it names; None: it names none."""
    match node:
        case m.ClassIs():
            return _covered(node, of_speakers)
        case m.And(parts=parts):
            # Of what is of two classes at once there is none where there is none of one of them.
            found = [sql for part in parts if (sql := _by_class(part, of_speakers)) is not None]
            return joined(" UNION ALL ", found) if found else None
        case m.Or(parts=parts):
            found = [sql for part in parts if (sql := _by_class(part, of_speakers)) is not None]
            if not found:
                return None
            template = "SELECT asset, label_set FROM ({})" + " SEMI JOIN ({}) USING (asset, label_set)" * (
                len(found) - 1
            )
            return Sql(template).filled(*found)
    return None


def _saying(predicate: m.Meaning) -> Iterator[Sql]:
    """Conditions on a label set: it says such things at all."""
    conditions = list(attributes_asked(predicate))
    if conditions:
        paths = joined(" OR ", [at(condition.paths) for condition in conditions])
        yield Sql("label_set IN (SELECT label_set FROM path_counts WHERE {})").filled(paths)
    for column in dict.fromkeys(own_columns_asked(predicate)):
        yield Sql(f"label_set IN (SELECT label_set FROM annotations WHERE {column} IS NOT NULL)")  # noqa: S608 - one of ours


def _covered(asked: m.ClassIs, where: Sql) -> Sql:
    """Asset and label set, where the label set looked for the class."""
    said = Sql("SELECT asset, label_set FROM coverage WHERE {} AND answer IN ({})")
    answers = Sql(", ".join(f"'{answer}'" for answer in _LOOKED))
    of_names, of_above = (of_class(names) if names else Sql("false") for names in (asked.names, asked.above))
    of_all, above = (joined(" AND ", [names, where]) for names in (of_names, of_above))
    partly = joined(" AND ", [of_class(asked.members), where])
    everywhere = joined(" AND ", [one_of("label_set", asked.covered_by), where])
    found = Sql(
        f"SELECT asset, label_set FROM {LABELLED} ANTI JOIN ({{}}) USING (asset, label_set) WHERE {{}} "  # noqa: S608 - our own words
        "UNION ALL {} UNION ALL {}"
    ).filled(
        said.filled(partly, Sql("'not_exhaustive'")),
        everywhere,
        said.filled(of_all, answers),
        said.filled(above, Sql("'absent'")),
    )
    return _without(found, rejected((*asked.members, *asked.above), where=where))
