"""Which picture a label file is about, and which pictures are the data set's though they have no label file."""

from __future__ import annotations

import posixpath
from collections import defaultdict
from collections.abc import Iterator, Sequence

from datacat.ingest.format import Dataset
from datacat.model.report import Tally
from datacat.sources.listing import Entry

LABEL_FOLDERS = frozenset({"labels", "labeltxt", "annotations"})
_PICTURE_FOLDERS = ("images", "Images", "JPEGImages", "img")


class Pictures:
    """Pictures by folder and by name without ending."""

    def __init__(self, entries: Sequence[Entry], tally: Tally) -> None:
        self.entries = entries
        self._tally = tally
        self._exact: dict[str, list[Entry]] = defaultdict(list)
        self._by_stem: dict[str, list[Entry]] = defaultdict(list)
        self._mirrors: set[str] = set()  # folders of pictures that a folder of labels stands for
        for entry in entries:
            self._exact[posixpath.splitext(entry.uri)[0]].append(entry)
            self._by_stem[posixpath.splitext(posixpath.basename(entry.uri))[0]].append(entry)

    def of(self, label: str) -> Entry | None:
        """Beside the label file, in images/ instead of labels/, or the only one of that name anywhere."""
        base = posixpath.splitext(label)[0]
        for place, mirror in ((base, None), *_mirrored(base)):
            same = self._exact.get(place, [])
            if len(same) > 1:
                self._tally.note("several pictures have the name of one label file: the first is its own")
            if same:
                self._mirrors |= {mirror} if mirror else set()
                return same[0]
        same = self._by_stem.get(posixpath.basename(base), [])
        if len(same) > 1:
            self._tally.note("several pictures elsewhere have a label file's name: it is given to none")
        return same[0] if len(same) == 1 else None

    def are_ours(self, uri: str) -> bool:
        """Whether a picture lies below a folder of pictures beside a folder of labels."""
        parts = uri.split("/")
        return any("/".join(parts[: at + 1]) in self._mirrors for at in range(len(parts) - 1))


def is_in_label_folder(uri: str) -> bool:
    """Whether a folder above a file is one of labels."""
    return any(part.lower() in LABEL_FOLDERS for part in uri.split("/")[:-1])


def made(label: str, dataset: Dataset) -> str:
    """The URI of a picture that is not there."""
    dataset.tally.assume("pictures that were not found are called .jpg")
    parts = posixpath.splitext(label)[0].split("/")
    for at in range(len(parts) - 2, 0, -1):
        if parts[at].lower() == "labels":
            parts[at] = "images"
            break
    if dataset.media_root:
        parts = [str(dataset.media_root), parts[-1]]
    return "/".join(parts) + ".jpg"


def _mirrored(base: str) -> Iterator[tuple[str, str]]:
    """A label file's path with a folder of pictures for each folder of labels in it, and that folder."""
    parts = base.split("/")
    for at in range(len(parts) - 2, 0, -1):
        if parts[at].lower() in LABEL_FOLDERS:
            for folder in _PICTURE_FOLDERS:
                above = [*parts[:at], folder]
                yield "/".join([*above, *parts[at + 1 :]]), "/".join(above)
