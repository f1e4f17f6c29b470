"""LVIS' form of COCO: images say of which classes they have none, and of which not all is labelled."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from datacat.ingest.batches import Sheets
from datacat.ingest.coco_categories import Category
from datacat.ingest.identifiers import known_id

_OPEN = "not_exhaustive_category_ids"
_ANSWERS = {"neg_category_ids": "absent", _OPEN: "not_exhaustive"}
_MEANS = ": nothing counts as complete there"
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
            said, is_whole = self._said(image)
            # The classes that are annotated on it are complete, but for those named; if these can be told.
            self._rows.append((key, None, "exhaustive" if is_whole else "not_exhaustive"))
            self._rows.extend((key, name, answer) for name, answer in said)

    def flush(self) -> None:
        """Writes what was collected."""
        rows, self._rows = self._rows, []
        keys, classes, answers = ([row[at] for row in rows] for at in range(3))
        self._sheets.add(
            "coverage", len(rows), file=self._file, key=keys, answer=answers, **{"class": classes}
        )

    def _said(self, image: Mapping[str, msgspec.Raw]) -> tuple[list[tuple[str, str]], bool]:
        """Classes with what is said of them, and whether all that are not complete can be told."""
        found, is_whole = list[tuple[str, str]](), True
        for key, answer in _ANSWERS.items():
            try:
                ids = _IDS.decode(image.get(key, b"null")) or []
            except msgspec.MsgspecError:
                faults = ["is no list of categories"]
            else:
                named = [self._categories.get(known_id(number) or "") for number in ids]
                found += [(known.name, answer) for known in named if known and known.name is not None]
                faults = [_fault(known) for known in named if known is None or known.name is None]
            for fault in faults:
                self._sheets.tally.note(f"{key} of an image {fault}{_MEANS if key == _OPEN else ''}")
            is_whole = is_whole and not (faults and key == _OPEN)
        return found, is_whole


def _fault(known: Category | None) -> str:
    return "names a category that " + ("is not listed" if known is None else "has two names")
