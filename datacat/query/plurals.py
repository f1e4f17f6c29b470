"""English singular and plural, as far as class names need it."""

from __future__ import annotations

from datacat.model.names import folded

_IRREGULAR = {
    "people": "person",
    "men": "man",
    "women": "woman",
    "children": "child",
    "feet": "foot",
    "teeth": "tooth",
    "geese": "goose",
    "mice": "mouse",
    "oxen": "ox",
    "leaves": "leaf",
    "wolves": "wolf",
    "knives": "knife",
    "shelves": "shelf",
    "calves": "calf",
    "buses": "bus",
    "gases": "gas",
    "lens": "lens",
    "lenses": "lens",
    "canvas": "canvas",
    "canvases": "canvas",
}
_SINGULAR_ENDINGS = (
    "ss",
    "us",
    "is",
    "series",
    "species",
)  # grass, bus, axis: no plurals though they end in s
_ES_AFTER = ("ches", "shes", "xes", "sses", "zes")  # benches, bushes, boxes, glasses, waltzes


def comparable(name: str) -> str:
    """The form in which class names are equal: folded (`model.names`), the last word in the singular."""
    head, space, last = folded(name).rpartition(" ")
    return head + space + singular(last)


def singular(word: str) -> str:
    """What the singular and the plural of a case-folded word have in common.

    It is compared, never shown: `movie` and `movies` both become `movy`, `shoe` and `shoes` both `sho`.
    """
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if len(word) < 4 or word.endswith(_SINGULAR_ENDINGS):
        return word
    if word.endswith(_ES_AFTER):
        return word[:-2]
    stem = word.removesuffix("s")
    if len(stem) > 3 and stem.endswith("ie"):
        return stem[:-2] + "y"
    return stem[:-1] if len(stem) > 3 and stem.endswith("oe") else stem
