"""The nearest: min(k, n) of them, in the order of an exact scan, whatever filters and however many there are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from datacat.config import Settings
from datacat.embeddings import Embeddings, Nearest
from datacat.embeddings import nearest as near
from datacat.embeddings.open_clip import Choice, loaded
from datacat.embeddings.vectors import VectorStore, VectorTable, as_column, as_matrix
from datacat.errors import EmbeddingError, NotFound
from datacat.sources.location import Location
from tests.embeddings.lakes import lake, picture, shown, write_model

DIMENSION = 32
Matrix = np.ndarray


@dataclass(frozen=True)
class Question:
    """As the query stage asks."""

    text: str | None = None
    asset: int | None = None
    file: str | None = None


def unit(rows: Matrix) -> Matrix:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def clustered(count: int, *, seed: int) -> Matrix:
    generator = np.random.default_rng(seed)
    centres = generator.normal(size=(20, DIMENSION))
    return unit(centres[generator.integers(0, 20, count)] + generator.normal(size=(count, DIMENSION)) * 0.5)


def as_rows(vectors: Matrix, *, first: int = 0, digest: str = "d") -> pa.Table:
    assets = np.arange(first, first + len(vectors))
    digests = [f"{digest}{asset}" for asset in assets]
    return pa.table({"asset": assets, "digest": digests, "vector": as_column(vectors)})


def assets_of(count: int) -> duckdb.DuckDBPyConnection:
    """`count` assets, asset i with the digest di."""
    numbers = range(count)
    facts = {"uri": "/lake/a.png", "media": "image", "is_missing": False}
    return shown([{"asset": number, "digest": f"d{number}", **facts} for number in numbers])


def table_of(root: Location, *parts: pa.Table) -> VectorTable:
    table = VectorStore(root.child("vectors"), Settings()).made("s", dimension=DIMENSION)
    for part in parts:
        table.append(part)
    return table


def ranker(cursor: duckdb.DuckDBPyConnection, table: VectorTable) -> Nearest:
    return Nearest(cursor, table=table, held=table.rows, encoder=_no_model, settings=Settings())


def _no_model() -> None:
    raise AssertionError("a stored vector needs no model")


def _no_scan() -> None:
    raise AssertionError("the index suffices")


def oracle(vectors: Matrix, asset: int, *, k: int, allowed: list[int] | None = None) -> list[int]:
    """The slow, obvious answer."""
    scores = vectors.astype(np.float64) @ vectors[asset].astype(np.float64)
    wanted = range(len(vectors)) if allowed is None else allowed
    return sorted(wanted, key=lambda number: (-scores[number], number))[:k]


@pytest.mark.parametrize("allowed", [None, [5], [1, 2, 3, 900, 901], list(range(0, 1000, 3)), [7000, 3]])
@pytest.mark.parametrize("k", [1, 10, 5000])
def test_exact_as_the_oracle(catalog_root: Location, k: int, allowed: list[int] | None) -> None:
    vectors = clustered(1000, seed=1)
    nearest = ranker(assets_of(1000), table_of(catalog_root, as_rows(vectors)))
    found = nearest(Question(asset=17), k, None if allowed is None else pa.array(allowed))
    known = None if allowed is None else [number for number in allowed if number < 1000]
    assert found["asset"].to_pylist() == oracle(vectors, 17, k=k, allowed=known)
    scores = found["score"].to_numpy()
    assert np.allclose(scores, vectors[found["asset"].to_numpy()] @ vectors[17], atol=1e-6)
    assert found.schema.names == ["asset", "score"]


def test_equal_scores_by_number_at_every_cut(catalog_root: Location) -> None:
    vectors = clustered(300, seed=2)[np.arange(301) % 7]
    table = table_of(catalog_root, as_rows(vectors[100:], first=100), as_rows(vectors[:100]))
    nearest = ranker(assets_of(301), table)
    whole = nearest(Question(asset=3), 301, None)["asset"].to_pylist()
    assert whole[:43] == list(range(3, 301, 7))
    cuts = [nearest(Question(asset=3), k, None)["asset"].to_pylist() for k in (1, 2, 20, 44, 150)]
    assert cuts == [whole[:k] for k in (1, 2, 20, 44, 150)]


def test_repeated_rows_are_found_once(catalog_root: Location) -> None:
    vectors = clustered(50, seed=3)
    table = table_of(catalog_root, as_rows(vectors), as_rows(vectors[:30]), as_rows(vectors[:30]))
    found = ranker(assets_of(50), table)(Question(asset=1), 40, None)
    assert found["asset"].to_pylist() == oracle(vectors, 1, k=40)


def test_what_changed_or_is_unknown_is_left_out(catalog_root: Location) -> None:
    vectors = clustered(60, seed=4)
    old = as_rows(clustered(60, seed=5), digest="old")
    table = table_of(catalog_root, old, as_rows(vectors))
    found = ranker(assets_of(40), table)(Question(asset=1), 100, None)
    assert found["asset"].to_pylist() == oracle(vectors[:40], 1, k=100)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is large becomes small."""
    monkeypatch.setattr(near, "INDEX_ROWS", 1000)
    monkeypatch.setattr(near, "FEW", 50)
    monkeypatch.setattr(near, "MANY", 1000)
    monkeypatch.setattr(near, "_CANDIDATES", 64)
    monkeypatch.setattr(near, "_MOST_CANDIDATES", 1024)


def _indexed(root: Location, vectors: Matrix) -> VectorTable:
    half = len(vectors) // 2
    table = table_of(root, as_rows(vectors[:half]))
    table.tidy(with_index=True)
    table.append(as_rows(vectors[half:], first=half))  # rows that the index has not seen yet
    assert table.is_indexed
    return table


@pytest.mark.usefixtures("small")
def test_the_index_finds_nearly_what_the_oracle_finds(catalog_root: Location) -> None:
    vectors = clustered(6000, seed=6)
    table = _indexed(catalog_root, vectors)
    table.tidy(with_index=True)
    nearest = Nearest(assets_of(6000), table=table, held=_no_scan, encoder=_no_model, settings=Settings())
    nearest._stored = lambda asset: vectors[asset]  # type: ignore[method-assign]
    hits = 0
    for asset in range(0, 6000, 300):
        found = nearest(Question(asset=asset), 10, None)["asset"].to_pylist()
        hits += len(set(found) & set(oracle(vectors, asset, k=10)))
    assert hits >= 0.95 * 200


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("k", [1, 40, 400, 3000, 9000])
@pytest.mark.parametrize("step", [None, 3, 11, 121, 1999])
def test_the_index_never_gives_too_few(catalog_root: Location, k: int, step: int | None) -> None:
    vectors = clustered(6000, seed=7)
    nearest = ranker(assets_of(6000), _indexed(catalog_root, vectors))
    allowed = None if step is None else list(range(0, 6000, step))
    found = nearest(Question(asset=17), k, None if allowed is None else pa.array(allowed))[
        "asset"
    ].to_pylist()
    expected = oracle(vectors, 17, k=k, allowed=allowed)
    assert len(found) == len(set(found)) == len(expected)
    assert len(set(found) & set(expected)) >= 0.85 * len(expected)


@pytest.mark.usefixtures("small")
def test_the_index_is_not_enough_where_most_rows_do_not_count(catalog_root: Location) -> None:
    vectors = clustered(3000, seed=8)
    nearest = ranker(assets_of(100), _indexed(catalog_root, vectors))
    found = nearest(Question(asset=17), 100, None)["asset"].to_pylist()
    assert found == oracle(vectors[:100], 17, k=100)


def test_the_job_makes_the_index(
    embeddings: Embeddings,
    folder: Path,
    weights: str,
    monkeypatch: pytest.MonkeyPatch,
    catalog_root: Location,
) -> None:
    cursor = shown(lake(folder, [picture(seed, size=(4, 4)) for seed in range(310)]))
    space = embeddings.embed(cursor, checkpoint=weights).space
    assert not VectorStore(catalog_root.child("vectors"), Settings()).table(space).is_indexed
    monkeypatch.setattr(near, "INDEX_ROWS", 300)
    monkeypatch.setattr(near, "FEW", 20)
    embeddings.embed(cursor, checkpoint=weights)
    assert VectorStore(catalog_root.child("vectors"), Settings()).table(space).is_indexed
    assert len(embeddings.nearest(cursor)(Question(asset=3), 310, None)) == 310


def test_a_text_a_picture_and_an_asset(
    embeddings: Embeddings, catalog_root: Location, folder: Path, weights: str, tmp_path: Path
) -> None:
    cursor = shown(lake(folder, map(picture, range(12))))
    space = embeddings.embed(cursor, checkpoint=weights).space
    nearest = embeddings.nearest(cursor)
    (tmp_path / "elsewhere.png").write_bytes(picture(5))
    by_asset = nearest(Question(asset=5), 3, None)
    by_file = nearest(Question(file=str(tmp_path / "elsewhere.png")), 3, None)
    assert by_asset["asset"].to_pylist() == by_file["asset"].to_pylist()
    assert (by_file["asset"][0].as_py(), by_file["score"][0].as_py()) == (5, pytest.approx(1.0, abs=1e-5))

    by_text = nearest(Question(text="a red roof"), 12, None)
    rows = pa.Table.from_batches(VectorStore(catalog_root.child("vectors"), Settings()).table(space).rows())
    text = loaded(Choice(checkpoint=weights)).encode_texts(["a red roof"])[0]
    scores = as_matrix(rows["vector"].combine_chunks()) @ text
    assert by_text["asset"].to_pylist() == rows["asset"].to_numpy()[np.argsort(-scores)].tolist()


def test_an_asset_without_vector_and_a_file_without_picture(
    embeddings: Embeddings, folder: Path, weights: str, tmp_path: Path
) -> None:
    rows = lake(folder, map(picture, range(3)))
    embeddings.embed(shown(rows[:2]), checkpoint=weights)
    nearest = embeddings.nearest(shown(rows))
    with pytest.raises(EmbeddingError, match=r"2\.png: asset 2 was not embedded"):
        nearest(Question(asset=2), 1, None)
    (tmp_path / "note.txt").write_text("no picture")
    with pytest.raises(EmbeddingError, match=r"note\.txt: not a picture"):
        nearest(Question(file=str(tmp_path / "note.txt")), 1, None)


def test_new_vectors_are_seen_at_once(embeddings: Embeddings, folder: Path, weights: str) -> None:
    rows = lake(folder, map(picture, range(5)))
    embeddings.embed(shown(rows[:3]), checkpoint=weights)
    nearest = embeddings.nearest(shown(rows))
    assert len(nearest(Question(asset=0), 9, None)) == 3
    other = Embeddings(embeddings._spaces.folder.parent, Settings())
    other.embed(shown(rows), checkpoint=weights)
    assert len(nearest(Question(asset=0), 9, None)) == 5


def test_spaces_are_chosen_never_mixed(
    embeddings: Embeddings, catalog_root: Location, folder: Path, weights: str, tmp_path: Path
) -> None:
    cursor = shown(lake(folder, map(picture, range(3))))
    with pytest.raises(EmbeddingError, match=r"(?s)nothing was embedded.*datacat embed"):
        embeddings.nearest(cursor)
    first = embeddings.embed(cursor, checkpoint=weights).space
    second = embeddings.embed(cursor, checkpoint=str(write_model(tmp_path / "other", seed=1))).space
    assert len({first, second}) == 2
    with pytest.raises(EmbeddingError, match=f"several embedding spaces: {first}, {second}"):
        embeddings.nearest(cursor)
    with pytest.raises(NotFound, match=f"(?s)no embedding space 'blank'.*Did you mean {first}"):
        embeddings.nearest(cursor, "blank")
    by_setting = Embeddings(catalog_root, Settings(space=second)).nearest(cursor)
    by_name = embeddings.nearest(cursor, second)
    of_first = embeddings.nearest(cursor, first)
    question = Question(asset=0)
    assert by_setting(question, 3, None).equals(by_name(question, 3, None))
    assert not of_first(question, 3, None).equals(by_name(question, 3, None))
