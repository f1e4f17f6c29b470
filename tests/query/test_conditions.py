"""Which names of conditions mean something of datacat's own, and how attributes of such names are asked for."""

from __future__ import annotations

import pytest

from datacat.errors import QueryError
from datacat.query import meaning as m
from datacat.query.conditions import FIELD_NAMES, is_reserved
from datacat.query.plan import plan
from datacat.query.tree import RelationKind
from datacat.testing.corpus import Corpus

_OWN = (*FIELD_NAMES, *RelationKind, "Label-Set", "Team", "about", "unlike", "within", "inside", "near")
_OTHERS = ("material", "attributes.team", "count", "any", "not", "concept", "teams")


def _asks_for_attribute(name: str) -> bool:
    made = Corpus()
    made.add_label_set("driving/street", classes=["car"])
    made.add_asset("a.png")
    made.add_annotation(0, "car", label_set=0, attributes={name.removeprefix("attributes."): "x"})
    try:
        predicate = plan(made.cursor(), f"[{name}=x]").meaning
    except QueryError:
        return False
    return isinstance(predicate, m.Some) and isinstance(predicate.predicate, m.AttributeIs)


@pytest.mark.parametrize("name", _OWN)
def test_a_reserved_name_is_no_attribute(name: str) -> None:
    assert is_reserved(name)
    assert not _asks_for_attribute(name)


@pytest.mark.parametrize("name", _OTHERS)
def test_any_other_name_is_an_attribute(name: str) -> None:
    assert not is_reserved(name)
    assert _asks_for_attribute(name)
