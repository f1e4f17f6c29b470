"""What to do about pictures that lie outside of the places that are read.

Somebody else's snapshot names the places of his lake, and this catalog has no source there. Nothing is read on the word
of a snapshot: the user says where with the setting `media_roots`, and is told the value that would do.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from datacat.errors import PlaceRefused
from datacat.model.snapshot import how_to_read
from datacat.sources.inside import lies_below

_STORE = "s3://"


def media_roots_for(uris: Iterable[str], *, reads: Sequence[str]) -> str:
    """The value of the setting `media_roots` with which some addresses are read beside what is read now.

    Args:
        uris: of what is refused; the common folder of those of one bucket, or of one folder at the top, is named.
        reads: the places that are read now: the setting takes their place.

    Returns:
        "" where the setting cannot name the folder: it is the top, or has a `:` in its name.
    """
    tops: dict[str, list[list[str]]] = {}
    for uri in uris:
        parts = uri.removeprefix(_STORE).strip("/").split("/")[:-1]
        tops.setdefault((_STORE if uri.startswith(_STORE) else "/") + "".join(parts[:1]), []).append(parts)
    folders = [_nameable(top, _common(min(found), max(found))) for top, found in tops.items()]
    wanted = [folder for folder in folders if folder]
    if not wanted:
        return ""
    places = [place for place in dict.fromkeys((*reads, *wanted)) if ":" not in place.removeprefix(_STORE)]
    return ":".join(
        place for place in places if not lies_below(place, [other for other in places if other != place])
    )


def refusal(name: str, uris: Sequence[str], *, media_roots: str) -> PlaceRefused:
    """The error that pictures of the snapshot `name` lie outside of the places that are read; see `media_roots_for`."""
    return PlaceRefused(f"{described(uris)}, as {uris[0]}", where=name, hint=how_to_read(media_roots))


def described(uris: Sequence[str]) -> str:
    """How many lie there, in words."""
    number = len(uris)
    return (
        f"{number:,} {'picture lies' if number == 1 else 'pictures lie'} outside of the places that are read"
    )


def _common(first: Sequence[str], last: Sequence[str]) -> Sequence[str]:
    """The parts that the first and the last of some paths, and so all of them, begin with."""
    pairs = zip(first, last, strict=False)
    return first[
        : next((at for at, (one, other) in enumerate(pairs) if one != other), min(len(first), len(last)))
    ]


def _nameable(top: str, parts: Sequence[str]) -> str:
    """The folder of some parts, or the nearest above that the setting can name."""
    until = next((at for at, part in enumerate(parts) if ":" in part), len(parts))
    if not until:
        return ""
    return ("s3://" if top.startswith(_STORE) else "/") + "/".join(parts[:until])
