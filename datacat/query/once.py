"""What one label set says twice of one picture is one thing: the same class, precisely the same box, no other shape.

One export ingested twice, a picture that a label set lists at two addresses, instances beside key points: each
annotation stays and is found, and is one thing for counts, agreement and overlap. Two shapes of one geometry type are
two things, though their boxes are equal (`model.shapes`). Without a box nothing is the same: two labels of a picture
may be two votes. Looking for repeats takes longer than counting rows, so it is only done where the catalog knows that
boxes are equal (`class_counts.repeats`, and pictures that a label set lists twice).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import duckdb

from datacat.model.shapes import placed_in_things
from datacat.query.agreement import PLACE, common_name
from datacat.query.compare import Sql, joined
from datacat.query.vocabulary import ClassName, Vocabulary

COLUMNS = ("class", *PLACE)
"""What `once` needs to know of annotations, beside what `voices.judged` gives."""
Alike = tuple[tuple[int, str, str], ...]
"""Label set, class and common name of classes that a label set calls in two ways."""
_THING = """
    asset, label_set, kind, CASE WHEN kind <> 'annotation' THEN coalesce(model, '') END,
    geometry_type <> 'none' AND is_crowd IS NOT TRUE, thing
"""
_SAID = f"""
    SELECT *, CASE WHEN x + y + w + h IS NULL THEN hash(annotation)
        ELSE hash({{}}, {", ".join(PLACE).replace("is_relative", "is_relative IS TRUE")}) END AS thing
    FROM ({{}})
"""  # noqa: S608 - our own words
_ONCE = f"SELECT * EXCLUDE (thing, place) FROM ({placed_in_things(_SAID, group=_THING)}) WHERE place = 1"  # noqa: S608


def once(annotations: Sql, *, alike: Alike | None) -> Sql:
    """A SELECT of annotations, each thing once: where one of two surely is what is asked, that one.

    Args:
        annotations: a SELECT of what `voices.judged` gives by default, and of `COLUMNS`.
        alike: as `may_repeat` gives it; None: nothing is said twice, so all stay.
    """
    return annotations if alike is None else Sql(_ONCE).filled(_name(alike), annotations)


def may_repeat(
    cursor: duckdb.DuckDBPyConnection, vocabulary: Vocabulary, *, classes: Iterable[ClassName] | None = None
) -> Alike | None:
    """Those of some classes (None: of all) that label sets call in two ways; None where nothing is said twice.

    Args:
        cursor: shows the state.
        vocabulary: of the state.
        classes: of it.
    """
    asked = vocabulary.classes if classes is None else tuple(classes)
    if classes is None and not vocabulary.alike:
        vocabulary.alike.append(_alike(asked, vocabulary))
    alike: Alike = vocabulary.alike[0] if classes is None else _alike(asked, vocabulary)
    said = any(item.repeats for item in asked) or (classes is None and vocabulary.sorts.repeats)
    return alike if alike or said or vocabulary.has_pictures_twice(cursor) else None


def _alike(classes: Iterable[ClassName], vocabulary: Vocabulary) -> Alike:
    found: dict[tuple[int, str], list[str]] = defaultdict(list)
    for item in classes:
        for number, count in item.counts.items():
            if count:
                found[number, common_name(item, number, vocabulary=vocabulary)].append(item.name)
    return tuple(
        (number, written, name)
        for (number, name), names in sorted(found.items())
        if len(names) > 1
        for written in names
    )


def _name(alike: Alike) -> Sql:
    """What a row's class is called in common."""
    if not alike:
        return Sql("class")
    cases = [Sql("WHEN label_set = ? AND class = ? THEN ?", tuple(one)) for one in alike]
    return Sql("CASE {} ELSE class END").filled(joined(" ", cases))
