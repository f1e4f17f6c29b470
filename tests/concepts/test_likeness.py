"""CLIP as evidence: names, and boxes cut out of their pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from datacat.catalog import Catalog
from datacat.concepts import likeness
from datacat.concepts.evidence import Suggestion
from datacat.demo.teams import Lake, write_lake
from datacat.embeddings.decoding import read_picture
from tests.concepts.lakes import Box, Said, labelled


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    return write_lake(tmp_path_factory.mktemp("demo") / "lake", seed=3, count=40)


@pytest.fixture
def catalog(lake: Lake, tmp_path: Path) -> Catalog:
    """Of the demo's label sets, with an embedding space of the model that comes along."""
    made = Catalog.init(str(tmp_path / "catalog"))
    for team in lake.teams:
        made.ingest(
            str(team.location), team=team.name, name=team.label_set, media_root=str(lake.media), author="ada"
        )
    made.embed()
    return made


def of_kind(one: Suggestion, kind: str) -> list[str]:
    return [item.text for item in one.evidence if item.kind == kind]


def test_crops_of_the_same_thing_look_alike(catalog: Catalog) -> None:
    plain = catalog.concepts.suggest(["Tree"])
    assert of_kind(plain.items[0], "crops") == []
    found = catalog.concepts.suggest(["Tree"], crops=4)
    (text,) = of_kind(found.items[0], "crops")
    assert text.startswith("crops by CLIP: 4 of mapping:Tree, 4 of driving:tree, likeness 0.")
    assert found.items[0].score > plain.items[0].score
    assert found.notes == ()
    again = catalog.concepts.suggest(["Tree"], crops=4).items[0]
    assert of_kind(again, "crops") == [text], "always the same crops"
    assert again.score == pytest.approx(found.items[0].score)  # torch adds in another order on a busy machine


def test_boxes_that_are_too_small_to_show_are_not_sampled(tmp_path: Path) -> None:
    small: list[tuple[str, Box | None]] = [("Tree", (float(x), 40.0, 7.0, 7.0)) for x in range(50)]
    outside: list[tuple[str, Box | None]] = [("Tree", (60.0, float(y), 30.0, 30.0)) for y in range(18)]
    large: list[tuple[str, Box | None]] = [
        (name, (float(x), 2.0, 12.0, 12.0)) for name in ("Tree", "Car") for x in (1, 20, 40)
    ]
    said: Said = {"a.png": [*small, *outside, *large]}
    made = labelled(tmp_path, one=said, two=said)
    made.embed()
    notes = made.concepts.suggest(["Tree"], crops=1).notes
    assert not any("Crops were not compared" in note for note in notes), (
        "too few, as only two classes had some"
    )


def test_each_picture_is_opened_once(catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []

    def counted(uri: str, *given: Any, **named: Any) -> Any:
        opened.append(uri)
        return read_picture(uri, *given, **named)

    monkeypatch.setattr(likeness, "read_picture", counted)
    assert len(catalog.concepts.suggest(crops=20)) > 0
    assert len(opened) == len(set(opened)) > 10


def test_pictures_that_are_gone_or_damaged_are_left_out(catalog: Catalog, lake: Lake) -> None:
    pictures = sorted(lake.media.rglob("*.jpg"))
    contents = [picture.read_bytes() for picture in pictures]
    try:
        for picture in pictures:
            picture.write_bytes(b"no picture")
        found = catalog.concepts.suggest(["Tree"], crops=2)
        Image.new("RGB", (9, 9)).save(pictures[0])
    finally:
        for picture, content in zip(pictures, contents, strict=True):
            picture.write_bytes(content)
    assert "Crops were not compared: 0 classes have some, too few." in found.notes
    assert len(found) == 1


def test_names_that_the_model_finds_near_are_evidence(catalog: Catalog) -> None:
    found = catalog.concepts.suggest(min_score=0.05)
    texts = [text for one in found for text in of_kind(one, "text")]
    assert any('"roof"' in text and '"rooftop"' in text for text in texts), texts
    assert not any("too few" in note for note in found.notes)
