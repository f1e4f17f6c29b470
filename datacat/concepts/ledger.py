"""All concepts of one state as a value, and what can be done to it.

A change makes a new `Ledger` or raises; nothing is half done. Names are kept as they were written, and looked up as the
search compares class names: case, singular and plural forgiven.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import pyarrow as pa

from datacat.concepts.concept import Concept, Details, Member
from datacat.errors import NotFound, UsageError
from datacat.model.schemas import TABLES
from datacat.query.plurals import comparable
from datacat.query.vocabulary import nearest_names
from datacat.query.words import is_bare_words

KINDS = ("concepts", "concept_details")


@dataclass(frozen=True)
class Ledger:
    """All concepts, by name."""

    concepts: Mapping[str, Concept]

    @classmethod
    def of(cls, tables: Mapping[str, pa.Table]) -> Ledger:
        """Reads the rows of `KINDS`."""
        members: dict[str, list[Member]] = defaultdict(list)
        for row in tables["concepts"].to_pylist():
            members[row["concept"]].append(Member(row["team"], row["class"]))
        details = {row["concept"]: row for row in tables["concept_details"].to_pylist()}
        return cls(
            {name: _read(name, members[name], details.get(name)) for name in sorted({*members, *details})}
        )

    def tables(self) -> dict[str, pa.Table]:
        """The rows of `KINDS`, sorted."""
        listed = [self.concepts[name] for name in sorted(self.concepts)]
        members = [
            {"concept": one.name, "team": member.team, "class": member.name}
            for one in listed
            for member in one.members
        ]
        details = [
            {
                "concept": one.name,
                "definition": one.definition,
                "owner": one.owner,
                "synonyms": _written(one.synonyms),
                "parents": _written(one.parents),
            }
            for one in listed
        ]
        return {
            kind: pa.Table.from_pylist(rows, schema=TABLES[kind])
            for kind, rows in zip(KINDS, (members, details), strict=True)
        }

    def find(self, name: str) -> Concept | None:
        """The concept of that name; exactly so written, else in another case or number."""
        return self.concepts.get(name) or self._by_name.get(comparable(name))

    def named(self, name: str) -> Concept:
        """The concept of that name.

        Raises:
            NotFound: there is none; names the one that it is a synonym of, or the nearest.
        """
        found = self.find(name)
        if found is None:
            wanted = comparable(name)
            other = [c.name for c in self.concepts.values() if wanted in map(comparable, c.synonyms)]
            near = nearest_names(name, self.concepts)
            hint = f"Did you mean {' or '.join(near)}?" if near else "See: datacat concepts list"
            if other:
                hint = f"It is another name of {' and '.join(other)}."
            raise NotFound(f"no concept {name!r}", hint=hint)
        return found

    def meant_by(self, name: str) -> Concept | None:
        """The concept that has that name or synonym."""
        return self.find(name) or next(iter(self._called(name)), None)

    def children(self, name: str) -> tuple[str, ...]:
        """Names of the concepts right below that one."""
        wanted = comparable(name)
        return tuple(n for n, c in self.concepts.items() if wanted in map(comparable, c.parents))

    def ancestors(self, name: str) -> frozenset[str]:
        """Names of the concepts above that one, at any height."""
        found: set[str] = set()
        level = {name}
        while level:
            known = (self.find(one) for one in level)
            level = {self._target(p) for one in known if one for p in one.parents} - found
            found |= level
        return frozenset(found)

    def with_members(self, name: str, members: Iterable[Member], *, owner: str) -> Ledger:
        """With class names added to a concept, which is made where it is new and then belongs to `owner`.

        Raises:
            UsageError: an empty name, or one that no query could ask for.
        """
        old = self.find(name) or Concept(self._free(name), owner=owner or None)
        return self._with(replace(old, members=_sorted_members((*old.members, *members))))

    def without_members(self, name: str, members: Sequence[Member]) -> Ledger:
        """With class names taken out of a concept; none named: without the concept.

        Raises:
            NotFound: no such concept, or none of these belongs to it.
        """
        old = self.named(name)
        if not members:
            return self._with(None, gone=(old.name,))._pointing(lambda parent: None, at=(old.name,))
        gone = [member for member in old.members if member in members]
        if not gone:
            listed = ", ".join(map(str, old.members)) or "no class"
            raise NotFound(
                f"no such member of concept {old.name!r}: {', '.join(map(str, members))}",
                hint=f"It has {listed}.",
            )
        return self._with(replace(old, members=tuple(m for m in old.members if m not in gone)))

    def described(self, name: str, details: Details) -> Ledger:
        """With what `details` says of a concept.

        Raises:
            NotFound: no such concept, or a parent or child is none, or something to drop is not there.
            UsageError: a concept would be a kind of itself, or a synonym is the name of another concept.
        """
        old = self.named(name)
        parents = [self.named(parent).name for parent in details.parents]
        children = [self.named(child).name for child in details.children]
        new = replace(
            old,
            definition=_said(details.definition, old.definition),
            owner=_said(details.owner, old.owner),
            synonyms=_sorted_names((*old.synonyms, *details.synonyms), without=old.name),
            parents=_sorted_names((*old.parents, *parents)),
        )
        ledger = self._with(new)
        for child in children:
            one = ledger.concepts[child]
            ledger = ledger._with(replace(one, parents=_sorted_names((*one.parents, old.name))))
        for text in details.drop:
            ledger = ledger._without_name(old.name, text)
        return ledger._checked_synonyms(old.name, details.synonyms)._checked_kinds()

    def renamed(self, name: str, new: str) -> Ledger:
        """With a concept under another name; its children follow, and the old name becomes a synonym.

        Raises:
            NotFound: no such concept.
            UsageError: the new name is taken, empty, or no query could ask for it.
        """
        old = self.named(name)
        other = self.find(new)
        if other is not None and other.name != old.name:
            raise UsageError(
                f"there is a concept {other.name!r} already",
                hint=f"Join them: datacat concepts merge {_quoted(old.name)} {_quoted(other.name)}",
            )
        renamed = replace(
            old,
            name=self._free(new, of=(old.name,)),
            synonyms=_sorted_names((*old.synonyms, old.name), without=new),
        )
        ledger = self._with(renamed, gone=(old.name,))
        return ledger._pointing(lambda parent: renamed.name, at=(old.name,))

    def merged(self, names: Sequence[str], *, into: str | None = None) -> Ledger:
        """With several concepts as one: all members, synonyms, parents and children; further names become synonyms.

        Args:
            names: two or more.
            into: the name of the whole; by default the first. Another concept may be so called, and is then merged too.

        Raises:
            NotFound: one of them is no concept.
            UsageError: it is fewer than two, or a third concept would be both above and below the whole.
        """
        parts = list(dict.fromkeys(self.named(name).name for name in names))
        known = self.find(into) if into is not None else None
        if known is not None:
            parts = [known.name, *(part for part in parts if part != known.name)]
        if len(parts) < 2:
            raise UsageError("a merge takes two concepts or more", hint="Name them: merge A B")
        whole = parts[0] if known or into is None else self._free(into, of=parts)
        olds = [self.concepts[part] for part in parts]
        above = [parent for old in olds for parent in old.parents if self._target(parent) not in parts]
        merged = Concept(
            name=whole,
            members=_sorted_members(member for old in olds for member in old.members),
            definition="; ".join(dict.fromkeys(old.definition for old in olds if old.definition)) or None,
            owner=next((old.owner for old in olds if old.owner), None),
            synonyms=_sorted_names([*parts, *(s for old in olds for s in old.synonyms)], without=whole),
            parents=_sorted_names(above),
        )
        ledger = self._with(merged, gone=parts)
        return ledger._pointing(lambda parent: whole, at=parts)._checked_kinds()

    @cached_property
    def _by_name(self) -> dict[str, Concept]:
        return {comparable(name): one for name, one in reversed(list(self.concepts.items()))}

    def _free(self, name: str, *, of: Sequence[str] = ()) -> str:
        """A name for a new concept, or a new name `of` some.

        Raises:
            UsageError: it is empty, no query could ask for it, or it is a synonym of another concept.
        """
        if not name.strip():
            raise UsageError("a concept needs a name", hint="Write a word, as in: roof.")
        if not is_bare_words(name):
            hint = "Signs such as ( ) [ ] : = & * and the words and, or, not mean something else there."
            raise UsageError(f"no query could ask for a concept {name!r}", hint=hint)
        for other in self._called(name):
            if other.name not in of:
                hint = f"Use {other.name!r}, or: datacat concepts describe {_quoted(other.name)} --drop {_quoted(name)}"
                raise UsageError(f"{name!r} is a synonym of the concept {other.name!r}", hint=hint)
        return name.strip()

    def _called(self, name: str) -> list[Concept]:
        """The concepts that have that name or synonym."""
        wanted = comparable(name)
        return [c for c in self.concepts.values() if wanted in map(comparable, (c.name, *c.synonyms))]

    def _with(self, concept: Concept | None, *, gone: Iterable[str] = ()) -> Ledger:
        """With a concept in the place of what was called so, and without those that are gone."""
        left = {name: one for name, one in self.concepts.items() if name not in set(gone)}
        if concept is not None:
            left[concept.name] = concept
        return Ledger(dict(sorted(left.items())))

    def _pointing(self, other: Callable[[str], str | None], *, at: Iterable[str]) -> Ledger:
        """With each parent among `at` replaced by another, or by none; never by the concept itself."""
        moved = set(map(comparable, at))
        found = {}
        for name, one in self.concepts.items():
            parents = [other(p) if comparable(p) in moved else p for p in one.parents]
            kept = _sorted_names([p for p in parents if p is not None], without=name)
            found[name] = replace(one, parents=kept)
        return Ledger(found)

    def _target(self, parent: str) -> str:
        found = self.find(parent)
        return found.name if found else parent

    def _without_name(self, name: str, text: str) -> Ledger:
        """Without what is so called among a concept's synonyms, parents and children."""
        one, wanted = self.concepts[name], comparable(text)
        below = [child for child in self.children(name) if comparable(child) == wanted]
        left = replace(
            one,
            synonyms=tuple(s for s in one.synonyms if comparable(s) != wanted),
            parents=tuple(p for p in one.parents if comparable(p) != wanted),
        )
        if left == one and not below:
            raise NotFound(
                f"{text!r} is neither synonym, parent nor child of {name!r}",
                hint=f"See: datacat concepts show {_quoted(name)}",
            )
        ledger = self._with(left)
        for child in below:
            lower = ledger.concepts[child]
            kept = tuple(p for p in lower.parents if comparable(p) != comparable(name))
            ledger = ledger._with(replace(lower, parents=kept))
        return ledger

    def _checked_synonyms(self, name: str, synonyms: Sequence[str]) -> Ledger:
        for synonym in synonyms:
            other = next((c for c in self._called(synonym) if c.name != name), None)
            if other is not None:
                raise UsageError(
                    f"{synonym!r} is a name of the concept {other.name!r}",
                    hint=f"Join them: datacat concepts merge {_quoted(name)} {_quoted(other.name)}",
                )
        return self

    def _checked_kinds(self) -> Ledger:
        """Itself, if no concept is a kind of itself."""
        for name in self.concepts:
            circle = self._circle(name)
            if circle:
                raise UsageError(
                    f"{name!r} would be a kind of itself: {' -> '.join(circle)}",
                    hint="Drop one of these parents first: datacat concepts describe NAME --drop PARENT",
                )
        return self

    def _circle(self, name: str) -> tuple[str, ...]:
        """The way from a concept up to itself; nothing where there is none."""
        ways: list[tuple[str, ...]] = [(name,)]
        seen: set[str] = set()
        while ways:
            way = ways.pop()
            one = self.find(way[-1])
            for parent in map(self._target, one.parents if one else ()):
                if parent == name:
                    return (*way, parent)
                if parent not in seen:
                    seen.add(parent)
                    ways.append((*way, parent))
        return ()


def _read(name: str, members: Iterable[Member], row: Mapping[str, str | None] | None) -> Concept:
    row = row or {}
    return Concept(
        name,
        _sorted_members(members),
        definition=row.get("definition"),
        owner=row.get("owner"),
        synonyms=tuple(json.loads(row.get("synonyms") or "[]")),
        parents=tuple(json.loads(row.get("parents") or "[]")),
    )


def _written(names: Sequence[str]) -> str | None:
    return json.dumps(list(names), ensure_ascii=False) if names else None


def _said(new: str | None, old: str | None) -> str | None:
    return old if new is None else new.strip() or None


def _sorted_members(members: Iterable[Member]) -> tuple[Member, ...]:
    return tuple(sorted(set(members), key=lambda member: (member.team or "", member.name)))


def _sorted_names(names: Iterable[str], *, without: str = "") -> tuple[str, ...]:
    """Each name once, whatever its case and number; empty ones and `without` fall away."""
    found: dict[str, str] = {}
    for name in names:
        found.setdefault(comparable(name), name.strip())
    found.pop(comparable(without), None)
    return tuple(sorted(name for name in found.values() if name))


def _quoted(name: str) -> str:
    return f'"{name}"' if " " in name else name
