"""What is new, changed or gone between two looks at a place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from datacat.sources.listing import Entry


class Known(Protocol):
    """What is remembered of an object."""

    @property
    def size(self) -> int | None: ...
    @property
    def etag(self) -> str | None: ...


@dataclass(frozen=True, slots=True)
class Changes:
    """URIs by what happened to them, each in order."""

    new: tuple[str, ...]
    changed: tuple[str, ...]
    same: tuple[str, ...]
    gone: tuple[str, ...]


def is_same(entry: Entry, known: Known | None) -> bool:
    """Whether size and etag are those that are remembered."""
    return known is not None and entry.size == known.size and bool(entry.etag) and entry.etag == known.etag


def compared(entries: Sequence[Entry], known: Mapping[str, Known]) -> Changes:
    """Compares a listing with what is remembered of an earlier one."""
    present = {entry.uri for entry in entries}
    return Changes(
        new=tuple(e.uri for e in entries if e.uri not in known),
        changed=tuple(e.uri for e in entries if e.uri in known and not is_same(e, known[e.uri])),
        same=tuple(e.uri for e in entries if is_same(e, known.get(e.uri))),
        gone=tuple(sorted(uri for uri in known if uri not in present)),
    )
