"""Where a span of text stands, compared with the text that the span says it marks."""

from __future__ import annotations

from typing import Any

import msgspec

from datacat.ingest.geometry import Shape
from datacat.model.report import Tally

UTF16 = "a span whose offsets count UTF-16 units: counted in characters, as its text says"
OTHER = "a span whose text is another than stands there: kept as written"
BEYOND = "a span that reaches beyond its text: kept as written"


def checked_span(shape: Shape, value: dict[str, Any], *, text: str, tally: Tally) -> Shape:
    """The span, moved where its own text tells that it was counted in the 16-bit units of JavaScript.

    Args:
        shape: of type `span`.
        value: of the result.
        text: the text that it stands in.
        tally: where the notes go.
    """
    said = msgspec.json.decode(shape.geometry or "{}")
    start, end = said.get("start"), said.get("end")
    marked = value.get("text")
    if not isinstance(start, int) or not isinstance(end, int) or not 0 <= start <= end:
        return shape
    if isinstance(marked, str) and not _is_same(text[start:end], marked):
        units = text.encode("utf-16-le", errors="surrogatepass")
        first, last = (_characters(units, offset) for offset in (start, end))
        if first is not None and last is not None and _is_same(text[first:last], marked):
            tally.note(UTF16)
            return shape._replace(geometry=msgspec.json.encode({"start": first, "end": last}).decode())
        tally.note(OTHER if end <= len(text) else BEYOND)
    elif end > len(text):
        tally.note(BEYOND)
    return shape


def _characters(units: bytes, offset: int) -> int | None:
    """How many characters the first `offset` units are; None where one of them is cut."""
    try:
        return len(units[: 2 * offset].decode("utf-16-le", errors="strict"))
    except UnicodeDecodeError:
        return None


def _is_same(text: str, marked: str) -> bool:
    """Whether two texts are the same but for white space, which exports write as they please."""
    return text.split() == marked.replace("\\n", "\n").split()
