"""A snapshot's images for training: a map-style dataset that torch's DataLoader takes."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from PIL import Image, ImageOps

from datacat.config import Settings
from datacat.errors import ExtraMissing, LocationError
from datacat.model.snapshot import MANIFEST
from datacat.sources.reading import read_bytes
from datacat.versions.drawn import size_of
from datacat.versions.manifest import batches

_TARGET_COLUMNS = ("uri", "class", "x", "y", "w", "h", "is_relative", "attributes", "drawn")
UNNAMED = -1  # the label of a box that has no class


class ImageDataset:
    """The images of a snapshot, ordered by URI; what was missing when it was frozen is left out.

    `dataset[i]` is `(image, target)`. The image is a float32 tensor (3, height, width) in [0, 1], or what
    `transform` makes of the RGB picture (a PIL image). The target holds, for the n annotations with a box,

        boxes        float32 (n, 4): left, top, right, bottom, in pixels
        labels       int64 (n,): indexes into `classes`; -1 where a box has no class
        class_names  n names, None where there is none
        attributes   n dicts, as the team wrote them; {} where there are none

    and `image_labels`, int64 (m,): the classes said of the image as a whole (annotations without a box).

    Attributes:
        classes: every class of the snapshot, of all splits, in the order of its indexes.
        left_out_count: assets of the split that are no image or were missing.

    It may be sent to worker processes (spawn): it holds tables and no open file.
    """

    def __init__(
        self,
        folder: Path,
        *,
        split: str | None,
        transform: Callable[..., Any] | None,
        settings: Settings,
        classes: Mapping[str, int],
    ) -> None:
        _torch()
        self._transform = transform
        self._settings = settings
        assets = pa.Table.from_batches(batches(folder, "assets", split=split), schema=MANIFEST["assets"])
        usable = pc.and_(pc.equal(assets["media"], "image"), pc.invert(assets["is_missing"]))
        self._uris = assets.filter(usable)["uri"].combine_chunks()
        self.left_out_count = assets.num_rows - len(self._uris)
        self.classes = list(classes)
        self._numbers = dict(classes)
        self._rows = self._targets(folder)
        # Annotations are ordered by URI, as assets are: those of image i are the rows between two bounds.
        owners = pc.index_in(self._rows["uri"], value_set=self._uris).to_numpy()
        self._bounds: npt.NDArray[np.int64] = np.searchsorted(owners, np.arange(len(self._uris) + 1))

    def __len__(self) -> int:
        return len(self._uris)

    def __getitem__(self, index: int) -> tuple[Any, dict[str, Any]]:
        if not -len(self) <= index < len(self):
            raise IndexError(f"image {index} of {len(self)}")
        index %= len(self)
        first, end = self._bounds[index : index + 2].tolist()
        rows = self._rows.slice(first, end - first).to_pylist()
        drawn = {size_of(row["drawn"]) for row in rows if row["drawn"] is not None}
        picture = self._picture(self._uris[index].as_py(), drawn=drawn)
        target = self._target(rows, size=picture.size)
        if self._transform is not None:
            return self._transform(picture), target
        pixels = np.asarray(picture, dtype=np.float32).transpose(2, 0, 1) / np.float32(255)
        return _torch().from_numpy(np.ascontiguousarray(pixels)), target

    def uri(self, index: int) -> str:
        """Where image `index` lies."""
        return str(self._uris[index].as_py())

    def _targets(self, folder: Path) -> pa.Table:
        """The annotations of our images."""
        schema = pa.schema([MANIFEST["annotations"].field(name) for name in _TARGET_COLUMNS])
        kept = []
        for batch in batches(folder, "annotations"):
            rows = pa.table(batch).select(_TARGET_COLUMNS)
            kept.append(rows.filter(pc.is_in(rows["uri"], value_set=self._uris)))
        return pa.concat_tables([schema.empty_table(), *kept]).combine_chunks()

    def _picture(self, uri: str, *, drawn: set[tuple[int, int]]) -> Image.Image:
        """The pixels; turned as EXIF says where it was annotated so."""
        try:
            with Image.open(io.BytesIO(read_bytes(uri, self._settings))) as picture:
                is_turned = picture.width != picture.height and picture.size[::-1] in drawn
                return (ImageOps.exif_transpose(picture) if is_turned else picture).convert("RGB")
        except LocationError:
            raise
        except Exception as error:  # Pillow lets through whatever its decoders raise
            raise LocationError(f"cannot be read as a picture: {error}", where=uri) from error

    def _target(self, rows: list[dict[str, Any]], *, size: tuple[int, int]) -> dict[str, Any]:
        torch = _torch()
        boxed = [row for row in rows if row["x"] is not None]
        whole = [row["class"] for row in rows if row["x"] is None and row["class"] is not None]
        return {
            "boxes": torch.tensor([_corners(row, size=size) for row in boxed], dtype=torch.float32).reshape(
                -1, 4
            ),
            "labels": torch.tensor(
                [self._numbers.get(row["class"], UNNAMED) for row in boxed], dtype=torch.int64
            ),
            "class_names": [row["class"] for row in boxed],
            "attributes": [json.loads(row["attributes"] or "{}") for row in boxed],
            "image_labels": torch.tensor([self._numbers[name] for name in whole], dtype=torch.int64),
        }


def _corners(row: dict[str, Any], *, size: tuple[int, int]) -> tuple[float, float, float, float]:
    """Left, top, right, bottom in pixels."""
    width, height = map(float, size) if row["is_relative"] else (1.0, 1.0)
    if row["drawn"] is not None:
        drawn = size_of(row["drawn"])
        width, height = size[0] / drawn[0], size[1] / drawn[1]
    left, top = row["x"] * width, row["y"] * height
    return left, top, left + row["w"] * width, top + row["h"] * height


def _torch() -> Any:
    try:
        import torch
    except ImportError as error:
        raise ExtraMissing("torch", extra="clip") from error
    return torch
