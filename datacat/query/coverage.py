"""Where an absence can be believed: assets on which somebody looked for it and all that he said can be judged, as SQL.

docs/explanation/coverage.md has the third value of every condition.
"""

from __future__ import annotations

from datacat.query import meaning as m
from datacat.query.compare import TRUE, Sql
from datacat.query.looked import attributes_asked, looked, names_class, rejected
from datacat.query.pairs import Pairs, may_be_open_beside

__all__ = ["attributes_asked", "decided", "doubtful", "lookers"]


def decided(predicate: m.Meaning, *, within: Sql = TRUE) -> Sql | None:
    """A SELECT of the assets on which it is known that no annotation fulfils the predicate where none is seen to.

    None: on all.
    """
    own = lookers(predicate, within=within)
    if own is not None:
        return Sql("SELECT asset FROM ({})").filled(own)
    doubt = doubtful(predicate, within=within)
    if doubt is None:
        return None
    return Sql(
        "SELECT asset FROM assets ANTI JOIN ({}) USING (asset) ANTI JOIN ({}) USING (asset) WHERE {}"
    ).filled(doubt, rejected((), where=within), within)


def lookers(predicate: m.Meaning, *, within: Sql = TRUE) -> Sql | None:
    """A SELECT of asset and label set, where the label set would have said so if some annotation fulfilled it.

    Not so where an annotation of its own may fulfil it, or does; of a predicate without a class, where any label set's
    does, as nothing tells whose annotations should have such a value. None: nobody need have looked.
    """
    found = looked(predicate, within=within)
    doubt = None if found is None else doubtful(predicate, within=within)
    if found is None or doubt is None:
        return found
    whose = "asset, label_set" if names_class(predicate) else "asset"
    template = Sql(f"SELECT asset, label_set FROM ({{}}) ANTI JOIN ({{}}) USING ({whose})")  # noqa: S608 - our own words
    return template.filled(found, doubt)


def doubtful(predicate: m.Meaning, *, within: Sql = TRUE) -> Sql | None:
    """A SELECT of asset, label_set and annotation: those that may fulfil the predicate, or do; None: none only may."""
    parts = m.conjuncts(predicate)
    if not any(map(may_be_open_beside, parts)):
        return None
    return Pairs(within).possible(parts)
