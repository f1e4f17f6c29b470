"""A path on the right of a comparison is a text, and a hint says so."""

from __future__ import annotations

import pytest

from datacat.query.search import search
from datacat.testing.corpus import Corpus


def _hint(text: str) -> str | None:
    made = Corpus()
    made.add_label_set("a/one", classes=["car"])
    made.add_asset("s3://lake/0.png")
    made.list_asset(0, label_set=0, metadata={"speed": "slow"})
    for word in ("kind", "color"):
        votes = {"given": 3, "guessed": 2, "word": word}
        made.add_annotation(0, "car", label_set=0, attributes={"votes": votes, "tags": [word], "kind": "x"})
    return search(made.cursor(), text, state=1).hint()


def _said(name: str, operator: str, value: str = "votes.guessed", quoted: str = '"votes.guessed"') -> str:
    return (
        f"`{value}` is compared as a text, which no `{name}` is: a path cannot stand on the right; "
        f"if the text is meant: {name}{operator}{quoted}"
    )


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("car[votes.given>votes.guessed]", _said("votes.given", ">")),
        ("NOT car[votes.given<=votes.guessed]", _said("votes.given", "<=")),
        ("car[votes.given!=votes.guessed]", _said("votes.given", "!=")),
        ("car[votes.word=tags] OR car", _said("votes.word", "=", "tags", '"tags"')),
        ("car[votes.given in (3, votes.guessed)]", _said("votes.given", " in ", quoted='("votes.guessed")')),
        (
            "metadata.speed>attributes.votes.given OR car",
            _said("metadata.speed", ">", "attributes.votes.given", '"attributes.votes.given"'),
        ),
        ('car[votes.given>"votes.guessed"]', None),
        ("car[votes.word=kind]", None),  # a text that somebody has
        ("car[votes.word!=kind]", None),
        ("car[votes.word>nothing] OR car", None),
        ("car[votes.given>2]", None),
    ],
)
def test_a_path_on_the_right_is_told(text: str, hint: str | None) -> None:
    assert _hint(text) == hint


def test_a_quoted_text_is_asked_as_the_hint_says() -> None:
    hint = _hint("car[votes.given=votes.guessed]")
    assert hint is not None
    assert hint.splitlines()[-1] == _said("votes.given", "=")
