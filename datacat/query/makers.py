"""Who made annotations, in plain words: "by mapping", "of the claims team", "predictions of yolo-v11", "by ann"."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from datacat.model.names import folded
from datacat.model.spelling import one_form, one_form_sql
from datacat.query.compare import Sql
from datacat.query.readings import Reading
from datacat.query.run import rows
from datacat.query.senses import Senses, value_text

_BEFORE = ("by", "from", "of")
_BETWEEN = ("a", "an", "the", "team", "model", "annotator", "user")
_JOINED = ("and", "or", "not")
_LONGEST = 3  # words of a name


@dataclass(frozen=True, slots=True)
class Makers:
    """Looks names of teams, label sets, models and annotators up in one state."""

    senses: Senses

    def read(self, words: Sequence[str], start: int, *, is_next: bool) -> tuple[Reading, int] | None:
        """What the words from `start` on name, and how many words say it; None where they name no maker.

        Args:
            words: of the question, case-folded.
            start: the first of the name.
            is_next: a maker was named before, so that one behind "and" is one, too.
        """
        said = _said_before(words[:start], is_next=is_next)
        longest = range(min(_LONGEST, len(words) - start), 0, -1)
        names = [" ".join(words[start : start + count]).removesuffix("'s") for count in longest]
        people = self._annotators(names) if said == "by" else {}
        for count, name in zip(longest, names, strict=True):
            is_team = words[start + count : start + count + 1] in (["team"], ["teams"], ["team's"])
            field, text = self._named(name, is_team=is_team) if said or is_team else ("", "")
            if not field and name in people:
                field, text = "annotator", people[name]
            if field:
                return Reading(name, field, f"{field}={value_text(text)}", field=field), count + is_team
        return None

    def _named(self, name: str, *, is_team: bool) -> tuple[str, str]:
        """The field and its value as it is written; twice "" where nothing is so called."""
        vocabulary = self.senses.vocabulary
        teams = {folded(team): team for team in vocabulary.teams}
        sets = {str(item).casefold(): str(item) for item in vocabulary.label_sets.values()}
        if folded(name) in teams:
            return "team", teams[folded(name)]
        if name in sets and not is_team:
            return "label_set", sets[name]
        model = self.senses.field_values().get(("model", folded(name)), "")
        return ("model", model) if model and not is_team else ("", "")

    def _annotators(self, names: Sequence[str]) -> dict[str, str]:
        """Those of the names that annotators have, with the name as it is written."""
        form = one_form_sql("annotator", is_ascii=not self.senses.vocabulary.sorts.wide_texts)
        query = f"""
            SELECT {form}, any_value(annotator) FROM annotations
            WHERE {form} IN (SELECT unnest(?::VARCHAR[])) GROUP BY ALL
        """  # noqa: S608 - our own words
        found = dict(rows(self.senses.cursor, Sql(query, (list(map(one_form, names)),))))
        return {name: found[one_form(name)] for name in names if one_form(name) in found}


def _said_before(before: Sequence[str], *, is_next: bool) -> str:
    """ "by", "from" or "of", where one of them stands before a name."""
    for word in reversed(before):
        if word in _BEFORE:
            return word
        if word not in _BETWEEN and not (is_next and word in _JOINED):
            break
    return "by" if is_next and before and before[-1] in _JOINED else ""
