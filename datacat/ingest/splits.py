"""train, val, test by the names of folders and of label files; never by a word within a name."""

from __future__ import annotations

import re

_NAMES = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation"), "val"),
    **dict.fromkeys(("test", "testing"), "test"),
    "dev": "dev",
}
_WORD = "|".join(_NAMES)
_FOLDER = re.compile(rf"({_WORD})(\d{{4}})?", re.IGNORECASE)  # train, val2017
_FILE = re.compile(
    rf"(?:.*[_.\-])?({_WORD})(\d{{4}})?|({_WORD})(\d{{4}})?[_.\-](?:annotations?|labels?|instances|coco|captions)"
    r"(?:[_.\-].*)?",
    re.IGNORECASE,
)


def folder_split(uri: str, *, below: str) -> str | None:
    """The split that the nearest folder above a file (under `below`) is called after."""
    root = below.rstrip("/") + "/"
    relative = uri[len(root) :] if uri.startswith(root) else ""
    for part in reversed(relative.split("/")[:-1]):
        found = _FOLDER.fullmatch(part)
        if found:
            return _NAMES[found[1].lower()]
    return None


def plain_split(name: str) -> str | None:
    """The split that a file is called after as a whole, as train.txt."""
    found = _FOLDER.fullmatch(name.rsplit("/", 1)[-1].rsplit(".", 1)[0])
    return _NAMES[found[1].lower()] if found else None


def split_of(uri: str) -> str | None:
    """The split of a label file of many pictures: its name is one or ends with one, or its folder is called so."""
    folder, _, name = uri.rpartition("/")
    found = _FILE.fullmatch(name.rsplit(".", 1)[0])
    if found:
        return _NAMES[(found[1] or found[3]).lower()]
    found = _FOLDER.fullmatch(folder.rpartition("/")[2])
    return _NAMES[found[1].lower()] if found else None
