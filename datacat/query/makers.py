"""Who made annotations, in plain words: "by mapping", "of the claims team", "predictions of yolo-v11", "by ann"."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from datacat.model.names import folded
from datacat.query.compare import Sql
from datacat.query.readings import Reading
from datacat.query.run import rows
from datacat.query.senses import value_text
from datacat.query.vocabulary import Vocabulary

_BEFORE = ("by", "from", "of")
_BETWEEN = ("a", "an", "the", "team", "model", "annotator", "user")
_JOINED = ("and", "or", "not")
_LONGEST = 3  # words of a name
_NAMES = {
    "model": "SELECT any_value(model) FROM annotations WHERE lower(model) = ?",
    "annotator": "SELECT any_value(annotator) FROM annotations WHERE lower(annotator) = ?",
}


@dataclass(frozen=True, slots=True)
class Makers:
    """Looks names of teams, label sets, models and annotators up in one state."""

    cursor: duckdb.DuckDBPyConnection
    vocabulary: Vocabulary

    def read(self, words: Sequence[str], start: int, *, is_next: bool) -> tuple[Reading, int] | None:
        """What the words from `start` on name, and how many words say it; None where they name no maker.

        Args:
            words: of the question, case-folded.
            start: the first of the name.
            is_next: a maker was named before, so that one behind "and" is one, too.
        """
        said = _said_before(words[:start], is_next=is_next)
        for count in range(min(_LONGEST, len(words) - start), 0, -1):
            name = " ".join(words[start : start + count]).removesuffix("'s")
            behind = words[start + count : start + count + 1]
            is_team = behind in (["team"], ["teams"], ["team's"])
            found = self._named(name, said="team" if is_team else said)
            if found is not None:
                field, text = found
                return Reading(name, field, f"{field}={value_text(text)}", field=field), count + is_team
        return None

    def _named(self, name: str, *, said: str) -> tuple[str, str] | None:
        """The field and its value as it is written."""
        if not said:
            return None
        teams = {folded(team): team for team in self.vocabulary.teams}
        sets = {str(item).casefold(): str(item) for item in self.vocabulary.label_sets.values()}
        if folded(name) in teams:
            return "team", teams[folded(name)]
        if said == "team":
            return None
        if name in sets:
            return "label_set", sets[name]
        for field, query in _NAMES.items():
            if field == "annotator" and said != "by":  # "pictures of bob" show him
                continue
            ((found,),) = rows(self.cursor, Sql(query, (name,)))
            if found is not None:
                return field, found
        return None


def _said_before(before: Sequence[str], *, is_next: bool) -> str:
    """ "by", "from" or "of", where one of them stands before a name."""
    for word in reversed(before):
        if word in _BEFORE:
            return word
        if word not in _BETWEEN and not (is_next and word in _JOINED):
            break
    return "by" if is_next and before and before[-1] in _JOINED else ""
