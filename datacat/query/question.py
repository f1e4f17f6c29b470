"""A plain question -> a strict query: "cars at night" -> `car timeofday=night`, with what each word was taken for.

Filler words fall away. The rest is matched, longest first, with classes and concepts, with values of attributes and of
assets' metadata, with attributes that are true or false, and at last with names that it surely is, misspelt. A value
stands in the bracket of the class beside it where annotations of that class have it, else beside the class.
What matches nothing is left to likeness; what is to be absent never is, as no encoder of pictures knows "not".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, NamedTuple

import duckdb
import pyarrow as pa

from datacat.model.names import folded
from datacat.query.comparisons import Comparisons, has_number
from datacat.query.dates import read_when
from datacat.query.languages import ENGLISH, language_of
from datacat.query.makers import Makers
from datacat.query.own_words import QUALIFIERS, own_word
from datacat.query.plurals import comparable
from datacat.query.quantities import ONE, Quantity, read_quantity
from datacat.query.readings import MAKERS, Reading, composed
from datacat.query.related import related
from datacat.query.said_relations import read_relation, with_relations
from datacat.query.scope import FILLERS, is_filler
from datacat.query.senses import Senses, steps
from datacat.query.superlatives import Limits, read_superlative
from datacat.query.values import quoted
from datacat.query.vocabulary import Vocabulary

_LONGEST = 6  # words of a name
_WORD = re.compile(r'"[^"]+"|[^\s,;?!"()\[\]]+')
_ALSO = """
about also annotation annotations anything at be been being both but by captured could created during either ever
exist exists filmed got here how i into is it its kind kinds know least like look looking looks many me more my
need of only or over photograph photographed photographs related see seen should so some something taken tell than
them there they thing things through time want was were when will would you your
"""
_ALL_FILLERS = FILLERS | frozenset(_ALSO.split())
_COUNTING = re.compile(
    r"[\s¿]*(how many|the number of|number of|count( of)?|wie\s?viele?|combien|cu[aá]nt[oa]s?)\b",
    re.IGNORECASE,
)
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
        is_count: it asks how many there are.
    """

    question: str
    query: str
    related: str
    text: str
    readings: tuple[Reading, ...]
    is_count: bool = False

    @property
    def unknown(self) -> tuple[str, ...]:
        """Words that name nothing or are not used; `without …` where they were to be absent."""
        return tuple(
            f"without {reading.words}" if reading.is_negated else reading.words
            for reading in self.readings
            if reading.kind == "unknown" or not reading.is_used
        )

    @property
    def is_counted(self) -> bool:
        """Whether it asks for a number of things, which is one within each label set."""
        return any(reading.quantity != ONE for reading in self.readings)

    def as_document(self) -> dict[str, Any]:
        """The same as JSON shows it."""
        own = {item.name: getattr(self, item.name) for item in fields(self)}
        return own | {"unknown": self.unknown, "is_counted": self.is_counted}

    @property
    def is_about_assets(self) -> bool:
        """Whether it asks nothing of labels: "videos", "unlabelled images", "taken in 2026"."""
        said = [reading for reading in self.readings if reading.query]
        return bool(said) and all(reading.is_about_asset for reading in said)


def understood(
    question: str,
    *,
    cursor: duckdb.DuckDBPyConnection,
    vocabulary: Vocabulary,
    limits: Callable[[str], pa.Table] | None = None,
    most: int = 5,
) -> Understood:
    """Reads a plain question. It never fails: what names nothing is left to likeness.

    Args:
        question: as typed.
        cursor: shows one state.
        vocabulary: of that state.
        limits: the annotations (asset, annotation) that fulfil a query, for superlatives; None: they stay unread.
        most: how many the largest are.
    """
    question = question.encode(errors="replace").decode()  # a surrogate is no text that could be looked up
    words = [word for word in _WORD.findall(question) if word.strip('" ')]
    reader = _Reader(cursor, vocabulary)
    told = list(reader.read(words))
    if all(
        one.reading.is_about_asset or one.is_left for one in told if one.reading
    ):  # "images" alone are pictures
        told = list(reader.read(words, fillers=_ALL_FILLERS - QUALIFIERS))
    readings = _used([one.reading for one in told if one.reading])
    if limits is not None:
        readings = Limits(cursor, vocabulary, limits, reader.senses.has, most).applied(readings)
    readings = with_relations(readings, reader.senses.has)
    return Understood(
        question,
        query=composed(readings, reader.senses.has),
        related=related(_classes_wanted(readings), vocabulary),
        text=" ".join(one.text for one in told if one.text),
        readings=readings,
        is_count=bool(_COUNTING.match(question)),
    )


def _used(readings: Sequence[Reading]) -> tuple[Reading, ...]:
    """The readings, of which the name of an attribute counts only beside a value of it, as in "an open door"."""
    said = {step for reading in readings if reading.path for step in steps(reading.path)}
    return tuple(
        replace(reading, is_used=comparable(reading.words) in said)
        if reading.kind == "attribute"
        else reading
        for reading in readings
    )


def _classes_wanted(readings: Sequence[Reading]) -> Iterator[str]:
    for reading in readings:
        if not reading.is_negated:
            yield from reading.classes


class _Told(NamedTuple):
    """What some words say, if anything.

    Attributes:
        reading: that.
        text: what is left of them for likeness; nothing of facts that no picture shows.
        is_left: they wait for something that never came, as the number of "3 of them".
    """

    reading: Reading | None
    text: str = ""
    is_left: bool = False


@dataclass(slots=True)
class _Waiting:
    """What was said of what is to come: how many, that it is absent, that it is an alternative."""

    quantity: Quantity = ONE
    number: str = ""  # the words that said how many
    negation: str = ""
    is_choice: bool = False

    def negate(self, word: str, *, after: Reading) -> None:
        """Takes "not" or "or" in: behind what is absent, "or" makes the next absent, too."""
        self.is_choice = word == "or"
        if not self.is_choice or after.is_negated:
            self.negation = self.negation or word

    def left(self, *words: str) -> Iterator[_Told]:
        """The words that nothing came for."""
        for said in words or (self.negation, self.number):
            if said:
                yield _Told(Reading(said, "unknown", ""), is_left=True)


class _Reader:
    """Reads a question from the left, and looks its words up in one state."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self.senses = Senses(cursor, vocabulary)
        self._makers = Makers(self.senses)
        self._comparisons = Comparisons(self.senses)
        self._language = ENGLISH

    def read(self, words: Sequence[str], *, fillers: frozenset[str] = _ALL_FILLERS) -> Iterator[_Told]:
        """What the words say."""
        plain = [folded(word).strip(".'") for word in words]
        self._language = language_of(plain)
        start, waiting, last, is_each = 0, _Waiting(), Reading("", "", ""), False
        while start < len(words):
            word = plain[start]
            is_or = self._is_choice(word) and 0 < start < len(words) - 1  # even where a class is called so
            is_name = not is_or and self._vocabulary.knows(comparable(word))
            known = None if is_name else self._fact(words, start, last)
            counted = None if is_name or known else read_quantity(plain[start : start + _LONGEST])
            if counted is not None:
                yield from waiting.left(waiting.number)
                waiting.quantity, taken = counted
                waiting.number = _typed(words[start : start + taken])
                yield _Told(None, waiting.number)
            elif not is_name and (self._is_negation(word) or is_or):
                waiting.negate("or" if is_or else word, after=last)
                yield _Told(None)
                taken = 1
            elif known is None and self._is_filler(word, fillers) and not self._relation(plain, start):
                taken = 1
                is_each = is_each or word == "both"
            else:
                found, taken = known or self._first(words, start)
                is_each = is_each and found.field in MAKERS
                last = replace(_with(found, waiting), is_each=is_each)
                if not last.query:  # "3 doors" of which no label says how many
                    yield from waiting.left(waiting.number)
                yield _Told(last, _shown_text(last, _typed(words[start : start + taken])))
                is_open = last.query and not last.classes
                waiting = _Waiting(waiting.quantity, waiting.number) if is_open else _Waiting()
            start += taken
        yield from waiting.left()

    def _is_filler(self, word: str, fillers: frozenset[str]) -> bool:
        is_sign = not any(map(str.isalnum, word)) and not self._vocabulary.knows(comparable(word))
        return is_sign or is_filler(word, self._vocabulary, fillers=fillers | self._language.fillers)

    def _is_negation(self, word: str) -> bool:
        return word in ENGLISH.negations or word in self._language.negations

    def _is_choice(self, word: str) -> bool:
        return word in ENGLISH.choices or word in self._language.choices

    def _fact(self, words: Sequence[str], start: int, last: Reading) -> tuple[Reading, int] | None:
        """What is compared with a number, when something was, or who said it."""
        typed = [word.casefold().strip(".'") for word in words]
        compared = self._comparisons.read(typed, start) if has_number(typed[start:]) else None
        made_by = compared or read_when(typed, start)
        return made_by or self._makers.read(typed, start, is_next=last.field in MAKERS)

    def _first(self, words: Sequence[str], start: int) -> tuple[Reading, int]:
        """What the words from `start` on begin with, and how many words say it."""
        rest = words[start : start + _LONGEST]
        if rest[0].startswith('"'):
            return Reading(rest[0], "quoted", quoted(rest[0].strip('"'))), 1
        prefixes = [_typed(rest[:count]) for count in range(1, len(rest) + 1)]
        found = self.senses.as_class(prefixes)
        if found is not None:
            return found
        plain = [folded(word).strip(".'") for word in words]
        superlative = read_superlative(plain[start])
        if superlative is not None:
            return superlative, 1
        own = own_word(plain[start:], before=plain[:start])
        if own is not None:
            also = self.senses.comparisons(prefixes[own[1] - 1])
            return replace(own[0], alternatives=also), own[1]
        return (
            self.senses.as_value(prefixes)
            or self._relation(plain, start)
            or self._makers.read_alone([word.casefold().strip(".'") for word in words], start)
            or self._inexactly(rest)
        )

    def _relation(self, plain: Sequence[str], start: int) -> tuple[Reading, int] | None:
        """How what was named before lies to what is named behind; None where no class follows."""
        found = read_relation(plain[start:])
        if found is None or not any(self._vocabulary.knows(comparable(word)) for word in plain[:start]):
            return None
        behind = plain[start + found[1] :]
        names = (" ".join(behind[at : at + n]) for at in range(len(behind)) for n in (1, 2, 3))
        return found if any(self._vocabulary.knows(comparable(name)) for name in names if name) else None

    def _inexactly(self, words: Sequence[str]) -> tuple[Reading, int]:
        typed = _typed(words[:1])
        attribute = self.senses.attribute(typed)
        if attribute is not None:
            return attribute, 1
        together = next(
            (n for n, word in enumerate(words) if self._is_filler(_typed([word]), _ALL_FILLERS)), len(words)
        )
        for count in range(min(_SPELLED_WORDS, together), 0, -1):
            found = self.senses.misspelt(_typed(words[:count]))
            if found is not None:
                return found, count
        return self._makers.suggested(self.senses.unknown(typed)), 1


def _shown_text(reading: Reading, typed: str) -> str:
    """What a picture may show of a reading: nothing that is to be absent, that is a fact or is compared."""
    if reading.is_negated or reading.field not in ("", "relation") or reading.kind == "comparison":
        return ""
    return (reading.meant if reading.kind == "spelling" else typed).strip('"')


def _with(reading: Reading, waiting: _Waiting) -> Reading:
    """What was read, with what was said of it before."""
    if waiting.negation and reading.kind == "quoted":  # likeness ranks, it rules nothing out
        reading = replace(reading, kind="unknown", query="")
    return replace(
        reading,
        quantity=waiting.quantity if reading.classes else ONE,
        is_negated=bool(waiting.negation) or reading.is_negated,
        is_choice=waiting.is_choice and not waiting.negation,
    )


def _typed(words: Sequence[str]) -> str:
    return " ".join(words).strip(".'")
