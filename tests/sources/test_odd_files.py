"""What lies in a lake and is no file, or has no name that can be written down."""

from __future__ import annotations

import os
import socket
from pathlib import Path

from datacat.catalog import Catalog
from datacat.config import Settings
from datacat.sources.inside import OUTSIDE
from datacat.sources.listing import LOOP, NO_UTF8, SPECIAL, listed
from datacat.sources.location import Location
from tests.catalog.lakes import box, coco, draw


def _odd_lake(folder: Path) -> Path:
    draw(folder, ["a.png", "b.png"])
    coco(folder / "labels.json", [box(name, "roof") for name in ("a.png", "b.png", "pipe.png", "dir.png")])
    os.mkfifo(folder / "pipe.png")
    os.mkfifo(folder / "pipe.json")
    (folder / "to_pipe.json").symlink_to(folder / "pipe.json")
    (folder / "to_nothing.json").symlink_to(folder / "nothing.json")
    (folder / "zero.json").symlink_to("/dev/zero")
    (folder / "loop.json").symlink_to("loop.json")
    (folder / "dir.png").mkdir()
    (folder / ("n" * 251 + ".png")).write_bytes((folder / "a.png").read_bytes())
    for name in (b"/\xff.json", b"/\xfe.json"):
        os.rename(_copy(folder), os.fsencode(folder) + name)
    return folder


def _copy(folder: Path) -> bytes:
    (folder / "copy.json").write_bytes((folder / "labels.json").read_bytes())
    return os.fsencode(folder / "copy.json")


def test_pipes_devices_and_names_of_other_bytes_have_a_fault(tmp_path: Path) -> None:
    found = {
        Path(entry.uri).name: entry.fault for entry in listed(Location(str(_odd_lake(tmp_path))), Settings())
    }
    assert {name: fault for name, fault in found.items() if fault} == {
        "pipe.png": SPECIAL,
        "pipe.json": SPECIAL,
        "to_pipe.json": SPECIAL,
        "zero.json": OUTSIDE,
        "loop.json": LOOP,
        r"\xff.json": NO_UTF8,
        r"\xfe.json": NO_UTF8,
    }
    assert {"n" * 251 + ".png", "a.png", "labels.json"} < found.keys()


def test_a_socket_has_a_fault(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(tmp_path / "s"))
        assert [entry.fault for entry in listed(Location(str(tmp_path)), Settings())] == [SPECIAL]


def test_an_ingest_names_them_and_takes_what_stands_beside(tmp_path: Path) -> None:
    made = Catalog.init(str(tmp_path / "cat"))
    report = made.ingest(str(_odd_lake(tmp_path / "lake")), team="t", name="n")
    assert (report.files, report.annotations) == (1, 4)
    skipped = {Path(uri).name: why for uri, why in report.skipped}
    assert {"pipe.json": SPECIAL, "to_pipe.json": SPECIAL, r"\xff.json": NO_UTF8}.items() <= skipped.items()
    assert any(note.startswith(f"{SPECIAL}: not read") for note in report.notes)
    assert [Path(hit.uri).name for hit in made.search("is:unreadable")] == ["pipe.png"]
    assert not made.ingest(str(tmp_path / "lake"), team="t", name="n").changed
