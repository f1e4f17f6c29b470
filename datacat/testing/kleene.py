"""Three-valued logic (Kleene): True, False, and None where nobody can say."""

from __future__ import annotations

from collections.abc import Iterable


def every(answers: Iterable[bool | None]) -> bool | None:
    """All of them hold (Kleene)."""
    found = list(answers)
    return False if False in found else None if None in found else True


def some(answers: Iterable[bool | None]) -> bool | None:
    """One of them holds (Kleene)."""
    return negated(every([negated(answer) for answer in answers]))


def negated(answer: bool | None) -> bool | None:
    """The opposite; of what nobody can say, nobody can say it."""
    return None if answer is None else not answer
