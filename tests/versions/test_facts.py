"""What a definition says of its rows is reckoned from them, and compared."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datacat.errors import SnapshotDamaged
from datacat.model.joining import Joined, Joining, JoiningChoice, Renamed
from datacat.model.snapshot import Definition, Question, SplitRule
from datacat.versions.class_names import Asked
from datacat.versions.facts import check_facts
from datacat.versions.freeze import freeze
from datacat.versions.manifest import Contents
from datacat.versions.split import assign, starts

from .attacks import pushed_tree
from .lakes import Answer, Lake, drawn_lake, frozen, opened
from .test_joining import CLAIMS, MAPPING, A, B, box, lake
from .test_split import rules

_JOINED: JoiningChoice = {"class_map": {"roof": ["Dach", "top"]}, "prefer": ["mapping"]}


def _definition(found: Contents, rule: SplitRule) -> Definition:
    return Definition(
        name="roofs",
        version=1,
        question=Question("roof"),
        state=7,
        split=rule,
        annotations="all",
        counts=found.counts,
        digest=found.digest,
        digests=found.digests,
        datacat="0",
        author="Jo",
        time="2026-01-01T00:00:00+00:00",
        label_sets=found.label_sets,
        classes=tuple(sorted(found.classes)),
        joining=found.joining,
        joined=found.joined,
    )


def _made(folder: Path, of: Lake, choice: JoiningChoice | None = None) -> Definition:
    folder.mkdir()
    rule = SplitRule.parse("train=0.5,val=0.3,test=0.2", seed="1")
    answer = Answer(range(len(of.rows["assets"])))
    joining = Asked(choice or {})
    found = freeze(of.cursor(), answer, rule=rule, annotations="all", into=folder, joining=joining)
    return _definition(found, rule)


@pytest.fixture(scope="module")
def joined(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Definition]:
    """A manifest of two teams' boxes of one object, and of one that one of them alone drew."""
    folder = tmp_path_factory.mktemp("facts") / "manifest"
    said = [box(MAPPING, "Dach", A), box(CLAIMS, "top", B), box(CLAIMS, "top", (300, 300, 9, 9))]
    return folder, _made(folder, lake(*said), _JOINED)


def test_what_we_freeze_is_as_its_definition_says(tmp_path: Path, joined: tuple[Path, Definition]) -> None:
    check_facts(*joined)
    assert joined[1].joined.same == ({"team": "claims", "class": "roof", "annotations": 1},)
    plain = drawn_lake(tmp_path / "lake", count=30)
    plain.add_asset("s3://lake/gone.png", None)
    plain.add_annotation(30)  # without a class
    check_facts(tmp_path / "plain", _made(tmp_path / "plain", plain))


_SAME = ({"team": "claims", "class": "roof", "annotations": 1},)
_LIES: dict[str, tuple[Callable[[Definition], dict[str, Any]], str]] = {
    "assets": (lambda d: {"counts": {**d.counts, "assets": 9}}, r"assets 9, which are 1$"),
    "annotations": (lambda d: {"counts": {**d.counts, "annotations": 5}}, r"annotations 5, which are 2$"),
    "a split": (lambda d: {"counts": {**d.counts, "split:val": 4}}, r"split:val 4, which are "),
    "another split": (lambda d: {"counts": {**d.counts, "split:dev": 4}}, r"split:dev 4, which are 0$"),
    "another count": (
        lambda d: {"counts": {**d.counts, "objects": 0}},
        r"a count of objects, of which nobody knows$",
    ),
    "seed": (
        lambda d: {"split": replace(d.split, seed="3")},
        r"1 assets are in another split than train=0.5",
    ),
    "limit": (lambda d: {"question": replace(d.question, limit=0)}, r"limit 0 of 1 assets"),
    "label sets": (lambda d: {"label_sets": {"mapping/x": {}}}, r"label sets mapping/x, which are none$"),
    "class left out": (lambda d: {"classes": ("shed",)}, r"classes without roof, which annotations have"),
    "class twice": (lambda d: {"classes": ("roof", "a", "a")}, r"classes with a twice"),
    "map": (
        lambda d: {"joining": replace(d.joining, class_map=(Renamed("claims", "top", "shed"),))},
        r"mapping:Dach is called Dach, which is called roof; a rule by which claims:top|claims:top is called shed",
    ),
    "concepts": (lambda d: {"joining": replace(d.joining, class_map=())}, r"mapping:Dach is called Dach"),
    "kept": (
        lambda d: {"joining": replace(d.joining, overlap="keep")},
        r"all labels kept, and some left out",
    ),
    "mapped": (lambda d: {"joined": Joined(same=_SAME)}, r"claims:top called roof 0 times, which are 1"),
    "mapped more": (
        lambda d: {"joined": replace(d.joined, same=())},
        r"claims:top called roof 2 times, which are 1$",
    ),
    "shared": (
        lambda d: {"joined": replace(d.joined, shared=({"class": "roof", "objects": 2, "annotations": 4},))},
        r"2 objects with 4 labels roof, which are 2; one label an object, and objects with several",
    ),
    "coinciding": (
        lambda d: {"joined": replace(d.joined, coinciding=({"class": "roof", "other": "car", "pairs": 4},))},
        r"boxes of car, which no annotation is",
    ),
}


@pytest.mark.parametrize("kind", _LIES)
def test_a_definition_that_says_otherwise_is_told(kind: str, joined: tuple[Path, Definition]) -> None:
    folder, definition = joined
    lie, said = _LIES[kind]
    with pytest.raises(SnapshotDamaged) as raised:
        check_facts(folder, replace(definition, **lie(definition)))
    assert re.search(f"^its definition.json does not say what its rows are: .*({said})", raised.value.what)


def test_what_cannot_be_reckoned_is_believed(joined: tuple[Path, Definition]) -> None:
    folder, definition = joined
    other = replace(
        definition,
        author="Eve",
        time="1999-01-01T00:00:00+00:00",
        state=1,
        annotations="matching",
        classes=("roof", "kept from an earlier version"),
        counts={**definition.counts, "merged_copies": 3},
        joining=Joining(definition.joining.classes_by, definition.joining.class_map, "one", ("claims",)),
    )
    check_facts(folder, other)


@settings(deadline=None, max_examples=30)
@given(rules(), st.lists(st.text(min_size=1), min_size=1, max_size=20))
def test_splits_are_reckoned_in_sql_as_they_were_assigned(rule: SplitRule, contents: list[str]) -> None:
    import duckdb

    from datacat.versions.facts import _SPLITS

    begins = starts(rule)
    splits = assign(contents, rule=rule)
    rows = [(content, split) for content, split in zip(contents, splits, strict=True)]
    base = duckdb.connect()
    base.execute("CREATE TABLE asset_rows (uri VARCHAR, digest VARCHAR, split VARCHAR)")
    base.executemany("INSERT INTO asset_rows VALUES (?, NULL, ?)", rows)
    given = (f"{rule.seed}\0", [start for start, _ in begins], [name for _, name in begins])
    assert all(split == due for split, due, _, _ in base.execute(_SPLITS, given).fetchall())


def _said(**more: Any) -> Callable[[Path], None]:
    def change(work: Path) -> None:
        path = work / "roofs/1/definition.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | more))

    return change


def _tracked(key: str, value: int) -> Callable[[Path], None]:
    def change(work: Path) -> None:
        path = work / "roofs/1/manifest.dvc"
        lines = path.read_text().splitlines()
        path.write_text("".join(f"  {key}: {value}\n" if key in line else f"{line}\n" for line in lines))

    return change


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_said(counts={"annotations": 5, "assets": 2, "split:test": 2}), "annotations 5, which are 4"),
        (_said(digests=dict.fromkeys(("assets", "annotations", "split"), "0" * 64)), "other assets and ann"),
        (_said(annotations="some"), "'some' is no choice of annotations"),
        (_tracked("nfiles", 7), "manifest.dvc says that there are 7 files, and a manifest has 2"),
        (_tracked("size", 999_999), "manifest.dvc says 999,999 bytes, and its files have "),
        (_tracked("size", 3), "is longer than manifest.dvc says"),
    ],
)
def test_a_remote_that_says_what_is_not_so_is_refused(
    change: Callable[[Path], None], said: str, tmp_path: Path
) -> None:
    theirs = opened(tmp_path / "theirs")
    frozen(theirs, drawn_lake(tmp_path / "lake", count=2))
    theirs.push(str(tmp_path / "share"))
    pushed_tree(tmp_path / "share", change=change)
    mine = opened(tmp_path / "mine")
    with pytest.raises(SnapshotDamaged, match=f"share: roofs@1.*{said}.*\nNothing was taken in"):
        mine.pull(str(tmp_path / "share"))
    assert mine.list() == ()
    assert not (tmp_path / "mine/snapshots/roofs").exists()


def test_doctor_and_verify_tell_what_was_taken_in_before(tmp_path: Path) -> None:
    snapshots = opened(tmp_path / "catalog")
    frozen(snapshots, drawn_lake(tmp_path / "lake", count=2))
    pin, own = tmp_path / "catalog/pins/roofs@1.json", tmp_path / "catalog/snapshots/roofs/1/definition.json"
    for path, inner in ((pin, ("definition",)), (own, ())):
        document = json.loads(path.read_text())
        (document["definition"] if inner else document)["counts"]["annotations"] = 5
        path.write_text(json.dumps(document))
    fresh = opened(tmp_path / "catalog")
    (found,) = fresh.check()
    assert "annotations 5, which are 4: roofs@1" in found.text
    for use in (
        fresh.read("roofs").verify,
        lambda: fresh.read("roofs").export(tmp_path / "x", format="coco"),
    ):
        with pytest.raises(SnapshotDamaged, match="annotations 5, which are 4\nIt was not frozen so"):
            use()
