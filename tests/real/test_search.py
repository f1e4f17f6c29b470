"""Questions over the real label files, answered twice: by datacat, and by looking at each statement in turn."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from datacat.catalog import Catalog
from tests.real import originals
from tests.real.originals import Lake, Said
from tests.real.questions import AGREEMENTS, ASSETS, RELATIONS, STATEMENTS, THREE, absent, checked
from tests.real.shapes import agreement
from tests.real.test_formats import DATA, pytestmark

__all__ = ["pytestmark"]  # this module is of the same group

COCO = DATA / "labelbox_sdk/libs/labelbox/tests/data/assets/coco"
KERAS = DATA / "keras_retinanet_testdata/coco"
STUDIO = DATA / "labelstudio_sdk/tests/custom/converter/data/test_export_yolo/data.json"
CELLS = DATA / "bccd_voc/BCCD"
COVERED = ("RBC", "WBC")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("originals")


@pytest.fixture(scope="module")
def neutral(folder: Path) -> dict[str, Path]:
    """Team -> its labels in the neutral form, for what lies in forms that nobody reads."""
    pictures, texts = CELLS / "JPEGImages", folder / "texts"
    texts.mkdir()
    records = {
        "second": originals.second_look(DATA / "bccd_voc/test.csv", images=pictures),
        "speech": originals.spoken_digits(DATA / "fsdd_audio/recordings"),
        "series": originals.windows(DATA / "nab"),
        "readers": originals.answers(DATA / "xquad/xquad.en.json", into=texts),
    }
    return {team: originals.written(folder / f"{team}.ndjson", each) for team, each in records.items()}


@pytest.fixture(scope="module")
def catalog(folder: Path, neutral: dict[str, Path]) -> Catalog:
    made = Catalog.init(str(folder / "catalog"))
    made.ingest(str(DATA / "bccd_voc"), team="lab", name="cells")
    made.ingest(str(DATA / "coco_captions_19"), team="captions", name="words")
    made.ingest(str(DATA / "aerial_cars_kit"), team="kit", name="cars")
    made.ingest(str(KERAS), team="keras", name="samples")
    for team in ("instances", "rle", "panoptic"):
        made.ingest(str(COCO / f"{team}.json"), team=team, name="coco", media_root=str(COCO / "images"))
    made.ingest(str(STUDIO), team="studio", name="regions")
    roots = {
        "second": CELLS,
        "speech": DATA / "fsdd_audio",
        "series": DATA / "nab",
        "readers": folder / "texts",
    }
    for team, root in roots.items():
        covers = COVERED if team == "second" else None
        made.ingest(str(neutral[team]), team=team, name="own", media_root=str(root), covers=covers)
    return made


@pytest.fixture(scope="module")
def lake(neutral: dict[str, Path]) -> Lake:
    found = Lake()
    originals.voc(found, CELLS, team="lab")
    captions = DATA / "coco_captions_19"
    originals.coco(found, captions / "captions.json", images=captions / "images", team="captions")
    originals.yolo(found, DATA / "aerial_cars_kit", team="kit")
    for split in ("train", "val"):
        path = KERAS / f"annotations/instances_{split}2017.json"
        originals.coco(found, path, images=KERAS / f"images/{split}2017", team="keras", split=split)
    for team in ("instances", "rle", "panoptic"):
        originals.coco(found, COCO / f"{team}.json", images=COCO / "images", team=team)
    originals.label_studio(found, STUDIO, team="studio")
    for team, path in neutral.items():
        originals.ndjson(found, path, team=team, covers=COVERED if team == "second" else ())
    found.join_copies()
    return found


def found(catalog: Catalog, query: str) -> set[str]:
    table = catalog.search(query).batches(["uri"])
    return {uri for batch in table for uri in batch["uri"].to_pylist()}


def test_there_are_as_many_assets(catalog: Catalog, lake: Lake) -> None:
    assert found(catalog, "all images") == set(lake)
    assert catalog.search("*").annotations().read_all().num_rows == sum(len(a.said) for a in lake.values())


@pytest.mark.parametrize("query", [*STATEMENTS, *RELATIONS])
def test_statements(catalog: Catalog, lake: Lake, query: str) -> None:
    holds = {**STATEMENTS, **RELATIONS}[query]
    fulfilling = {
        uri: count for uri, asset in lake.items() if (count := sum(holds(asset, s) for s in asset.said))
    }
    assert 0 < len(fulfilling) < len(lake)
    assert found(catalog, query) == set(fulfilling)
    numbers = catalog.search(query).annotations().read_all()
    assert numbers.num_rows == sum(fulfilling.values())


@pytest.mark.parametrize("query", list(ASSETS))
def test_assets(catalog: Catalog, lake: Lake, query: str) -> None:
    fulfilling = {uri for uri, asset in lake.items() if ASSETS[query](asset)}
    assert 0 < len(fulfilling) < len(lake)
    assert found(catalog, query) == fulfilling


@pytest.mark.parametrize("query", list(THREE))
def test_the_three_answers(catalog: Catalog, lake: Lake, query: str) -> None:
    answers = {uri: THREE[query](asset) for uri, asset in lake.items()}
    counted = Counter(answers.values())
    hits = catalog.search(query)
    assert (hits.answers.yes, hits.answers.no, hits.answers.unknown) == tuple(
        counted[answer] for answer in (True, False, None)
    )
    assert len(counted) > 1
    assert found(catalog, query) == {uri for uri, answer in answers.items() if answer is True}
    assert found(catalog, f"?({query})") == {uri for uri, answer in answers.items() if answer is None}


def test_equal_bytes(catalog: Catalog, lake: Lake) -> None:
    twice = {uri: {str(path) for path in asset.addresses} for uri, asset in lake.items() if asset.copies}
    assert twice
    assert {hit.uri: set(hit.addresses) for hit in catalog.search("is:duplicate")} == twice
    apart = {hit.uri for hit in catalog.search("is:duplicate", by="uri")}
    assert apart == {uri for addresses in twice.values() for uri in addresses}


@pytest.mark.parametrize("query", list(AGREEMENTS))
def test_agreement(catalog: Catalog, lake: Lake, query: str) -> None:
    fulfilling = {
        uri for uri, asset in lake.items() if AGREEMENTS[query](asset, agreement(asset, lake.classes))
    }
    assert 0 < len(fulfilling) < len(lake)
    assert found(catalog, query) == fulfilling


def test_overlap(catalog: Catalog, lake: Lake) -> None:
    told = catalog.overlap("lab", "second")
    shared = [asset for asset in lake.values() if {"lab", "second"} <= asset.teams]
    measured = [each for asset in shared if (each := agreement(asset, lake.classes)) is not None]
    assert (told.left_assets, told.shared, told.compared) == (364, len(shared), len(measured))
    assert told.agreed == sum(each.agreement == 1 for each in measured)
    assert told.agreement == pytest.approx(sum(each.agreement for each in measured) / len(measured))
    assert told.matched == sum(len(each.shares) for each in measured)
    shares = [share for each in measured for share in each.shares]
    assert told.box_iou == pytest.approx(sum(shares) / len(shares))


def counted(catalog: Catalog, query: str, facet: str) -> dict[str, tuple[int | None, int]]:
    values = catalog.search(query).facets([facet], limit=1000)[facet].values
    return {each.value: (each.annotations, each.assets) for each in values}


def of_statements(lake: Lake, key: Callable[[Said], str | None]) -> dict[str, tuple[int, int]]:
    """Value -> annotations, assets."""
    rows = [
        (name, uri) for uri, asset in lake.items() for said in asset.said if (name := key(said)) is not None
    ]
    annotations, assets = Counter(name for name, _ in rows), Counter(name for name, _ in set(rows))
    return {name: (annotations[name], assets[name]) for name in annotations}


FACETS: dict[str, tuple[str, Callable[[Said], str | None]]] = {
    "class": ("*", lambda s: s.name),
    "team": ("*", lambda s: s.team),
    "annotator": ("class:wbc", lambda s: s.annotator if s.is_a("wbc") else None),
    "kind": ("team:second", lambda s: s.kind if s.team == "second" else None),
    "attributes.checked.by": (
        "rbc[checked.score>0.5]",
        lambda s: str(checked(s, "by")) if s.is_a("rbc") and (checked(s, "score") or 0) > 0.5 else None,
    ),
    "attributes.speaker.name": ("media:audio", lambda s: s.attributes.get("speaker", {}).get("name")),
}


@pytest.mark.parametrize("facet", list(FACETS))
def test_facets(catalog: Catalog, lake: Lake, facet: str) -> None:
    query, key = FACETS[facet]
    expected = of_statements(lake, key)
    assert len(expected) > 1
    assert counted(catalog, query, facet) == expected


def test_facets_of_assets(catalog: Catalog, lake: Lake) -> None:
    splits = Counter(split for asset in lake.values() if asset.of("wbc") for split in asset.splits)
    assert counted(catalog, "class:wbc", "split") == {split: (None, n) for split, n in splits.items()}
    told = catalog.search("all images").facets(["class"], limit=1000)["class"].values
    three = {each.value: (each.assets, each.absent, each.unknown) for each in told}
    for name in ("RBC", "Platelets", "zebra", "car"):
        answers = Counter(absent(asset, name.lower()) for asset in lake.values())
        assert three[name] == (answers[False], answers[True], answers[None])
