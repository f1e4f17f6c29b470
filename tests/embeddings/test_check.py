"""What the doctor says of vectors."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path

import pytest

from datacat.config import Settings
from datacat.embeddings import Embeddings
from datacat.embeddings.vectors import VectorStore
from datacat.errors import EmbeddingError
from datacat.sources.location import Location
from tests.embeddings.lakes import lake, picture, shown


@pytest.fixture
def rows(embeddings: Embeddings, folder: Path, weights: str) -> list[dict[str, object]]:
    """Five pictures, embedded."""
    found = lake(folder, map(picture, range(5)))
    embeddings.embed(shown(found), checkpoint=weights)
    return found


def _said(embeddings: Embeddings, rows: list[dict[str, object]]) -> list[tuple[str, str]]:
    findings = list(embeddings.check(shown(rows)))
    assert {finding.subject for finding in findings} <= {"vectors"}
    return [(finding.severity, finding.text.split(": ", 1)[1]) for finding in findings]


def test_nothing_to_say(embeddings: Embeddings, rows: list[dict[str, object]], tmp_path: Path) -> None:
    assert _said(embeddings, rows) == []
    assert list(Embeddings(Location(str(tmp_path / "none")), Settings()).check(shown(rows))) == []


def test_assets_that_the_catalog_does_not_have(embeddings: Embeddings, rows: list[dict[str, object]]) -> None:
    ((severity, text),) = _said(embeddings, rows[:3])
    assert (severity, text.split(" assets")[0]) == ("error", "2")


def test_pictures_not_embedded(embeddings: Embeddings, rows: list[dict[str, object]], folder: Path) -> None:
    more = lake(folder, map(picture, range(7)))
    assert _said(embeddings, more) == [("note", "2 pictures were not embedded")]


def test_nothing_is_advised_for_pictures_that_cannot_be_read(
    embeddings: Embeddings, rows: list[dict[str, object]], folder: Path
) -> None:
    more = lake(folder, map(picture, range(7)))
    more[5]["fault"] = more[6]["fault"] = "damaged"
    assert _said(embeddings, more) == [("note", "2 pictures cannot be read, so they have no vector")]


def test_changed_pictures(embeddings: Embeddings, rows: list[dict[str, object]]) -> None:
    rows[1]["digest"] = "0" * 64
    rows[2]["is_missing"] = True
    said = _said(embeddings, rows)
    assert [text.split(" ")[0] for _, text in said] == ["2", "1"]


def test_repeated_rows(embeddings: Embeddings, rows: list[dict[str, object]], catalog_root: Location) -> None:
    import pyarrow as pa

    (space,) = embeddings.spaces()["space"].to_pylist()
    table = VectorStore(catalog_root.child("vectors"), Settings()).table(space)
    table.append(pa.Table.from_batches(table.rows()).slice(0, 2))
    ((severity, text),) = _said(embeddings, rows)
    assert (severity, text.split(" ")[0]) == ("note", "2")
    assert embeddings.spaces()["vectors"].to_pylist() == [5]


@pytest.mark.parametrize("damage", ["gone", "torn", "no registry", "bad registry", "odd registry"])
def test_a_space_that_cannot_be_read(
    embeddings: Embeddings, rows: list[dict[str, object]], catalog_root: Location, damage: str
) -> None:
    (space,) = embeddings.spaces()["space"].to_pylist()
    table = Path(catalog_root.child(f"vectors/{space}.lance").path)
    registry = Path(catalog_root.child(f"vectors/{space}.json").path)
    if damage == "gone":
        shutil.rmtree(table)
    elif damage == "torn":
        for path in (path for path in table.rglob("*") if path.is_file()):
            path.write_bytes(path.read_bytes()[:20])
    elif damage == "no registry":
        registry.unlink()
    else:
        registry.write_text("{" if damage == "bad registry" else '{"name": "a", "colour": 3}')
    (finding,) = embeddings.check(shown(rows))
    assert finding.severity == "error"
    assert space in finding.text
    assert "datacat embed" in finding.hint
    with pytest.raises(EmbeddingError):
        embeddings.nearest(shown(rows), space)._table.keys()


def test_lost_vectors_are_not_taken_for_none(
    embeddings: Embeddings, rows: list[dict[str, object]], catalog_root: Location, weights: str
) -> None:
    (space,) = embeddings.spaces()["space"].to_pylist()
    shutil.rmtree(catalog_root.child("vectors").path)
    (finding,) = embeddings.check(shown(rows))
    assert (finding.severity, finding.text.split(": ")[-1]) == (
        "error",
        f"the vectors of the space {space} are gone",
    )
    for name in (None, space):
        with pytest.raises(EmbeddingError, match="are gone"):
            embeddings.chosen(name)
    with pytest.raises(EmbeddingError, match="are gone"):
        embeddings.spaces()
    embeddings.embed(shown(rows), checkpoint=weights)
    assert _said(embeddings, rows) == []


def test_one_changed_letter_of_a_space_is_seen(
    embeddings: Embeddings, rows: list[dict[str, object]], catalog_root: Location
) -> None:
    (space,) = embeddings.spaces()["space"].to_pylist()
    place = Path(catalog_root.child(f"vectors/{space}.json").path)
    good = place.read_bytes()
    for at in range(0, len(good), 5):
        place.write_bytes(good[:at] + bytes([good[at] ^ 0x01]) + good[at + 1 :])
        (finding,) = embeddings.check(shown(rows))
        assert (finding.severity, space in finding.text) == ("error", True), good[at - 9 : at + 9]


def test_a_damaged_manifest_of_vectors_is_an_error_of_ours(catalog_root: Location) -> None:
    store = VectorStore(catalog_root.child("vectors"), Settings())
    store.made("s", dimension=4)
    (path,) = Path(catalog_root.child("vectors/s.lance").path).glob("_versions/*.manifest")
    good, refused = path.read_bytes(), 0
    for place in range(0, len(good), 7):
        path.write_bytes(good[:place] + bytes([good[place] ^ 0x40]) + good[place + 1 :])
        with contextlib.suppress(EmbeddingError):
            refused -= 1
            VectorStore(catalog_root.child("vectors"), Settings()).table("s").keys()
            refused += 1
    assert refused < 0
