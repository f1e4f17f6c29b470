"""Which index each class has: the same in every version of a snapshot name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from datacat.errors import UsageError
from datacat.model.snapshot import Definition, extended_classes


@dataclass(frozen=True, slots=True)
class ClassOrder:
    """The order of classes of the next version of a snapshot.

    Attributes:
        given: as somebody gives them; () where nobody does.
        earlier: of the latest version there was.

    Raises:
        UsageError: a name is given empty or twice, or a class would get another index than it has.
    """

    given: tuple[str, ...]
    earlier: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.given:
            _checked(self.given, before=self.earlier)

    def of(self, before: Definition | None, found: Iterable[str]) -> tuple[str, ...]:
        """The classes of the version after `before` (None: of the first) whose annotations have `found`.

        Raises:
            UsageError: as above, of a version that came in between.
        """
        known = before.classes if before and before.classes else self.earlier
        order = _checked(self.given, before=known) if self.given else known
        return extended_classes(order, found)

    def check_kept(self, definition: Definition) -> None:
        """Raises UsageError where the version that is there already has another order than is given."""
        if self.given != definition.classes[: len(self.given)]:
            raise UsageError(
                f"{definition.snapshot} holds exactly this already, with classes in another order",
                hint="Choose another snapshot name for another order.",
            )


def _checked(given: Sequence[str], *, before: Sequence[str]) -> tuple[str, ...]:
    """The order of classes that somebody gives for the next version, which moves no index of the version before.

    Raises:
        UsageError: a name is empty or given twice, or a class would get another index than it has.
    """
    if not all(name.strip() for name in given):
        raise UsageError("a class without a name is given", hint="Write --classes roof,car.")
    twice = sorted({name for name in given if given.count(name) > 1})
    if twice:
        raise UsageError(f"the class {twice[0]!r} is given twice")
    for index, name in enumerate(before):
        if index >= len(given) or given[index] != name:
            raise UsageError(
                f"class {index} is {name!r} in the version before, and would be "
                f"{given[index] if index < len(given) else 'none'!r}",
                hint="Give the same classes first and new ones behind, or choose another snapshot name.",
            )
    return tuple(given)
