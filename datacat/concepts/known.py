"""Whether anybody has a class of that name, and how much of it there is."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

from datacat.concepts.concept import Member
from datacat.errors import NotFound
from datacat.model.names import folded
from datacat.query.plurals import comparable
from datacat.query.vocabulary import ClassName, Use, Vocabulary, nearest_names


def uses_of(member: Member, words: Vocabulary) -> tuple[Use, ...]:
    """The classes that a member stands for, in the label sets that have them."""
    found = (words.of_teams(item, member.team) for item in words.by_name.get(comparable(member.name), ()))
    return tuple(use for use in found if use.label_sets)


def annotations_of(uses: Iterable[Use], words: Vocabulary) -> int:
    """How many annotations these are."""
    return sum(words.by_class[use.name].counts[number] for use in uses for number in use.label_sets)


def check_known(members: Sequence[Member], words: Vocabulary, *, hint: str) -> None:
    """Refuses members that no label set has; `hint` stands behind the nearest that there are.

    Raises:
        NotFound: names them and the nearest that there are.
    """
    unknown = [member for member in members if not uses_of(member, words)]
    if unknown:
        near = [text for member in unknown if (text := _nearest(member, words))]
        what = " and no class ".join(repr(str(member)) for member in unknown)
        raise NotFound(f"no class {what}", hint=" ".join([*near, hint]))


def _nearest(member: Member, words: Vocabulary) -> str | None:
    """The same class in other teams, else the classes that look like it, else the teams."""
    if member.team is not None and member.team not in words.teams:
        near = difflib.get_close_matches(member.team, words.teams, n=1)
        return f"Did you mean the team {near[0]!r}?" if near else f"The teams are {', '.join(words.teams)}."
    elsewhere = words.by_name.get(comparable(member.name), [])
    if elsewhere:
        return f"There is {' and '.join(text for item in elsewhere for text in _written(item, words))}."
    own = [item for item in words.classes if words.of_teams(item, member.team).label_sets]
    spelled = {folded(item.name): item for item in own}
    likely = [spelled[name] for name in nearest_names(folded(member.name), spelled)]
    found = [text for item in likely for text in _written(item, words, team=member.team)]
    return f"Did you mean {' or '.join(found)}?" if found else None


def _written(item: ClassName, words: Vocabulary, *, team: str | None = None) -> list[str]:
    """A class as people name it to `add`, with how much there is of it, once a team."""
    teams = sorted({words.label_sets[number].team for number in item.counts})
    listed = []
    for each in [team] if team else teams:
        count = sum(n for number, n in item.counts.items() if words.label_sets[number].team == each)
        listed.append(f"{each}:{item.name} ({count:,} annotation{'s' * (count != 1)})")
    return listed
