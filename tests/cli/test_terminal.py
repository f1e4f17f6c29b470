"""What others wrote reaches a terminal as text that is seen, in every face that prints it."""

from __future__ import annotations

import io
import json
import re
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest

from datacat.catalog import Catalog
from datacat.cli.terminal import json_visible, to_terminal, visible
from tests.catalog.lakes import box, coco, draw
from tests.cli.test_commands import run

Run = Callable[..., tuple[int, str, str]]
__all__ = ["run"]  # a fixture

EVIL = "ro\u202eof\u200b\x1b[2J\x9bx\u2066"
SHOWN = "ro\\u202eof\\u200b\\x1b[2J\\x9bx\\u2066"


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Evil in a class, an attribute, a file name, a reject, a team's words and the log."""
    folder = tmp_path_factory.mktemp("evil")
    draw(folder / "lake", ["a.png", f"{EVIL}.png"])
    said = [box("a.png", EVIL), box(f"{EVIL}.png", "car", attributes={EVIL: EVIL})]
    coco(folder / "lake" / "labels.json", [*said, box("a.png", "car", bbox=[EVIL])])
    made = Catalog.init(str(folder / "cat"))
    made.ingest(str(folder / "lake"), team="mapping", name="roofs", author="ada", message=EVIL)
    return str(folder / "cat")


def is_seen(text: str) -> bool:
    return not [c for c in text if c != "\n" and unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp")]


@pytest.mark.parametrize(
    "command",
    [
        ("search", "media:image"),
        ("search", "media:image", "--facets"),
        ("search", "media:image", "--explain"),
        ("search", EVIL),
        ("search", f"color={EVIL}"),
        ("show", "a.png"),
        ("show", EVIL),
        ("classes",),
        ("attributes",),
        ("rejects",),
        ("overview",),
        ("overlap", "mapping", EVIL),
        ("ask", f"cars {EVIL}"),
        ("log",),
        ("concepts", "show", EVIL),
        ("searches", "save", EVIL, "car"),
        ("snapshot", "show", EVIL),
        (EVIL,),
        ("search", "car", f"--{EVIL}"),
        ("ingest", f"lake/{EVIL}", "--team", "t", "--name", "n"),
        ("sql", f"SELECT '{EVIL}' AS a"),
    ],
)
def test_no_face_prints_what_is_not_seen(run: Run, catalog: str, command: tuple[str, ...]) -> None:
    more = () if command[0] == EVIL else ("-C", catalog)
    _, out, err = run(*command, *more)
    assert (out + err).strip()
    assert is_seen(out + err)


def test_the_escapes_are_those_of_python(run: Run, catalog: str) -> None:
    assert SHOWN in run("classes", "-C", catalog)[1]
    assert SHOWN in run("log", "-C", catalog)[1]
    assert SHOWN in run("search", EVIL, "-C", catalog)[2] + run("search", EVIL, "-C", catalog)[1]


def test_json_keeps_the_data_and_escapes_what_acts(run: Run, catalog: str) -> None:
    out = run("classes", "--json", "-C", catalog)[1]
    assert is_seen(out)
    assert EVIL in {row["class"] for row in json.loads(out)}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Grün – 屋根 ❤️ “quoted”", "Grün – 屋根 ❤️ “quoted”"),
        ("a\tb\nc", "a b\nc"),
        ("\x00\x7f\x85", "\\x00\\x7f\\x85"),
        ("\u061c\u200e\u2028\ufeff\u3164", "\\u061c\\u200e\\u2028\\ufeff\\u3164"),
        ("\U000e0041", "\\U000e0041"),
    ],
)
def test_text_that_is_seen_stays(text: str, expected: str) -> None:
    assert visible(text) == expected


def test_json_means_what_it_meant() -> None:
    document = json.dumps({"a\u202e": "\U000e0041\x9b屋"}, ensure_ascii=False)
    assert json.loads(json_visible(document)) == json.loads(document)
    assert re.search(r"\\u202e.*\\udb40\\udc41\\u009b屋", json_visible(document))


def test_a_stream_to_a_terminal_is_seen_and_to_a_file_untouched() -> None:
    class Terminal(io.BytesIO):
        def isatty(self) -> bool:
            return True

    terminal, file, content = Terminal(), io.BytesIO(), "a,\u202eb\x1b[2J\r\n".encode()
    shown = to_terminal(terminal)
    shown.write(content[:3])  # a character in two pieces
    shown.write(content[3:])
    to_terminal(file).write(content)
    assert terminal.getvalue() == b"a,\\u202eb\\x1b[2J\n"
    assert file.getvalue() == content


@pytest.mark.parametrize("command", [("search", "class:roof*"), ("classes",), ("show", "a.png")])
def test_a_line_end_in_a_name_makes_no_second_row(run: Run, tmp_path: Path, command: tuple[str, ...]) -> None:
    draw(tmp_path / "lake", ["a.png"])
    coco(tmp_path / "lake" / "labels.json", [box("a.png", "roof\nforged")])
    made = Catalog.init(str(tmp_path / "cat"))
    made.ingest(str(tmp_path / "lake"), team="mapping", name="roofs")
    out = run(*command, "-C", str(made.root))[1]
    assert "roof\\nforged" in out
    assert not [line for line in out.splitlines() if line.strip().startswith("forged")]
