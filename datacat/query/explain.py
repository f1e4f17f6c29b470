"""Runs a search and tells how it was answered; docs/explanation/how_a_query_runs.md shows how to read it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from datacat.model.schemas import TABLES
from datacat.query import meaning as m
from datacat.query.explanation import VECTORS, Condition, Explanation
from datacat.query.plan import Plan
from datacat.query.recorder import Recorder
from datacat.query.sql import Sets
from datacat.steps import step

if TYPE_CHECKING:
    from datacat.query.hits import Hits

_NAMED = re.compile(r"\b(?:FROM|JOIN) \(?([a-z_]+?)(?:_at)?\b")


def explained(ask: Callable[[], Hits]) -> Explanation:
    """Runs a search as `datacat search` does (a page, why each is a hit, the count) and measures it.

    Args:
        ask: makes new hits, which have read nothing yet.

    Raises:
        DatacatError: as the search does.
    """
    recorder = Recorder()
    with recorder.listening():
        with step("understand"):
            hits = ask()
        shown = _shown(hits)
        count = None if hits.is_ranked else _count(hits)
    return Explanation(
        hits.interpretation,
        hits.classes_used,
        hits.conditions,
        hits.state,
        count,
        shown,
        recorder.steps,
        sum(part.time_s for part in recorder.steps),
        recorder.memory_bytes,
    )


def conditions(plan: Plan) -> tuple[Condition, ...]:
    """The parts of a query, each with the tables that its SQL names."""
    parts = plan.wanted.parts if isinstance(plan.wanted, m.And) else (plan.wanted,)
    found = [Condition(str(part), _tables(part)) for part in parts if part != m.Everything()]
    return (*found, *(Condition(str(part), (VECTORS,)) for part in plan.similar))


def _tables(part: m.Meaning) -> tuple[str, ...]:
    named = _NAMED.findall(Sets().assets(part).text)
    return tuple(dict.fromkeys(name for name in named if name in TABLES))


def _shown(hits: Hits) -> int:
    """Reads what is shown; of hits without a limit only which assets they are, as they may be millions."""
    if hits.limit is None:
        with step("find all"):
            return sum(batch.num_rows for batch in hits.batches(["asset"]))
    with step("find the page"):
        shown = len(hits.numbers)
    with step("say why"):
        list(hits)
    return shown


def _count(hits: Hits) -> int:
    with step("count"):
        if hits.asks_for_absence:
            return hits.answers.yes
        return hits.count()
