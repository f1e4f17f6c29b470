"""What the query language itself knows, in plain words: kinds of media, states of assets, predictions."""

from __future__ import annotations

from collections.abc import Sequence

from datacat.query.readings import Reading

_FIELDS = {
    "duplicate": "is:duplicate",
    "duplicates": "is:duplicate",
    "duplicated": "is:duplicate",
    "unlabelled": "is:unlabelled",
    "unlabeled": "is:unlabelled",
    "unannotated": "is:unlabelled",
    "unreadable": "is:unreadable",
    "corrupt": "is:unreadable",
    "video": "media=video",
    "videos": "media=video",
    "audio": "media=audio",
    "sound recordings": "media=audio",
    "text files": "media=text",
    "text documents": "media=text",
    "time series": "media=series",
    "point cloud": "media=cloud",
    "point clouds": "media=cloud",
    "prediction": "kind=prediction",
    "predictions": "kind=prediction",
    "predicted": "kind=prediction",
}
# They say nothing where a question is about what is labelled: "images with roofs". Alone they qualify.
_QUALIFIERS = {
    **dict.fromkeys(("image", "images", "picture", "pictures", "photo", "photos"), "media=image"),
    **dict.fromkeys(("photograph", "photographs"), "media=image"),
    **dict.fromkeys(("labelled", "labeled", "annotated", "labels", "annotations"), "is:labelled"),
}
QUALIFIERS = frozenset(_QUALIFIERS)
_FILES = QUALIFIERS | {"file", "files", "asset", "assets", "media", "video", "videos", "frame", "frames"}
_LONGEST = 2


def own_word(words: Sequence[str], *, before: Sequence[str] = ()) -> tuple[Reading, int] | None:
    """What case-folded words begin with, and how many words say it; None where they begin with no such word.

    Args:
        words: the rest of a question.
        before: the words before them.
    """
    for count in range(min(_LONGEST, len(words)), 0, -1):
        said = " ".join(words[:count])
        query = _FIELDS.get(said) or _QUALIFIERS.get(said)
        if query:
            return _reading(said, query), count
    if words and words[0] == "missing" and _is_of_files(words[1:], before):
        return _reading("missing", "is:missing"), 1
    return None


def _is_of_files(behind: Sequence[str], before: Sequence[str]) -> bool:
    """`missing` of "missing files" or "which files are missing", and not of "missing roofs"."""
    return behind[0] in _FILES if behind else bool(_FILES & set(before)) or "what" in before


def _reading(said: str, query: str) -> Reading:
    field = query.replace("=", ":").partition(":")[0]
    return Reading(said, field, query, field=field)
