"""Of every condition: where it holds, where it is known not to, and where nobody can say."""

from __future__ import annotations

import pytest

from datacat.query.hit import Answers
from datacat.query.search import search
from datacat.testing.corpus import Corpus


def _cars(*annotations: dict[str, object], rejects: tuple[dict[str, object], ...] = ()) -> Corpus:
    """An asset of each annotation of a car; one label set looked for all cars."""
    made = Corpus()
    made.add_label_set("a/cars", classes=["car"])
    for number, facts in enumerate(annotations):
        made.add_asset(f"s3://lake/{number}.png", width=100, height=50)
        made.add_annotation(number, label_set=0, **{"class_name": "car", **facts})
    for reject in rejects:
        made.reject(label_set=0, **reject)
    return made


def _answers(made: Corpus, text: str) -> tuple[list[int], list[int], list[int]]:
    cursor = made.cursor()
    hits = search(cursor, text, state=1)
    no = search(cursor, f"NOT ({text})", state=1)
    unknown = search(cursor, f"?({text})", state=1)
    assert hits.answers == Answers(hits.count(), no.count(), unknown.count())
    return hits.numbers, no.numbers, unknown.numbers


_SCORES = [{"attributes": {"score": score}} for score in (0.9, 0.5, "0.9", None)] + [{"attributes": {}}]
_TAGS = [{"attributes": {"tags": tags}} for tags in (["red", None], ["blue"], ["blue", None], [])]


@pytest.mark.parametrize(
    ("annotations", "text", "answers"),
    [
        (_SCORES, "car[score>0.8]", ([0], [1], [2, 3, 4])),
        (_SCORES, "car[NOT score>0.8]", ([1], [0], [2, 3, 4])),
        (_SCORES, "car[score!=0.9]", ([1], [0, 2], [3, 4])),
        (_SCORES, "car[score in (0.9, 1)]", ([0, 2], [1], [3, 4])),
        (_SCORES, "car[missing:score]", ([4], [0, 1, 2, 3], [])),
        (_TAGS, "car[tags=red]", ([0], [1], [2, 3])),
        (_TAGS, "car[all(tags)=red]", ([], [1, 2], [0, 3])),
        (_TAGS, "car[none(tags)=red]", ([1], [0], [2, 3])),
        (_TAGS, "car[length(tags)>1]", ([0, 2], [1, 3], [])),
        ([{"confidence": 0.9}, {"confidence": 0.1}, {}], "car[confidence>0.5]", ([0], [1], [2])),
        ([{"annotator": "ann"}, {"annotator": "bob"}, {}], "car[annotator!=ann]", ([1], [0], [2])),
        ([{"annotator": "ann"}, {"annotator": "bob"}, {}], "car[NOT annotator=ann]", ([1], [0], [2])),
        ([{"status": "new"}, {}], "car[status not in (old)]", ([0], [], [1])),
        ([{}, {"kind": "prediction"}], "car[kind:prediction]", ([1], [0], [])),
        ([{"class_name": "car"}, {"class_name": None}, {"class_name": "bus"}], "class!=car", ([2], [0], [1])),
        ([{"text": "a zebra"}, {"text": "a cat"}, {}], "text~zebra", ([0], [1], [2])),
        ([{}, {}], "text~zebra", ([], [], [0, 1])),
    ],
)
def test_what_cannot_be_read_or_is_not_said_is_unknown(
    annotations: list[dict[str, object]], text: str, answers: tuple[list[int], list[int], list[int]]
) -> None:
    assert _answers(_cars(*annotations), text) == answers


@pytest.mark.parametrize(
    "text",
    ["text~zebra", "[color=red]", "[confidence>0.5]", "[track:t]", "[track length>=1]", "[length(tags)=1]"],
)
@pytest.mark.parametrize("classes", [["car"], []])
def test_without_a_class_what_an_annotation_does_not_say_is_unknown(text: str, classes: list[str]) -> None:
    made = Corpus()
    made.add_label_set("a/cars", classes=classes)
    for number in range(5):
        made.add_asset(f"s3://lake/{number}.png")
        made.list_asset(number, label_set=0)
    said = {"color": "red", "tags": ["a"]}
    made.add_annotation(0, "car", label_set=0, text="a zebra", confidence=0.9, track="t", attributes=said)
    made.add_annotation(1, "car", label_set=0)
    made.add_annotation(2, "tree", label_set=0)
    made.add_annotation(4, "tree", label_set=0, status="draft")
    assert _answers(made, text) == ([0], [3, 4], [1, 2])
    assert _answers(made, f"car[{text.strip('[]')}]") == (
        ([0], [2, 3, 4], [1]) if classes else ([0], [], [1, 2, 3, 4])
    )


def test_another_label_sets_annotation_leaves_it_open_without_a_class() -> None:
    made = _cars({"text": "a cat"}, {"text": "a cat"})
    made.add_label_set("b/others")
    made.add_annotation(1, "tree", label_set=1)
    assert _answers(made, "text~zebra") == ([], [0], [1])
    assert _answers(made, "[class:car text~zebra]") == ([], [0, 1], [])
    assert _answers(made, "[team:a text~zebra]") == ([], [0, 1], [])


def test_where_a_record_was_rejected_its_class_is_unknown() -> None:
    made = _cars({}, {}, {"class_name": "bus"}, rejects=({"asset": 2, "class_name": "car"},))
    assert _answers(made, "car") == ([0, 1], [], [2])
    assert _answers(made, "count(car)<2") == ([0, 1], [], [2])


def test_a_reject_of_another_class_leaves_it_known() -> None:
    made = _cars({"class_name": "bus"}, rejects=({"asset": 0, "class_name": "bus"},))
    assert _answers(made, "car") == ([], [0], [])


def test_a_reject_that_tells_no_asset_is_of_its_whole_file() -> None:
    made = _cars({"class_name": "bus"}, {"class_name": "bus"}, rejects=({"class_name": None},))
    assert _answers(made, "car") == ([], [], [0, 1])


def test_another_label_set_may_still_say_that_there_is_none() -> None:
    made = _cars({"class_name": "bus"}, rejects=({"asset": 0},))
    made.add_label_set("b/others", classes=["car"])
    made.list_asset(0, label_set=1)
    assert _answers(made, "car") == ([], [0], [])


def test_agreement_is_unknown_where_nothing_is_compared() -> None:
    made = _cars({"x": 0, "y": 0, "w": 9, "h": 9}, {"x": 0, "y": 0, "w": 9, "h": 9}, {})
    made.add_label_set("b/others", classes=["car"])
    made.add_annotation(0, "car", label_set=1, x=0, y=0, w=9, h=9)
    made.add_annotation(1, "car", label_set=1, x=50, y=0, w=9, h=9)
    assert _answers(made, "agreement>=0.5") == ([0], [1], [2])


def test_skipped_annotations_and_drafts_answer_only_where_a_status_is_asked_for() -> None:
    made = _cars({"status": "skipped"}, {"status": "draft"}, {"status": "reviewed"}, {})
    cursor = made.cursor()
    hits = search(cursor, "car", state=1)
    assert (hits.numbers, hits.set_aside) == ([2, 3], 2)
    assert [row["annotation"] for row in hits.annotations().read_all().to_pylist()] == [2, 3]
    assert search(cursor, "car[status in (skipped, draft)]", state=1).numbers == [0, 1]
    assert search(cursor, "status:skipped", state=1).numbers == [0]
    assert search(cursor, "is:unlabelled", state=1).numbers == [0, 1]
    assert search(cursor, "-car", state=1).numbers == [0, 1]  # who covers cars has labelled none


def test_attributes_of_what_was_skipped_answer_nothing() -> None:
    made = _cars({"status": "skipped", "attributes": {"color": "red"}}, {"attributes": {"color": "red"}})
    assert search(made.cursor(), "car[color=red]", state=1).numbers == [1]
    assert search(made.cursor(), "color=red", state=1).numbers == [1]


def test_it_is_said_how_many_are_only_predicted() -> None:
    made = _cars({"kind": "prediction", "model": "yolo"}, {}, {"kind": "prediction"})
    made.add_annotation(2, "car", label_set=0)
    hits = search(made.cursor(), "car", state=1)
    assert (hits.count(), hits.only_predicted) == (3, 1)
    assert search(made.cursor(), "car[kind:prediction]", state=1).only_predicted == 0
    assert search(_cars({}).cursor(), "car", state=1).only_predicted == 0


@pytest.mark.parametrize(
    "text", ["car[width>40px]", "car[area>900]", "car[x=10]", "car[center_x>30]", "car[aspect<2.1 height=25]"]
)
def test_boxes_in_fractions_have_pixels_where_the_size_is_known(text: str) -> None:
    share = {"x": 0.1, "y": 0.1, "w": 0.5, "h": 0.5, "is_relative": True}
    made = _cars(share, {"x": 1, "y": 1, "w": 4, "h": 4, "area": 16.0}, share)
    made.tables["assets"][2]["width"] = None
    assert _answers(made, text) == ([0], [1], [2])


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("car[id>9007199254740992]", [1, 2]),
        ("car[id>=9007199254740993]", [1, 2]),
        ("car[id<9007199254740993]", [0]),
        ("car[id<=9007199254740993]", [0, 1]),
        ("car[NOT id>9007199254740992]", [0]),
        ("car[id=9007199254740993]", [1]),
        ("car[id!=9007199254740993]", [0, 2]),
        ("car[id in (9007199254740992, 9007199254740994)]", [0, 2]),
        ("car[id not in (9007199254740992)]", [1, 2]),
    ],
)
def test_whole_numbers_beyond_doubles_compare_exactly(text: str, found: list[int]) -> None:
    made = _cars(*({"attributes": {"id": 9007199254740992 + more}} for more in (0, 1, 2)))
    assert search(made.cursor(), text, state=1).numbers == found


def test_what_was_set_aside_shows_no_team_and_stands_in_no_facet() -> None:
    colored: dict[str, object] = {"attributes": {"color": "red"}}
    made = _cars({"status": "skipped", **colored}, colored, {"status": "draft"})
    cursor = made.cursor()
    for text in ("media:image", "media:image width=100", "team:a"):
        hits = search(cursor, text, state=1)
        assert hits.numbers == [0, 1, 2]  # its label files speak of all of them
        facets = hits.facets(["class", "team", "status", "color"])
        counts = {
            facet.name: [(b.value, b.annotations, b.assets) for b in facet.values] for facet in facets.facets
        }
        assert counts == {
            "class": [("car", 1, 1)],
            "team": [("a", 1, 1)],
            "attributes.color": [("red", 1, 1)],
        }, text
    assert [(one["asset"], one["annotation"]) for one in hits.annotations().read_all().to_pylist()] == [
        (1, 1)
    ]
    assert hits.set_aside == 2
    (found,) = search(cursor, "media:image", state=1).facets(["class"])["class"].values
    assert (found.assets, found.absent, found.unknown) == (1, 2, 0)
    (status,) = search(cursor, "status:skipped", state=1).facets(["status"])["status"].values
    assert (status.value, status.annotations) == ("skipped", 1)
