"""Splits by content: stable, complete, and as large as asked."""

from __future__ import annotations

import hashlib
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datacat.errors import NameInvalid, UsageError
from datacat.model.snapshot import SplitRule
from datacat.versions.split import assign

_CONTENTS = st.lists(st.text(min_size=1), max_size=50)
_RULE = SplitRule.parse("train=0.8,val=0.1,test=0.1")


@st.composite
def rules(draw: st.DrawFn) -> SplitRule:
    weights = draw(st.lists(st.integers(0, 1000), min_size=1, max_size=6).filter(any))
    names = string.ascii_lowercase
    fractions = tuple((names[i], weight / sum(weights)) for i, weight in enumerate(weights))
    return SplitRule(fractions, draw(st.text()))


@given(rules(), _CONTENTS, _CONTENTS)
def test_adding_assets_moves_none(rule: SplitRule, before: list[str], added: list[str]) -> None:
    assert assign(before + added, rule=rule)[: len(before)] == assign(before, rule=rule)


@given(rules(), _CONTENTS)
def test_every_asset_lands_in_a_split_that_takes_some(rule: SplitRule, contents: list[str]) -> None:
    taking = {name for name, fraction in rule.fractions if fraction}
    assert set(assign(contents, rule=rule)) <= taking


@given(rules(), st.text(min_size=1))
def test_equal_content_lands_in_one_split(rule: SplitRule, content: str) -> None:
    assert len(set(assign([content, content], rule=rule))) == 1


def test_shares_are_as_asked() -> None:
    splits = assign((str(number) for number in range(20_000)), rule=_RULE)
    assert splits.count("train") / 20_000 == pytest.approx(0.8, abs=0.01)
    assert splits.count("val") / 20_000 == pytest.approx(0.1, abs=0.01)


def test_the_rule_is_the_documented_one() -> None:
    content = hashlib.sha256(b"a picture").hexdigest()
    drawn = hashlib.sha256(b"7\0" + content.encode()).digest()
    share = int.from_bytes(drawn[:8], "big") / 2**64
    expected = "train" if share < 0.8 else "val" if share < 0.9 else "test"
    rule = SplitRule.parse("train=0.8,val=0.1,test=0.1", seed="7")
    assert assign([content], rule=rule) == [expected]


def test_another_seed_is_another_split() -> None:
    contents = [str(number) for number in range(100)]
    assert assign(contents, rule=SplitRule(_RULE.fractions, "1")) != assign(contents, rule=_RULE)


def test_no_split_puts_everything_into_all() -> None:
    assert assign(["a", "b"], rule=SplitRule.parse("")) == ["all", "all"]


def test_fractions_may_be_rounded_thirds() -> None:
    assert SplitRule.parse("a=0.333333333,b=0.333333333,c=0.333333333").fractions[0] == ("a", 0.333333333)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("train=0.8,test=0.1", "sum to 0.9, not 1"),
        ("train=1.5,test=-0.5", "must be 0 or more"),
        ("train=nan", "must be 0 or more"),
        ("train=0.5,train=0.5", "named twice"),
        ("train", "'train' is no share"),
        ("train=all", "'train=all' is no share"),
        ("train=1,", "'' is no share"),
    ],
)
def test_a_senseless_rule_is_refused(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        SplitRule.parse(text)


def test_a_split_name_that_is_a_path_is_refused() -> None:
    with pytest.raises(NameInvalid, match="split name"):
        SplitRule.parse("../train=1")
