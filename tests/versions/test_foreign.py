"""Opening somebody's catalog runs nothing, and taking in somebody's snapshots writes nowhere else."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from datacat.errors import DatacatError, SnapshotDamaged, SnapshotError

from .attacks import ATTACKS, REFUSED, loaded, plant_pickles, pushed_tree, script
from .lakes import Lake, drawn_lake, frozen, opened

_Change = Callable[[Path], None]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Lake]:
    """A folder with a catalog that has one snapshot, and the place that it was pushed to."""
    folder = tmp_path_factory.mktemp("made")
    lake = drawn_lake(folder / "lake", count=2)
    snapshots = opened(folder / "catalog")
    frozen(snapshots, lake)
    snapshots.push(str(folder / "share"))
    return folder, lake


@pytest.fixture
def copied(made: tuple[Path, Lake], tmp_path: Path) -> tuple[Path, Lake]:
    """The same, for this test alone."""
    for name in ("catalog", "share"):
        shutil.copytree(made[0] / name, tmp_path / name)
    return tmp_path, made[1]


def _used(folder: Path, lake: Lake) -> list[str]:
    """Does everything with the snapshots of a catalog; returns what was refused."""
    snapshots = opened(folder / "catalog")
    assert [str(item.snapshot) for item in snapshots.list()] == ["roofs@1"]
    assert snapshots.read("roofs@1").verify().ok
    assert snapshots.read("roofs@1").file("assets").is_file()
    found = [finding.text for finding in snapshots.check()]
    for use in (
        lambda: frozen(snapshots, lake, name="cars"),
        lambda: snapshots.push(str(folder / "other")),
        lambda: snapshots.pull(str(folder / "share")),
    ):
        try:
            use()
        except SnapshotError as error:
            found.append(str(error))
    return found


@pytest.mark.parametrize("attack", ATTACKS)
def test_what_lies_in_a_catalog_is_not_run(attack: str, copied: tuple[Path, Lake]) -> None:
    folder, lake = copied
    mark = folder / "it-ran"
    ATTACKS[attack](folder / "catalog" / "snapshots", script(folder, mark))
    said = _used(folder, lake)
    assert not mark.exists()
    assert (len(said) >= 4) == (attack in REFUSED)
    assert all("snapshot repair" in text or "snapshots/." in text for text in said)


def test_no_pickle_in_a_catalog_is_loaded(copied: tuple[Path, Lake]) -> None:
    folder, lake = copied
    planted = plant_pickles(folder / "catalog" / "snapshots", folder / "it-ran")
    assert _used(folder, lake) == []
    assert not (folder / "it-ran").exists()
    loaded(planted[0])
    assert (folder / "it-ran").exists()  # so it would have run


def test_repair_makes_anew_what_somebody_has_changed(copied: tuple[Path, Lake]) -> None:
    folder, lake = copied
    ATTACKS["fsmonitor"](folder / "catalog" / "snapshots", script(folder, folder / "it-ran"))
    snapshots = opened(folder / "catalog")
    report = snapshots.repair()
    assert (report.whole, report.lost) == (("roofs@1",), ())
    assert "fsmonitor" in (folder / "catalog" / "snapshots" / ".aside" / "git-1" / "config").read_text()
    assert list(snapshots.check()) == []
    assert frozen(snapshots, lake, name="cars").name == "cars@1"


def test_git_and_dvc_variables_of_the_environment_are_not_heard(
    copied: tuple[Path, Lake], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, lake = copied
    program = str(script(folder, folder / "it-ran"))
    for name in ("GIT_EXTERNAL_DIFF", "GIT_SSH_COMMAND", "GIT_PAGER", "GIT_EDITOR", "GIT_ASKPASS"):
        monkeypatch.setenv(name, program)
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "core.fsmonitor")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", program)
    monkeypatch.setenv("GIT_DIR", str(folder / "nowhere"))
    monkeypatch.setenv("DVC_CACHE_DIR", str(folder / "nowhere"))
    monkeypatch.setenv("DVC_SITE_CACHE_DIR", str(folder / "site"))
    plant_pickles(folder / "site", folder / "it-ran")
    assert _used(folder, lake) == []
    assert not (folder / "it-ran").exists()


def _linked(name: str, target: str) -> _Change:
    def change(work: Path) -> None:
        (work / "roofs/1" / name).unlink()
        (work / "roofs/1" / name).symlink_to(target)

    return change


def _tracked(text: str) -> _Change:
    def change(work: Path) -> None:
        (work / "roofs/1/manifest.dvc").write_text(text)

    return change


def _more(path: str, content: str = "x") -> _Change:
    def change(work: Path) -> None:
        (work / path).parent.mkdir(parents=True, exist_ok=True)
        (work / path).write_text(content)

    return change


def _manifest_linked(work: Path) -> None:
    (work / "roofs/1/manifest").symlink_to("/tmp")


def _other_definition(work: Path) -> None:
    path = work / "roofs/1/definition.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"name": "../../x"}))


_ABSOLUTE = f"outs:\n- md5: {'0' * 32}.dir\n  size: 2\n  nfiles: 1\n  hash: md5\n  path: /tmp/x\n"
_COMMAND = f"cmd: touch x\nouts:\n- md5: {'0' * 32}.dir\n  path: manifest\n"
_REMOTE = f"outs:\n- md5: {'0' * 32}.dir\n  path: manifest\n  remote: evil\n"
_CHANGES: dict[str, tuple[_Change, str]] = {
    "manifest is a link": (_manifest_linked, "a link"),
    "definition is a link": (_linked("definition.json", "/etc/passwd"), "a link"),
    "manifest.dvc is a link": (_linked("manifest.dvc", "/etc/passwd"), "a link"),
    "absolute path": (_tracked(_ABSOLUTE), "manifest.dvc is not what datacat writes"),
    "command": (_tracked(_COMMAND), "manifest.dvc is not what datacat writes"),
    "another remote": (_tracked(_REMOTE), "manifest.dvc is not what datacat writes"),
    "long manifest.dvc": (_tracked("#" * 5000), "of 5000 bytes"),
    "another file": (_more("roofs/1/dvc.yaml"), "no file of a snapshot"),
    "attributes": (_more(".gitattributes", "* filter=x\n"), "no file of a snapshot"),
    "another name": (_other_definition, "definition.json cannot be read|that of"),
    "no definition": (lambda work: (work / "roofs/1/definition.json").unlink(), "no definition.json"),
}


def _files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("kind", _CHANGES)
def test_what_a_remote_says_is_checked_before_anything_is_taken_in(
    kind: str, copied: tuple[Path, Lake]
) -> None:
    folder, _ = copied
    change, said = _CHANGES[kind]
    pushed_tree(folder / "share", change=change)
    before = _files(folder)
    mine = opened(folder / "mine")
    with pytest.raises(SnapshotDamaged, match=said) as raised:
        mine.pull(str(folder / "share"))
    assert str(folder / "share") in str(raised.value)
    assert mine.list() == ()
    assert {path for path in _files(folder) - before if not path.startswith("mine/snapshots/.")} == set()


def _forged(share: Path, *, relpath: str) -> None:
    """Gives the manifest of roofs@1 a listing with a file of that name, under the digest that it then has."""
    objects = share / "dvc" / "files" / "md5"
    (old,) = objects.rglob("*.dir")
    listing = json.loads(old.read_text())
    listing[0]["relpath"] = relpath
    text = json.dumps(listing)
    md5 = hashlib.md5(text.encode()).hexdigest()
    (objects / md5[:2]).mkdir(exist_ok=True)
    (objects / md5[:2] / f"{md5[2:]}.dir").write_text(text)
    tracked = f"outs:\n- md5: {md5}.dir\n  size: 99999\n  nfiles: 2\n  hash: md5\n  path: manifest\n"
    pushed_tree(share, change=_tracked(tracked))


@pytest.mark.parametrize("relpath", ["../../../../escaped", "/tmp/escaped", "sub/x", ".dvc/config", "a\0b"])
def test_a_listing_may_name_the_files_of_a_manifest_only(relpath: str, copied: tuple[Path, Lake]) -> None:
    folder, _ = copied
    _forged(folder / "share", relpath=relpath)
    mine = opened(folder / "mine")
    with pytest.raises(SnapshotDamaged, match=r"roofs@1: its files should be annotations.parquet, assets"):
        mine.pull(str(folder / "share"))
    assert mine.list() == ()
    assert not list(folder.rglob("escaped"))


def _each_object(share: Path) -> list[Path]:
    return [path for path in (share / "dvc" / "files").rglob("*") if path.is_file()]


def test_bytes_of_a_remote_that_are_not_those_that_were_frozen(copied: tuple[Path, Lake]) -> None:
    folder, _ = copied
    for path in _each_object(folder / "share"):
        whole = path.read_bytes()
        for damaged in (whole[:-1], whole + b"more", whole[:-1] + bytes([whole[-1] ^ 1])):
            path.chmod(0o644)
            path.write_bytes(damaged)
            with pytest.raises(
                SnapshotDamaged, match=r"a file of its manifest|list of its files|longer than"
            ):
                opened(folder / "mine").pull(str(folder / "share"))
        path.unlink()
        with pytest.raises(SnapshotDamaged, match="roofs@1: its manifest is not in"):
            opened(folder / "mine").pull(str(folder / "share"))
        path.write_bytes(whole)
    assert opened(folder / "mine").pull(str(folder / "share")) == ("roofs@1",)


def test_a_remote_does_not_say_how_much_is_fetched(copied: tuple[Path, Lake]) -> None:
    folder, _ = copied
    text = f"outs:\n- md5: {'0' * 32}.dir\n  size: {10**12}\n  nfiles: 2\n  hash: md5\n  path: manifest\n"
    pushed_tree(folder / "share", change=_tracked(text))
    mine = opened(folder / "mine")
    with pytest.raises(
        SnapshotError, match=r"says to have 1,000,000,000,000 bytes, more than the .* of pull_limit"
    ):
        mine.pull(str(folder / "share"))
    assert mine.list() == ()


def test_a_definition_whose_digest_is_another(copied: tuple[Path, Lake]) -> None:
    folder, _ = copied

    def change(work: Path) -> None:
        path = work / "roofs/1/definition.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | {"digest": "0" * 64}))

    pushed_tree(folder / "share", change=change)
    with pytest.raises(SnapshotDamaged, match="roofs@1: roofs@1 is not what was frozen"):
        opened(folder / "mine").pull(str(folder / "share"))
    assert opened(folder / "mine").list() == ()


@pytest.mark.parametrize("content", [b"", b"# v2 git bundle\n", b"x" * 100])
def test_a_bundle_that_is_none(content: bytes, copied: tuple[Path, Lake]) -> None:
    folder, _ = copied
    (folder / "share" / "repo.bundle").write_bytes(content)
    with pytest.raises(DatacatError, match="the bundle of snapshots cannot be"):
        opened(folder / "mine").pull(str(folder / "share"))


def test_a_bundle_that_is_a_pipe_is_not_waited_for(copied: tuple[Path, Lake]) -> None:
    folder, _ = copied
    (folder / "share" / "repo.bundle").unlink()
    os.mkfifo(folder / "share" / "repo.bundle")
    with pytest.raises(DatacatError, match="is no regular file"):
        opened(folder / "mine").pull(str(folder / "share"))


def test_links_in_a_folder_of_snapshots_are_not_followed(copied: tuple[Path, Lake]) -> None:
    folder, lake = copied
    snapshots = folder / "catalog" / "snapshots"
    (folder / "outside").mkdir()
    (snapshots / "cars").symlink_to(folder / "outside")
    (snapshots / ".staging").symlink_to(folder / "outside")
    (snapshots / ".lock").unlink()
    (snapshots / ".lock").symlink_to(folder / "outside" / "lock")
    mine = opened(folder / "catalog")
    with pytest.raises(DatacatError):
        frozen(mine, lake, name="cars")
    assert list((folder / "outside").iterdir()) == []
    shutil.rmtree(snapshots / "roofs" / "1" / "manifest")
    (snapshots / "roofs" / "1" / "manifest").symlink_to(folder / "outside")
    with pytest.raises(DatacatError):
        mine.read("roofs@1").verify()
    assert list((folder / "outside").iterdir()) == []
