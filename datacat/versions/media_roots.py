"""What to do about pictures that lie outside of the places that are read.

Somebody else's snapshot names the places of his lake, and this catalog has no source there. Nothing is read on the word
of a snapshot: the user says where with the setting `media_roots`, and is told the value that would do.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from datacat.errors import PlaceRefused
from datacat.model.snapshot import VerifyReport
from datacat.sources.inside import lies_below

_STORE = "s3://"


def media_roots_for(uris: Iterable[str], *, reads: Sequence[str]) -> str:
    """The value of the setting `media_roots` with which some addresses are read beside what is read now.

    Args:
        uris: of what is refused; the common folder of those of one bucket, or of one folder at the top, is named.
        reads: the places that are read now: the setting takes their place.

    Returns:
        "" where the setting cannot name the folder: it is the top, or has a `:` in its name. `unnamed` are left out.
    """
    wanted = [folder for folder in map(_nameable, _folders(uris)) if folder]
    if not wanted:
        return ""
    places = [place for place in dict.fromkeys((*reads, *wanted)) if not _has_colon(place)]
    return ":".join(
        place for place in places if not lies_below(place, [other for other in places if other != place])
    )


def unnamed(uris: Iterable[str], *, reads: Sequence[str]) -> tuple[str, ...]:
    """The places that are read now, and the folders of what is refused, that no value of `media_roots` can name."""
    wanted = {folder: _nameable(folder) for folder in _folders(uris)}
    named = [folder for folder in wanted.values() if folder]
    left_out = [place for place in reads if _has_colon(place) and not lies_below(place, named)]
    return tuple(dict.fromkeys((*left_out, *(folder for folder in wanted if not wanted[folder]))))


def refusal(name: str, report: VerifyReport) -> PlaceRefused:
    """The error that pictures of the snapshot `name` lie outside of the places that are read."""
    uris = report.outside
    return PlaceRefused(f"{described(uris)}, as {uris[0]}", where=name, hint=report.advice)


def outside_report(report: VerifyReport, uris: Sequence[str], *, reads: Sequence[str]) -> VerifyReport:
    """A report in which some pictures lie outside of the places that are read, with what to do about them."""
    value, left_out = media_roots_for(uris, reads=reads), unnamed(uris, reads=reads) if uris else ()
    return replace(report, outside=tuple(uris), media_roots=value, unnamed=left_out)


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


def _folders(uris: Iterable[str]) -> list[str]:
    """The common folder of those of one bucket, or of one folder at the top."""
    tops: dict[tuple[str, str], list[list[str]]] = {}
    for uri in uris:
        root = _STORE if uri.startswith(_STORE) else "/"
        parts = uri.removeprefix(_STORE).strip("/").split("/")[:-1]
        tops.setdefault((root, "".join(parts[:1])), []).append(parts)
    return [root + "/".join(_common(min(found), max(found))) for (root, _), found in tops.items()]


def _has_colon(place: str) -> bool:
    return ":" in place.removeprefix(_STORE)


def _nameable(folder: str) -> str:
    """A folder, or the nearest above it that the setting can name; "" where there is none."""
    root = _STORE if folder.startswith(_STORE) else "/"
    parts = folder.removeprefix(root).split("/")
    until = next((at for at, part in enumerate(parts) if ":" in part), len(parts))
    return root + "/".join(parts[:until]) if until and parts[0] else ""
