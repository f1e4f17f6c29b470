"""`Concepts`: what hangs on `Catalog`."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice

import duckdb
import pyarrow as pa

from datacat.concepts.case import Case, gathered
from datacat.concepts.coincide import SAMPLE
from datacat.concepts.concept import Concept, Details, Member
from datacat.concepts.evidence import Suggestion, Suggestions, TeamClass
from datacat.concepts.groups import accepted, suggestions
from datacat.concepts.history import ConceptChange, history, read_ledger
from datacat.concepts.known import annotations_of, check_known, uses_of
from datacat.concepts.ledger import KINDS, Ledger
from datacat.concepts.likeness import add_crops, add_texts
from datacat.embeddings import Embeddings
from datacat.errors import EmbeddingError, ExtraMissing, UsageError
from datacat.places import author_of
from datacat.query.plurals import comparable
from datacat.query.search import READS
from datacat.query.vocabulary import Vocabulary, vocabulary
from datacat.sources.inside import limited_to_sources
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

    def name(self, concept: str) -> str:
        """The name, as it is written, of the concept that has that name or synonym; where there is none, as typed."""
        known = self._ledger().meant_by(concept)
        return known.name if known else concept.strip()

    def show(self, concept: str, *, changes: int = 20) -> ConceptView:
        """A concept with its latest `changes`.

        Raises:
            NotFound: there is none of that name.
            UsageError: fewer than no changes.
        """
        if changes < 0:
            raise UsageError(f"{changes} changes cannot be shown", hint="Ask for 0 or more.")
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

    def suggest(
        self,
        classes: Sequence[str] = (),
        *,
        min_score: float = 0.5,
        limit: int | None = None,
        crops: int = 0,
        space: str | None = None,
        sample: int = SAMPLE,
    ) -> Suggestions:
        """Which classes of several teams may mean the same, and why; nothing is changed.

        Args:
            classes: only suggestions with one of these `[team:]class` names.
            min_score: how sure a suggestion is at least, 0 to 1; see docs/howto/concepts.md.
            limit: suggestions at most; None: all.
            crops: boxes of each class that are cut out and compared by CLIP.
            space: the embedding space whose model compares.
            sample: shared assets that are read at most.

        Raises:
            NotFound: nobody has such a class.
            UsageError: a number that makes no sense.
        """
        if not 0 <= min_score <= 1 or crops < 0 or sample < 1 or (limit is not None and limit < 1):
            raise UsageError(
                "a score lies between 0 and 1, limit and sample are at least 1, crops at least 0"
            )
        ledger, words, state = self._ledger(), self._words(), self.shown()
        wanted = [Member.parse(text) for text in classes]
        check_known(wanted, words, hint="See: datacat classes")
        cursor = partial(self._tables.cursor, state, kinds=READS)
        case = gathered(cursor, words, ledger=ledger, sample=sample)
        self._compare_by_model(case, cursor(), crops=crops, space=space)
        found = suggestions(case, ledger=ledger, min_score=min_score)
        kept = [one for one in found if not wanted or any(_is_wanted(item, wanted) for item in one.classes)]
        return Suggestions(tuple(kept[:limit]), tuple(case.notes), len(kept))

    def accept(self, suggestion: Suggestion, *, author: str = "", message: str = "") -> str:
        """Does what a suggestion proposes, in one commit; returns the concept's name.

        Raises:
            UsageError: it proposes nothing: its classes are unlike.
        """
        if suggestion.relation == "unlike":
            raise UsageError(
                "these classes differ: there is nothing to accept", hint="See: datacat concepts add"
            )
        text = f"concept {suggestion.concept}: accept {', '.join(map(str, suggestion.classes))}"
        owner = self._author(author)
        self._commit(
            lambda old: accepted(old, suggestion, owner=owner), author=author, message=message or text
        )
        return self.name(suggestion.concept)

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
            ahead = "To declare a name that nobody uses yet, add --unused."
            check_known(members, self._words(), hint=ahead)
        added: builtins.list[str] = []

        def edit(old: Ledger) -> Ledger:
            known = old.find(concept)
            added[:] = [str(m) for m in dict.fromkeys(members) if known is None or m not in known.members]
            return old.with_members(concept, members, owner=self._author(author))

        what = f"add {', '.join(map(str, members))}" if members else "make"
        self._commit(edit, author=author, message=message or f"concept {self.name(concept)}: {what}")
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
        self._commit(edit, author=author, message=message or f"concept {self.name(concept)}: {what}")
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
            message=message or f"concept {self.name(concept)}: describe",
        )

    def merge(
        self, concepts: Sequence[str], *, into: str | None = None, author: str = "", message: str = ""
    ) -> str:
        """Makes one concept of several, with all they have; returns its name. See `Ledger.merged`.

        Raises:
            NotFound: one of them is no concept.
            UsageError: it is fewer than two, or a concept would be a kind of itself.
        """
        text = f"merge concepts {', '.join(map(self.name, concepts))}"
        text += f" into {self.name(into)}" if into else ""
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
            message=message or f"concept {self.name(concept)}: rename to {new.strip()}",
        )

    def _compare_by_model(
        self, case: Case, cursor: duckdb.DuckDBPyConnection, *, crops: int, space: str | None
    ) -> None:
        """Adds what CLIP says; where there is no model, that is noted and nothing else."""
        try:
            encoder = Embeddings(self._tables.root, self._tables.store.settings).encoder(space)
        except (EmbeddingError, ExtraMissing) as error:
            case.notes.append(f"Nothing was compared by CLIP: {error.what}.")
            return
        add_texts(case, encoder)
        if crops:
            limited = limited_to_sources(cursor, self._tables.store.settings)
            add_crops(case, encoder, cursor=cursor, settings=limited, count=crops)

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


def _is_wanted(item: TeamClass, wanted: Sequence[Member]) -> bool:
    return any(m.team in (None, item.team) and comparable(m.name) == comparable(item.name) for m in wanted)


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
