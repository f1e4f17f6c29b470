"""`gc --forget-before` and `snapshot create` at the same time: a snapshot never loses the state that it rests on."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from datacat.catalog import Catalog
from datacat.errors import CatalogError
from datacat.sources.location import Location
from datacat.tables.files import Files
from datacat.versions.pins import Pins
from tests.catalog.lakes import box, coco, draw

# Begins to freeze state 1, says so just before the pin is written, and stands still.
FREEZING = """
import sys
from datacat.catalog import Catalog
from datacat.versions.pins import Pins

add = Pins.add

def held(self, *args, **options):
    print("frozen", flush=True)
    sys.stdin.readline()
    add(self, *args, **options)

Pins.add = held
print(Catalog.open(sys.argv[1], at=1).freeze("roofs", query="roof").name, flush=True)
"""


@pytest.fixture(params=["disk", pytest.param("s3", marks=pytest.mark.slow)])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """States 1 and 2, of which only the first has the label `roof`."""
    root = str(tmp_path / "cat")
    if request.param == "s3":
        bucket: Location = request.getfixturevalue("s3")
        root = bucket.child("cat").uri
    draw(tmp_path / "lake", ["a.png"])
    made = Catalog.init(root)
    for name in ("roof", "wall"):
        coco(tmp_path / "lake/labels.json", [box("a.png", name)])
        made.ingest(str(tmp_path / "lake"), team="t", name="n")
    return root


def _is_whole(place: str, *, at: int = 1) -> bool:
    files = Catalog.open(place)._tables
    return not files.store.files.amiss([(file, "") for file in files.state(at).files])


def test_gc_leaves_the_state_of_who_freezes_right_now(place: str) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", FREEZING, place], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    assert process.stdout.readline() == "frozen\n"
    assert Catalog.open(place).gc(grace_s=0, forget_before=99).writers == 1
    assert process.communicate("\n")[0] == "roofs@1\n"
    assert Catalog.open(place).gc(grace_s=0, forget_before=99).removed == ()
    assert _is_whole(place)
    assert Catalog.open(place).doctor() == []


def test_who_begins_to_freeze_while_gc_forgets_is_refused(
    place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    remove = Files.remove

    def freeze_first(self: Files, relative: str) -> None:
        monkeypatch.setattr(Files, "remove", remove)
        with pytest.raises(CatalogError, match="is forgetting the states before 2, 1 among them") as caught:
            Catalog.open(place, at=1).freeze("roofs", query="roof")
        said.append(caught.value.what)
        Catalog.open(place).freeze("walls", query="wall")  # the newest stays
        remove(self, relative)

    monkeypatch.setattr(Files, "remove", freeze_first)
    Catalog.open(place).gc(grace_s=0, forget_before=2)
    assert len(said) == 1
    opened = Catalog.open(place)
    assert [str(item.snapshot) for item in opened.snapshots.list()] == ["walls@1"]
    assert [item.text for item in opened.doctor()] == []


def test_who_pins_between_a_look_at_the_leases_and_at_the_pins_is_seen(
    place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lease is given back after the pin, and pins are read after leases."""
    opened = Catalog.open(place)
    pinned = opened.snapshots.pinned_states

    def late() -> set[int]:
        assert Pins(opened.root, opened.settings).names() != ()
        return pinned()

    Catalog.open(place, at=1).freeze("roofs", query="roof")
    monkeypatch.setattr(opened.snapshots, "pinned_states", late)
    opened.gc(grace_s=0, forget_before=2)
    assert _is_whole(place)


def test_a_state_that_is_forgotten_is_not_frozen(place: str) -> None:
    past = Catalog.open(place, at=1)
    Catalog.open(place).gc(grace_s=0, forget_before=2)
    with pytest.raises(CatalogError, match="data files of state 1 are gone"):
        past.freeze("roofs", query="roof")


def test_a_gc_that_was_killed_is_in_nobodys_way(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    killed = (
        "import sys, os; from datacat.catalog import Catalog; from datacat.tables.files import Files;"
        "Files.remove = lambda *_: os._exit(9); Catalog.open(sys.argv[1]).gc(grace_s=0, forget_before=2)"
    )
    assert subprocess.run([sys.executable, "-c", killed, place], check=False).returncode == 9
    assert Catalog.open(place, at=1).freeze("roofs", query="roof").name == "roofs@1"
