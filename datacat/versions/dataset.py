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
from datacat.errors import ExtraMissing, LocationError, PlaceRefused, cause_of
from datacat.model.snapshot import MANIFEST, VerifyReport
from datacat.sources.exif import turned
from datacat.sources.inside import lie_outside
from datacat.sources.reading import read_bytes
from datacat.versions.drawn import size_of, upright_boxes
from datacat.versions.manifest import batches
from datacat.versions.media_roots import outside_report, refusal
from datacat.versions.verify import CopiesOf, no_copies, read_copy

_TARGET_COLUMNS = ("uri", "class", "x", "y", "w", "h", "is_relative", "attributes", "drawn")
_ROUNDED = 1e-2  # pixels: what float32 and fractions lose
_Floats = npt.NDArray[np.float64]
_Flags = npt.NDArray[np.bool_]


class ImageDataset:
    """The images of a snapshot, ordered by URI; what was missing when it was frozen is left out.

    Pictures are turned as their EXIF says.

    One that is gone from its address is read at another one where the catalog knew its bytes to be, if they are there.

    `dataset[i]` is `(image, target)`. The image is a float32 tensor (3, height, width) in [0, 1], or what
    `transform` makes of the RGB picture (a PIL image). The target holds, for n annotations with a class and a box,

        boxes        float32 (n, 4): left, top, right, bottom, in pixels, within the picture
        labels       int64 (n,): the class's index plus `first_label`: as the ids of a COCO export, and as torchvision's
                     detection models want them, to which 0 is the background
        class_names  n names
        attributes   n dicts, as the team wrote them; {} where there are none

    and `image_labels`, int64 (m,), likewise: the classes said of the image as a whole (annotations without a box).
    Boxes are cut at the edge of their picture; those of which nothing is left there, and those without a class, are
    left out: detection models refuse both.

    Attributes:
        classes: every class of the snapshot, of all splits, in the order of its indexes.
        left_out_count: assets of the split that are no image or were missing.
        cut_box_count: boxes of the split that reach over the edge of their picture.
        left_out_box_count: boxes of the split that have no size, or lie outside of their picture.
        unnamed_box_count: boxes of the split that have no class.

    It may be sent to worker processes (spawn): it holds tables and no open file.
    """

    def __init__(
        self,
        folder: Path,
        *,
        name: str,
        split: str | None,
        transform: Callable[..., Any] | None,
        settings: Settings,
        classes: Mapping[str, int],
        first_label: int = 1,
        copies: CopiesOf = no_copies,
    ) -> None:
        _torch()
        self._transform = transform
        self._settings = settings
        assets = pa.Table.from_batches(batches(folder, "assets", split=split), schema=MANIFEST["assets"])
        usable = pc.and_(pc.equal(assets["media"], "image"), pc.invert(assets["is_missing"]))
        images = assets.filter(usable)
        self._uris = images["uri"].combine_chunks()
        self._orientations = images["orientation"].combine_chunks()
        self.left_out_count = assets.num_rows - len(self._uris)
        # Asked for now: in a process that a DataLoader forks, no catalog can be read.
        pictures = images.select(["uri", "digest"])
        self._copies = copies(pictures)
        known = pictures.filter(pc.is_in(pictures["uri"], value_set=pa.array(self._copies, pa.string())))
        self._digests = dict(zip(*(known[column].to_pylist() for column in ("uri", "digest")), strict=True))
        self._check_places(name)
        self.classes = list(classes)
        self._numbers = {name: index + first_label for name, index in classes.items()}
        self._rows = upright_boxes(images, self._targets(folder))
        owners = pc.index_in(self._rows["uri"], value_set=self._uris).to_numpy()
        if (
            owners[1:] < owners[:-1]
        ).any():  # of whoever wrote it in another order: the digest does not know of it
            order = np.argsort(owners, kind="stable")
            self._rows, owners = self._rows.take(order), owners[order]
        # Annotations are now ordered as their images are: those of image i are the rows between two bounds.
        self._bounds: npt.NDArray[np.int64] = np.searchsorted(owners, np.arange(len(self._uris) + 1))
        self._count_boxes(owners, images)

    def __len__(self) -> int:
        return len(self._uris)

    def __getitem__(self, index: int) -> tuple[Any, dict[str, Any]]:
        if not -len(self) <= index < len(self):
            raise IndexError(f"image {index} of {len(self)}")
        index %= len(self)
        first, end = self._bounds[index : index + 2].tolist()
        rows = self._rows.slice(first, end - first)
        drawn = {size_of(text) for text in rows["drawn"].drop_null().to_pylist()}
        picture = self._picture(index, drawn=drawn)
        target = self._target(rows, size=picture.size)
        if self._transform is not None:
            return self._transform(picture), target
        pixels = np.asarray(picture, dtype=np.float32).transpose(2, 0, 1) / np.float32(255)
        return _torch().from_numpy(np.ascontiguousarray(pixels)), target

    def uri(self, index: int) -> str:
        """Where image `index` was frozen."""
        return str(self._uris[index].as_py())

    def _check_places(self, name: str) -> None:
        """Raises PlaceRefused where pictures would be refused, before an hour of training finds the first of them."""
        outside = lie_outside(self._uris.to_pylist(), self._settings.reads)
        outside = [uri for uri in outside if uri not in self._copies]
        if outside:
            report = VerifyReport(len(self._uris))
            raise refusal(name, outside_report(report, outside, reads=self._settings.reads or ()))

    def _targets(self, folder: Path) -> pa.Table:
        """The annotations of our images."""
        schema = pa.schema([MANIFEST["annotations"].field(name) for name in _TARGET_COLUMNS])
        kept = []
        for batch in batches(folder, "annotations"):
            rows = pa.table(batch).select(_TARGET_COLUMNS)
            kept.append(rows.filter(pc.is_in(rows["uri"], value_set=self._uris)))
        return pa.concat_tables([schema.empty_table(), *kept]).combine_chunks()

    def _count_boxes(self, owners: npt.NDArray[np.int64], images: pa.Table) -> None:
        """Counts what `_target` will change, by the sizes that were frozen."""
        width, height = (_numbers(images[side])[owners] for side in ("width", "height"))
        across, down = _drawn(self._rows["drawn"])
        is_turned = (across == height) & (down == width)
        width, height = np.where(is_turned, height, width), np.where(is_turned, width, height)
        has_box = self._rows["x"].is_valid().to_numpy()
        has_class = self._rows["class"].is_valid().to_numpy()
        _, is_kept, is_cut = _within(self._rows, width=width, height=height)
        is_known = ~(np.isnan(width) | np.isnan(height)) | ~_flags(self._rows["is_relative"])
        self.unnamed_box_count = int((has_box & ~has_class).sum())
        self.left_out_box_count = int((has_box & has_class & ~is_kept & is_known).sum())
        self.cut_box_count = int((has_box & has_class & is_kept & is_cut).sum())

    def _bytes(self, index: int) -> bytes:
        """Those that are at the address; where nothing is there, or is read, those of a copy with the same digest."""
        uri = self.uri(index)
        try:
            return read_bytes(uri, self._settings)
        except LocationError as error:
            is_elsewhere = isinstance(error, PlaceRefused) or isinstance(error.__cause__, FileNotFoundError)
            if uri not in self._copies or not is_elsewhere:
                raise
            content = read_copy(self._digests[uri], self._copies[uri], settings=self._settings)
            if content is None:
                raise
            return content

    def _picture(self, index: int, *, drawn: set[tuple[int, int]]) -> Image.Image:
        """The pixels, turned as EXIF says; of older manifests, where it was annotated so."""
        content, orientation = self._bytes(index), self._orientations[index].as_py()
        try:
            with Image.open(io.BytesIO(content)) as picture:
                if orientation is not None:
                    return turned(picture, orientation).convert("RGB")
                is_turned = picture.width != picture.height and picture.size[::-1] in drawn
                return (ImageOps.exif_transpose(picture) if is_turned else picture).convert("RGB")
        except Exception as error:  # Pillow lets through whatever its decoders raise
            raise LocationError(
                f"cannot be read as a picture: {cause_of(error)}", where=self.uri(index)
            ) from error

    def _target(self, rows: pa.Table, *, size: tuple[int, int]) -> dict[str, Any]:
        torch = _torch()
        width, height = (np.full(len(rows), float(side)) for side in size)
        boxes, is_kept, _ = _within(rows, width=width, height=height)
        chosen = is_kept & rows["class"].is_valid().to_numpy()
        named = rows.filter(pa.array(chosen)).select(["class", "attributes"]).to_pylist()
        whole = rows.filter(pc.and_(rows["x"].is_null(), rows["class"].is_valid()))["class"].to_pylist()
        return {
            "boxes": torch.from_numpy(boxes[chosen]),
            "labels": torch.tensor([self._numbers[row["class"]] for row in named], dtype=torch.int64),
            "class_names": [row["class"] for row in named],
            "attributes": [json.loads(row["attributes"] or "{}") for row in named],
            "image_labels": torch.tensor([self._numbers[name] for name in whole], dtype=torch.int64),
        }


def _within(
    rows: pa.Table, *, width: _Floats, height: _Floats
) -> tuple[npt.NDArray[np.float32], _Flags, _Flags]:
    """Boxes in pixels within pictures of these sizes (NaN: unknown), as float32 corners.

    Returns:
        Left, top, right, bottom (n, 4); which of them have a size there; which were cut.
    """
    x, y, w, h = (_numbers(rows[side]) for side in "xywh")
    relative = _flags(rows["is_relative"])
    across, down = np.where(relative, width, 1.0), np.where(relative, height, 1.0)
    sides = _drawn(rows["drawn"])
    across, down = (
        np.where(np.isnan(side), plain, real / side)
        for side, plain, real in zip(sides, (across, down), (width, height), strict=True)
    )
    whole = np.stack([x * across, y * down, (x + w) * across, (y + h) * down], axis=1)
    least = np.zeros_like(width)
    most = [np.where(np.isnan(side), np.inf, side) for side in (width, height)]
    limits = np.stack([*most, *most], axis=1)
    with np.errstate(invalid="ignore"):
        cut = np.clip(whole, np.stack([least] * 4, axis=1), limits).astype(np.float32)
        # As float32, in which a box may lose the last of its size.
        is_kept = np.isfinite(cut).all(axis=1) & (w > 0) & (h > 0) & (cut[:, 2:] > cut[:, :2]).all(axis=1)
        is_cut = np.asarray((np.abs(cut - whole) > _ROUNDED).any(axis=1), dtype=bool)
    return cut, is_kept, is_cut


def _drawn(column: pa.ChunkedArray) -> tuple[_Floats, _Floats]:
    """The width and height that annotations were drawn on; NaN: the picture's own."""
    named = column.combine_chunks().dictionary_encode()  # few sizes, of many rows
    sizes = [*map(size_of, named.dictionary.to_pylist()), (np.nan, np.nan)]
    sides = np.array(sizes, dtype=np.float64)[named.indices.fill_null(len(sizes) - 1).to_numpy()]
    return sides[:, 0], sides[:, 1]


def _numbers(column: pa.ChunkedArray) -> _Floats:
    """NaN where there is none."""
    return np.asarray(column.cast(pa.float64()).fill_null(float("nan")).to_numpy(), dtype=np.float64)


def _flags(column: pa.ChunkedArray) -> _Flags:
    return np.asarray(column.fill_null(False).to_numpy(), dtype=bool)


def _torch() -> Any:
    try:
        import torch
    except ImportError as error:
        raise ExtraMissing("torch", extra="clip") from error
    return torch
