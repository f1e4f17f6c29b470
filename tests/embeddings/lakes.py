"""Small lakes of pictures, the view `assets` over them, and a model made on the spot."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterable
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
from PIL import Image

from datacat.model.schemas import TABLES

ARCHITECTURE = {
    "embed_dim": 32,
    "vision_cfg": {"image_size": 32, "layers": 1, "width": 32, "head_width": 16, "patch_size": 16},
    "text_cfg": {"context_length": 16, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 1},
}


def write_model(folder: Path, *, seed: int = 0) -> Path:
    """An untrained model in open_clip's own layout; returns its weights file."""
    import open_clip
    import safetensors.torch
    import torch

    folder.mkdir(parents=True, exist_ok=True)
    preprocessing = {"size": 32, "mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5], "interpolation": "bicubic"}
    content = {"model_cfg": ARCHITECTURE, "preprocess_cfg": preprocessing}
    (folder / "open_clip_config.json").write_text(json.dumps(content))
    torch.manual_seed(seed)
    model = open_clip.create_model(f"local-dir:{folder}", load_weights=False)
    weights = folder / "open_clip_model.safetensors"
    safetensors.torch.save_file(model.state_dict(), weights)
    return weights


def picture(seed: int, *, size: tuple[int, int] = (40, 30)) -> bytes:
    """A PNG of coloured squares that no other seed gives."""
    squares = np.random.default_rng(seed).integers(0, 256, (4, 4, 3), dtype=np.uint8)
    return encoded(Image.fromarray(squares).resize(size, Image.Resampling.NEAREST))


def encoded(image: Image.Image, kind: str = "png", **options: object) -> bytes:
    """The bytes of a picture file."""
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def asset(number: int, uri: str | Path, **facts: object) -> dict[str, object]:
    """A row of `assets`; the digest is of the bytes that are there now."""
    row: dict[str, object] = {"asset": number, "uri": str(uri), "media": "image", "is_missing": False}
    if "digest" not in facts and Path(uri).is_file():
        row["digest"] = hashlib.sha256(Path(uri).read_bytes()).hexdigest()
    return row | facts


def lake(folder: Path, contents: Iterable[bytes]) -> list[dict[str, object]]:
    """Writes the files 0.png, 1.png, …; the rows of `assets`, numbered likewise."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for number, content in enumerate(contents):
        (folder / f"{number}.png").write_bytes(content)
        rows.append(asset(number, folder / f"{number}.png"))
    return rows


def shown(rows: list[dict[str, object]]) -> duckdb.DuckDBPyConnection:
    """A cursor with these assets."""
    cursor = duckdb.connect()
    cursor.register("assets", pa.Table.from_pylist(rows, schema=TABLES["assets"]))
    return cursor
