"""Names of label files and the media that they mean."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime

import pytest

from datacat.ingest.matching import Lake
from datacat.model.report import Tally
from datacat.sources.listing import Entry
from datacat.sources.location import Location

_NFC, _NFD = (unicodedata.normalize(form, "Brücke.png") for form in ("NFC", "NFD"))


def matched(name: str, *media: str, label_file: str = "/lake/a.json") -> tuple[str, str]:
    """Which medium below /lake a name means, and by which rule or for which reason none."""
    entries = [Entry(f"/lake/{path}", 1, "", datetime.now(UTC)) for path in media]
    lake, tally = Lake(entries, location=Location("/lake"), media_root=None), Tally()
    uri = lake.match(name, label_file=label_file)
    lake.report(tally)
    (said,) = [*tally.assumed, *tally.notes]
    return uri.removeprefix("/lake/"), said


@pytest.mark.parametrize(
    ("name", "media", "found", "rule"),
    [
        ("img/7.png", ["img/7.png"], "img/7.png", "below the label file's folder"),
        ("a+b.png", ["a b.png", "a+b.png"], "a+b.png", "folder"),
        ("a+b.png", ["a b.png"], "a b.png", "with + as a space"),
        ("a%20b.png", ["a b.png", "a%20b.png"], "a%20b.png", "folder"),
        ("a%20b.png", ["a b.png"], "a b.png", "percent-decoded"),
        ("a#1&2.png", ["a#1&2.png"], "a#1&2.png", "folder"),
        (_NFC, [f"images/{_NFD}"], f"images/{_NFD}", "in another Unicode form"),
        (_NFD, [f"x/y/{_NFC}"], f"x/y/{_NFC}", "tail of the path, in another Unicode form"),
        (_NFC, [_NFC, f"x/{_NFD}"], _NFC, "folder"),
        ("IMG/7.PNG", ["img/7.png"], "img/7.png", "case ignored"),
        ("7.png", ["7.PNG", "x/7.png"], "x/7.png", "tail of the path"),
        (r"C:\data\img\7.png", ["x/7.png", "img/7.png"], "img/7.png", "tail of the path"),
        (r"img\7.png", ["img/7.png"], "img/7.png", "folder"),
        ("/data/upload/1/0123abcd-7.png", ["x/7.png"], "x/7.png", "upload prefix left out"),
        ("upload/1/0123abcd-7.png", ["upload/1/0123abcd-7.png", "7.png"], "upload/1/0123abcd-7.png", "folder"),
        ("0123abcd-7.png", ["7.png"], "0123abcd-7.png", "no media are called so"),
        ("7.png", ["x/7.png", "y/7.png"], "7.png", "called so: 7.png may be /lake/x/7.png, /lake/y/7.png"),
        ("7.png", ["x/7.jpg"], "7.png", "another ending: 7.png may be /lake/x/7.jpg"),
        (".hidden/7.png", ["x/8.png"], ".hidden/7.png", "hidden files are left out"),
        ("7.png", ["8.png"], "7.png", "no media are called so: 7.png"),
    ],
)  # fmt: skip
def test_a_name_means_one_medium_by_a_stated_rule(name: str, media: list[str], found: str, rule: str) -> None:
    uri, said = matched(name, *media)
    assert uri == found
    assert rule in said


def test_examples_of_names_that_were_not_found_are_few() -> None:
    tally = Tally()
    entries = [Entry(f"/lake/{n}/7.png", 1, "", datetime.now(UTC)) for n in range(50)]
    lake = Lake(entries, location=Location("/lake"), media_root=None)
    for number in range(100):
        lake.match(f"x{number}/7.png", label_file="/lake/a.json")
    lake.report(tally)
    ((text, count),) = tally.notes.items()
    assert (count, text.count(" may be "), "and 97 more" in text) == (100, 3, True)
    assert len(text) < 500
