"""Files that should be a picture's label file by name and place, and are none that can be read.

What the picture's label file says is not known then: it is no picture without labels.
"""

from __future__ import annotations

import posixpath
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from datacat.ingest.format import Plan, Refused
from datacat.ingest.registry import Recognised
from datacat.sources.listing import Entry

_Key = tuple[int, str]


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


def _paired(files: Iterable[str], pictures: Iterable[str]) -> dict[str, str]:
    """The picture of each file that has one; of two files for one picture, the first in the nearest folder.

    A picture is looked up by its path without ending, then by that without one of its folders' names: to compare
    all that are called alike takes seconds where each of 2,000 folders has a 000001.txt.
    """
    left, free = sorted(files), sorted(pictures)
    found: dict[str, str] = {}
    for keys in (_whole, _without_a_name):
        places: dict[_Key, deque[str]] = {key: deque() for file in left for key in keys(file)}
        names = {_stem(file) for file in left}
        alike = ((picture, keys(picture)) for picture in free if _stem(picture) in names)
        for key, uri in ((key, uri) for uri, known in alike for key in known if key in places):
            places[key].append(uri)
        taken: set[str] = set()
        for file in left:
            picture = min(filter(None, (_first(places[key], taken) for key in keys(file))), default="")
            if picture:
                found[file] = picture
                taken.add(picture)
        left = [file for file in left if file not in found]
        free = [picture for picture in free if picture not in taken]
    return found


def _first(places: deque[str], taken: set[str]) -> str | None:
    """The first that is not taken; those before it are dropped, as no other file gets them."""
    while places and places[0] in taken:
        places.popleft()
    return places[0] if places else None


def _whole(uri: str) -> Iterator[_Key]:
    yield 0, posixpath.splitext(uri)[0]


def _without_a_name(uri: str) -> Iterator[_Key]:
    """A path with one of its folders' names left empty, and which one, for each of them."""
    parts = posixpath.splitext(uri)[0].split("/")
    for at in range(len(parts) - 1):
        yield at, "/".join((*parts[:at], "", *parts[at + 1 :]))


def _reason(entry: Entry, reason: str) -> str:
    what = "it is empty" if entry.size == 0 else reason
    return f"the label file of a picture, and none that can be read: {what}"


def _stem(uri: str) -> str:
    return posixpath.splitext(posixpath.basename(uri))[0]


def _ending(uri: str) -> str:
    return posixpath.splitext(uri)[1].lower()
