"""What words of a plain question may stand for in one state: classes, values, attributes, names spelled much alike."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple
from unicodedata import normalize

import duckdb

from datacat.model.names import folded
from datacat.query.compare import Sql, one_of
from datacat.query.conditions import is_reserved
from datacat.query.misspelt import edits, is_slip, slack
from datacat.query.plurals import comparable
from datacat.query.readings import Reading
from datacat.query.related import classes_of
from datacat.query.run import rows
from datacat.query.values import Value, is_name, name_text, quoted
from datacat.query.vocabulary import Vocabulary

ALTERNATIVES = 3
_OPERATORS = frozenset(("and", "or", "not", "without"))  # a class of that name needs quotes
_FORGIVING = 50_000_000  # leaves; of more, it takes too long to compare the spelling of their values
_CANDIDATES = 50  # values that are near; the nearest of them are looked at closely
_SHORTEST = 3  # letters; nothing is near to shorter words
_NO_LETTERS = re.compile(r"[\W_]+")
_PLURALS = {"s": "", "es": "", "ies": "y"}
_ENDINGS = {"ed": ("", "e"), "ing": ("", "e"), "y": ("", "e"), "en": ("", "e")}  # rusty: rust, wooden: wood
_SHORTEST_STEM = 4  # letters; shorter ones are too often another word (bed: b, king: k)
_NOTHING = ("none", "no", "false", "nothing", "undamaged", "intact", "-")


class _Near(NamedTuple):
    """A name or value some edits away; those of `path` "" are classes."""

    edits: int
    path: str
    name: str
    text: str

    @property
    def is_class(self) -> bool:
        return not self.path


@dataclass(slots=True)
class Senses:
    """Looks words up in one state."""

    cursor: duckdb.DuckDBPyConnection
    vocabulary: Vocabulary
    _field_values: dict[tuple[str, str], str] | None = None
    _nearest: dict[str, list[_Near]] = field(default_factory=dict)

    def has(self, path: str, classes: Sequence[str] = ()) -> bool:
        """Whether annotations have an attribute: those of one of the classes; of whichever, where none are given."""
        if not classes:
            return path in self.vocabulary.paths(self.cursor)
        names = [item.name for name in classes for item in classes_of(name, self.vocabulary)]
        query = "SELECT 1 FROM path_counts WHERE path = ? AND class IN (SELECT unnest(?::VARCHAR[])) LIMIT 1"
        return bool(rows(self.cursor, Sql(query, (path, names))))

    def as_class(self, prefixes: Sequence[str]) -> tuple[Reading, int] | None:
        """The class or concept so called; of `prefixes`, which grow by a word each, the longest, and its words."""
        return _longest(prefixes, self._class)

    def as_value(self, prefixes: Sequence[str]) -> tuple[Reading, int] | None:
        """The value or true attribute so called, as `as_class`."""
        exactly = (_longest(prefixes, take) for take in (self._value, self._flag, self._field))
        found = next(filter(None, exactly), None)
        if found is None and (stem := self._stemmed(prefixes[0])):
            return stem, 1
        return found

    def comparisons(self, typed: str) -> tuple[str, ...]:
        """Conditions on the paths at which that is a value, the commonest first."""
        return tuple(comparison(path, text) for path, text in self._uses_of(typed))

    def field_values(self) -> dict[tuple[str, str], str]:
        """`status` or `model` and a folded value of it -> the value as it is written; read once it is needed."""
        if self._field_values is None:
            query = "SELECT DISTINCT status, model FROM annotations WHERE coalesce(status, model) IS NOT NULL"
            found = rows(self.cursor, Sql(query))
            pairs = [
                (field, text) for row in found for field, text in zip(("status", "model"), row, strict=True)
            ]
            self._field_values = {(name, folded(text)): text for name, text in pairs if text is not None}
        return self._field_values

    def attribute(self, typed: str) -> Reading | None:
        """`door` of "an open door": it belongs to the value beside it."""
        asked = comparable(typed)
        paths = [path for path in self.vocabulary.paths(self.cursor) if asked in steps(path)]
        return Reading(typed, "attribute", "", tuple(paths[:ALTERNATIVES])) if paths else None

    def misspelt(self, typed: str) -> Reading | None:
        """The one name or value that `typed` surely is."""
        near = self._near(typed)
        surely = [one for one in near if is_slip(comparable(typed), one.name)]
        if not surely or any(one.edits <= surely[0].edits and one.name != surely[0].name for one in near):
            return None
        queries = tuple(self._query(one) for one in surely if one.name == surely[0].name)
        first, *others = queries
        meant = self.vocabulary.shown(surely[0].name) if surely[0].is_class else surely[0].text
        classes = (surely[0].name,) if surely[0].is_class else ()
        return Reading(typed, "spelling", first, tuple(others), classes, path=surely[0].path, meant=meant)

    def unknown(self, typed: str) -> Reading:
        """A word that names nothing, with the names that are near."""
        near = tuple(self._query(one) for one in self._near(typed)[:ALTERNATIVES])
        return Reading(typed, "unknown", "", near)

    def _class(self, typed: str) -> Reading | None:
        name = comparable(typed)
        if not self.vocabulary.knows(name):
            return None
        shown = _class_text(name, self.vocabulary)
        return Reading(typed, "class", shown, self.comparisons(typed), (name,))

    def _value(self, typed: str) -> Reading | None:
        found = self._uses_of(typed)
        if not found:
            return None
        queries = tuple(comparison(path, text) for path, text in found)
        return Reading(typed, "value", queries[0], queries[1:], path=found[0][0])

    def _stemmed(self, typed: str) -> Reading | None:
        """`tiled` -> `material=tile`; `damaged` -> there is a `damage`, and it is not "none"."""
        if any(comparable(typed) in steps(path) for path in self.vocabulary.paths(self.cursor)):
            return None
        for stem in stems(comparable(typed)):
            found = self._value(stem)
            if found is not None:
                return replace(found, words=typed, meant=stem)
            for path in self.vocabulary.paths(self.cursor):
                if steps(path)[-1] == stem and not self.vocabulary.paths(self.cursor)[path].numbers:
                    return Reading(typed, "value", self._some_of(path), path=path, meant=stem)
        return None

    def _some_of(self, path: str) -> str:
        """That there is something at a path, and that it is not "none"."""
        query = (
            "SELECT DISTINCT text FROM attribute_values "
            "WHERE path = ? AND lower(text) IN (SELECT unnest(?::VARCHAR[]))"
        )
        found = sorted(text for (text,) in rows(self.cursor, Sql(query, (path, list(_NOTHING)))))
        name = name_text(path, is_quoted=is_reserved(path) or "*" in path)
        if not found:
            return f"has:{name}"
        return f"{name} not in ({', '.join(map(value_text, found))})"

    def _uses_of(self, typed: str) -> list[tuple[str, str]]:
        """The paths at which that is a value, with the value as it is spelled there; the commonest first."""
        is_value = one_of("text", _spellings(typed))
        query = """
            SELECT path, max_by(text, n) FROM (
                SELECT path, text, count(*) AS n FROM attribute_values WHERE {} GROUP BY ALL UNION ALL
                SELECT path, text, count(*) AS n FROM metadata_values WHERE {} GROUP BY ALL)
            GROUP BY path ORDER BY sum(n) DESC, path LIMIT ?
        """
        found = rows(self.cursor, Sql(query, (ALTERNATIVES + 1,)).filled(is_value, is_value))
        return [(path, text) for path, text in found]

    def _flag(self, typed: str) -> Reading | None:
        """`occluded` -> `occluded=true`."""
        asked = comparable(typed)
        for path in self.vocabulary.paths(self.cursor):
            if comparable(path.rsplit(".", 1)[-1].removesuffix("[]")) == asked:
                query = "SELECT 1 FROM attribute_values WHERE path = ? AND text = 'true' LIMIT 1"
                if rows(self.cursor, Sql(query, (path,))):
                    return Reading(typed, "flag", comparison(path, "true"), path=path)
        return None

    def _field(self, typed: str) -> Reading | None:
        """`approved` -> `status=approved`, `yolo-v11` -> `model=yolo-v11`."""
        for name in ("status", "model"):
            text = self.field_values().get((name, folded(typed)))
            if text is not None:
                return Reading(typed, "value", f"{name}={value_text(text)}", field=name)
        return None

    def _near(self, typed: str) -> list[_Near]:
        """Names and values a few edits away, and classes that it is a word of; the nearest first."""
        asked = comparable(typed)
        if asked not in self._nearest:
            self._nearest[asked] = sorted(self._looked_near(asked)) if len(asked) >= _SHORTEST else []
        return self._nearest[asked]

    def _looked_near(self, asked: str) -> Iterator[_Near]:
        most = slack(asked)
        query = (
            "SELECT name FROM (SELECT unnest(?::VARCHAR[]) AS name) WHERE damerau_levenshtein(name, ?) <= ?"
        )
        # Two letters that are swapped count once, but twice for DuckDB where they are no neighbours.
        names = rows(self.cursor, Sql(query, (list(self.vocabulary.known_names), asked, max(most, 2))))
        found = [_Near(edits(asked, name), "", name, "") for (name,) in names]
        if " " not in asked:  # values of several words are not compared with each two words of a question
            for path, text in self._values_near(asked, most=max(most, 2)):
                found.append(_Near(edits(asked, comparable(text)), path, comparable(text), text))
        yield from (one for one in found if one.edits <= most)
        for name in self.vocabulary.known_names:
            if asked != name and asked in _NO_LETTERS.split(name):
                yield _Near(most, "", name, "")

    def _values_near(self, asked: str, *, most: int) -> Iterator[tuple[str, str]]:
        leaves = rows(self.cursor, Sql("SELECT coalesce(sum(leaves), 0) FROM path_counts"))[0][0]
        if leaves > _FORGIVING:
            return
        query = """
            SELECT path, text FROM (
                SELECT DISTINCT path, text FROM attribute_values WHERE number IS NULL UNION
                SELECT DISTINCT path, text FROM metadata_values WHERE number IS NULL)
            WHERE abs(length(text) - length(?)) <= ? AND damerau_levenshtein(lower(text), ?) <= ?
            ORDER BY damerau_levenshtein(lower(text), ?), path, text LIMIT ?
        """
        yield from rows(self.cursor, Sql(query, (asked, most, asked, most, asked, _CANDIDATES)))

    def _query(self, one: _Near) -> str:
        return _class_text(one.name, self.vocabulary) if one.is_class else comparison(one.path, one.text)


def stems(word: str) -> Iterator[str]:
    """What an English participle or adjective may be made of: tiled -> til, tile."""
    for ending, instead in _ENDINGS.items():
        stem = word.removesuffix(ending)
        if stem == word:
            continue
        bare = [stem + letters for letters in instead]
        if len(stem) > 2 and stem[-1] == stem[-2]:  # planned: plan
            bare.append(stem[:-1])
        yield from (one for one in bare if len(one) >= _SHORTEST_STEM)


def _longest(prefixes: Sequence[str], take: Callable[[str], Reading | None]) -> tuple[Reading, int] | None:
    for count in range(len(prefixes), 0, -1):
        found = take(prefixes[count - 1])
        if found is not None:
            return found, count
    return None


def comparison(path: str, text: str) -> str:
    """`timeofday=night`; in quotes a path is no field or relation of the same name, and no pattern."""
    name = name_text(path, is_quoted=is_reserved(path) or "*" in path)
    return f"{name}={value_text(text)}"


def value_text(text: str) -> str:
    """A value that means just this text."""
    return str(Value(text, is_quoted=" " in text or "*" in text))


def steps(path: str) -> list[str]:
    """The words of a path, comparable."""
    return [comparable(step) for step in path.replace("[]", "").split(".")]


def _class_text(name: str, vocabulary: Vocabulary) -> str:
    """A comparable name in strict syntax."""
    shown = vocabulary.shown(name).replace(" ", "-")
    if is_name(shown) and shown not in _OPERATORS and "*" not in shown:
        return shown
    names = sorted({item.name for item in classes_of(name, vocabulary)})
    if len(names) == 1:
        return f"class={quoted(names[0])}"
    return f"[class in ({', '.join(map(quoted, names))})]"


def _spellings(typed: str) -> list[str]:
    """In singular and plural, as people write them; so few that DuckDB skips row groups by them."""
    forms = [typed, f"{typed}s"]
    if len(typed) > 3:
        forms += [typed[: -len(ending)] + stem for ending, stem in _PLURALS.items() if typed.endswith(ending)]
    forms += [form.replace("ss", "ß") for form in forms if "ss" in form]
    forms += [normalize(kind, form) for form in forms if not form.isascii() for kind in ("NFC", "NFD")]
    forms = [form.replace(" ", gap) for form in forms for gap in " _-"]
    return list(
        dict.fromkeys(
            one
            for form in forms
            for one in (form, form.lower(), form.capitalize(), form.title(), form.upper())
        )
    )
