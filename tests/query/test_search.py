"""Hits: pages, similarity, Arrow, and what is refused."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import pyarrow as pa
import pytest

from datacat.errors import EmbeddingError, ExtraMissing, QueryError, UsageError
from datacat.query import matching
from datacat.query.hit import HITS
from datacat.query.hits import Hits
from datacat.query.meaning import Question
from datacat.query.page import read_page
from datacat.query.ranking import Weighted
from datacat.query.search import search
from datacat.testing.corpus import Corpus
from tests.query.cases import corpus


def _search(text: str, **options: object) -> Hits:
    return search(corpus().cursor(), text, state=7, **options)  # type: ignore[arg-type]


class _Nearest:
    """Ranks higher numbers better and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[Weighted, int, list[int] | None]] = []

    def __call__(self, question: Weighted, k: int, allowed: pa.Array | None) -> pa.Table:
        self.asked.append((question, k, None if allowed is None else allowed.to_pylist()))
        assets = range(6) if allowed is None else allowed.to_pylist()
        best = sorted(assets, reverse=True)[:k]
        return pa.table({"asset": pa.array(best, pa.int64()), "score": [asset / 10 for asset in best]})


def _names(hits: Hits) -> list[str]:
    return [hit.uri.rsplit("/", 1)[1] for hit in hits]


def test_hits_as_arrow_and_pandas_are_the_hits() -> None:
    hits = _search("roof[material=slate]")
    table = hits.to_arrow()
    assert table.schema == HITS
    assert table["asset"].to_pylist() == [hit.asset for hit in hits] == [0, 1]
    assert table["matches"][0].as_py()[0]["class"] == "Roof"
    assert table["matches"][0].as_py()[0]["attributes"].startswith('{"material": "slate"')
    assert list(hits.to_pandas().columns) == HITS.names


def test_pandas_is_asked_for_when_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ExtraMissing, match="pandas"):
        _search("roof").to_pandas()


def test_a_hit_is_frozen() -> None:
    hit = next(iter(_search("roof")))
    with pytest.raises(dataclasses.FrozenInstanceError):
        hit.asset = 3  # type: ignore[misc]


def test_nothing_found_is_an_empty_table() -> None:
    hits = _search("boat")
    assert hits.to_arrow().num_rows == 0
    assert hits.to_arrow().schema == HITS
    assert hits.count() == 0
    assert hits.next is None
    assert hits.annotations().read_all().num_rows == 0


def test_a_page_token_holds_the_state_and_fits_into_a_url() -> None:
    token = _search("car OR roof", limit=2).next
    assert token is not None
    assert read_page(token).state == 7
    assert token.replace("-", "").replace("_", "").isalnum()
    assert _names(_search("roof or  cars", limit=2, after=_search("roof or car", limit=2).next)) == ["c.png"]


@pytest.mark.parametrize(
    ("text", "state", "token"),
    [("person", 7, None), ("roof", 8, None), ("roof", 7, "rubbish!"), ("roof", 7, "WzFd"), ("roof", 7, "é")],
)
def test_a_foreign_page_token_is_refused(text: str, state: int, token: str | None) -> None:
    own = _search("roof", limit=1).next
    with pytest.raises(UsageError, match="page token"):
        search(corpus().cursor(), text, state=state, after=token or own)


def test_a_page_of_no_hits_is_refused() -> None:
    with pytest.raises(UsageError):
        _search("roof", limit=0)


def test_free_text_ranks() -> None:
    nearest = _Nearest()
    hits = _search('"a swimming pool"', limit=2, nearest=nearest)
    assert _names(hits) == ["f.txt", "e.png"]
    assert nearest.asked == [(((Question(text="a swimming pool"), 1.0),), 3, None)]
    first = next(iter(hits))
    assert first.score == 0.5
    assert first.why == ('looks like "a swimming pool" (0.50)',)


def test_a_ranked_search_pages_to_the_end() -> None:
    nearest = _Nearest()
    names: list[str] = []
    token: str | None = None
    for _ in range(4):
        hits = _search('"a pool"', limit=2, nearest=nearest, after=token)
        names += _names(hits)
        token = hits.next
        if token is None:
            break
    assert names == ["f.txt", "e.png", "d.png", "c.png", "b.png", "a.png"]


def test_filters_stand_beside_likeness() -> None:
    nearest = _Nearest()
    hits = _search('car "a red one"', nearest=nearest)
    assert _names(hits) == ["c.png", "b.png"]
    assert nearest.asked[0][2] == [1, 2]
    assert next(iter(hits)).why == ("driving/street: car", 'looks like "a red one" (0.20)')
    assert hits.count() == 2


def test_the_best_so_many_of_a_ranked_search_are_its_assets() -> None:
    hits = _search('car "red"', limit=1, nearest=_Nearest())
    assert hits.assets().read_all()["asset"].to_pylist() == [2]
    assert hits.annotations().read_all()["asset"].to_pylist() == [2]


def test_annotations_are_those_of_the_matches_where_a_choice_counts_to_zero() -> None:
    hits = _search("boat OR roof count(person)=0")
    matches = [(hit.asset, match.annotation) for hit in hits for match in hit.matches]
    found = hits.annotations().read_all()
    assert list(zip(*found.to_pydict().values(), strict=True)) == matches
    assert matches


def test_everything_can_be_ranked() -> None:
    assert len(list(_search('"red"', limit=None, nearest=_Nearest()))) == 6


def test_what_has_no_vector_stays_behind_the_ranked_where_it_was_filtered() -> None:
    def nearest(question: Weighted, k: int, allowed: pa.Array | None) -> pa.Table:
        found = [asset for asset in (4, 2, 1) if allowed is None or asset in allowed.to_pylist()][:k]
        return pa.table({"asset": pa.array(found, pa.int64()), "score": [asset / 10 for asset in found]})

    assert _search('boat "red"', limit=1, nearest=nearest).count() == 0
    hits = _search('media:image "red"', limit=None, nearest=nearest)
    assert [(hit.asset, hit.score) for hit in hits] == [(4, 0.4), (2, 0.2), (1, 0.1), (0, None), (3, None)]
    assert hits.count() == 5
    pages, token = [], None
    while not pages or token:
        page = _search('media:image "red"', limit=2, nearest=nearest, after=token)
        pages.append([hit.asset for hit in page])
        token = page.next
    assert pages == [[4, 2], [1, 0], [3]]


@pytest.mark.parametrize("name", ["{}/x.png", "s3://lake/unknown.png"])
def test_like_takes_no_file_where_files_are_kept_out(tmp_path: Path, name: str) -> None:
    (tmp_path / "x.png").touch()
    with pytest.raises(QueryError, match="no asset `") as refused:
        _search(f'like:"{name.format(tmp_path)}"', nearest=_Nearest(), files=False)
    assert "picture" not in str(refused.value.hint)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("roof", True),
        ("NOT roof", False),
        ("team:mapping", True),
        ("media:image", False),
        ("roof OR media:image", True),
        ("count(roof)>=3", True),
        ("count(roof)<3", True),
        ("count(roof)!=0", True),
        ("count(roof)=0", False),
        ("count(roof)<1", False),
        ("", False),
    ],
)
def test_whether_a_query_asks_for_annotations(text: str, expected: bool) -> None:
    assert _search(text).asks_for_annotations == expected


def test_a_filter_that_leaves_nothing_asks_for_no_likeness() -> None:
    nearest = _Nearest()
    assert list(_search('boat "red"', nearest=nearest)) == []
    assert nearest.asked == []


@pytest.mark.parametrize("name", ["2", "s3://lake/street/c.png", "street/c.png", "c.png"])
def test_like_finds_its_asset(name: str) -> None:
    nearest = _Nearest()
    list(_search(f"like:{name}", nearest=nearest))
    assert nearest.asked[0][0] == ((Question(asset=2), 1.0),)


@pytest.mark.parametrize(
    ("text", "weight"), [("like:c.png^2", 2.0), ("like:2^.5", 0.5), ("unlike:c.png^2", -2.0)]
)
def test_likeness_to_an_asset_has_a_weight(text: str, weight: float) -> None:
    nearest = _Nearest()
    hits = _search(text, nearest=nearest)
    assert hits.interpretation == text
    list(hits)
    assert nearest.asked[0][0] == ((Question(asset=2), weight),)


@pytest.mark.parametrize("text", ["ids=7", "ids[][]=7", "deep.a.b.c.ids=7", "deep.ids=7"])
def test_a_path_goes_through_lists_of_lists(text: str) -> None:
    made = corpus()
    lists = {"ids": [["x"], ["y", "7"]]}
    attributes = {**lists, "deep": {**lists, "a": {"b": {"c": lists}}}}
    made.add_annotation(3, "car", label_set=2, attributes=attributes)
    assert [hit.asset for hit in search(made.cursor(), text, state=1)] == [3]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("instance=12345678901234567", [3]),
        ("instance=12345678901234568", []),
        ("[instance!=12345678901234568]", [3]),
        ("[instance!=12345678901234567]", []),
        ("instance in (12345678901234567, 3)", [3]),
        ("instance>12345678900000000", [3]),
        ("parts[].{instance=12345678901234568}", []),
    ],
)
def test_long_numbers_are_equal_to_the_last_digit(text: str, found: list[int]) -> None:
    made = corpus()
    number = 12345678901234567
    made.add_annotation(
        3, "car", label_set=2, attributes={"instance": number, "parts": [{"instance": number}]}
    )
    assert [hit.asset for hit in search(made.cursor(), text, state=1)] == found


def _all_of(text: str, count: int) -> str:
    return " AND ".join(text.format(number) for number in range(count))


@pytest.mark.parametrize(
    "text",
    [
        _all_of("area>{}", 2_000),
        _all_of("-[material=m{}]", 51),
        _all_of("?[material=m{}]", 51),
        _all_of("count([material=m{}])<3", 101),
        _all_of("material!=m{}", 101),
        f"roof[{_all_of('NOT material=m{}', 101)}]",
        f"NOT ({_all_of('material=m{}', 51).replace('AND', 'OR')})",
        "car OR (" + _all_of("-[material=m{}]", 51) + ")",
    ],
)
def test_a_query_of_very_many_parts_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="too many parts"):
        _search(text)


@pytest.mark.parametrize(
    ("text", "same"),
    [
        (_all_of("-[material=m{}]", 50), "-[material=m0]"),  # no material is called so
        (_all_of("roof[NOT material=m{}]", 100), "roof"),
        (_all_of("-[material=m{}]", 51).replace("AND", "OR"), "-[material=m0]"),
        (_all_of("width>{}", 600), "width>599"),
        (f"[{_all_of('area>{}', 300)}]", "[area>299]"),
    ],
)
def test_many_parts_that_can_be_planned_are_no_more_than_few(text: str, same: str) -> None:
    assert _search(text).count() == _search(same).count() > 0


def test_the_opposite_of_very_many_alternatives_is_not_counted() -> None:
    hits = _search(_all_of("material=m{}", 51).replace("AND", "OR"))
    assert hits.count() == 0
    with pytest.raises(UsageError, match="too many parts"):
        _ = hits.answers


@pytest.mark.parametrize("text", ["?(" * 30 + "car" + ")" * 30, "?(roof " * 30 + "car" + ")" * 30])
def test_unknowns_within_each_other_end_soon(text: str) -> None:
    with pytest.raises(UsageError, match=r"too many \? stand within each other"):
        _search(text)


def test_whether_something_is_unknown_is_known() -> None:
    assert _search("?(?car)").count() == 0
    assert _search("?(roof ?(?(?car)))").count() == 0


def test_like_takes_a_file(tmp_path: Path) -> None:
    (tmp_path / "x.png").touch()
    nearest = _Nearest()
    hits = _search(f'like:"{tmp_path}/x.png"', nearest=nearest)
    list(hits)
    assert nearest.asked[0][0] == ((Question(file=f"{tmp_path}/x.png"), 1.0),)


@pytest.mark.parametrize("name", ["nowhere.png", "12"])
def test_like_refuses_what_is_not_there(name: str) -> None:
    with pytest.raises(QueryError, match="no asset and no file"):
        _search(f"like:{name}", nearest=_Nearest())


def test_like_refuses_the_end_of_several_uris() -> None:
    made = corpus()
    made.add_asset("s3://lake/other/c.png")
    with pytest.raises(QueryError, match="several"):
        search(made.cursor(), "like:c.png", state=1, nearest=_Nearest())


def test_likeness_without_embeddings_says_what_to_run() -> None:
    with pytest.raises(EmbeddingError, match="datacat embed"):
        _search('"a pool"')


def test_many_reasons_are_cut() -> None:
    made = corpus()
    for number in range(9):
        made.add_annotation(5, "Boat", label_set=0, attributes={"length": number})
    hit = next(iter(search(made.cursor(), "boat[length>=0]", state=1)))
    assert len(hit.matches) == 9
    assert hit.why[-1] == "… and 4 more"
    assert len(hit.why) == 6


def test_values_are_bound_not_pasted() -> None:
    evil = "'; DROP TABLE annotations; --"
    assert _search(f'material="{evil}"').count() == 0
    with pytest.raises(QueryError):
        _search("x'--=3")
    with pytest.raises(QueryError):
        _search('class:"\' OR 1=1"')


def test_curly_quotes_quote() -> None:
    assert _search("“a pool”", nearest=_Nearest()).interpretation == '"a pool"'
    assert _search('material="“slate”"').interpretation == 'material="“slate”"'


def test_a_query_of_several_lines_is_underlined_on_one() -> None:
    with pytest.raises(QueryError) as refused:
        _search("roof\n  zebra")
    assert str(refused.value).splitlines()[1:3] == ["  roof   zebra", "         ^^^^^"]


def test_a_mountain_of_parentheses_is_refused() -> None:
    with pytest.raises(QueryError, match="parentheses"):
        _search("(" * 2000 + "roof" + ")" * 2000)


def test_a_class_is_paged_through_in_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matching, "_WINDOW", 1)
    monkeypatch.setattr(matching, "_GROWTH", 2)
    made = Corpus()
    made.add_label_set("a/x", classes=["car"])
    cars = [number for number in range(90) if number % 7 == 3]
    for number in range(90):
        made.add_asset(f"s3://lake/{number:03}.png")
        for _ in range(2 * (number in cars)):
            made.add_annotation(number, "car", label_set=0)
    cursor = made.cursor()
    found: list[int] = []
    token = None
    while True:
        page = search(cursor, "car", state=1, limit=3, after=token)
        found += page.numbers
        token = page.next
        if token is None:
            break
    assert found == cars
    assert search(cursor, "car", state=1).count() == len(cars)
    assert search(cursor, "car[area>5]", state=1, limit=3).numbers == []
    assert search(cursor, "car[area>5]", state=1).count() == 0
