"""Plain questions about what datacat itself knows: media, states, times, and who made annotations."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from datacat.query.plan import plan
from datacat.query.question import Understood, understood
from datacat.query.vocabulary import vocabulary
from datacat.testing.corpus import Corpus


def _labelled() -> Corpus:
    """Teams, models, people and times; the attribute `origin` has the value "video"."""
    made = Corpus()
    alpha, beta = made.add_label_set("alpha/objects"), made.add_label_set("beta/yolo")
    for number in range(4):
        made.add_asset(f"{number}.png", captured=datetime(2023 + number, 3, 5, tzinfo=UTC))
    made.add_annotation(0, "car", label_set=alpha, annotator="user7", attributes={"origin": "video"})
    made.add_annotation(1, "car", label_set=beta, annotator="Ann Lee", status="Reviewed")
    made.add_annotation(1, "roof", label_set=beta, kind="prediction", model="yolo-v11")
    made.add_annotation(2, "car", label_set=beta, kind="prediction", model="YOLO_v12", confidence=0.5)
    return made


def _read_labelled(question: str) -> Understood:
    cursor = _labelled().cursor()
    read = understood(question, cursor=cursor, vocabulary=vocabulary(cursor, identity=None))
    plan(cursor, read.query)
    return read


@pytest.mark.parametrize(
    ("question", "query"),
    [
        ("videos", "media=video"),
        ("images", "media=image"),
        ("do we have any pictures?", "media=image"),
        ("images and videos", "media=image OR media=video"),
        ("audio", "media=audio"),
        ("images with roofs", "roof"),
        ("images of cats", ""),
        ("videos with roofs", "roof AND media=video"),
        ("duplicates", "is:duplicate"),
        ("duplicate images of cars", "car AND is:duplicate"),
        ("unlabelled images", "is:unlabelled AND media=image"),
        ("images without labels", "media=image AND NOT is:labelled"),
        ("images without labels of cars", "NOT car"),
        ("which images are labelled?", "media=image AND is:labelled"),
        ("missing files", "is:missing"),
        ("missing pictures", "is:missing AND media=image"),
        ("which files are missing?", "is:missing"),
        ("missing roofs", "roof"),
        ("images taken in march 2026", "media=image AND captured=2026-03"),
        ("cars in 2026", "car AND captured=2026"),
        ("taken on 5 March 2026", "captured=2026-03-05"),
        ("since march 2026", "captured>=2026-03"),
        ("roofs before 2025", "roof AND captured<2025"),
        ("after 2026-01-15", "captured>2026-01-15"),
        ("between 2024 and 2026", "(captured>=2024 AND captured<=2026)"),
        ("cars labelled in march 2026", "car[created=2026-03]"),
        ("cars labelled by alpha since 2025", "car[team=alpha created>=2025]"),
        ("not in 2026", "NOT captured=2026"),
        ("predictions", "kind=prediction"),
        ("predicted cars", "car[kind=prediction]"),
        ("predictions of cars", "car[kind=prediction]"),
        ("predictions of yolo-v11", "[kind=prediction model=yolo-v11]"),
        ("cars predicted by yolo-v12", "car[kind=prediction model=YOLO_v12]"),
        ("cars by yolo_v12", "car[model=YOLO_v12]"),
        ("yolo-v11 roofs", "roof[model=yolo-v11]"),
        ("cars by user7", "car[annotator=user7]"),
        ("annotated by ann lee", 'annotator="Ann Lee"'),
        ("photos of user7", ""),
        ("reviewed cars", "car[status=Reviewed]"),
        ("cars by alpha", "car[team=alpha]"),
        ("cars from alpha", "car[team=alpha]"),
        ("cars by alpha and beta", "car[team=alpha OR team=beta]"),
        ("cars not by alpha", "car[NOT team=alpha]"),
        ("cars by alpha but not by beta", "car[team=alpha] AND (NOT team=beta OR NOT car[team=beta])"),
        ("without cars by alpha", "NOT car[team=alpha]"),
        ("roofs and cars by alpha", "roof AND car[team=alpha]"),
        ("labels by alpha/objects", "label_set=alpha/objects"),
    ],
)
def test_what_datacat_itself_knows_can_be_asked_for(question: str, query: str) -> None:
    assert _read_labelled(question).query == query


def test_an_own_word_that_is_a_value_as_well_says_so() -> None:
    assert _read_labelled("videos").readings[0].alternatives == ("origin=video",)


@pytest.mark.parametrize(("question", "text"), [("cats by alpha in 2026", "cats"), ("unlabelled images", "")])
def test_likeness_is_not_asked_for_what_no_picture_shows(question: str, text: str) -> None:
    assert _read_labelled(question).text == text


@pytest.mark.parametrize("question", ["in may", "2026", "in 1066"])
def test_what_is_no_date_is_no_time(question: str) -> None:
    assert "captured" not in _read_labelled(question).query
