"""Saved searches: a query under a name, which `@name` stands for."""

from __future__ import annotations

import builtins
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pyarrow as pa

from datacat.errors import NotFound, UsageError
from datacat.model.names import checked_word
from datacat.model.schemas import TABLES
from datacat.places import author_of
from datacat.query.plan import plan
from datacat.query.scope import Outside
from datacat.query.search import READS
from datacat.query.vocabulary import nearest_names
from datacat.tables import State, Tables

_KIND = "saved_searches"
_CALL = re.compile(r"\s*@(\S+)(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class SavedSearch:
    """A query under a name.

    Attributes:
        name: `reds` or `team/reds`.
        query: in strict syntax.
        owner: whom to ask about it.
        description: in a sentence; None where nobody gave one.
        created: when this query was saved.
        author: who saved it.
    """

    name: str
    query: str
    owner: str | None
    description: str | None
    created: datetime
    author: str

    def __post_init__(self) -> None:
        team, slash, name = self.name.rpartition("/")
        if slash:
            checked_word(team, what="team")
        checked_word(name, what="search")


@dataclass(frozen=True, slots=True)
class Searches:
    """The saved searches of a catalog; hangs on `Catalog`."""

    _tables: Tables
    look_at: Callable[[State], None]
    shown: Callable[[], State]
    outside: Callable[[State], Outside]

    def list(self) -> builtins.list[SavedSearch]:
        """All of them, by name."""
        return list(self._at(self.shown()).values())

    def read(self, name: str) -> SavedSearch:
        """The saved search of that name.

        Raises:
            NotFound: there is none; names the nearest.
        """
        return _named(name, self._at(self.shown()))

    def save(
        self,
        name: str,
        query: str,
        *,
        owner: str | None = None,
        description: str | None = None,
        replace: bool = False,
        author: str = "",
        message: str = "",
    ) -> SavedSearch:
        """Saves a query under a name, in strict syntax.

        Args:
            name: `reds` or `team/reds`.
            query: as `Catalog.search` takes it; it must be understood now.
            owner: whom to ask; None: as it was, or the author of a new one.
            description: in a sentence; None: as it was.
            replace: whether a search of that name may be there already.
            author: who commits; by default git's user.
            message: what the log should say.

        Returns:
            It as it is kept: where nothing differs from before, the old one, and no state is made.

        Raises:
            QueryError: the query cannot be understood.
            NameInvalid: the name breaks the naming rules.
            UsageError: there is one of that name, or the query asks for everything.
        """
        chosen = author or author_of(self._tables.store.settings)
        strict = self._checked(query)
        new = SavedSearch(name, strict, owner or chosen, description, datetime.now(UTC), chosen)
        kept: builtins.list[SavedSearch] = []

        def edit(old: pa.Table) -> pa.Table:
            found = _read(old)
            kept[:] = [_over(found.get(name), new, owner=owner, may_replace=replace)]
            return _table([*(one for one in found.values() if one.name != name), *kept])

        self._replace(edit, author=chosen, message=message or f"search {name}: {strict}")
        return kept[0]

    def remove(self, name: str, *, author: str = "", message: str = "") -> SavedSearch:
        """Forgets a saved search and returns it; past states still have it.

        Raises:
            NotFound: there is none of that name.
        """
        gone: builtins.list[SavedSearch] = []

        def edit(old: pa.Table) -> pa.Table:
            found = _read(old)
            gone[:] = [_named(name, found)]
            return _table([one for one in found.values() if one.name != name])

        chosen = author or author_of(self._tables.store.settings)
        self._replace(edit, author=chosen, message=message or f"search {name}: remove")
        return gone[0]

    def expanded(self, query: str, *, state: State | None = None) -> str:
        """A query in which a leading `@name` is replaced by what it stands for; others as they are.

        Args:
            query: `@reds`, or with more behind it: `@reds media:image`.
            state: where to look; None: the state that is shown.

        Raises:
            NotFound: there is no saved search of that name.
        """
        call = _CALL.fullmatch(query)
        if call is None:
            return query
        saved = _named(call[1], self._at(state or self.shown())).query
        return f"({saved}){call[2]}" if call[2].strip() else saved

    def _at(self, state: State) -> dict[str, SavedSearch]:
        cursor = self._tables.cursor(state, kinds=[_KIND])
        return _read(cursor.execute(f"FROM {_KIND}").to_arrow_table())

    def _checked(self, query: str) -> str:
        """The query in strict syntax."""
        state = self._tables.state()
        cursor = self._tables.cursor(state, kinds=READS)
        text = self.expanded(query, state=state)
        strict = plan(cursor, text, identity=state.identity, outside=self.outside(state)).interpretation
        if not strict:
            raise UsageError(
                f"{query!r} asks for everything; there is nothing to save",
                hint='Write what is looked for, as in: "car[color=red]".',
            )
        return strict

    def _replace(self, edit: Callable[[pa.Table], pa.Table], *, author: str, message: str) -> None:
        self._tables.replace(_KIND, edit, author=author, message=message)
        self.look_at(self._tables.state())


def _over(old: SavedSearch | None, new: SavedSearch, *, owner: str | None, may_replace: bool) -> SavedSearch:
    """`new` in the place of `old`, whose owner and description stay where nothing else is said.

    What says the same as before is `old`, with its time and author.
    """
    if old is None:
        return new
    if not may_replace:
        raise UsageError(
            f"there is a search {old.name!r} already: {old.query}",
            hint="Take another name, or say --replace.",
        )
    kept_owner = old.owner if owner is None else owner
    description = old.description if new.description is None else new.description
    saved = replace(new, owner=kept_owner, description=description)
    return old if saved == replace(old, created=new.created, author=new.author) else saved


def _named(name: str, known: Mapping[str, SavedSearch]) -> SavedSearch:
    found = known.get(name)
    if found is None:
        near = nearest_names(name, known)
        hint = f"Did you mean @{' or @'.join(near)}?" if near else "See: datacat searches list"
        raise NotFound(f"there is no saved search {name!r}", hint=hint)
    return found


def _read(table: pa.Table) -> dict[str, SavedSearch]:
    rows = sorted(table.to_pylist(), key=lambda row: str(row["name"]))
    return {row["name"]: SavedSearch(**row) for row in rows}


def _table(searches: Sequence[SavedSearch]) -> pa.Table:
    rows = [
        {name: getattr(one, name) for name in TABLES[_KIND].names}
        for one in sorted(searches, key=lambda one: one.name)
    ]
    return pa.Table.from_pylist(rows, schema=TABLES[_KIND])
