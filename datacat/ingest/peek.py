"""Which keys stand where in the beginning of a JSON document, without parsing it: it may be cut anywhere.

{"images": [{"id": 1}], "info": {"a": 2}}  ->  images [, images[].id 1, info {, info.a 2
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping

_TOKEN = re.compile(rb'"((?:[^"\\]|\\.)*)("?)|([{}\[\],:])|[^\s{}\[\],:"]+', re.DOTALL)
_DEPTH = 6
_KEY = 200  # bytes of a key: paths of longer ones, repeated by all below them, would fill the memory


@functools.lru_cache(maxsize=8)
def outline(head: bytes) -> Mapping[str, str]:
    """The first byte of the first value at each path, to a depth of 6.

    `{` an object, `[` a list, `"` text, a digit or `-` a number, `t`, `f` and `n`. The path of what a list holds ends
    in `[]`; the document itself is "". Only the first document of several is looked at, and
    of a key its first 200 bytes.
    """
    found: dict[str, str] = {}
    stack: list[tuple[str, bool]] = []  # path, whether it is an object
    key: str | None = None
    word: str | None = None  # the text just read, which a colon makes a key
    for match in _TOKEN.finditer(head):
        mark = match[3]
        if match[2] == b"":  # cut within a text
            break
        if mark == b":":
            key, word = word, None
        elif mark == b",":
            key = word = None
        elif mark in (b"}", b"]"):
            key = word = None
            if stack:
                stack.pop()
            if not stack:
                break
        else:
            is_seen = len(stack) <= _DEPTH
            path = _path(stack, key) if is_seen else ""  # each level deeper would lengthen it
            is_key = bool(stack) and stack[-1][1] and key is None
            if mark is None and is_key:
                word = (match[1] or b"")[:_KEY].decode("utf-8", errors="replace")
                continue
            if is_seen:
                found.setdefault(path, chr(match[0][0]))
            if mark is not None:
                stack.append((path, mark == b"{"))
                key = word = None
            elif not stack:
                break
    return found


def _path(stack: list[tuple[str, bool]], key: str | None) -> str:
    if not stack:
        return ""
    path, is_object = stack[-1]
    if not is_object:
        return f"{path}[]"
    return f"{path}.{key}" if path else key or ""
