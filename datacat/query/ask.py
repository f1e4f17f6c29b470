"""Answers a plain question in three tiers: labelled so, labelled with something related, and what only looks so."""

from __future__ import annotations

from dataclasses import dataclass, replace

import duckdb

from datacat.errors import UsageError
from datacat.query import meaning as m
from datacat.query.hit import Answers
from datacat.query.hits import Hits, Nearest
from datacat.query.plan import Plan, plan
from datacat.query.question import Understood, understood
from datacat.query.rules import plain_counts, refuted
from datacat.query.vocabulary import vocabulary


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
            are not so.
    """

    understood: Understood
    answers: Answers | None
    labelled: Hits | None
    related: Hits | None
    looks_so: Hits | None


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
    read = understood(question, cursor=cursor, vocabulary=words)
    if not (read.query or read.text):
        what = "no word of it says what to look for" if question.strip() else "the question is empty"
        raise UsageError(what, hint="Name things, as in: red cars at night.")

    def bound(query: str) -> Plan:
        return plan(cursor, query, identity=identity)

    def hits(found: Plan) -> Hits:
        return Hits(
            cursor,
            found,
            vocabulary=words,
            state=state,
            limit=limit,
            after=None,
            nearest=nearest,
            again=lambda: hits(found),
        )

    asked = bound(read.query) if read.query else None
    related = bound(read.related) if read.related else None
    if asked is not None and asked.similar:  # quoted words rank; they filter nothing
        asked = replace(asked, similar=())
    alike = (m.Similar(m.Question(text=read.text), m.quoted(read.text)),) if read.text and nearest else ()
    labelled = hits(replace(asked, similar=alike) if read.unknown else asked) if asked else None
    others = hits(_without(related, asked)) if related else None
    unlabelled = hits(replace(_unlabelled(asked, related), similar=alike)) if alike else None
    answers = hits(asked).answers if asked else None
    return Answer(read, answers, labelled, others, unlabelled)


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
