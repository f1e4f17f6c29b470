"""train, val, test by the names of files and folders."""

from __future__ import annotations

import re

_SPLIT = re.compile(r"(?<![a-z])(train|valid|val|test|dev)(?:ation|ing)?(?![a-z])", re.IGNORECASE)


def split_of(uri: str, *, below: str = "") -> str | None:
    """The split that the file or a folder above it (under `below`) is named after; the nearest counts."""
    relative = uri[len(below) :] if below and uri.startswith(below) else "/".join(uri.rsplit("/", 2)[1:])
    for part in reversed(relative.split("/")):
        match = _SPLIT.search(part)
        if match:
            name = match[1].lower()
            return "val" if name == "valid" else name
    return None
