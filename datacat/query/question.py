"""A plain question -> a strict query: "cars at night" -> `car timeofday=night`, with what each word was taken for.

Filler words fall away. The rest is matched, longest first, with classes and concepts, with values of attributes and of
assets' metadata, with attributes that are true or false, and at last with names that are spelled much like it. A
value stands in the bracket of the class beside it where annotations of that class have it, else beside the class.
What matches nothing is left to likeness.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import duckdb

from datacat.model.names import folded
from datacat.query.compare import Sql
from datacat.query.hierarchy import meant
from datacat.query.pairs import one_of
from datacat.query.plurals import comparable
from datacat.query.run import rows
from datacat.query.scope import FILLERS
from datacat.query.values import Value, name_text
from datacat.query.vocabulary import ClassName, Vocabulary, nearest_names

_LONGEST = 6  # words of a name
_ALTERNATIVES = 3
_BESIDE = 3  # words between a class and a value that describes it
_WORD = re.compile(r'"[^"]+"|[^\s,;?!"()\[\]]+')
_ALSO = """
also anything at be been being by during exist exists got here into is kind kinds least more my near of or over related
seen some something taken than there thing things through time want was were when
"""
_MORE_FILLERS = frozenset(_ALSO.split())
_NEGATIONS = frozenset(("no", "not", "without"))
_COUNTS = {"two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10}


@dataclass(frozen=True, slots=True)
class Reading:
    """What words of a question were taken for.

    Attributes:
        words: as typed.
        kind: class, value, flag (an attribute that is true), attribute (its name, beside a value), spelling (a class
            spelled much like it), quoted, unknown.
        query: in strict syntax; empty for unknown words.
        alternatives: what else they could have meant, in strict syntax.
        classes: comparable names of classes, where it is one.
        path: of a value or a flag.
        count: at least so many, where a number stood before a class.
        is_negated: NOT stood before it.
    """

    words: str
    kind: str
    query: str
    alternatives: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    path: str = ""
    count: int = 1
    is_negated: bool = False


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
        """Words that name nothing."""
        return tuple(reading.words for reading in self.readings if reading.kind == "unknown")


def understood(question: str, *, cursor: duckdb.DuckDBPyConnection, vocabulary: Vocabulary) -> Understood:
    """Reads a plain question. It never fails: what names nothing is left to likeness."""
    words = _WORD.findall(question)
    reader = _Reader(cursor, vocabulary)
    readings = tuple(reader.read(words))
    corrected = {reading.words: reading.query for reading in readings if reading.kind == "spelling"}
    said = [corrected.get(word, word).strip('"') for word in words if not _is_filler(word, vocabulary)]
    return Understood(
        question,
        query=" AND ".join(_joined(readings, reader)),
        related=_related(readings, vocabulary),
        text=" ".join(said),
        readings=readings,
    )


def _is_filler(word: str, vocabulary: Vocabulary) -> bool:
    name = folded(word.strip(".'"))
    return name in FILLERS | _MORE_FILLERS and not vocabulary.knows(comparable(name))


class _Reader:
    """Looks words up in one state."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection, vocabulary: Vocabulary) -> None:
        self._cursor = cursor
        self._vocabulary = vocabulary

    def read(self, words: Sequence[str]) -> Iterator[Reading]:
        """What the words say, from the left."""
        start, count, is_negated = 0, 1, False
        while start < len(words):
            word = folded(words[start]).strip(".'")
            if word in _NEGATIONS and not self._vocabulary.knows(comparable(word)):
                is_negated, start = True, start + 1
                continue
            if _number(word) > 1 and not self._vocabulary.knows(comparable(word)):
                count, start = _number(word), start + 1
                continue
            if _is_filler(words[start], self._vocabulary):
                start += 1
                continue
            reading, taken = self._first(words[start : start + _LONGEST])
            is_class = bool(reading.classes)
            yield replace(reading, count=count if is_class else 1, is_negated=is_negated)
            count, is_negated, start = 1 if is_class else count, False, start + taken

    def has(self, path: str, classes: Sequence[str]) -> bool:
        """Whether annotations of one of the classes have an attribute."""
        names = [use.name for name in classes for use in _uses(name, self._vocabulary)]
        query = "SELECT 1 FROM path_counts WHERE path = ? AND class IN (SELECT unnest(?::VARCHAR[])) LIMIT 1"
        return bool(rows(self._cursor, Sql(query, (path, names))))

    def _first(self, words: Sequence[str]) -> tuple[Reading, int]:
        if words[0].startswith('"'):
            return Reading(words[0], "quoted", words[0]), 1
        for take in (self._class, self._value, self._flag):
            for count in range(len(words), 0, -1):
                typed = " ".join(words[:count]).strip(".'")
                found = take(typed)
                if found is not None:
                    return found, count
        return self._step(words[0]) or self._alike(words[0]), 1

    def _class(self, typed: str) -> Reading | None:
        name = comparable(typed)
        if not self._vocabulary.knows(name):
            return None
        shown = self._vocabulary.shown(name).replace(" ", "-")
        return Reading(typed, "class", shown, self._values_as_queries(typed), (name,))

    def _value(self, typed: str) -> Reading | None:
        queries = self._values_as_queries(typed)
        if not queries:
            return None
        return Reading(typed, "value", queries[0], queries[1:], path=self._paths(typed)[0])

    def _values_as_queries(self, typed: str) -> tuple[str, ...]:
        return tuple(f"{name_text(path)}={Value(typed, ' ' in typed)}" for path in self._paths(typed))

    def _paths(self, typed: str) -> list[str]:
        """The paths at which that is a value, the commonest first.

        Only in the spellings that people use, so that Bloom filters and statistics let DuckDB skip row groups.
        """
        spelled = list(
            dict.fromkeys((typed, typed.lower(), typed.capitalize(), typed.title(), typed.upper()))
        )
        is_value = one_of("text", spelled)
        query = """
            SELECT path FROM (
                SELECT path, count(*) AS n FROM attribute_values WHERE {} GROUP BY path UNION ALL
                SELECT path, count(*) AS n FROM metadata_values WHERE {} GROUP BY path)
            GROUP BY path ORDER BY sum(n) DESC, path LIMIT ?
        """
        found = rows(self._cursor, Sql(query, (_ALTERNATIVES + 1,)).filled(is_value, is_value))
        return [path for (path,) in found]

    def _flag(self, typed: str) -> Reading | None:
        """`occluded` -> `occluded=true`."""
        asked = comparable(typed)
        for path in self._vocabulary.paths(self._cursor):
            if comparable(path.rsplit(".", 1)[-1].removesuffix("[]")) == asked:
                query = "SELECT 1 FROM attribute_values WHERE path = ? AND text = 'true' LIMIT 1"
                if rows(self._cursor, Sql(query, (path,))):
                    return Reading(typed, "flag", f"{name_text(path)}=true", path=path)
        return None

    def _step(self, word: str) -> Reading | None:
        """`door` of "an open door": it belongs to the value beside it."""
        asked = comparable(word.strip(".'"))
        paths = [path for path in self._vocabulary.paths(self._cursor) if asked in _steps(path)]
        return Reading(word.strip(".'"), "attribute", "", tuple(paths[:_ALTERNATIVES])) if paths else None

    def _alike(self, word: str) -> Reading:
        typed = word.strip(".'")
        near = nearest_names(comparable(typed), self._vocabulary.known_names)
        if not near or len(typed) < 3:
            return Reading(typed, "unknown", "")
        shown = [self._vocabulary.shown(name).replace(" ", "-") for name in near]
        return Reading(typed, "spelling", shown[0], tuple(shown[1:]), (near[0],))


def _joined(readings: Sequence[Reading], reader: _Reader) -> Iterator[str]:
    """The parts of the query: classes with the values that describe them, and the rest."""
    taken: dict[int, list[Reading]] = {}
    alone: list[Reading] = []
    at = {number: reading for number, reading in enumerate(readings) if reading.classes}
    for number, reading in enumerate(readings):
        if reading.path:
            beside = sorted(at, key=lambda place: (place < number, abs(place - number)))
            owner = next(
                (p for p in beside if abs(p - number) <= _BESIDE and reader.has(reading.path, at[p].classes)),
                None,
            )
            (alone if owner is None else taken.setdefault(owner, [])).append(reading)
        elif reading.kind == "quoted":
            alone.append(reading)
    for number, reading in at.items():
        values = [f"{'NOT ' if one.is_negated else ''}{one.query}" for one in taken.get(number, ())]
        one = f"{reading.query}[{' '.join(values)}]" if values else reading.query
        one = f"count({one})>={reading.count}" if reading.count > 1 else one
        yield f"NOT {one}" if reading.is_negated else one
    for reading in alone:
        yield f"NOT {reading.query}" if reading.is_negated else reading.query


def _related(readings: Sequence[Reading], vocabulary: Vocabulary) -> str:
    """Classes that share a word with those asked for, or are other kinds of what they are kinds of."""
    found: dict[str, None] = {}
    for reading in readings:
        if reading.classes and not reading.is_negated:
            for name in reading.classes:
                found.update(dict.fromkeys(item.name for item in _relatives(name, vocabulary)))
    return " OR ".join(f"class={Value(name, is_quoted=True)}" for name in sorted(found))


def _relatives(name: str, vocabulary: Vocabulary) -> Iterator[ClassName]:
    own = {use.name for use in _uses(name, vocabulary)}
    asked = set(name.split())
    siblings = {
        use.name for below in vocabulary.kinds.values() if own & {use.name for use in below} for use in below
    }
    for item in vocabulary.classes:
        words = comparable(item.name).split()
        is_alike = bool(asked & set(words)) or any(
            _is_compound(one, other) for one in asked for other in words
        )
        if item.name not in own and item.annotations and (is_alike or item.name in siblings):
            yield item


def _is_compound(one: str, other: str) -> bool:
    """`roof` and `rooftop`: one begins or ends with the other."""
    short, long = sorted((one, other), key=len)
    return len(short) >= 4 and short != long and (long.startswith(short) or long.endswith(short))


def _uses(name: str, vocabulary: Vocabulary) -> list[ClassName]:
    found = meant(name, vocabulary)
    return [vocabulary.by_class[use.name] for use in (*found.same, *found.kinds)]


def _steps(path: str) -> list[str]:
    return [comparable(step) for step in path.replace("[]", "").split(".")]


def _number(word: str) -> int:
    return int(word) if word.isdecimal() and len(word) < 4 else _COUNTS.get(word, 0)
