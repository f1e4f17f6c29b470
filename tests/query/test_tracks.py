"""Which annotations are of one track: label files end where their tools end them, things do not."""

from __future__ import annotations

import pytest

from datacat.query.plan import plan
from datacat.query.search import search
from datacat.testing.corpus import Corpus
from datacat.testing.oracle import Oracle


def _frames(*said: tuple[str, int, str], media: str = "image") -> Corpus:
    """Each of (URI, label file, label set's name) an annotation of track 7."""
    made = Corpus()
    sets: dict[str, int] = {}
    uris: dict[str, int] = {}
    for uri, file, name in said:
        label_set = sets.setdefault(name, len(sets))
        if label_set == len(made.tables["label_sets"]):
            made.add_label_set(name, classes=["car"])
        if uri not in uris:
            uris[uri] = made.add_asset(f"s3://lake/{uri}", media=media)
        made.add_annotation(uris[uri], "car", label_set=label_set, track="7")
        made.tables["annotations"][-1]["source_file"] = file
    return made


@pytest.mark.parametrize(
    ("made", "lengths"),
    [
        (_frames(("a/1.png", 1, "t/x"), ("a/2.png", 2, "t/x")), [2, 2]),  # a label file a frame
        (_frames(("a/1.png", 1, "t/x"), ("b/1.png", 2, "t/x")), [1, 1]),  # two films with numbers of their own
        (_frames(("a/1.png", 1, "t/x"), ("b/1.png", 1, "t/x")), [2, 2]),  # one file over two cameras
        (_frames(("a/1.png", 1, "t/x"), ("a/2.png", 2, "u/y")), [1, 1]),  # two teams
        (_frames(("a.mp4", 1, "t/x"), ("b.mp4", 2, "t/x"), media="video"), [1, 1]),
        (_frames(("a.mp4", 1, "t/x"), ("a.mp4", 2, "t/x"), media="video"), [2]),
    ],
)  # fmt: skip
def test_a_track_spans_label_files_and_not_films(made: Corpus, lengths: list[int]) -> None:
    cursor = made.cursor()
    for length in (1, 2):
        query = f"[track length={length}]"
        expected = [number for number, found in enumerate(lengths) if found == length]
        assert search(cursor, query, state=1).numbers == expected
        assert Oracle(made).assets(plan(cursor, query).meaning) == expected


def test_frames_keep_their_film_where_a_frame_is_a_copy_of_anothers() -> None:
    made = _frames(("a/1.png", 1, "t/x"), ("b/1.png", 2, "u/y"), ("b/2.png", 3, "u/y"))
    made.copy(1, of=0)
    found = search(made.cursor(), "[team:u track length=2]", state=1)
    assert found.numbers == [0, 2]
