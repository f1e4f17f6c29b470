"""Keys that one JSON object has twice. Parsers keep the last of them without a word, so they are looked for apart."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from datacat.ingest.json_stream import pieces
from datacat.model.report import Tally

_BETWEEN = b" \t\r\n,"


def keys_twice(record: bytes, keys: Iterable[str]) -> list[str]:
    """Which of `keys` a JSON object has more than once, not those of what lies within it."""
    suspects = [key for key in keys if record.count(b'"%s"' % key.encode()) > 1]
    if not suspects:
        return []
    try:
        pairs = json.loads(record, object_pairs_hook=list)
    except (ValueError, RecursionError):  # whoever reads the record says so
        return []
    names = [name for name, _ in pairs]
    return [key for key in suspects if names.count(key) > 1]


def records_with_keys_twice(chunk: bytes, counts: Mapping[str, int]) -> dict[int, list[str]]:
    """The same for the records of a range, by their number within it; most ranges are looked through for words alone.

    Args:
        chunk: as `json_stream.decoded` takes it.
        counts: how many of its records have each key that is asked for.
    """
    suspects = [key for key, count in counts.items() if chunk.count(b'"%s"' % key.encode()) > count]
    if not suspects:
        return {}
    body = chunk.lstrip(_BETWEEN + b"\xef\xbb\xbf")
    spans = enumerate(pieces(body))
    found = ((number, keys_twice(body[start:end], suspects)) for number, (start, end) in spans)
    return {number: keys for number, keys in found if keys}


def note_twice(chunk: bytes, counts: Mapping[str, int], *, what: str, tally: Tally) -> None:
    """Notes what `records_with_keys_twice` finds.

    Args:
        chunk: see there.
        counts: see there.
        what: what one of the records is called.
        tally: where the note goes.
    """
    for keys in records_with_keys_twice(chunk, counts).values():
        tally.note(f"a key that stands twice in one {what}: the last counts", len(keys))
