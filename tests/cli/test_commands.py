"""What commands print, and how they end."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from datacat.cli.main import OPTIONS, main
from tests.catalog.lakes import box, coco, draw

Run = Callable[..., tuple[int, str, str]]
NAMES = ["a.png", "b.png", "c.png"]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    monkeypatch.chdir(tmp_path)

    def ran(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        return int(ended.value.code or 0), *capsys.readouterr()

    return ran


@pytest.fixture
def catalog(run: Run, tmp_path: Path) -> Path:
    draw(tmp_path / "lake", NAMES)
    evil = box("c.png", "ro\x1b[2Jof\n[bold]top")
    coco(tmp_path / "lake/labels.json", [box("a.png", "roof"), box("b.png", "roof"), evil])
    assert run("init", "cat")[0] == 0
    return tmp_path / "cat"


def ingested(run: Run) -> tuple[int, str, str]:
    return run("ingest", "lake", "--team", "mapping", "--name", "roofs", "-C", "cat")


@pytest.mark.usefixtures("catalog")
def test_ingest_reports_and_a_second_one_changes_nothing(run: Run) -> None:
    status, out, err = ingested(run)
    assert status == 0
    assert "files                1  1 new, 0 changed, 0 gone" in out
    assert "assets               3  3 new to the catalog" in out
    assert "annotations          3  +3 -0, 0 as before" in out
    assert err == "committed as state 1\n"
    assert ingested(run)[2] == "nothing changed since state 1\n"


@pytest.mark.usefixtures("catalog")
def test_names_in_label_files_neither_tear_lines_nor_reach_the_terminal(run: Run) -> None:
    _, out, _ = ingested(run)
    (line,) = [line for line in out.splitlines() if line.startswith("  classes")]
    assert line == "  classes              2  roof 2, ro\\x1b[2Jof [bold]top 1"
    assert "\x1b" not in run("classes", "-C", "cat")[1]
    assert json.loads(run("classes", "-C", "cat", "--json")[1])[1]["class"] == "ro\x1b[2Jof\n[bold]top"


@pytest.mark.usefixtures("catalog")
def test_log_says_what_people_care_for_and_json_all(run: Run) -> None:
    ingested(run)
    last, first = run("log", "-C", "cat")[1].splitlines()[1:]
    assert last.rstrip().endswith("ingest mapping/roofs  annotations +3, assets +3")
    assert first.rstrip().endswith("create catalog")
    entry = json.loads(run("log", "-C", "cat", "--json")[1])[0]
    assert entry["changes"]["label_sets"] == {"added": 1, "removed": 0}


@pytest.mark.usefixtures("catalog")
def test_search_says_how_many_match(run: Run) -> None:
    ingested(run)
    assert run("search", "roofs", "-C", "cat")[2] == "2 assets match: roof\n"
    assert run("search", "roof uri:*a.png", "-C", "cat")[2].startswith("1 asset matches: ")
    assert run("search", "roof", "--count", "-C", "cat")[1] == "2\n"
    page = json.loads(run("search", "roof", "--limit", "1", "--json", "-C", "cat")[1])
    following = json.loads(run("search", "roof", "--after", page["next"], "--json", "-C", "cat")[1])
    assert [Path(hit["uri"]).name for hit in (*page["hits"], *following["hits"])] == ["a.png", "b.png"]


@pytest.mark.usefixtures("catalog")
def test_an_answer_is_yes_only_where_labels_know_every_word(run: Run) -> None:
    ingested(run)
    first = [
        run("ask", question, "-C", "cat")[1].partition(":")[0] for question in ("roofs", "roofs with moss")
    ]
    assert first == ["Yes", "Not read"]
    assert "moss  no label says so" in run("ask", "roofs with moss", "-C", "cat")[1]
    assert "3  no label says so" in run("ask", "roofs with 3 mosses", "-C", "cat")[1].splitlines()


@pytest.mark.usefixtures("catalog")
def test_a_wrong_query_is_underlined_and_ends_with_2(run: Run) -> None:
    ingested(run)
    status, out, err = run("search", "rof AND *", "-C", "cat")
    assert (status, out) == (2, "")
    assert err.splitlines()[1:3] == ["  rof AND *", "  ^^^"]
    assert "Did you mean `roof`" in err


@pytest.mark.usefixtures("catalog")
def test_snapshots_go_their_way(run: Run, tmp_path: Path) -> None:
    assert run("snapshot", "push", "--remote", "share", "-C", "cat")[0] == 0
    ingested(run)
    create = (
        "snapshot",
        "create",
        "roofs",
        "--query",
        "roof",
        "--split",
        "train=0.5,holdout=0.5",
        "-C",
        "cat",
    )
    assert run(*create)[0] == 0
    assert run(*create)[2] == "nothing new: roofs@1 already holds exactly this\n"
    (line,) = run("snapshot", "list", "-C", "cat")[1].splitlines()[1:]
    assert line.startswith("roofs@1   roof")
    shown = json.loads(run("snapshot", "show", "roofs", "--json", "-C", "cat")[1])
    assert list(shown["splits"]) == ["train", "holdout"]
    assert shown["digest"][:12] in line
    assert run("snapshot", "verify", "roofs@1", "-C", "cat")[0] == 0
    assert run("snapshot", "push", "--remote", "share", "-C", "cat")[1] == "pushed  roofs@1\n"
    _, out, err = run("snapshot", "pull", "--remote", "share", "-C", "cat")
    assert (out, err) == ("", "nothing to be pulled: both sides have the same\n")
    (tmp_path / "lake/a.png").unlink()
    status, out, _ = run("snapshot", "verify", "roofs@1", "-C", "cat")
    assert status == 1
    assert out.startswith(f"gone  {tmp_path}/lake/a.png\n")


@pytest.mark.usefixtures("catalog")
def test_the_life_of_a_catalog(run: Run) -> None:
    ingested(run)
    agrees = "Everything agrees: log, files, index, vectors, snapshots.\n"
    agrees += "Not read: the bytes of data files (--deep), and media in the lake (ingest --look-again).\n"
    assert run("doctor", "-C", "cat") == (0, "", agrees)
    assert run("gc", "--dry-run", "-C", "cat")[0] == 0
    assert run("compact", "-C", "cat")[0] == 0
    assert run("rejects", "-C", "cat") == (0, "", "No record was rejected.\n")
    assert run("doctor", "-C", "cat") == (0, "", agrees)
    assert run("classes", "-C", "elsewhere")[0] == 1


@pytest.mark.usefixtures("catalog")
def test_doctor_ends_with_1_where_something_is_wrong(run: Run, catalog: Path) -> None:
    ingested(run)
    next((catalog / "log/logical_table=annotations").glob("*.parquet")).unlink()
    status, out, _ = run("doctor", "-C", "cat")
    assert status == 1
    assert "error" in out


def test_a_damaged_data_file_is_one_error_everywhere(run: Run, catalog: Path) -> None:
    ingested(run)
    file = next((catalog / "log/logical_table=annotations").glob("*.parquet"))
    whole = file.read_bytes()
    middle = len(whole) // 2
    for damaged in (whole[:200], whole[: middle - 150] + b"\0" * 300 + whole[middle + 150 :]):
        file.write_bytes(damaged)
        for command in ("search roof", "classes", "attributes", "show 1", "doctor"):
            status, out, err = run(*command.split(), "-C", "cat")
            assert "Traceback" not in err, command
            if command == "doctor":
                assert status == 1
                assert "error" in out


@pytest.mark.usefixtures("catalog")
def test_rejects_of_an_unknown_label_set_are_refused(run: Run) -> None:
    ingested(run)
    status, _, err = run("rejects", "mapping/nope", "-C", "cat")
    assert status == 1
    assert "no label set mapping/nope" in err


def test_bytes_that_are_no_utf_8_are_refused_at_the_door(run: Run) -> None:
    for command in (["search", "roof\udcff"], ["concepts", "add", "\udcff", "Roof"], ["log", "-C", "\udcff"]):
        status, _, err = run(*command)
        assert (status, "is not in UTF-8" in err) == (2, True)


@pytest.mark.usefixtures("catalog")
@pytest.mark.parametrize(
    "words",
    ["-roof", "-roof -n 2", "-n 2 -roof", "-n5 -roof", "-C cat -roof", "--limit=2 -roof", "-n 2 -- -roof"],
)
def test_a_query_may_begin_with_a_dash(run: Run, words: str) -> None:
    ingested(run)
    status, out, err = run("search", "--json", "-C", "cat", *words.split())
    assert (status, json.loads(out)["interpretation"], err) == (0, "NOT roof", "")


@pytest.mark.usefixtures("catalog")
def test_every_command_with_a_query_takes_one_with_a_dash(run: Run) -> None:
    ingested(run)
    assert run("query", "-name=x")[1] == "NOT name=x\n"
    assert "@no-roof: NOT roof" in run("searches", "save", "no-roof", "-roof", "-m", "why", "-C", "cat")[1]
    assert run("ask", "-roof", "-C", "cat")[0] == 0
    assert "no class `ocean`" in run("search", "-ocean", "-C", "cat")[2]


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("roof -n", "'-n' requires an argument"),
        ("roof -x", "No such option '-x'"),
        ("roof --nope", "No such option '--nope'"),
    ],
)
def test_options_are_read_as_ever(run: Run, words: str, why: str) -> None:
    status, _, err = run("search", *words.split())
    assert (status, why in err) == (2, True)


@pytest.mark.usefixtures("catalog")
def test_a_search_as_json_says_what_the_text_says(run: Run) -> None:
    ingested(run)
    found = json.loads(run("search", "NOT roof", "-n", "1", "-C", "cat", "--json")[1])
    assert found | {"hits": len(found["hits"])} == {
        "hits": 1,
        "next": None,
        "interpretation": "NOT roof",
        "concepts": {},
        "state": 1,
        "total": 1,
        "addresses": 1,
        "not_embedded": None,
        "only_predicted": 0,
        "set_aside": 0,
        "answers": {"yes": 1, "no": 2, "unknown": 0},
        "hint": None,
    }
    found = json.loads(run("search", "annotator=ann", "-C", "cat", "--json")[1])
    hint = "no `annotator` is `ann`: nobody says any"
    assert (found["total"], found["answers"], found["hint"]) == (0, None, hint)
    for words in ((), ("--count",), ("--facets",)):
        assert hint in run("search", "annotator=ann", "-C", "cat", *words)[2]


@pytest.mark.usefixtures("catalog")
@pytest.mark.parametrize(
    ("question", "why"),
    [
        ("", "the question is empty"),
        (" ", "the question is empty"),
        ("show me the", "no word of it says what"),
    ],
)
def test_a_question_for_nothing_is_refused(run: Run, question: str, why: str) -> None:
    ingested(run)
    status, out, err = run("ask", question, "-C", "cat")
    assert (status, out, err.count("\n")) == (2, "", 2)
    assert f"error: {why}" in err


@pytest.mark.usefixtures("catalog")
def test_a_question_that_is_a_query_is_told_apart(run: Run) -> None:
    ingested(run)
    assert "datacat search 'roof[area>5]'" in run("ask", "roof[area>5]", "-C", "cat")[2]
    for question in ("roofs?", "roofs (red)", 'roofs "by the sea"', "is it: = [ roofs"):
        assert "looks like a query" not in run("ask", question, "-C", "cat")[2]


@pytest.mark.usefixtures("catalog")
@pytest.mark.parametrize(("word", "usage"), OPTIONS.items())
def test_who_takes_an_option_for_a_command_is_told_where_it_is(run: Run, word: str, usage: str) -> None:
    ingested(run)
    status, _, err = run(word)
    assert (status, f"It is an option: datacat {usage}" in err) == (2, True)
    said = usage.replace("QUERY", "roof").replace("NAME", "class").split()
    assert run(*said, "-C", "cat")[0] == 0


def test_a_misspelt_command_is_told_the_nearest(run: Run) -> None:
    assert "Did you mean search?" in run("serch")[2]
