"""Names of label files and the media that they mean."""

from __future__ import annotations

import json
import unicodedata
from datetime import UTC, datetime
from pathlib import Path

import pytest

from datacat import Catalog
from datacat.ingest.matching import Lake
from datacat.model.report import Tally
from datacat.sources.listing import Entry
from datacat.sources.location import Location
from tests.ingest.test_formats import picture, save

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
        ("/lake/7.png", ["8.png"], "7.png", "no media are called so: /lake/7.png"),
        ("/else/7.png", [], "/else/7.png", "outside of what is ingested, none are sought: /else/7.png"),
        ("s3://b/7.png", ["8.png"], "s3://b/7.png", "outside of what is ingested, none are sought: s3://b/7.png"),
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


@pytest.mark.parametrize(
    ("name", "media", "found", "rule"),
    [
        (r"m/back\slash.png", [r"m/back\slash.png"], r"m/back\slash.png", "below the label file's folder"),
        (r"back\slash.png", [r"m/back\slash.png", "x/slash.png"], r"m/back\slash.png", "longest unique tail"),
        (r"m\7.png", [r"m\7.png", "m/7.png"], r"m\7.png", "folder"),
        (r"M\7.PNG", [r"m\7.png"], r"m\7.png", "case ignored"),
        (r"C:\7.png", [r"C:\7.png", "7.png"], r"C:\7.png", "folder"),
        (r"z\m\7.png", ["m/7.png"], "m/7.png", "tail of the path"),
        (r"m\a%20b.png", ["m/a b.png"], "m/a b.png", "percent-decoded"),
    ],
)  # fmt: skip
def test_a_backslash_is_tried_as_it_is_written_before_it_is_a_slash(
    name: str, media: list[str], found: str, rule: str
) -> None:
    uri, said = matched(name, *media)
    assert uri == found
    assert rule in said


@pytest.mark.parametrize("beside", [(), ("7.png",)])
def test_a_file_that_lies_there_and_is_no_medium_by_its_name_is_the_reason(
    tmp_path: Path, beside: tuple[str, ...]
) -> None:
    picture(tmp_path / "other.png")
    for name in ("m/noext", *beside):
        save(tmp_path / "lake" / name, "")
        (tmp_path / "lake" / name).write_bytes((tmp_path / "other.png").read_bytes())
    said = "".join(json.dumps({"asset": name, "class": "car"}) + "\n" for name in ("m/noext", "x.ndjson"))
    save(tmp_path / "lake" / "x.ndjson", said)
    report = Catalog.init(tmp_path / "catalog").ingest(tmp_path / "lake", team="a", name="b")
    assert any(
        note.startswith("not found, as a file of that name lies there, but by its ending it is no picture")
        and note.endswith(f"m/noext may be {tmp_path}/lake/m/noext")
        for note in report.notes
    )
    assert not any("x.ndjson may be" in note for note in report.notes)


def test_a_picture_with_a_backslash_in_its_name_is_found(tmp_path: Path) -> None:
    picture(tmp_path / "lake" / "m" / r"back\slash.png")
    said = json.dumps({"asset": r"m/back\slash.png", "class": "car"})
    save(tmp_path / "lake" / "x.ndjson", f"{said}\n")
    catalog = Catalog.init(tmp_path / "catalog")
    catalog.ingest(tmp_path / "lake", team="a", name="b")
    assert [Path(hit.uri).name for hit in catalog.search("car -is:missing")] == [r"back\slash.png"]
