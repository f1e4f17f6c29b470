"""Who changed what in a concept, and when: told by comparing the states that touched concepts.

So it needs no trust in messages, and follows a concept through the names that it had.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from datacat.concepts.concept import Concept
from datacat.concepts.ledger import KINDS, Ledger
from datacat.errors import CatalogError
from datacat.query.compare import Sql
from datacat.query.plurals import comparable
from datacat.query.run import arrow
from datacat.tables import LogEntry, State, Tables


@dataclass(frozen=True, slots=True)
class ConceptChange:
    """One commit that changed a concept.

    Attributes:
        state: that it made.
        time: when.
        author: who.
        message: why, in their words.
        what: what changed, as in "added claims:rooftop"; empty where the rows of that time are gone.
    """

    state: int
    time: datetime
    author: str
    message: str
    what: tuple[str, ...]


def read_ledger(tables: Tables, state: State) -> Ledger:
    """All concepts of a state."""
    cursor = tables.cursor(state, kinds=KINDS)
    return Ledger.of({kind: arrow(cursor, Sql(f'FROM "{kind}"')) for kind in KINDS})


def history(tables: Tables, name: str, *, state: State) -> Iterator[ConceptChange]:
    """The changes of the concept of that name up to `state`, the newest first.

    Where `gc` was told to forget the rows of a time, every commit of that time that touched concepts is told, as
    nobody knows any more which of them touched this one.
    """
    entries = [entry for entry in tables.log() if entry.state <= state.number and _touches(entry)]
    names, after = {name}, read_ledger(tables, state)
    for index, entry in enumerate(entries):
        earlier = entries[index + 1].state if index + 1 < len(entries) else None
        try:
            before = Ledger({}) if earlier is None else read_ledger(tables, tables.state(earlier))
        except CatalogError:
            yield from (_told(entry) for entry in entries[index:])
            return
        what = [text for one in sorted(names) for text in differences(one, before, after=after)]
        if what:
            yield _told(entry, *what)
        names |= {old for one in names for old in _former_names(one, before, after)}
        after = before


def differences(name: str, before: Ledger, *, after: Ledger) -> Iterator[str]:
    """What became of the concept of that name from one ledger to the next, in words."""
    old, new = before.concepts.get(name), after.concepts.get(name)
    if new is None:
        if old is not None:
            successor = next((n for n in after.concepts if name in _former_names(n, before, after)), None)
            yield f"became {successor}" if successor else "removed"
        return
    joined = _former_names(name, before, after)
    if old is None and len(joined) == 1:
        yield f"renamed from {joined[0]}"
        old = before.concepts[joined[0]]
    elif old is None:
        yield "made" + (f" of {' and '.join(joined)}" if joined else "")
        old = Concept(name)
    else:
        yield from (f"joined with {other}" for other in joined)
    yield from _fields(old, new)
    yield from _compared("child", before.children(old.name), after.children(name))


def _fields(old: Concept, new: Concept) -> Iterator[str]:
    yield from _compared("", [*map(str, old.members)], [*map(str, new.members)])
    yield from _compared("synonym", old.synonyms, new.synonyms)
    yield from _compared("parent", old.parents, new.parents)
    for field in ("definition", "owner"):
        was, is_now = getattr(old, field), getattr(new, field)
        if was != is_now:
            yield f"{field}: {is_now}" if is_now else f"{field} taken back"


def _compared(noun: str, old: tuple[str, ...] | list[str], new: tuple[str, ...] | list[str]) -> Iterator[str]:
    for verb, names in (("added", set(new) - set(old)), ("removed", set(old) - set(new))):
        if names:
            yield " ".join([verb, *([noun] if noun else []), ", ".join(sorted(names))])


def _former_names(name: str, before: Ledger, after: Ledger) -> list[str]:
    """Concepts that went into this one: they are gone, and their names are now among its names."""
    new, old = after.concepts.get(name), before.concepts.get(name)
    if new is None:
        return []
    gained = {comparable(text) for text in (name, *new.synonyms)}
    gained -= {comparable(text) for text in old.synonyms} if old else set()
    return [one for one in before.concepts if one not in after.concepts and comparable(one) in gained]


def _touches(entry: LogEntry) -> bool:
    return any(kind in KINDS for kind, _, _ in entry.changes)


def _told(entry: LogEntry, *what: str) -> ConceptChange:
    return ConceptChange(entry.state, entry.time, entry.author, entry.message, what)
