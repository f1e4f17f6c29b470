"""Answers a plain question in three tiers: labelled so, labelled with something related, and what only looks so."""

from __future__ import annotations

from dataclasses import dataclass, replace

import duckdb
import pyarrow as pa

from datacat.errors import UsageError
from datacat.query import meaning as m
from datacat.query.hit import Answers
from datacat.query.hits import Hits
from datacat.query.most_said import most_said
from datacat.query.plan import Plan, plan
from datacat.query.question import Understood, understood
from datacat.query.ranking import Nearest, Ranker
from datacat.query.rules import plain_counts, refuted
from datacat.query.vocabulary import Vocabulary, vocabulary


@dataclass(frozen=True, slots=True)
class Answer:
    """What a plain question finds; no asset is in two tiers.

    Attributes:
        understood: the question as a query, and what its words were taken for.
        answers: assets labelled so, known not to be so, and those of which nobody can say; None where no word of the
            question was recognised.
        labelled: labelled so.
        related: labelled with something related.
        looks_so: not labelled, but alike; None where nothing was embedded. Without those of which it is known that they
            are not so, and those that look no more so than they look like anything.
        objects: where it was asked how many there are: how many, where several label sets say so of one asset, as the
            one that has most.
    """

    understood: Understood
    answers: Answers | None
    labelled: Hits | None
    related: Hits | None
    looks_so: Hits | None
    objects: int | None = None


def ask(
    cursor: duckdb.DuckDBPyConnection,
    question: str,
    *,
    state: int,
    limit: int = 5,
    nearest: Nearest | None = None,
    identity: str | None = None,
) -> Answer:
    """Answers a plain question.

    Args:
        cursor: shows the logical tables of one state; the hits go on using it.
        question: in plain words.
        state: the number of that state.
        limit: hits in a tier.
        nearest: ranks assets by likeness; None where nothing was embedded.
        identity: as in `search`.

    Raises:
        UsageError: no word of the question says what to look for.
    """
    words = vocabulary(cursor, identity=identity)

    hits = _Tiers(cursor, words, state, limit, nearest)

    def annotations(query: str) -> pa.Table:
        return hits(plan(cursor, query, identity=identity)).annotations().read_all()

    read = understood(question, cursor=cursor, vocabulary=words, limits=annotations, most=limit)
    if not (read.query or read.text):
        what = "no word of it says what to look for" if question.strip() else "the question is empty"
        raise UsageError(what, hint="Name things, as in: red cars at night.")
    asked, related = (
        plan(cursor, query, identity=identity) if query else None for query in (read.query, read.related)
    )
    if asked is not None and asked.similar:  # quoted words rank; they filter nothing
        asked = replace(asked, similar=())
    alike = (m.Similar(m.Question(text=read.text), m.quoted(read.text)),) if read.text and nearest else ()
    found = hits(asked) if asked else None
    return Answer(
        read,
        answers=None if found is None else found.answers,
        labelled=hits(replace(asked, similar=alike)) if asked and read.unknown else found,
        related=hits(_without(related, asked)) if related else None,
        looks_so=hits(_looking_so(asked, related, alike=alike, nearest=nearest)) if alike else None,
        objects=_objects(found, cursor, vocabulary=words) if found is not None and read.is_count else None,
    )


@dataclass(frozen=True, slots=True)
class _Tiers:
    """Makes hits of plans, all of one question."""

    cursor: duckdb.DuckDBPyConnection
    vocabulary: Vocabulary
    state: int
    limit: int
    nearest: Nearest | None

    def __call__(self, found: Plan) -> Hits:
        """The best or first hits of a plan."""
        return Hits(
            self.cursor,
            found,
            vocabulary=self.vocabulary,
            state=self.state,
            limit=self.limit,
            after=None,
            nearest=self.nearest,
            again=lambda: self(found),
        )


def _objects(hits: Hits, cursor: duckdb.DuckDBPyConnection, *, vocabulary: Vocabulary) -> int | None:
    """How many things were found, as `most_said` tells it. None where no things are asked for."""
    if not hits.asks_for_annotations:
        return None
    # All of them are read first: a reader would wait for this very cursor.
    return sum(most_said(cursor, vocabulary, annotations=hits.annotations().read_all()))


def _without(found: Plan, other: Plan | None) -> Plan:
    """What a plan finds and another does not."""
    if other is None:
        return found
    return replace(found, wanted=m.And((found.wanted, m.Not(other.wanted))))


def _unlabelled(asked: Plan | None, related: Plan | None) -> Plan:
    """Everything that is neither labelled so, nor with something related, nor known not to be so."""
    taken: list[m.Meaning] = []
    if asked is not None:
        taken += [asked.wanted, plain_counts(refuted(asked.evidence))]
    if related is not None:
        taken.append(related.wanted)
    wanted = m.And(tuple(m.Not(part) for part in taken)) if taken else m.Everything()
    return Plan(m.Everything(), wanted, m.Everything(), ())


def _looking_so(
    asked: Plan | None, related: Plan | None, *, alike: tuple[m.Similar, ...], nearest: Nearest | None
) -> Plan:
    """What is not labelled and looks so: what has no vector does not, nor what scores below the floor."""
    floor = nearest.floor() if isinstance(nearest, Ranker) else None
    return replace(_unlabelled(asked, related), similar=alike, keeps_unranked=False, floor=floor)
