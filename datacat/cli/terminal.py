"""What a terminal is shown of text that others wrote: nothing in it moves the cursor, hides or turns round.

Labels, file names and messages may hold escape sequences, marks that reverse the order of what follows (U+202E), and
characters that are not seen. All of them are shown as Python would write them, `\\x1b`, `\\u202e`; line ends stay.
"""

from __future__ import annotations

import codecs
import re
import unicodedata
from typing import BinaryIO

# Not seen, though Unicode calls them letters or marks.
_BLANK = "\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\uffa0\U000e0000-\U000e0fff"
_CANDIDATES = re.compile(rf"[\x00-\x09\x0b-\x1f\x7f-\xa0\xad{_BLANK}]|[^\x00-\u02ff]")
_ONE_BY_ONE = re.compile(rf"[{_BLANK}]")
_HIDDEN = frozenset(("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"))
_JSON = re.compile(r"[\x7f-\U0010ffff]")


def visible(text: str) -> str:
    """The text with all that is not seen, or acts on a terminal, written as an escape; a tab is a space."""
    return text if text.isascii() and text.isprintable() else _CANDIDATES.sub(_shown, text)


def json_visible(document: str) -> str:
    """A JSON document in which the same stands as JSON's own escapes: it means what it meant."""
    return document if document.isascii() else _JSON.sub(_json_escape, document)


def to_terminal(stream: BinaryIO) -> BinaryIO:
    """What to write bytes to: the stream itself, but for a terminal, which is shown `visible` text."""
    return _Shown(stream) if stream.isatty() else stream  # type: ignore[return-value]


class _Shown:
    """A stream of UTF-8 on its way to a terminal; characters may come in two pieces."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")

    def write(self, content: bytes) -> int:
        text = self._decoder.decode(bytes(content)).replace("\r\n", "\n")
        self._stream.write(visible(text).encode())
        return len(content)

    def flush(self) -> None:
        self._stream.flush()


def _is_hidden(character: str) -> bool:
    return unicodedata.category(character) in _HIDDEN or _ONE_BY_ONE.match(character) is not None


def _shown(found: re.Match[str]) -> str:
    character = found[0]
    if character in "\t\xa0":
        return " "
    if not _is_hidden(character):
        return character
    number = ord(character)
    return (
        f"\\x{number:02x}"
        if number < 0x100
        else f"\\u{number:04x}"
        if number < 0x10000
        else f"\\U{number:08x}"
    )


def _json_escape(found: re.Match[str]) -> str:
    if not _is_hidden(found[0]):
        return found[0]
    units = found[0].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at] << 8 | units[at + 1]:04x}" for at in range(0, len(units), 2))
