"""Files that should be a picture's label file by name and place, and are none that can be read.

What the picture's label file says is not known then: it is no picture without labels.
"""

from __future__ import annotations

import posixpath
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from datacat.ingest.format import Plan, Refused
from datacat.ingest.registry import Recognised
from datacat.sources.listing import Entry


def part_refused(found: Recognised, plan: Plan, *, entries: Sequence[Entry]) -> tuple[Recognised, Plan]:
    """Takes label files that were left out, of pictures that have no other one, out of what was left out.

    Such a file has the ending of the label files beside it and the name of a picture that no label file speaks of,
    in its folder or in one whose path differs by one name (labels/a.txt and images/a.png).

    Args:
        found: what was recognised.
        plan: what is read, with the pictures of which there is no label file.
        entries: all files that are there.

    Returns:
        the first without what is refused, the second with it.
    """
    if not plan.unlabelled or not found.skipped:
        return found, plan
    reasons, there = dict(found.skipped), {entry.uri: entry for entry in entries}
    endings = {_ending(entry.uri) for entry in found.labels}
    pictures = {entry.uri: (entry, split) for entry, split in plan.unlabelled}
    refused = {
        picture: Refused(there[uri], *pictures[picture], reason=_reason(there[uri], reasons[uri]))
        for uri, picture in _paired((uri for uri in reasons if _ending(uri) in endings), pictures).items()
    }
    files = {item.entry.uri for item in refused.values()}
    unlabelled = [item for item in plan.unlabelled if item[0].uri not in refused]
    return (
        replace(found, skipped=tuple(item for item in found.skipped if item[0] not in files)),
        replace(plan, unlabelled=unlabelled, refused=tuple(refused.values())),
    )


def _paired(files: Iterable[str], pictures: Mapping[str, object]) -> dict[str, str]:
    """The picture of each file that has one; of two files for one picture, the first in the nearest folder."""
    by_stem: dict[str, list[str]] = defaultdict(list)
    for uri in pictures:
        by_stem[_stem(uri)].append(uri)
    near = sorted(
        (distance, file, picture)
        for file in files
        for picture in by_stem.get(_stem(file), ())
        if (distance := _distance(file, picture)) <= 1
    )
    found: dict[str, str] = {}
    taken: set[str] = set()
    for _, file, picture in near:
        if file not in found and picture not in taken:
            found[file] = picture
            taken.add(picture)
    return found


def _distance(file: str, picture: str) -> int:
    """By how many names their folders differ."""
    one, other = file.split("/")[:-1], picture.split("/")[:-1]
    return sum(a != b for a, b in zip(one, other, strict=True)) if len(one) == len(other) else len(one)


def _reason(entry: Entry, reason: str) -> str:
    what = "it is empty" if entry.size == 0 else reason
    return f"the label file of a picture, and none that can be read: {what}"


def _stem(uri: str) -> str:
    return posixpath.splitext(posixpath.basename(uri))[0]


def _ending(uri: str) -> str:
    return posixpath.splitext(uri)[1].lower()
