"""What `datacat ask` says first, and what each word was taken for."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from datacat.cli.main import main
from tests.catalog.lakes import box, coco, draw

Ask = Callable[..., tuple[list[str], list[str]]]


@pytest.fixture
def ask(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Ask:
    """Asks a catalog of three pictures, of which two show a rooftop."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATACAT_CATALOG", "cat")
    draw(tmp_path / "lake", ["a.png", "b.png", "c.png"])
    boxes = [box("a.png", "rooftop"), box("b.png", "rooftop"), box("c.png", "terrace")]
    coco(tmp_path / "lake/labels.json", boxes)

    def ran(*arguments: str) -> tuple[list[str], list[str]]:
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        assert not ended.value.code
        out, err = capsys.readouterr()
        return out.splitlines(), err.splitlines()

    ran("init", "cat")
    ran("ingest", "lake", "--team", "mapping", "--name", "roofs")
    ran("concepts", "add", "roof", "rooftop")
    return lambda *arguments: ran("ask", *arguments)


@pytest.mark.parametrize(
    ("question", "first"),
    [
        ("roofs", "Yes: 2 assets are labelled so, 1 known not to be, 0 that nobody looked at for it."),
        (
            "roofs with moss and 3 doors",
            "Not read: `moss`, `3`, `doors`. In part, without regard to that: 2 assets are labelled so, "
            "1 known not to be, 0 that nobody looked at for it.",
        ),
        (
            "terace",
            "Yes, reading terace as terrace: 1 asset is labelled so, 2 known not to be, "
            "0 that nobody looked at for it.",
        ),
        (
            "roofs and terraces",
            "No: no asset is labelled so; 3 known not to be, 0 that nobody looked at for it.",
        ),
        (
            "mossy roofs and terraces",
            "Not read: `mossy`. No, even without regard to that: no asset is labelled so; 3 known not to be, "
            "0 that nobody looked at for it.",
        ),
        ("pictures", "Yes: 3 assets are so, 0 known not to be, 0 of which nothing is known."),
        ("proof", "No label knows this word; did you mean roof?"),
        ("zebras", "No label knows this word."),
        ("zebras in snow", "No label knows any of these words."),
    ],
)
def test_the_first_line_fits_what_was_understood(ask: Ask, question: str, first: str) -> None:
    assert ask(question)[0][0] == first


def test_each_word_that_is_no_class_says_what_it_was_taken_for(ask: Ask) -> None:
    out, _ = ask("terraces near proofs, not since 2020, with moss")
    assert out[1:6] == [
        "query  terrace AND NOT captured>=2020",
        "near  no label says so",
        "proofs  no label says so (or roof?)",
        "since 2020  NOT captured>=2020",
        "moss  no label says so",
    ]


def test_a_number_of_things_is_said_to_be_one_within_each_label_set(ask: Ask) -> None:
    said = "counted within each label set; of all together: count(… across teams)"
    assert said in ask("two roofs")[0]
    assert said not in ask("roofs")[0]


def test_the_concept_is_named_that_was_used(ask: Ask) -> None:
    assert "concept roof: rooftop; without it: class:rooftop" in ask("roofs")[1]
    assert json.loads("\n".join(ask("roofs", "--json")[0]))["concepts"] == {"roof": ["roof"]}
    assert not any(line.startswith("concept") for line in ask("terraces")[1])


def test_nothing_is_called_labelled_so_that_only_is_so(ask: Ask) -> None:
    assert "Found: 3" in ask("images")[0]
    assert "Labelled so: 1" in ask("images of terraces")[0]


def test_a_superlative_of_numbers_is_no_word_that_nobody_knows(ask: Ask) -> None:
    out, _ = ask("most roofs")
    assert "query  roof" in out
    assert "most  counted, see the query" in out


def test_an_empty_catalog_is_said_to_be_empty(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    for arguments in (("init", str(tmp_path / "c")), ("ask", "roofs", "-C", str(tmp_path / "c"))):
        with pytest.raises(SystemExit):
            main(arguments)
    said = capsys.readouterr().err
    assert "The catalog is empty. Next: datacat ingest" in said
    assert "embed" not in said
