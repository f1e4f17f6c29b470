"""Who made annotations, in plain words: "by mapping", "of the claims team", "predictions of yolo-v11", "by ann"."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from datacat.model.names import folded
from datacat.model.spelling import one_form, one_form_sql
from datacat.query.compare import Sql
from datacat.query.readings import Reading
from datacat.query.run import rows
from datacat.query.senses import Senses, value_text

_BEFORE = ("by", "from", "of")
_BETWEEN = ("a", "an", "the", "both", "team", "model", "annotator", "user")
_JOINED = ("and", "or", "not")
_DENIALS = (
    *((verb, "not") for verb in ("did", "does", "do", "has", "have")),
    *((verb,) for verb in ("didn't", "doesn't", "don't", "hasn't", "haven't", "didnt", "doesnt")),
)
_LABELLED = ("labelled", "labeled", "annotated", "tagged", "marked", "boxed", "drew", "outlined", "reviewed")
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

    def read_alone(self, words: Sequence[str], start: int) -> tuple[Reading, int] | None:
        """The same of a label set, and of a team that does something, as in "that both claims and mapping labelled".

        The name of a team alone says nothing: "cars driving at night", "mapping of roofs". What follows may say that
        it is the one who did not, as in "that claims labelled but mapping did not".
        """
        found = self._longest(words, start)
        if found is None:
            return None
        name, field, text, count = found
        behind = words[start + count :]
        denied = _denied(behind)
        if field == "team" and not (denied or _acts(behind) or self._is_of_two(words[:start], behind)):
            return None
        made = Reading(name, field, f"{field}={value_text(text)}", field=field, is_negated=denied > 0)
        return made, count + denied

    def suggested(self, reading: Reading) -> Reading:
        """Words that say nothing, with the team among what may be meant, where one is called so."""
        field, text = self._named(folded(reading.words), is_team=True)
        if not field:
            return reading
        return replace(reading, alternatives=(f"{field}={value_text(text)}", *reading.alternatives))

    def _is_of_two(self, before: Sequence[str], behind: Sequence[str]) -> bool:
        """Whether a name is one of two, as in "both claims and mapping" or "claims and mapping labelled"."""
        other = self._longest(behind, 1) if behind[:1] in (["and"], ["or"]) else None
        return other is not None and (before[-1:] == ["both"] or _acts(behind[1 + other[3] :]))

    def _longest(self, words: Sequence[str], start: int) -> tuple[str, str, str, int] | None:
        """A name from `start` on, its field, the value as it is written, and how many words it has."""
        for count in range(min(_LONGEST, len(words) - start), 0, -1):
            name = " ".join(words[start : start + count]).removesuffix("'s")
            field, text = self._named(name, is_team=False)
            if field in ("team", "label_set"):
                return name, field, text, count
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


def _acts(behind: Sequence[str]) -> bool:
    """Whether a verb of labelling follows."""
    return behind[:1] in [[verb] for verb in _LABELLED]


def _denied(behind: Sequence[str]) -> int:
    """How many words say at the beginning that it did not; 0: none do."""
    for words in _DENIALS:
        if tuple(behind[: len(words)]) == words:
            return len(words)
    return 0


def _said_before(before: Sequence[str], *, is_next: bool) -> str:
    """ "by", "from" or "of", where one of them stands before a name."""
    for word in reversed(before):
        if word in _BEFORE:
            return word
        if word not in _BETWEEN and not (is_next and word in _JOINED):
            break
    return "by" if is_next and before and before[-1] in _JOINED else ""
