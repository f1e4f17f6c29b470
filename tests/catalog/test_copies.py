"""Pictures that two teams keep copies of, from the lake to a snapshot; the truth is told by hashing the files."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections import defaultdict
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from datacat.catalog import Catalog
from datacat.cli.main import main
from datacat.errors import LocationError, SnapshotDamaged, UsageError
from datacat.sources.location import Location, filesystem
from tests.catalog.lakes import box, coco, draw

RE, MED = ["a.png", "b.png", "c.png"], ["x.png", "y.png", "z.png"]
COPIED = {"x.png": "a.png", "y.png": "b.png"}


@pytest.fixture
def catalog(catalog_root: Location, tmp_path: Path) -> Catalog:
    """`med` keeps copies of two pictures of `re` under names of its own."""
    draw(tmp_path / "re", RE)
    draw(tmp_path / "med", MED)
    for copy, original in COPIED.items():
        shutil.copy(tmp_path / "re" / original, tmp_path / "med" / copy)
    coco(tmp_path / "re/l.json", [box("a.png", "roof"), box("b.png", "roof")], pictures=RE)
    coco(tmp_path / "med/l.json", [box("x.png", "car"), box("y.png", "roof")], pictures=MED)
    made = Catalog.init(str(catalog_root))
    for team in ("re", "med"):
        made.ingest(str(tmp_path / team), team=team, name="x")
    return made


def _truth(tmp_path: Path) -> set[tuple[str, ...]]:
    """The addresses of each picture, by hashing all of them."""
    found: dict[str, list[str]] = defaultdict(list)
    for path in sorted(tmp_path.glob("[rm]e*/*.png")):
        found[hashlib.sha256(path.read_bytes()).hexdigest()].append(str(path))
    return {tuple(sorted(uris)) for uris in found.values()}


def test_hits_are_the_pictures_that_hashing_finds(catalog: Catalog, tmp_path: Path) -> None:
    hits = catalog.search("")
    assert {tuple(sorted(hit.addresses)) for hit in hits} == _truth(tmp_path)
    assert (hits.count(), hits.address_count) == (4, 6)
    assert catalog.search("", by="uri").count() == 6
    assert catalog.search("team:re team:med").count() == 2
    assert catalog.search("team:re team:med", by="uri").count() == 0
    (both,) = catalog.search("roof AND car")
    assert {match.label_set for match in both.matches} == {"re/x", "med/x"}
    assert catalog.overlap("re", "med").shared == 2
    assert not [item for item in catalog.doctor() if item.severity == "error"]


def test_pages_by_uri_do_not_go_on_pages_of_pictures(catalog: Catalog) -> None:
    first = catalog.search("", limit=1)
    with pytest.raises(UsageError, match="another query"):
        catalog.search("", limit=1, after=first.next, by="uri")
    with pytest.raises(UsageError, match="by content or by uri"):
        catalog.search("", by="name")  # type: ignore[arg-type]


def test_any_address_shows_the_picture_and_its_bytes(catalog: Catalog, tmp_path: Path) -> None:
    view = catalog.asset(str(tmp_path / "med/x.png"))
    assert (view.uri, view.equal) == (str(tmp_path / "re/a.png"), (str(tmp_path / "med/x.png"),))
    assert [item.label_set for item in view.label_sets] == ["med/x", "re/x"]
    (number,) = [hit.asset for hit in catalog.search("uri:x.png", by="uri")]
    assert catalog.media(number).read() == (tmp_path / "re/a.png").read_bytes()


def test_a_snapshot_freezes_a_picture_once_under_its_least_uri(catalog: Catalog, tmp_path: Path) -> None:
    frozen = catalog.freeze("roofs", query="roof OR car", annotations="all")
    table = pq.read_table(frozen.file("assets"))
    assert table["uri"].to_pylist() == [str(tmp_path / "med" / name) for name in ("x.png", "y.png")]
    assert table["label_sets"].to_pylist() == [["med/x", "re/x"]] * 2
    assert frozen.definition.counts["annotations"] == 3  # both teams drew the same box for one roof
    assert frozen.definition.joined.duplicates == ({"team": "re", "class": "roof", "annotations": 1},)
    assert frozen.definition.summary()["merged_copies"] == 2
    assert frozen.verify().ok
    assert catalog.search("in:roofs").count() == 2


def test_a_frozen_picture_is_there_while_one_of_its_copies_is(
    catalog: Catalog, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    frozen = catalog.freeze("roofs", query="roof OR car", annotations="all")
    gone, other = str(tmp_path / "med/x.png"), str(tmp_path / "re/a.png")
    Path(gone).unlink()
    report = frozen.verify()
    assert (report.ok, report.gone, report.elsewhere) == (True, (), ((gone, other),))
    with pytest.raises(SystemExit) as ended:
        main(["snapshot", "verify", "roofs", "-C", catalog.root.uri])
    assert not ended.value.code
    assert f"elsewhere  {gone}: its bytes are at {other}" in capsys.readouterr().out
    Path(other).write_bytes(b"something else")
    assert frozen.verify().gone == (gone,)


def test_copies_are_compared_by_size_alone_where_their_pictures_are(catalog: Catalog, tmp_path: Path) -> None:
    frozen = catalog.freeze("roofs", query="roof OR car", annotations="all")
    gone, other = tmp_path / "med/x.png", tmp_path / "re/a.png"
    gone.unlink()
    other.write_bytes(bytes(len(other.read_bytes())))
    assert (frozen.verify(quick=True).elsewhere, frozen.verify().gone) == (
        ((str(gone), str(other)),),
        (str(gone),),
    )
    frozen.export(tmp_path / "out", format="coco", media="link")
    with pytest.raises(SnapshotDamaged, match="no longer what was frozen"):
        frozen.export(tmp_path / "out", format="coco", media="copy", force=True)
    other.write_bytes(b"of another size")
    assert frozen.verify(quick=True).gone == (str(gone),)


def test_many_pictures_that_are_gone_keep_their_order_and_their_copies(tmp_path: Path) -> None:
    names = [f"{number:02}.png" for number in range(40)]
    for folder in ("lake", "mirror"):
        draw(tmp_path / folder, names)
    coco(tmp_path / "lake/l.json", [box(name, "car") for name in names])
    coco(tmp_path / "mirror/l.json", [], pictures=names)
    made = Catalog.init(str(tmp_path / "catalog"))
    for folder in ("lake", "mirror"):
        made.ingest(str(tmp_path / folder), team=folder, name="x")
    frozen = made.freeze("cars", query="car")
    for name in names[1:]:
        (tmp_path / "lake" / name).unlink()
    (tmp_path / "mirror" / names[7]).write_bytes(b"another")
    report = frozen.verify()
    moved = [name for name in names[1:] if name != names[7]]
    assert report.gone == (str(tmp_path / "lake" / names[7]),)
    assert report.elsewhere == tuple(
        (str(tmp_path / "lake" / name), str(tmp_path / "mirror" / name)) for name in moved
    )


@pytest.mark.parametrize(("format_name", "media"), [("coco", "copy"), ("yolo", "link"), ("yolo", "copy")])
def test_what_verify_finds_at_a_copy_is_exported_from_there(
    catalog: Catalog, tmp_path: Path, format_name: str, media: str
) -> None:
    frozen = catalog.freeze("roofs", query="roof OR car", annotations="all")
    frozen.export(tmp_path / "before", format=format_name, media=media)
    (tmp_path / "med/x.png").unlink()
    frozen.export(tmp_path / "after", format=format_name, media=media)
    before, after = (_contents(tmp_path / name) for name in ("before", "after"))
    gone = "images/all/x.png"
    assert after[gone] == (tmp_path / "re/a.png").read_bytes()
    before[gone] = after[gone]  # which a link led to
    assert before == after
    (tmp_path / "re/a.png").write_bytes(b"something else")
    with pytest.raises(SnapshotDamaged, match="1 pictures are no longer what was frozen"):
        frozen.export(tmp_path / "out", format=format_name, media=media)


def _contents(folder: Path) -> dict[str, bytes]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_torch_reads_a_picture_where_its_bytes_are(catalog: Catalog, tmp_path: Path) -> None:
    from torch.utils.data import DataLoader

    images = catalog.freeze("roofs", query="roof OR car", annotations="all").torch()
    expected = [(images[n][0] * 255).int().tolist() for n in range(2)]
    (tmp_path / "med/x.png").unlink()
    for context in ("fork", "spawn"):
        loader = DataLoader(
            images, batch_size=None, num_workers=1, multiprocessing_context=context, collate_fn=_as_it_is
        )
        assert [(image * 255).int().tolist() for image, _ in loader] == expected
    assert images.uri(0) == str(tmp_path / "med/x.png")
    (tmp_path / "re/a.png").write_bytes((tmp_path / "re/b.png").read_bytes())  # a picture, and not this one
    with pytest.raises(LocationError, match=r"x\.png"):
        images[0]


def test_a_frozen_object_that_is_gone_is_taken_from_its_copy(tmp_path: Path, s3: Location) -> None:
    made = Catalog.init(str(tmp_path / "catalog"))
    coco(tmp_path / "lake/l.json", [box("p.png", "car")], pictures=["p.png", "q.png"])
    draw(tmp_path / "lake", ["p.png"])
    shutil.copy(tmp_path / "lake/p.png", tmp_path / "lake/q.png")
    fs = filesystem(s3, made.settings)
    for path in (tmp_path / "lake").iterdir():
        fs.put_file(str(path), s3.child(f"lake/{path.name}").path)
    made.ingest(str(s3.child("lake")), team="far", name="x")
    frozen = made.freeze("cars", query="car")
    images = frozen.torch()
    fs.rm_file(s3.child("lake/p.png").path)
    assert frozen.verify().elsewhere == ((str(s3.child("lake/p.png")), str(s3.child("lake/q.png"))),)
    frozen.export(tmp_path / "out", format="yolo")
    assert (tmp_path / "out/images/all/p.png").read_bytes() == (tmp_path / "lake/p.png").read_bytes()
    assert images[0][1]["class_names"] == ["car"]


def _as_it_is(item: Any) -> Any:
    return item


def test_the_order_of_ingests_does_not_change_a_snapshot(catalog: Catalog, tmp_path: Path) -> None:
    other = Catalog.init(str(tmp_path / "other"))
    for team in ("med", "re"):
        other.ingest(str(tmp_path / team), team=team, name="x")
    frozen = [one.freeze("s", query="roof", annotations="all").definition for one in (catalog, other)]
    assert frozen[0].digest == frozen[1].digest


def test_a_snapshot_without_copies_does_not_speak_of_them(catalog: Catalog) -> None:
    frozen = catalog.freeze("plain", query="uri:c.png")
    assert "merged_copies" not in frozen.definition.counts
    assert frozen.definition.summary()["merged_copies"] == 0


def test_changes_at_any_address_are_changes_of_the_picture(catalog: Catalog, tmp_path: Path) -> None:
    before = catalog.state
    coco(tmp_path / "med/l.json", [box("x.png", "barn"), box("y.png", "roof")], pictures=MED)
    catalog.ingest(str(tmp_path / "med"), team="med", name="x")
    assert [Path(hit.uri).name for hit in catalog.search(f"since:{before}")] == ["a.png"]
    assert [Path(hit.uri).name for hit in catalog.search(f"since:{before}", by="uri")] == ["x.png"]


def test_an_address_whose_bytes_change_is_a_picture_of_its_own(catalog: Catalog, tmp_path: Path) -> None:
    shutil.copy(tmp_path / "med/z.png", tmp_path / "re/a.png")
    catalog.ingest(str(tmp_path / "re"), team="re", name="x")
    assert {tuple(sorted(hit.addresses)) for hit in catalog.search("")} == _truth(tmp_path)
    (tmp_path / "med/y.png").unlink()
    catalog.ingest(str(tmp_path / "med"), team="med", name="x")
    assert [Path(hit.uri).name for hit in catalog.search("is:missing")] == ["y.png"]
    there = list(catalog.search("NOT is:missing"))
    assert {tuple(sorted(hit.addresses)) for hit in there} == _truth(tmp_path)


def test_the_command_line_says_what_is_merged(catalog: Catalog, capsys: pytest.CaptureFixture[str]) -> None:
    def run(*words: str) -> str:
        with pytest.raises(SystemExit):
            main([*words, "-C", str(catalog.root)])
        said = capsys.readouterr()
        return said.out if "--json" in words else said.out + said.err

    assert "+1 copy" in run("search", "car")
    assert "2 assets match, at 4 addresses" in run("search", "roof OR car")
    assert "4 assets match" in run("search", "roof OR car", "--by", "uri")
    (hit,) = json.loads(run("search", "car", "--json"))["hits"]
    assert [Path(uri).name for uri in hit["addresses"]] == ["a.png", "x.png"]


def test_copies_on_s3_and_on_a_disk_are_one_picture(catalog: Catalog, tmp_path: Path, s3: Location) -> None:
    fs = filesystem(s3, catalog.settings)
    for path in (tmp_path / "med").iterdir():
        fs.put_file(str(path), s3.child(f"lake/{path.name}").path)
    catalog.ingest(str(s3.child("lake")), team="far", name="x")
    assert catalog.search("team:far").count() == 3
    assert catalog.search("team:far team:med team:re").count() == 2
    assert (catalog.search("").count(), catalog.search("").address_count) == (4, 9)
