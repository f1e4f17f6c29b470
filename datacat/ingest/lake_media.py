"""Media beside label files: which there are, what is known of them, and the rows of those that are spoken of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from datacat.config import Settings
from datacat.errors import LocationError
from datacat.ingest.census import Census
from datacat.ingest.format import INLINE
from datacat.ingest.matching import Lake
from datacat.ingest.tasks import measure_media
from datacat.model.report import Tally
from datacat.sources.catalogs import left_out
from datacat.sources.changes import is_same
from datacat.sources.inside import OUTSIDE
from datacat.sources.listing import Entry, Listing, look_over
from datacat.sources.location import Location
from datacat.sources.media import MediaFacts, is_text, media_kind


@dataclass(frozen=True, slots=True)
class Around:
    """What lies around label files: media and texts by their names, and all others (label files among them)."""

    media: list[Entry] = field(default_factory=list)
    texts: list[Entry] = field(default_factory=list)
    others: list[Entry] = field(default_factory=list)


def media_of(
    listing: Listing,
    *,
    location: Location,
    media_root: Location | None,
    tally: Tally,
    settings: Settings,
) -> Around:
    """Media below the media root, else below the location; beside it where the location is a single file.

    And files there that are texts by their names, of which those are media that labels name; and all others.

    Args:
        listing: what lies at the location.
        location: of the label files.
        media_root: where media lie that do not lie there.
        tally: is told of links that are not followed, and of catalogs that were left out.
        settings: of the ingest.

    Raises:
        LocationError: the media root is not there.
    """
    entries, catalogs = listing.entries, set(listing.catalogs)
    found = {entry.uri: entry for entry in entries}
    places = [media_root] if media_root else []
    if not places and len(entries) == 1 and entries[0].uri == location.uri:
        places = list(beside(location))
    for place in places:
        try:
            more = look_over(place, settings)
            found.update((entry.uri, entry) for entry in more.entries)
            catalogs.update(more.catalogs)
        except LocationError:
            if media_root:
                raise
    for fault, count in Counter(entry.fault for entry in found.values() if entry.fault).items():
        tally.note(f"{fault}: not {'followed' if fault == OUTSIDE else 'read'}", count)
    if catalogs:
        tally.assume(left_out(sorted(catalogs)))
    there = [found[uri] for uri in sorted(found)]
    around = Around()
    for entry in there:
        others = around.texts if is_text(entry.uri) else around.others
        (around.media if media_kind(entry.uri) else others).append(entry)
    return around


def beside(label_file: Location) -> tuple[Location, ...]:
    """Where media are looked for that belong to a single label file."""
    return label_file.parent, label_file.parent.parent.child("images")


def _is_file(uri: str) -> bool:
    return bool(media_kind(uri)) or (is_text(uri) and INLINE not in uri)


def known_size(entry: Entry, known: Mapping[str, MediaFacts]) -> tuple[int, int] | None:
    """Width and height of a picture that has not changed since they were measured."""
    facts = known.get(entry.uri)
    if facts and facts.width and facts.height and is_same(entry, facts):
        return facts.width, facts.height
    return None


def write_media(
    census: Census,
    lake: Lake,
    *,
    known: Mapping[str, MediaFacts],
    looks_again: bool,
    tally: Tally,
    settings: Settings,
) -> None:
    """A row of `media` for each asset that is spoken of, and for known ones that have changed or gone since.

    Args:
        census: writes the rows.
        lake: the media that are there.
        known: media by URI as they were.
        looks_again: whether bytes are looked at also where size and time are as before.
        tally: is told what was found odd.
        settings: of the ingest.
    """

    def is_as_before(entry: Entry, before: MediaFacts | None) -> bool:
        is_known = before is not None and not before.is_missing
        return is_known and not looks_again and is_same(entry, before)

    wanted = {entry.uri: entry for entry in census.present(lake.entries)}
    gone = []
    for uri, facts in known.items():
        entry = lake.entries.get(uri) or lake.texts.get(uri)
        if entry is not None and not is_as_before(entry, facts):
            wanted[uri] = entry
        elif entry is None and not facts.is_missing and _is_file(uri) and lake.covers(uri):
            gone.append(replace(facts, is_missing=True))
    fresh, kept = [], []
    for uri, entry in wanted.items():
        before = known.get(uri)
        if before is not None and is_as_before(entry, before):
            kept.append(before)
        else:
            fresh.append(entry)
    census.write_media([*kept, *gone], number=1)
    for number, measured in enumerate(measure_media(fresh, settings=settings), start=2):
        census.write_media(measured, number=number)
        for facts in measured if looks_again else ():
            before = known.get(facts.uri)
            if before and before.digest != facts.digest and is_same(wanted[facts.uri], before):
                tally.note("media with other bytes, though size and time are as before")
    census.compare_sizes(tally)
