"""A plain question -> a strict query: "cars at night" -> `car timeofday=night`, with what each word was taken for.

Filler words fall away. The rest is matched, longest first, with classes and concepts, with values of attributes and of
assets' metadata, with attributes that are true or false, and at last with names that are spelled much like it. A
value stands in the bracket of the class beside it where annotations of that class have it, else beside the class.
What matches nothing is left to likeness.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import duckdb

from datacat.model.names import folded
from datacat.query.compare import Sql
from datacat.query.conditions import is_reserved
from datacat.query.hierarchy import meant
from datacat.query.pairs import one_of
from datacat.query.plurals import comparable
from datacat.query.quantities import ONE, read_quantity
from datacat.query.readings import Reading, composed
from datacat.query.run import rows
from datacat.query.scope import FILLERS, is_filler
from datacat.query.values import Value, is_name, name_text, quoted
from datacat.query.vocabulary import ClassName, Vocabulary, nearest_names

_LONGEST = 6  # words of a name
_ALTERNATIVES = 3
_WORD = re.compile(r'"[^"]+"|[^\s,;?!"()\[\]]+')
_ALSO = """
about also anything at be been being both but by could during either ever exist exists got here how i into is it
its kind kinds know least like look looking looks many me more my near need of only or over related seen see should
so some something taken tell than them there they thing things through time want was were when will would you your
"""
_ALL_FILLERS = FILLERS | frozenset(_ALSO.split())
_NEGATIONS = frozenset(("no", "not", "without", "neither", "nor"))
_OPERATORS = frozenset(("and", "or", "not", "without"))  # a class of that name needs quotes
_MAKERS = frozenset(("by", "from", "of"))  # what stands before a team's name
_FORGIVING = 50_000_000  # leaves; of more, it takes too long to compare the spelling of their values
_SPELLED_ALIKE = 0.8  # of a value, or of several words
_SPELLED_WORDS = 3
_PLURALS = {"s": "", "es": "", "ies": "y"}


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
        query=composed(readings, reader.has),
        related=_related(readings, vocabulary),
        text=said,
        readings=readings,
    )


def _is_filler(word: str, vocabulary: Vocabulary) -> bool:
    return is_filler(word.strip(".'"), vocabulary, fillers=_ALL_FILLERS)


class _Reader:
    """Looks words up in one state."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection, vocabulary: Vocabulary) -> None:
        self._cursor = cursor
        self._vocabulary = vocabulary
        self._statuses: dict[str, str] | None = None  # folded -> as written; read once they are needed

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

    def has(self, path: str, classes: Sequence[str]) -> bool:
        """Whether annotations of one of the classes have an attribute."""
        if path in ("team", "status"):
            return True
        names = [use.name for name in classes for use in _uses(name, self._vocabulary)]
        query = "SELECT 1 FROM path_counts WHERE path = ? AND class IN (SELECT unnest(?::VARCHAR[])) LIMIT 1"
        return bool(rows(self._cursor, Sql(query, (path, names))))

    def _first(self, words: Sequence[str]) -> tuple[Reading, int]:
        if words[0].startswith('"'):
            return Reading(words[0], "quoted", quoted(words[0].strip('"'))), 1
        for take in (self._class, self._value, self._flag, self._status):
            for count in range(len(words), 0, -1):
                typed = " ".join(words[:count]).strip(".'")
                found = take(typed)
                if found is not None:
                    return found, count
        step = self._step(words[0])
        return (step, 1) if step else self._alike(words)

    def _team(self, plain: Sequence[str], start: int) -> tuple[Reading, int] | None:
        """`mapping` of "labelled by mapping" or "of the mapping team"."""
        name = plain[start].removesuffix("'s")
        teams = {folded(team): team for team in self._vocabulary.teams}
        before = next((word for word in reversed(plain[:start]) if word not in ("a", "the")), "")
        is_called = plain[start + 1 : start + 2] in (["team"], ["teams"])
        if name not in teams or not (is_called or before in _MAKERS):
            return None
        return Reading(plain[start], "team", f"team={Value(teams[name])}", path="team"), 1 + is_called

    def _class(self, typed: str) -> Reading | None:
        name = comparable(typed)
        if not self._vocabulary.knows(name):
            return None
        shown = _class_text(name, self._vocabulary)
        alternatives = tuple(_comparison(path, text) for path, text in self._uses_of(typed))
        return Reading(typed, "class", shown, alternatives, (name,))

    def _value(self, typed: str) -> Reading | None:
        found = self._uses_of(typed)
        if not found:
            return None
        queries = tuple(_comparison(path, text) for path, text in found)
        return Reading(typed, "value", queries[0], queries[1:], path=found[0][0])

    def _uses_of(self, typed: str) -> list[tuple[str, str]]:
        """The paths at which that is a value, with the value as it is spelled there; the commonest first."""
        is_value = one_of("text", _spellings(typed))
        query = """
            SELECT path, max_by(text, n) FROM (
                SELECT path, text, count(*) AS n FROM attribute_values WHERE {} GROUP BY ALL UNION ALL
                SELECT path, text, count(*) AS n FROM metadata_values WHERE {} GROUP BY ALL)
            GROUP BY path ORDER BY sum(n) DESC, path LIMIT ?
        """
        found = rows(self._cursor, Sql(query, (_ALTERNATIVES + 1,)).filled(is_value, is_value))
        return [(path, text) for path, text in found]

    def _status(self, typed: str) -> Reading | None:
        """`approved` -> `status=approved`."""
        if self._statuses is None:
            found = rows(
                self._cursor, Sql("SELECT DISTINCT status FROM annotations WHERE status IS NOT NULL")
            )
            self._statuses = {folded(status): status for (status,) in found}
        status = self._statuses.get(folded(typed))
        if status is None:
            return None
        return Reading(typed, "value", f"status={_value_text(status)}", path="status")

    def _flag(self, typed: str) -> Reading | None:
        """`occluded` -> `occluded=true`."""
        asked = comparable(typed)
        for path in self._vocabulary.paths(self._cursor):
            if comparable(path.rsplit(".", 1)[-1].removesuffix("[]")) == asked:
                query = "SELECT 1 FROM attribute_values WHERE path = ? AND text = 'true' LIMIT 1"
                if rows(self._cursor, Sql(query, (path,))):
                    return Reading(typed, "flag", _comparison(path, "true"), path=path)
        return None

    def _step(self, word: str) -> Reading | None:
        """`door` of "an open door": it belongs to the value beside it."""
        asked = comparable(word.strip(".'"))
        paths = [path for path in self._vocabulary.paths(self._cursor) if asked in _steps(path)]
        return Reading(word.strip(".'"), "attribute", "", tuple(paths[:_ALTERNATIVES])) if paths else None

    def _alike(self, words: Sequence[str]) -> tuple[Reading, int]:
        """The class or value that is spelled much like it."""
        together = next((n for n, word in enumerate(words) if _is_filler(word, self._vocabulary)), len(words))
        for count in range(min(_SPELLED_WORDS, together), 1, -1):
            phrase = comparable(" ".join(words[:count]).strip(".'"))
            near = nearest_names(phrase, self._vocabulary.known_names)
            if near and " " in near[0] and _likeness(phrase, near[0]) >= _SPELLED_ALIKE:
                return self._misspelt(" ".join(words[:count]).strip(".'"), near), count
        typed = words[0].strip(".'")
        near = nearest_names(comparable(typed), self._vocabulary.known_names) if len(typed) > 2 else []
        value = self._value_alike(typed) if len(typed) > 2 else None
        if value is not None and (not near or _likeness(typed, value.meant) > _likeness(typed, near[0])):
            return value, 1
        return (self._misspelt(typed, near) if near else Reading(typed, "unknown", "")), 1

    def _misspelt(self, typed: str, near: Sequence[str]) -> Reading:
        shown = [_class_text(name, self._vocabulary) for name in near]
        meant = self._vocabulary.shown(near[0])
        return Reading(typed, "spelling", shown[0], tuple(shown[1:]), (near[0],), meant=meant)

    def _value_alike(self, typed: str) -> Reading | None:
        leaves = rows(self._cursor, Sql("SELECT coalesce(sum(leaves), 0) FROM path_counts"))[0][0]
        if leaves > _FORGIVING:
            return None
        query = """
            SELECT path, text FROM (
                SELECT DISTINCT path, text FROM attribute_values WHERE number IS NULL UNION
                SELECT DISTINCT path, text FROM metadata_values WHERE number IS NULL)
            WHERE abs(length(text) - length(?)) < 3 AND jaro_similarity(lower(text), lower(?)) >= ?
            ORDER BY jaro_similarity(lower(text), lower(?)) DESC, path LIMIT ?
        """
        found = rows(self._cursor, Sql(query, (typed, typed, _SPELLED_ALIKE, typed, _ALTERNATIVES + 1)))
        found = [(path, text) for path, text in found if _likeness(typed, text) >= _SPELLED_ALIKE]
        if not found:
            return None
        queries = [_comparison(path, text) for path, text in found]
        return Reading(typed, "spelling", queries[0], tuple(queries[1:]), path=found[0][0], meant=found[0][1])


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


def _class_text(name: str, vocabulary: Vocabulary) -> str:
    """A comparable name in strict syntax."""
    shown = vocabulary.shown(name).replace(" ", "-")
    if is_name(shown) and shown not in _OPERATORS and "*" not in shown:
        return shown
    names = sorted({use.name for use in _uses(name, vocabulary)})
    if len(names) == 1:
        return f"class={quoted(names[0])}"
    return f"[class in ({', '.join(map(quoted, names))})]"


def _comparison(path: str, text: str) -> str:
    """`timeofday=night`; in quotes a path is no field or relation of the same name, and no pattern."""
    name = name_text(path, is_quoted=is_reserved(path) or "*" in path)
    return f"{name}={_value_text(text)}"


def _value_text(text: str) -> str:
    return str(Value(text, is_quoted=" " in text or "*" in text))


def _spellings(typed: str) -> list[str]:
    """In singular and plural, as people write them; so few that DuckDB skips row groups by them."""
    forms = [typed, f"{typed}s"]
    if len(typed) > 3:
        forms += [typed[: -len(ending)] + stem for ending, stem in _PLURALS.items() if typed.endswith(ending)]
    forms = [form.replace(" ", gap) for form in forms for gap in " _-"]
    return list(
        dict.fromkeys(
            one
            for form in forms
            for one in (form, form.lower(), form.capitalize(), form.title(), form.upper())
        )
    )


def _likeness(one: str, other: str) -> float:
    return difflib.SequenceMatcher(None, one.lower(), other.lower()).ratio()
