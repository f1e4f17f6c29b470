"""Which picture a label file that cannot be read is of."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from datacat.ingest.refused import _paired


def _paths(*endings: str) -> st.SearchStrategy[list[str]]:
    """Few names in few folders, so that many are called alike."""
    folders = st.lists(st.sampled_from("abc"), min_size=1, max_size=3)
    names = st.tuples(st.sampled_from("12"), st.sampled_from(endings)).map("".join)
    path = st.builds(lambda folders, name: "/".join(("/lake", *folders, name)), folders, names)
    return st.lists(path, unique=True, max_size=12)


def _distance(file: str, picture: str) -> int:
    """By how many names their folders differ; those of another depth are far."""
    one, other = file.split("/")[:-1], picture.split("/")[:-1]
    return sum(a != b for a, b in zip(one, other, strict=True)) if len(one) == len(other) else 99


def _by_definition(files: Iterable[str], pictures: Iterable[str]) -> dict[str, str]:
    """All pairs that are called alike and near, the nearest first."""
    near = sorted(
        (distance, file, picture)
        for file in files
        for picture in pictures
        if posixpath.splitext(file.rsplit("/", 1)[1])[0] == posixpath.splitext(picture.rsplit("/", 1)[1])[0]
        and (distance := _distance(file, picture)) <= 1
    )
    found: dict[str, str] = {}
    for _, file, picture in near:
        if file not in found and picture not in found.values():
            found[file] = picture
    return found


@given(_paths(".txt"), _paths(".png", ".jpg"))
def test_the_nearest_picture_that_is_called_alike_is_its(files: list[str], pictures: list[str]) -> None:
    assert _paired(files, pictures) == _by_definition(files, pictures)


def test_of_many_folders_with_one_name_each_file_has_the_picture_beside_it() -> None:
    folders = [
        f"/lake/clips/{number}" for number in range(20_000)
    ]  # by comparing each with each, half an hour
    found = _paired([f"{one}/000001.txt" for one in folders], [f"{one}/000001.jpg" for one in folders])
    assert found == {f"{one}/000001.txt": f"{one}/000001.jpg" for one in folders}


def test_of_many_folders_with_one_name_what_is_left_is_paired_in_order() -> None:
    files = [f"/lake/{number:05}/1.txt" for number in range(20_000)]
    pictures = [f"/lake/p{number:05}/1.jpg" for number in range(20_000)]
    assert _paired(files, pictures) == dict(zip(files, pictures, strict=True))
