"""Licence and owner of a label set: as a person says, else as its label files do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from datacat.catalog import Catalog
from datacat.model.report import IngestReport
from tests.ingest.test_formats import coco, save


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    return Catalog.init(str(tmp_path / "catalog"))


def licensed(*names: str, used: int | None = None) -> dict[str, Any]:
    document = coco(2)
    document["licenses"] = [{"id": number, "name": name} for number, name in enumerate(names)]
    if used is not None:
        document["images"][1]["license"] = used
    return document


def put(catalog: Catalog, place: Path, **said: str) -> IngestReport:
    return catalog.ingest(str(place), team="a", name="b", **said)


def rights(catalog: Catalog) -> tuple[str | None, str | None]:
    (found,) = catalog.overview().label_sets
    with catalog.sql("SELECT licence, owner FROM label_sets") as result:
        assert result.read_all().to_pylist() == [{"licence": found.licence, "owner": found.owner}]
    return found.licence, found.owner


def test_what_a_person_says_stays_until_said_otherwise(catalog: Catalog, tmp_path: Path) -> None:
    place = save(tmp_path / "lake" / "a.json", coco(2)).parent
    put(catalog, place)
    assert rights(catalog) == (None, None)
    assert put(catalog, place, licence="CC BY 4.0", owner="ada@example.org").changed
    assert rights(catalog) == ("CC BY 4.0", "ada@example.org")
    save(place / "b.json", coco(1))
    put(catalog, place)
    assert not put(catalog, place).changed
    assert rights(catalog) == ("CC BY 4.0", "ada@example.org")
    put(catalog, place, licence="CC0")
    assert rights(catalog) == ("CC0", "ada@example.org")
    put(catalog, place, licence="", owner="")
    assert rights(catalog) == (None, None)


def test_a_licence_is_taken_from_coco_until_a_person_says_another(catalog: Catalog, tmp_path: Path) -> None:
    place = save(tmp_path / "lake" / "a.json", licensed("CC0", "CC BY 4.0")).parent
    report = put(catalog, place)
    assert rights(catalog) == ("CC BY 4.0, CC0", None)
    assert "licence: CC BY 4.0, CC0, as the label files say (else --licence)" in report.assumed
    save(place / "a.json", licensed("CC0", "CC BY 4.0", used=1))
    put(catalog, place)
    assert rights(catalog) == ("CC BY 4.0", None)
    put(catalog, place, licence="bought")
    save(place / "a.json", licensed("MIT"))
    assert not any(text.startswith("licence") for text in put(catalog, place).assumed)
    assert rights(catalog) == ("bought", None)
    put(catalog, place, licence="")
    assert rights(catalog) == ("MIT", None)


def test_licences_of_several_files_are_joined(catalog: Catalog, tmp_path: Path) -> None:
    place = save(tmp_path / "lake" / "a.json", licensed("CC0")).parent
    put(catalog, place)
    save(place / "b.json", licensed("MIT"))
    put(catalog, place)
    assert rights(catalog) == ("CC0, MIT", None)
