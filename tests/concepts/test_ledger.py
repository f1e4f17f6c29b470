"""Concepts as a value: whatever is done, no member is lost and no concept is a kind of itself."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datacat.concepts.concept import Concept, Details, Member
from datacat.concepts.ledger import Ledger
from datacat.errors import DatacatError, NotFound, UsageError
from datacat.query.plurals import comparable

_NAMES = st.sampled_from(["roof", "Roofs", "car", "vehicle", "Dach", "tree house", "toit"])
_MEMBERS = st.builds(Member, st.sampled_from([None, "a", "b"]), st.sampled_from(["Roof", "car", "x y"]))
_STEPS = st.one_of(
    st.tuples(st.just("add"), _NAMES, st.lists(_MEMBERS, max_size=2)),
    st.tuples(st.just("rename"), _NAMES, _NAMES),
    st.tuples(st.just("merge"), st.lists(_NAMES, min_size=2, max_size=3), st.none() | _NAMES),
    st.tuples(st.just("parents"), _NAMES, st.lists(_NAMES, max_size=2)),
    st.tuples(st.just("children"), _NAMES, st.lists(_NAMES, max_size=2)),
    st.tuples(st.just("synonyms"), _NAMES, st.lists(_NAMES, max_size=2)),
)


def made(**members: str) -> Ledger:
    """Concepts with members as in roof="Roof a:rooftop"."""
    ledger = Ledger({})
    for name, texts in members.items():
        ledger = ledger.with_members(name, map(Member.parse, texts.split()), owner="ada")
    return ledger


def done(ledger: Ledger, step: tuple[str, object, object]) -> Ledger:
    verb, what, more = step
    if verb == "add":
        return ledger.with_members(what, more, owner="ada")  # type: ignore[arg-type]
    if verb == "rename":
        return ledger.renamed(what, more)  # type: ignore[arg-type]
    if verb == "merge":
        return ledger.merged(what, into=more)  # type: ignore[arg-type]
    return ledger.described(what, Details(**{verb: more}))  # type: ignore[arg-type]


def members_of(ledger: Ledger) -> set[Member]:
    return {member for one in ledger.concepts.values() for member in one.members}


def is_above_itself(ledger: Ledger, name: str) -> bool:
    """By walking up until nothing new is met."""
    met: set[str] = set()
    level = {name}
    while level:
        level = {comparable(p) for n in level for c in ledger.concepts.values()
                 if comparable(c.name) == comparable(n) for p in c.parents}  # fmt: skip
        if comparable(name) in level:
            return True
        level -= met
        met |= level
    return False


@settings(max_examples=300, deadline=None)
@given(st.lists(_STEPS, max_size=12))
def test_no_step_loses_a_member_a_name_or_makes_a_circle(steps: list[tuple[str, object, object]]) -> None:
    ledger = Ledger({})
    for step in steps:
        before = ledger
        try:
            ledger = done(ledger, step)
        except DatacatError:
            continue
        assert members_of(before) <= members_of(ledger)
        assert not any(is_above_itself(ledger, name) for name in ledger.concepts)
        names = [comparable(one.name) for one in ledger.concepts.values()]
        assert len(set(names)) == len(names)
        for one in ledger.concepts.values():
            assert all(ledger.find(parent) for parent in one.parents), "a parent that is no concept"
            assert comparable(one.name) not in map(comparable, (*one.synonyms, *one.parents))
        texts = [comparable(s) for one in ledger.concepts.values() for s in (one.name, *one.synonyms)]
        assert len(set(texts)) == len(texts), "a name of two concepts"
        said = {comparable(s) for one in ledger.concepts.values() for s in (one.name, *one.synonyms)}
        assert all(comparable(name) in said for name in before.concepts), "a name that finds nothing now"


@settings(deadline=None)
@given(st.lists(_STEPS, max_size=8))
def test_rows_hold_all_of_it(steps: list[tuple[str, object, object]]) -> None:
    ledger = Ledger({})
    for step in steps:
        try:
            ledger = done(ledger, step)
        except DatacatError:
            continue
    assert Ledger.of(ledger.tables()) == ledger


def test_a_merge_joins_everything_and_repoints_children() -> None:
    ledger = made(roof="Roof", rooftop="a:rooftop", building="", tile="")
    ledger = ledger.described("rooftop", Details("upper side", synonyms=["Dach"], parents=["building"]))
    ledger = ledger.described("rooftop", Details(children=["tile"]))
    merged = ledger.merged(["roof", "rooftop"])
    whole = Concept(
        "roof",
        (Member(None, "Roof"), Member("a", "rooftop")),
        definition="upper side",
        owner="ada",
        synonyms=("Dach", "rooftop"),
        parents=("building",),
    )
    assert merged.concepts["roof"] == whole
    assert merged.concepts["tile"].parents == ("roof",)
    assert list(merged.concepts) == ["building", "roof", "tile"]


def test_a_merge_into_a_new_name_keeps_both_old_ones() -> None:
    merged = made(auto="auto", car="car").merged(["auto", "car"], into="motor car")
    assert merged.concepts["motor car"].synonyms == ("auto", "car")


def test_a_merge_over_a_third_concept_is_refused() -> None:
    ledger = made(vehicle="", motor="", car="")
    ledger = ledger.described("car", Details(parents=["motor"]))
    ledger = ledger.described("motor", Details(parents=["vehicle"]))
    with pytest.raises(UsageError, match="would be a kind of itself: "):
        ledger.merged(["vehicle", "car"])
    assert ledger.merged(["vehicle", "motor"]).concepts["car"].parents == ("vehicle",)


@pytest.mark.parametrize(
    "name", ["vehicle (any): R&D", "not", "-car", "?", "car*", "@car", "car?", '"car"', "a=b"]
)
def test_a_name_that_no_query_could_ask_for_is_refused(name: str) -> None:
    ledger = made(roof="Roof")
    with pytest.raises(UsageError, match="no query could ask"):
        ledger.with_members(name, [Member.parse("car")], owner="ada")
    with pytest.raises(UsageError, match="no query could ask"):
        ledger.renamed("roof", name)


def test_a_rename_repoints_children_and_keeps_the_old_name() -> None:
    ledger = made(roof="Roof", dormer="").described("dormer", Details(parents=["roof"]))
    renamed = ledger.renamed("roof", "roofing")
    assert renamed.concepts["dormer"].parents == ("roofing",)
    assert renamed.concepts["roofing"].synonyms == ("roof",)
    assert renamed.renamed("roofing", "roof").concepts["roof"].synonyms == ("roofing",)


def test_a_name_means_one_thing() -> None:
    ledger = made(roof="Roof", car="car").described("roof", Details(synonyms=["Dach"]))
    for refused in (
        lambda: ledger.with_members("dach", [], owner=""),
        lambda: ledger.renamed("car", "Dach"),
        lambda: ledger.renamed("car", "Roofs"),
        lambda: ledger.described("car", Details(synonyms=["roof"])),
        lambda: ledger.described("car", Details(synonyms=["DACH"])),
        lambda: ledger.with_members("  ", [], owner=""),
        lambda: ledger.described("car", Details(parents=["cars"])),
        lambda: ledger.merged(["car", "Cars"]),
    ):
        with pytest.raises(UsageError):
            refused()
    assert ledger.with_members("ROOF", [Member("b", "x")], owner="").concepts["roof"].members[1].team == "b"


def test_unknown_names_say_the_nearest() -> None:
    ledger = made(roof="Roof")
    with pytest.raises(NotFound, match="Did you mean roof"):
        ledger.named("rof")
    with pytest.raises(NotFound, match="Did you mean roof"):
        ledger.described("roof", Details(parents=["roofy"]))
    with pytest.raises(NotFound, match="neither synonym, parent nor child"):
        ledger.described("roof", Details(drop=["Dach"]))
    with pytest.raises(NotFound, match="It has Roof"):
        ledger.without_members("roof", [Member("a", "Roof")])


def test_what_is_removed_leaves_no_parent_behind() -> None:
    ledger = made(building="", roof="Roof").described("roof", Details(parents=["building"]))
    assert ledger.without_members("building", []).concepts["roof"].parents == ()
    assert ledger.described("building", Details(drop=["roof"])).concepts["roof"].parents == ()


def test_the_old_name_of_a_concept_leads_to_the_new_one() -> None:
    with pytest.raises(NotFound) as missing:
        made(roof="Roof").renamed("roof", "car").named("Roofs")
    assert missing.value.hint == "It is another name of car."
