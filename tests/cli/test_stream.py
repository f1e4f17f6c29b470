"""`datacat search --format`: files and pipes."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pyarrow as pa
import pytest

from datacat.catalog import Catalog
from datacat.cli.main import main
from tests.catalog.lakes import box, coco, draw
from tests.catalog.slow import SLOW_QUESTION, place_of_slow_questions

NAMES = [f"{number:02}.png" for number in range(30)]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    draw(tmp_path / "lake", NAMES)
    coco(tmp_path / "lake/labels.json", [box(name, "car") for name in NAMES])
    made = Catalog.init(str(tmp_path / "catalog"))
    made.ingest(str(tmp_path / "lake"), team="street", name="cars")
    return str(made.root)


def ran(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["search", "car", *arguments])
    return int(ended.value.code or 0)


def test_all_hits_go_to_a_file(place: str, tmp_path: Path) -> None:
    """Not the twenty of a page."""
    for form in ("ndjson", "arrow", "csv"):
        assert ran("--format", form, "-o", f"hits.{form}", "-C", place) == 0
    lines = Path("hits.ndjson").read_text().splitlines()
    uris = [json.loads(line)["uri"] for line in lines]
    assert [Path(uri).name for uri in uris] == NAMES
    assert pa.ipc.open_stream(Path("hits.arrow").read_bytes()).read_all()["uri"].to_pylist() == uris
    assert [row["uri"] for row in csv.DictReader(Path("hits.csv").read_text().splitlines())] == uris
    assert list(tmp_path.glob("*.part")) == []


def test_a_pipe_is_written_to_and_a_link_followed(place: str, tmp_path: Path) -> None:
    os.mkfifo("pipe")
    with subprocess.Popen(["cat", "pipe"], stdout=subprocess.PIPE, text=True) as reader:
        assert ran("--format", "csv", "-o", "pipe", "-C", place) == 0
        said = reader.communicate(timeout=60)[0]
    assert len(said.splitlines()) == 1 + len(NAMES)
    assert Path("pipe").is_fifo()
    (tmp_path / "elsewhere").mkdir()
    Path("link.csv").symlink_to("elsewhere/hits.csv")
    assert ran("--format", "csv", "-o", "link.csv", "-C", place) == 0
    assert Path("link.csv").is_symlink()
    assert Path("elsewhere/hits.csv").read_text() == said
    assert [path.name for path in Path("elsewhere").iterdir()] == ["hits.csv"]


def test_a_limit_and_columns_hold_for_a_pipe(place: str) -> None:
    command = [sys.executable, "-m", "datacat", "search", "car", "--format", "ndjson", "-n", "2", "-C", place]
    done = subprocess.run([*command, "--columns", "asset,width"], capture_output=True, check=True, text=True)
    assert [json.loads(line) for line in done.stdout.splitlines()] == [
        {"asset": 1, "width": 64},
        {"asset": 2, "width": 64},
    ]
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--format", "csv", "--count"], "take one of them"),
        (["--format", "csv", "--json"], "--json and --format are two forms of an answer"),
        (["--limit", str(2**70)], "more than there can be"),
        (["-o", "hits.csv"], "belong to --format"),
        (["--format", "csv", "--columns", "matches"], "CSV cannot hold matches"),
        (["--format", "csv", "-o", "no/such/folder.csv"], "it cannot be written: No such file"),
    ],
)
def test_what_makes_no_sense_is_refused(
    place: str, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert ran(*arguments, "-C", place) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments", [("search", "car", "--format", "ndjson"), ("search", "car"), ("classes", "--json")]
)
def test_whoever_stops_reading_ends_it_as_a_pipe_does(place: str, arguments: tuple[str, ...]) -> None:
    """As `git log | head`: 128 and the number of SIGPIPE, and not a word."""
    reads, writes = os.pipe()
    os.close(reads)
    command = [sys.executable, "-m", "datacat", *arguments, "-C", place]
    try:
        done = subprocess.run(command, stdout=writes, stderr=subprocess.PIPE, check=False, text=True)
    finally:
        os.close(writes)
    assert (done.returncode, "Traceback" in done.stderr, "Errno" in done.stderr) == (141, False, False)


@pytest.mark.parametrize("arguments", [("search", "car"), ("classes", "--json"), ("classes",)])
def test_a_full_disk_is_one_error(place: str, arguments: tuple[str, ...]) -> None:
    command = [sys.executable, "-m", "datacat", *arguments, "-C", place]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, check=False, text=True)
    assert (done.returncode, "Traceback" in done.stderr, "Exception ignored" in done.stderr) == (
        1,
        False,
        False,
    )
    assert "cannot be written: No space left on device" in done.stderr


def test_ctrl_c_ends_a_statement_at_once(tmp_path: Path) -> None:
    root = place_of_slow_questions(tmp_path)
    program = (
        "import sys, threading, os, signal, time\n"
        "from datacat.catalog import Catalog\n"
        "from datacat.cli.main import main\n"
        f"Catalog.open({root!r}).search('car').count()\n"  # what is slow to import is imported
        "def stop():\n"
        "    print(time.monotonic(), file=sys.stderr)\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "threading.Timer(1, stop).start()\n"
        f"main(['search', {SLOW_QUESTION!r}, '--format', 'ndjson', '-o', 'hits', '-C', {root!r}])\n"
    )
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, check=False, text=True, cwd=tmp_path, timeout=100)
    ended = time.monotonic()
    began, *said = done.stderr.split()
    assert (done.returncode, said, done.stdout) == (130, ["interrupted"], "")
    assert ended - float(began) < 5  # the threads of DuckDB too: else it takes half a minute
    assert list(tmp_path.glob("hits*")) == []
