"""Catalogs and lakes whose paths hold what some library reads as something else."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from datacat.catalog import Catalog
from datacat.errors import LocationError
from datacat.sources.location import Location, filesystem
from tests.catalog.lakes import box, coco, draw
from tests.catalog.processes import errors
from tests.tables.places import SETTINGS

# Each beside another that a library could take it for.
TWINS = [
    ("a?b", "axb"),
    ("a[b]", "ab"),
    ("a*b", "azzb"),
    ("a#b", "a"),
    (unicodedata.normalize("NFC", "ü"), unicodedata.normalize("NFD", "ü")),
]
REFUSED = ["twin%20x", "feature%2Fx", "a\\b", "a\nb", "a\tb", "a\x7fb", "a%e4", "a{b}"]


def lake(folder: Path, picture: str) -> Path:
    draw(folder / "media", [picture])
    coco(folder / "labels.json", [box(picture, "roof")])
    return folder


def ingested(place: str, source: Path) -> Catalog:
    catalog = Catalog.init(place)
    catalog.ingest(str(source), team="mapping", name="roofs")
    return Catalog.open(place)


def seen(catalog: Catalog) -> list[str]:
    return [Path(hit.uri).name for hit in catalog.search("roof")]


@pytest.mark.parametrize(("one", "other"), TWINS)
def test_twins_keep_apart(tmp_path: Path, one: str, other: str) -> None:
    places = [str(tmp_path / name) for name in (one, other)]
    catalogs = [ingested(place, lake(tmp_path / f"l{n}", f"{n}.png")) for n, place in enumerate(places)]
    assert [seen(catalog) for catalog in catalogs] == [["0.png"], ["1.png"]]
    assert [errors(catalog) for catalog in catalogs] == [[], []]


def test_the_whole_way_in_an_odd_folder(tmp_path: Path) -> None:
    odd = "a #b?c*[d]'ü% &+"
    catalog = ingested(str(tmp_path / odd), lake(tmp_path / "l" / odd, "0 #?*[x]'ü%20+.png"))
    assert seen(catalog) == ["0 #?*[x]'ü%20+.png"]
    catalog.freeze("roofs", query="roof")
    assert [hit.uri for hit in Catalog.open(str(catalog.root)).search("in:roofs@1")]
    catalog.compact()
    assert not any(path.endswith(".parquet") for path in catalog.gc(grace_s=0).removed)
    assert catalog.doctor(deep=True) == [] or errors(catalog) == []


@pytest.mark.parametrize("name", REFUSED)
def test_what_would_be_read_as_another_path_is_refused(tmp_path: Path, name: str) -> None:
    place = tmp_path / name
    for act in (Catalog.init, Catalog.open):
        with pytest.raises(LocationError, match="no catalog can lie here"):
            act(str(place))
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_no_place_for_a_catalog(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("mine")
    for opening in (Catalog.init, Catalog.open):
        with pytest.raises(LocationError, match="it is a file"):
            opening(str(tmp_path / "f"))


@pytest.mark.parametrize("name", [*REFUSED, "a#b", "a?b"])
def test_such_prefixes_are_refused(s3: Location, name: str) -> None:
    with pytest.raises(LocationError, match="no catalog can lie here"):
        Catalog.init(f"{s3}/{name}")
    assert filesystem(s3, SETTINGS).find(s3.path) == []


def test_odd_prefixes_keep_apart(s3: Location, tmp_path: Path) -> None:
    places = [f"{s3}/{name}" for name in ("a*[b]'c ü%+", "azb'c ü%+")]
    catalogs = [ingested(place, lake(tmp_path / f"l{n}", f"{n}.png")) for n, place in enumerate(places)]
    assert [seen(catalog) for catalog in catalogs] == [["0.png"], ["1.png"]]
    assert [errors(catalog) for catalog in catalogs] == [[], []]


def test_pictures_on_s3_with_odd_names_are_read(s3: Location, tmp_path: Path) -> None:
    names = ["a[b].png", "ab.png", "a*b.png", "a?b.png", "a#b.png", "a%20b.png", "a b.png", "a+b.png"]
    draw(tmp_path / "p", names)
    coco(tmp_path / "labels.json", [box(name, "roof") for name in names])
    files = filesystem(s3, SETTINGS)
    for path in [*(tmp_path / "p").iterdir(), tmp_path / "labels.json"]:
        files.pipe_file(f"{s3.path}/lake/{path.name}", path.read_bytes())
    catalog = Catalog.init(str(tmp_path / "catalog"))
    report = catalog.ingest(f"{s3}/lake", team="mapping", name="roofs")
    assert (report.assets, report.assets_missing) == (len(names), 0)
    for hit in catalog.search("roof"):
        assert catalog.media(hit.asset).read() == (tmp_path / "p" / Path(hit.uri).name).read_bytes()
