"""A plain question -> a strict query: "cars at night" -> `car timeofday=night`, with what each word was taken for.

Filler words fall away. The rest is matched, longest first, with classes and concepts, with values of attributes and of
assets' metadata, with attributes that are true or false, and at last with names that it surely is, misspelt. A value
stands in the bracket of the class beside it where annotations of that class have it, else beside the class.
What matches nothing is left to likeness.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import duckdb

from datacat.model.names import folded
from datacat.query.plurals import comparable
from datacat.query.quantities import ONE, read_quantity
from datacat.query.readings import Reading, composed
from datacat.query.related import related
from datacat.query.scope import FILLERS, is_filler
from datacat.query.senses import Senses
from datacat.query.values import Value, quoted
from datacat.query.vocabulary import Vocabulary

_LONGEST = 6  # words of a name
_WORD = re.compile(r'"[^"]+"|[^\s,;?!"()\[\]]+')
_ALSO = """
about also anything at be been being both but by could during either ever exist exists got here how i into is it
its kind kinds know least like look looking looks many me more my near need of only or over related seen see should
so some something taken tell than them there they thing things through time want was were when will would you your
"""
_ALL_FILLERS = FILLERS | frozenset(_ALSO.split())
_NEGATIONS = frozenset(("no", "not", "without", "neither", "nor"))
_MAKERS = frozenset(("by", "from", "of"))  # what stands before a team's name
_SPELLED_WORDS = 3


@dataclass(frozen=True, slots=True)
class Understood:
    """A question as a query.

    Attributes:
        question: as typed.
        query: in strict syntax; empty where nothing was recognised.
        related: a query for what is related to its classes; empty where there is nothing.
        text: what likeness is asked for: the question without its fillers.
        readings: what each word was taken for.
    """

    question: str
    query: str
    related: str
    text: str
    readings: tuple[Reading, ...]

    @property
    def unknown(self) -> tuple[str, ...]:
        """Words that name nothing; `without …` where they were to be absent."""
        return tuple(
            f"without {reading.words}" if reading.is_negated else reading.words
            for reading in self.readings
            if reading.kind == "unknown"
        )


def understood(question: str, *, cursor: duckdb.DuckDBPyConnection, vocabulary: Vocabulary) -> Understood:
    """Reads a plain question. It never fails: what names nothing is left to likeness."""
    question = question.encode(errors="replace").decode()  # a surrogate is no text that could be looked up
    words = [word for word in _WORD.findall(question) if word.strip('" ')]
    reader = _Reader(cursor, vocabulary)
    readings = tuple(reader.read(words))
    said = " ".join(word.strip('"') for word in words if not _is_filler(word, vocabulary))
    for reading in readings:
        if reading.meant:
            meant_text = reading.meant.replace("\\", r"\\")
            said = re.sub(rf"(?<!\w){re.escape(reading.words)}(?!\w)", meant_text, said)
    return Understood(
        question,
        query=composed(readings, reader.senses.has),
        related=related(_classes_wanted(readings), vocabulary),
        text=said,
        readings=readings,
    )


def _classes_wanted(readings: Sequence[Reading]) -> Iterator[str]:
    for reading in readings:
        if not reading.is_negated:
            yield from reading.classes


def _is_filler(word: str, vocabulary: Vocabulary) -> bool:
    return is_filler(word.strip(".'"), vocabulary, fillers=_ALL_FILLERS)


class _Reader:
    """Looks words up in one state."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self.senses = Senses(cursor, vocabulary)

    def read(self, words: Sequence[str]) -> Iterator[Reading]:
        """What the words say, from the left."""
        plain = [folded(word).strip(".'") for word in words]
        start, quantity, is_negated, is_choice, was_negated = 0, ONE, False, False, False
        while start < len(words):
            word = plain[start]
            is_or = word == "or" and 0 < start < len(words) - 1  # even where a class is called so
            is_name = not is_or and self._vocabulary.knows(comparable(word))
            counted = None if is_name else read_quantity(plain[start : start + _LONGEST])
            if counted is not None:
                quantity, start = counted[0], start + counted[1]
            elif not is_name and (word in _NEGATIONS or is_or):
                is_choice = is_or
                is_negated = is_negated or (was_negated if is_choice else True)
                start += 1
            elif (team := self._team(plain, start)) is not None:
                yield replace(team[0], is_negated=is_negated)
                was_negated, is_negated, is_choice, start = is_negated, False, False, start + team[1]
            elif _is_filler(words[start], self._vocabulary):
                start += 1
            else:
                reading, taken = self._first(words[start : start + _LONGEST])
                if is_negated and reading.kind == "quoted":  # likeness ranks, it rules nothing out
                    reading = replace(reading, kind="unknown", query="")
                is_class = bool(reading.classes)
                yield replace(
                    reading,
                    quantity=quantity if is_class else ONE,
                    is_negated=is_negated,
                    is_choice=is_choice and not is_negated,
                )
                quantity = ONE if is_class else quantity
                was_negated, is_negated, is_choice, start = is_negated, False, False, start + taken

    def _first(self, words: Sequence[str]) -> tuple[Reading, int]:
        """What the words begin with, and how many words say it."""
        if words[0].startswith('"'):
            return Reading(words[0], "quoted", quoted(words[0].strip('"'))), 1
        found = self.senses.exactly([_typed(words[:count]) for count in range(1, len(words) + 1)])
        return found or self._inexactly(words)

    def _inexactly(self, words: Sequence[str]) -> tuple[Reading, int]:
        typed = _typed(words[:1])
        attribute = self.senses.attribute(typed)
        if attribute is not None:
            return attribute, 1
        together = next((n for n, word in enumerate(words) if _is_filler(word, self._vocabulary)), len(words))
        for count in range(min(_SPELLED_WORDS, together), 0, -1):
            found = self.senses.misspelt(_typed(words[:count]))
            if found is not None:
                return found, count
        return self.senses.unknown(typed), 1

    def _team(self, plain: Sequence[str], start: int) -> tuple[Reading, int] | None:
        """`mapping` of "labelled by mapping" or "of the mapping team"."""
        name = plain[start].removesuffix("'s")
        teams = {folded(team): team for team in self._vocabulary.teams}
        before = next((word for word in reversed(plain[:start]) if word not in ("a", "the")), "")
        is_called = plain[start + 1 : start + 2] in (["team"], ["teams"])
        if name not in teams or not (is_called or before in _MAKERS):
            return None
        return Reading(plain[start], "team", f"team={Value(teams[name])}", path="team"), 1 + is_called


def _typed(words: Sequence[str]) -> str:
    return " ".join(words).strip(".'")
