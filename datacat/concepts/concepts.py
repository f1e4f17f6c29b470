"""`Concepts`: what hangs on `Catalog`."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

import pyarrow as pa

from datacat.concepts.concept import Concept, Details, Member
from datacat.concepts.history import ConceptChange, history, read_ledger
from datacat.concepts.known import annotations_of, check_known, uses_of
from datacat.concepts.ledger import KINDS, Ledger
from datacat.places import author_of
from datacat.query.search import READS
from datacat.query.vocabulary import Vocabulary, vocabulary
from datacat.tables import State, Tables

_TEXTS = pa.list_(pa.string())
CONCEPTS = pa.schema(
    [
        ("concept", pa.string()),
        ("classes", _TEXTS),
        ("synonyms", _TEXTS),
        ("parents", _TEXTS),
        ("children", _TEXTS),
        ("annotations", pa.int64()),
        ("owner", pa.string()),
        ("definition", pa.string()),
    ]
)


@dataclass(frozen=True, slots=True)
class MemberView:
    """A class name of a concept.

    Attributes:
        member: `[team:]class`, as it was added.
        classes: as label sets write it; none where nobody uses it yet.
        label_sets: that have it.
        annotations: how many.
    """

    member: str
    classes: tuple[str, ...]
    label_sets: tuple[str, ...]
    annotations: int


@dataclass(frozen=True, slots=True)
class ConceptView:
    """A concept with everything known of it; `history` has the newest change first."""

    name: str
    definition: str | None
    owner: str | None
    synonyms: tuple[str, ...]
    parents: tuple[str, ...]
    children: tuple[str, ...]
    members: tuple[MemberView, ...]
    history: tuple[ConceptChange, ...]


@dataclass(frozen=True, slots=True)
class Concepts:
    """The concepts of a catalog; hangs on `Catalog`. Every change is one commit, or none."""

    _tables: Tables
    look_at: Callable[[State], None]
    shown: Callable[[], State]

    def list(self) -> pa.Table:
        """One row a concept (schema `CONCEPTS`); `annotations` are those of its classes."""
        ledger, words = self._ledger(), self._words()
        rows = [
            {
                "concept": one.name,
                "classes": [*map(str, one.members)],
                "synonyms": one.synonyms,
                "parents": one.parents,
                "children": ledger.children(one.name),
                "annotations": _annotations(one, words),
                "owner": one.owner,
                "definition": one.definition,
            }
            for one in ledger.concepts.values()
        ]
        return pa.Table.from_pylist(rows, schema=CONCEPTS)

    def show(self, concept: str, *, changes: int = 20) -> ConceptView:
        """A concept with its latest `changes`.

        Raises:
            NotFound: there is none of that name.
        """
        ledger, words, state = self._ledger(), self._words(), self.shown()
        one = ledger.named(concept)
        return ConceptView(
            name=one.name,
            definition=one.definition,
            owner=one.owner,
            synonyms=one.synonyms,
            parents=one.parents,
            children=ledger.children(one.name),
            members=tuple(_seen(member, words) for member in one.members),
            history=tuple(islice(history(self._tables, one.name, state=state), changes)),
        )

    def add(
        self,
        concept: str,
        classes: Sequence[str] = (),
        *,
        unused: bool = False,
        author: str = "",
        message: str = "",
    ) -> builtins.list[str]:
        """Says that `[team:]class` names mean `concept`; returns those that were new.

        Args:
            concept: its name; a new one belongs to `author` until `describe` says otherwise.
            classes: none makes a concept that only has a name, as a parent of others may.
            unused: whether names that no label set has yet are taken.
            author: who commits; by default git's user.
            message: what the log should say.

        Raises:
            NotFound: nobody has such a class.
            UsageError: an empty name, or one that is a synonym of another concept.
        """
        members = [Member.parse(text) for text in classes]
        if not unused:
            check_known(members, self._words())
        added: builtins.list[str] = []

        def edit(old: Ledger) -> Ledger:
            known = old.find(concept)
            added[:] = [str(m) for m in dict.fromkeys(members) if known is None or m not in known.members]
            return old.with_members(concept, members, owner=self._author(author))

        what = f"add {', '.join(map(str, members))}" if members else "make"
        self._commit(edit, author=author, message=message or f"concept {concept}: {what}")
        return added

    def remove(
        self, concept: str, classes: Sequence[str] = (), *, author: str = "", message: str = ""
    ) -> builtins.list[str]:
        """Takes class names out of `concept`, or removes it with all of them; returns those that went.

        Raises:
            NotFound: no such concept, or it has none of them.
        """
        wanted = [Member.parse(text) for text in classes]
        removed: builtins.list[str] = []

        def edit(old: Ledger) -> Ledger:
            members = old.named(concept).members
            removed[:] = [str(member) for member in members if not wanted or member in wanted]
            return old.without_members(concept, wanted)

        what = f"remove {', '.join(map(str, wanted))}" if wanted else "remove"
        self._commit(edit, author=author, message=message or f"concept {concept}: {what}")
        return removed

    def describe(
        self,
        concept: str,
        *,
        definition: str | None = None,
        owner: str | None = None,
        synonyms: Sequence[str] = (),
        parents: Sequence[str] = (),
        children: Sequence[str] = (),
        drop: Sequence[str] = (),
        author: str = "",
        message: str = "",
    ) -> None:
        """Says what a concept is; what is not named stays as it is.

        Args:
            concept: its name.
            definition: in a sentence; the empty text takes it back.
            owner: who decides about it; the empty text takes it back.
            synonyms: further names for it, in any language.
            parents: concepts that it is a kind of.
            children: concepts that are kinds of it.
            drop: synonyms, parents and children that go, by name.
            author: who commits; by default git's user.
            message: what the log should say.

        Raises:
            NotFound: no such concept, parent or child, or nothing of a name to drop.
            UsageError: a concept would be a kind of itself, or a synonym is another concept.
        """
        details = Details(definition, owner, synonyms, parents, children, drop)
        self._commit(
            lambda old: old.described(concept, details),
            author=author,
            message=message or f"concept {concept}: describe",
        )

    def merge(
        self, concepts: Sequence[str], *, into: str | None = None, author: str = "", message: str = ""
    ) -> str:
        """Makes one concept of several, with all they have; returns its name. See `Ledger.merged`.

        Raises:
            NotFound: one of them is no concept.
            UsageError: it is fewer than two, or a concept would be a kind of itself.
        """
        text = f"merge concepts {', '.join(concepts)}" + (f" into {into}" if into else "")
        self._commit(lambda old: old.merged(concepts, into=into), author=author, message=message or text)
        return self._ledger().named(into or concepts[0]).name

    def rename(self, concept: str, new: str, *, author: str = "", message: str = "") -> None:
        """Gives a concept another name; children follow, and the old name becomes a synonym.

        Raises:
            NotFound: no such concept.
            UsageError: the new name is taken.
        """
        self._commit(
            lambda old: old.renamed(concept, new),
            author=author,
            message=message or f"concept {concept}: rename to {new}",
        )

    def _commit(self, edit: Callable[[Ledger], Ledger], *, author: str, message: str) -> None:
        def edited(old: Mapping[str, pa.Table]) -> dict[str, pa.Table]:
            before = Ledger.of(old)
            after = edit(before)
            return {} if after == before else after.tables()

        self._tables.replace_all(KINDS, edited, author=self._author(author), message=message)
        self.look_at(self._tables.state())

    def _author(self, author: str) -> str:
        return author or author_of(self._tables.store.settings)

    def _ledger(self) -> Ledger:
        return read_ledger(self._tables, self.shown())

    def _words(self) -> Vocabulary:
        state = self.shown()
        return vocabulary(self._tables.cursor(state, kinds=READS), identity=state.identity)


def _seen(member: Member, words: Vocabulary) -> MemberView:
    uses = uses_of(member, words)
    label_sets = {str(words.label_sets[number]) for use in uses for number in use.label_sets}
    return MemberView(
        str(member),
        tuple(use.name for use in uses),
        tuple(sorted(label_sets)),
        annotations_of(uses, words),
    )


def _annotations(one: Concept, words: Vocabulary) -> int:
    """Of its classes; a class that two members speak of counts once."""
    found = {(use.name, n) for m in one.members for use in uses_of(m, words) for n in use.label_sets}
    return sum(words.by_class[name].counts[number] for name, number in found)
