"""Whatever is lost or emptied of a folder of snapshots: none is lost, each loss is reported, repair mends it."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from datacat.errors import SnapshotDamaged, SnapshotError
from datacat.sources.location import Location, filesystem

from .attacks import git
from .lakes import Lake, drawn_lake, frozen, opened

_Damage = Callable[[Path], None]
BOTH = ("cars@1", "roofs@1")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Lake]:
    folder = tmp_path_factory.mktemp("made")
    lake = drawn_lake(folder / "lake", count=2)
    frozen(opened(folder / "catalog"), lake, name="roofs")
    frozen(opened(folder / "catalog"), lake, name="cars", split="all=1")
    return folder / "catalog", lake


@pytest.fixture
def copied(made: tuple[Path, Lake], tmp_path: Path) -> tuple[Path, Lake]:
    shutil.copytree(made[0], tmp_path / "catalog")
    return tmp_path / "catalog", made[1]


def _gone(path: str) -> _Damage:
    def damage(root: Path) -> None:
        place = root / "snapshots" / path
        if place.is_dir():
            shutil.rmtree(place)
        else:
            place.unlink()

    return damage


def _emptied(path: str) -> _Damage:
    def damage(root: Path) -> None:
        (root / "snapshots" / path).write_bytes(b"")

    return damage


def _packed_then(damage: _Damage) -> _Damage:
    def packed(root: Path) -> None:
        git(root / "snapshots", "pack-refs", "--all")
        damage(root)

    return packed


def _without_an_object(root: Path) -> None:
    blob = git(root / "snapshots", "rev-parse", "main:roofs/1/definition.json").strip()
    (root / "snapshots" / ".git" / "objects" / blob[:2] / blob[2:]).unlink()


def _both(*damages: _Damage) -> _Damage:
    def damage(root: Path) -> None:
        for each in damages:
            each(root)

    return damage


def _made_anew(root: Path) -> None:
    shutil.rmtree(root / "snapshots" / ".git")
    git(root / "snapshots", "init", "-q", "-b", "main", "--template=")


DAMAGES: dict[str, _Damage] = {
    ".git gone": _gone(".git"),
    ".git made anew": _made_anew,
    "HEAD gone": _gone(".git/HEAD"),
    "HEAD empty": _emptied(".git/HEAD"),
    "main gone": _gone(".git/refs/heads/main"),
    "main empty": _emptied(".git/refs/heads/main"),
    "a tag gone": _gone(".git/refs/tags/roofs@1"),
    "a tag empty": _emptied(".git/refs/tags/roofs@1"),
    "all refs gone": _gone(".git/refs"),
    "packed refs gone": _packed_then(_gone(".git/packed-refs")),
    "packed refs empty": _packed_then(_emptied(".git/packed-refs")),
    "an object gone": _without_an_object,
    "objects gone": _gone(".git/objects"),
    ".dvc gone": _gone(".dvc"),
    "a folder gone": _gone("roofs"),
    "a folder and its tag gone": _both(_gone("roofs"), _gone(".git/refs/tags/roofs@1")),
    "a definition empty": _emptied("roofs/1/definition.json"),
    "a manifest.dvc gone": _gone("roofs/1/manifest.dvc"),
    "a manifest gone": _gone("roofs/1/manifest"),
    "a table empty": _emptied("roofs/1/manifest/assets.parquet"),
    "git and DVC gone": _both(_gone(".git"), _gone(".dvc")),
    "the folder of snapshots without its cache": _both(_gone(".git"), _gone("roofs"), _gone("cars")),
}


@pytest.mark.parametrize("kind", DAMAGES)
def test_nothing_is_lost_and_each_loss_is_reported(kind: str, copied: tuple[Path, Lake]) -> None:
    root, lake = copied
    DAMAGES[kind](root)
    snapshots = opened(root)
    assert [str(item.snapshot) for item in snapshots.list()] == list(BOTH)
    assert [finding for finding in snapshots.check() if finding.severity == "error"]
    with contextlib.suppress(SnapshotError):  # refused, or it does not need what is lost
        assert frozen(snapshots, lake, name="sheds").name == "sheds@1"
    with contextlib.suppress(SnapshotDamaged):
        assert snapshots.pinned_states() == {7}
    report = snapshots.repair()
    assert (report.lost, {*BOTH} - {*report.whole}) == ((), set())
    assert list(snapshots.check()) == []
    assert all(snapshots.read(name).verify().ok for name in BOTH)


def test_without_git_cache_and_files_a_snapshot_is_named_as_lost(copied: tuple[Path, Lake]) -> None:
    root, lake = copied
    for name in (".git", ".dvc", "roofs"):
        shutil.rmtree(root / "snapshots" / name)
    snapshots = opened(root)
    assert [str(item.snapshot) for item in snapshots.list()] == list(BOTH)
    ((name, why),) = snapshots.repair().lost
    assert (name, "its manifest is in no cache" in why) == ("roofs@1", True)
    with pytest.raises(SnapshotDamaged, match="roofs@1"):
        frozen(snapshots, lake, name="sheds")
    assert snapshots.repair().whole == ("cars@1",)


def test_a_snapshot_that_only_its_tag_knows_comes_back_from_git(copied: tuple[Path, Lake]) -> None:
    root, _ = copied
    shutil.rmtree(root / "pins")  # as older versions left it
    shutil.rmtree(root / "snapshots" / "roofs")
    snapshots = opened(root)
    for use in (snapshots.list, snapshots.pinned_states, lambda: snapshots.read("roofs")):
        with pytest.raises(SnapshotDamaged, match="roofs@1"):
            use()
    assert snapshots.read("cars").verify().ok
    assert snapshots.repair().whole == BOTH
    assert snapshots.read("roofs").verify().ok
    assert sorted(path.name for path in (root / "pins").iterdir()) == ["cars@1.json", "roofs@1.json"]


def test_a_catalog_of_an_older_version_is_whole_and_gets_its_pins(copied: tuple[Path, Lake]) -> None:
    root, lake = copied
    shutil.rmtree(root / "pins")
    snapshots = opened(root)
    assert [finding.severity for finding in snapshots.check()] == ["note"]
    assert snapshots.pinned_states() == {7}
    assert not frozen(snapshots, lake).is_new
    assert sorted(path.name for path in (root / "pins").iterdir()) == ["cars@1.json", "roofs@1.json"]
    assert list(snapshots.check()) == []


def test_a_definition_that_was_changed_is_not_what_was_pinned(copied: tuple[Path, Lake]) -> None:
    root, _ = copied
    path = root / "snapshots" / "roofs" / "1" / "definition.json"
    path.write_text(path.read_text().replace("Jo Doe", "Eve"))
    (found,) = opened(root).check()
    assert found.text == "roofs@1: its definition.json is not what was pinned when it was frozen"
    assert opened(root).repair().whole == BOTH
    assert "Jo Doe" in path.read_text()
    assert "Eve" in (root / "snapshots" / ".aside" / "roofs-1-definition.json-1").read_text()


@pytest.mark.parametrize(
    ("was", "became"),
    [(b"Jo Doe", b"Jo Dof"), (b'"text"', b'"texu"'), (b"{", b"")],
    ids=["another author", "a key", "emptied"],
)
def test_a_damaged_pin_is_made_anew_from_folder_and_git(
    copied: tuple[Path, Lake], *, was: bytes, became: bytes
) -> None:
    root, _ = copied
    pin = root / "pins" / "cars@1.json"
    good, own = pin.read_bytes(), root / "snapshots" / "cars" / "1" / "definition.json"
    kept = own.read_bytes()
    pin.write_bytes(good.replace(was, became, 1) if became else b"")
    assert pin.read_bytes() != good
    assert [finding for finding in opened(root).check() if finding.severity == "error"]
    report = opened(root).repair()
    assert (report.lost, pin.read_bytes(), own.read_bytes()) == ((), good, kept)
    assert list(opened(root).check()) == []
    assert len(list(pin.parent.glob("cars@1.json.aside-*"))) == 1


def test_lost_objects_of_git_are_named_by_what_writes(copied: tuple[Path, Lake]) -> None:
    root, lake = copied
    shutil.rmtree(root / "snapshots" / ".git" / "objects")
    for use in (lambda: frozen(opened(root), lake, name="sheds"), opened(root).pinned_states):
        with pytest.raises(SnapshotDamaged, match="objects is gone or empty") as caught:
            use()
        assert caught.value.hint == "Run: datacat snapshot repair"
    assert not (root / "snapshots" / "sheds").exists()


def test_a_lost_object_is_no_output_of_git(copied: tuple[Path, Lake]) -> None:
    root, lake = copied
    _without_an_object(root)
    commit = git(root / "snapshots", "rev-parse", "main").strip()
    (root / "snapshots" / ".git" / "objects" / commit[:2] / commit[2:]).unlink()
    with pytest.raises(SnapshotDamaged, match="git's part is damaged") as caught:
        frozen(opened(root), lake, name="sheds")
    assert ("crash report" in str(caught.value), caught.value.hint) == (False, "Run: datacat snapshot repair")


@pytest.mark.parametrize("name", ["snapshots/.dvc", "snapshots/roofs/1/manifest", "pins"])
def test_what_a_new_snapshot_does_not_need_does_not_stop_it(copied: tuple[Path, Lake], name: str) -> None:
    root, lake = copied
    shutil.rmtree(root / name)
    assert frozen(opened(root), lake, name="sheds").name == "sheds@1"
    assert opened(root).pinned_states() == {7}


def _flipped(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


@pytest.mark.parametrize("damage", [lambda content: b"", _flipped], ids=["emptied", "flipped"])
@pytest.mark.parametrize("kind", ["file", "list"])
def test_damage_in_dvcs_cache_is_found_and_put_right(
    copied: tuple[Path, Lake], *, kind: str, damage: Callable[[bytes], bytes]
) -> None:
    root, _ = copied
    found = (root / "snapshots" / ".dvc" / "cache" / "files").rglob("*")
    objects = [path for path in found if path.is_file() and (path.suffix == ".dir") == (kind == "list")]
    good = {path: path.read_bytes() for path in objects}
    for path in objects:
        path.chmod(0o644)
        path.write_bytes(damage(good[path]))
    told = [finding for finding in opened(root).check(is_deep=True) if "DVC's copy" in finding.text]
    assert {finding.severity for finding in told} == {"error"}
    assert [finding.text.split(":")[0] for finding in told] == list(BOTH)
    assert (opened(root).repair().lost, list(opened(root).check(is_deep=True))) == ((), [])
    assert {path: path.read_bytes() for path in objects} == good


def test_a_manifest_of_other_bytes_is_found_and_brought_back(copied: tuple[Path, Lake]) -> None:
    root, _ = copied
    path = root / "snapshots" / "roofs" / "1" / "manifest" / "assets.parquet"
    good = path.read_bytes()
    place = good.rindex(b"parquet-cpp")  # who wrote it: the rows are the same
    path.write_bytes(good[:place] + b"P" + good[place + 1 :])
    assert list(opened(root).check()) == []
    (told,) = opened(root).check(is_deep=True)
    assert (told.severity, "roofs@1" in told.text, "other bytes" in told.text) == ("error", True, True)
    assert opened(root).repair().whole == BOTH
    assert (path.read_bytes(), list(opened(root).check(is_deep=True))) == (good, [])


def test_damage_of_what_lies_on_s3_is_found_and_put_right(s3: Location, tmp_path: Path) -> None:
    root = str(s3.child("catalog"))
    snapshots = opened(root, cache_dir=str(tmp_path / "a"))
    frozen(snapshots, drawn_lake(tmp_path / "lake", count=2))
    files = filesystem(s3, snapshots._settings)
    for path in files.find(s3.child("catalog/snapshots/dvc").path):
        good = files.cat_file(path)
        files.pipe_file(path, _flipped(good))
        assert [finding.severity for finding in snapshots.check(is_deep=True)] == ["error"]
        assert (snapshots.repair().lost, list(snapshots.check(is_deep=True))) == ((), [])
        assert files.cat_file(path) == good


@pytest.mark.parametrize("kind", ["gone", "empty", "torn"])
def test_a_lost_bundle_on_s3_is_no_empty_catalog(kind: str, s3: Location, tmp_path: Path) -> None:
    lake = drawn_lake(tmp_path / "lake", count=2)
    root = str(s3.child("catalog"))
    frozen(opened(root, cache_dir=str(tmp_path / "a")), lake)
    bundle = s3.child("catalog/snapshots/repo.bundle").path
    files = filesystem(s3, opened(root)._settings)
    if kind == "gone":
        files.rm_file(bundle)
    else:
        files.pipe_file(bundle, b"" if kind == "empty" else files.cat_file(bundle)[:-30])
    for cache in ("a", "b"):
        there = opened(root, cache_dir=str(tmp_path / cache))
        assert [str(item.snapshot) for item in there.list()] == ["roofs@1"]
        assert any("repo.bundle" in finding.text for finding in there.check())
        for use in (there.pinned_states, lambda there=there: frozen(there, lake, name="cars")):
            with pytest.raises(SnapshotDamaged, match=r"repo\.bundle"):
                use()
    there = opened(root, cache_dir=str(tmp_path / "b"))
    assert there.repair().whole == ("roofs@1",)
    fresh = opened(root, cache_dir=str(tmp_path / "c"))
    assert fresh.read("roofs").verify().ok
    assert list(fresh.check()) == []
    assert frozen(fresh, lake, name="cars").name == "cars@1"
