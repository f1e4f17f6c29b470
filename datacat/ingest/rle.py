"""COCO's run lengths: masks down the columns of a picture, beginning with background."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Runs = npt.NDArray[np.int64]
_SIDE = 1 << 31


def runs_of(mask: Any) -> tuple[int, int, Runs]:
    """Height, width and run lengths of a mask, compressed or not.

    Raises:
        ValueError: it has no size or no counts, or they do not cover exactly its size.
    """
    size = mask.get("size") if isinstance(mask, dict) else None
    if not (isinstance(size, list) and len(size) == 2 and all(type(side) is int for side in size)):
        raise ValueError("RLE without a size [height, width]")
    height, width = size
    if not (0 < height < _SIDE and 0 < width < _SIDE):
        raise ValueError(f"RLE of size {height} x {width}")
    counts = mask.get("counts")
    if isinstance(counts, str):
        runs = run_lengths(counts)
    elif isinstance(counts, list) and all(type(run) is int and 0 <= run < 1 << 62 for run in counts):
        runs = np.array(counts, dtype=np.int64)
    else:
        raise ValueError("RLE whose counts are neither a text nor a list of numbers")
    if (runs < 0).any() or int(runs.sum(dtype=np.float64)) != height * width:
        raise ValueError(f"RLE whose counts do not cover {height} x {width} pixels")
    return height, width, runs


def run_lengths(counts: str) -> Runs:
    """COCO's compressed RLE as run lengths (source of the method: `rleFrString` in cocoapi's maskApi.c).

    Raises:
        ValueError: it is no such text.
    """
    try:
        codes = np.frombuffer(counts.encode("ascii"), dtype=np.uint8).astype(np.int64) - 48
    except UnicodeEncodeError:
        raise ValueError("RLE counts with characters that are none of theirs") from None
    if not codes.size or codes.min() < 0 or codes.max() > 63:
        raise ValueError("RLE counts with characters that are none of theirs, or none at all")
    is_last = (codes & 0x20) == 0
    if not is_last[-1]:
        raise ValueError("RLE counts end in the middle")
    ends = np.flatnonzero(is_last)
    starts = np.concatenate(([0], ends[:-1] + 1))
    lengths = ends - starts + 1
    if lengths.max() > 12:
        raise ValueError("RLE counts with a number beyond every picture")
    shifts = 5 * (np.arange(codes.size) - np.repeat(starts, lengths))
    values = np.add.reduceat((codes & 0x1F) << shifts, starts)
    is_negative = (codes[ends] & 0x10) != 0
    values = np.where(is_negative, values - (np.int64(1) << np.minimum(5 * lengths, 62)), values)
    # From the fourth on, a number is the difference to the one before the last.
    values[1::2] = np.cumsum(values[1::2])
    values[2::2] = np.cumsum(values[2::2])
    return values


def mask_bounds(mask: Any) -> tuple[tuple[float, float, float, float], float]:
    """Bounding box (x, y, w, h) and area of a mask, px and px²; of an empty one zeros.

    Raises:
        ValueError: as `runs_of`.
    """
    height, _, runs = runs_of(mask)
    ends = np.cumsum(runs)
    starts = ends - runs
    firsts, lasts = starts[1::2][runs[1::2] > 0], ends[1::2][runs[1::2] > 0] - 1
    if not firsts.size:
        return (0.0, 0.0, 0.0, 0.0), 0.0
    left, right = int(firsts[0]) // height, int(lasts[-1]) // height + 1
    if (firsts // height != lasts // height).any():
        top, bottom = 0, height
    else:
        top, bottom = int((firsts % height).min()), int((lasts % height).max()) + 1
    box = (float(left), float(top), float(right - left), float(bottom - top))
    return box, float(runs[1::2].sum())
