"""LVIS' form of COCO: images say of which classes they have none, and of which not all is labelled."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from datacat.ingest.batches import Sheets
from datacat.ingest.coco_categories import Category
from datacat.ingest.identifiers import known_id

_ANSWERS = {"neg_category_ids": "absent", "not_exhaustive_category_ids": "not_exhaustive"}
_IDS = msgspec.json.Decoder(list[int | float | str] | None)


class Federated:
    """Collects what the images of one part say; rows of the staged table `coverage`."""

    def __init__(self, sheets: Sheets, file: int, *, categories: Mapping[str, Category]) -> None:
        self._sheets = sheets
        self._file = file
        self._categories = categories
        self._rows: list[tuple[str, str | None, str]] = []

    def add(self, key: str, image: Mapping[str, msgspec.Raw]) -> None:
        """Takes in an image, which most often says nothing of the kind."""
        if _ANSWERS.keys() & image.keys():
            # The classes that are annotated on it are complete, but for those named.
            self._rows.append((key, None, "exhaustive"))
            self._rows.extend((key, name, answer) for name, answer in self._said(image))

    def flush(self) -> None:
        """Writes what was collected."""
        rows, self._rows = self._rows, []
        keys, classes, answers = ([row[at] for row in rows] for at in range(3))
        self._sheets.add(
            "coverage", len(rows), file=self._file, key=keys, answer=answers, **{"class": classes}
        )

    def _said(self, image: Mapping[str, msgspec.Raw]) -> Iterator[tuple[str, str]]:
        for key, answer in _ANSWERS.items():
            try:
                ids = _IDS.decode(image.get(key, b"null")) or []
            except msgspec.MsgspecError:
                self._sheets.tally.note(f"{key} of an image is no list of categories")
                continue
            for number in ids:
                known = self._categories.get(known_id(number) or "")
                if known is None:
                    self._sheets.tally.note(f"{key} of an image names a category that is not listed")
                elif known.name is None:
                    self._sheets.tally.note(f"{key} of an image names a category that has two names")
                else:
                    yield known.name, answer
