"""Numbers, stems, relations, superlatives and other languages in plain questions, and what likeness may answer."""

from __future__ import annotations

import pyarrow as pa
import pytest

from datacat.query.ask import ask
from datacat.query.plan import plan
from datacat.query.question import Understood, understood
from datacat.query.ranking import Weighted
from datacat.query.vocabulary import vocabulary
from datacat.testing.corpus import Corpus
from tests.query.cases import corpus


def _measured() -> Corpus:
    """Roofs and cars with numbers, sizes, words that are stems of values, two teams."""
    made = Corpus()
    alpha, beta = made.add_label_set("alpha/a", classes=["roof", "car"]), made.add_label_set("beta/b")
    for number in range(4):
        made.add_asset(f"{number}.png", width=640, height=480)
    box = {"label_set": alpha, "geometry_type": "box", "h": 9.0}
    told = {"condition": {"score": 0.4}, "area_m2": 210.5, "material": "tile", "damage": "none"}
    made.add_annotation(0, "roof", **box, w=20.0, area=180.0, attributes=told)
    told = {"condition": {"score": 0.8}, "severity": 5, "material": "slate", "damage": "hail"}
    made.add_annotation(1, "roof", **box, w=40.0, area=360.0, attributes=told)
    for _ in range(3):
        made.add_annotation(1, "car", label_set=alpha, confidence=0.9, attributes={"color": "red"})
    made.add_annotation(1, "car", label_set=beta, attributes={"color": "red"})
    made.add_annotation(2, "car", label_set=beta, attributes={"color": "blue"})
    return made


def _read(question: str) -> Understood:
    cursor = _measured().cursor()
    read = understood(question, cursor=cursor, vocabulary=vocabulary(cursor, identity=None))
    plan(cursor, read.query)
    return read


@pytest.mark.parametrize(
    ("question", "query", "unknown"),
    [
        ("roofs with a condition score below 0.5", "roof[condition.score<0.5]", ()),
        ("roofs with score of at least 0.5", "roof[condition.score>=0.5]", ()),
        ("score above 0.5 and below 0.9", "[condition.score>0.5 condition.score<0.9]", ()),
        ("hail damage with severity 4 or more", "[damage=hail severity>=4]", ()),
        ("hail or severity 4", "damage=hail OR severity=4", ()),
        ("severity 5 without hail", "severity=5 AND damage!=hail", ()),
        ("roofs with score between 0.5 and 0.7", "roof[(condition.score>=0.5 AND condition.score<=0.7)]", ()),
        ("roofs larger than 200 m2", "roof[area_m2>200]", ()),
        ("roofs larger than 200 square metres", "roof[area_m2>200]", ()),
        ("roofs larger than 200 km2", "roof", ("larger than 200 km2",)),
        ("roofs larger than 20 pixels", "roof[area>20]", ()),
        ("roofs not larger than 200 m2", "roof[area_m2<=200]", ()),
        ("roofs wider than 5%", "roof[width>5%]", ()),
        ("images wider than 300 pixels with cars", "car AND width>300", ()),
        ("cars above 0.5", "car[confidence>0.5]", ()),
        ("severity 5", "severity=5", ()),
        ("roofs of severity 5 or more", "roof[severity>=5]", ()),
        ("more than 3 roofs", "count(roof)>3", ()),
        ("tiled roofs", "roof[material=tile]", ()),
        ("damaged roofs", "roof[damage not in (none)]", ()),
        ("roofs not damaged", "roof[damage in (none)]", ()),
        ("cars not red", "car[color!=red]", ()),
        ("cars next to roofs", "car[near(roof)<50px]", ()),
        ("red cars left of a tiled roof", "car[color=red left_of(roof[material=tile])]", ()),
        ("cars near the forest", "car", ("near", "forest")),
        ("Wie viele cars gibt es ohne roofs?", "car AND NOT roof", ()),
        ("montrez-moi les cars avec roofs", "car AND roof", ()),
        ("muestra las imágenes con cars", "car", ()),
        ("muéstrame cars sin roofs", "car AND NOT roof", ()),
        ("combien de roofs", "roof", ()),
    ],
)
def test_numbers_stems_relations_and_languages_are_read(
    question: str, query: str, unknown: tuple[str, ...]
) -> None:
    read = _read(question)
    assert (read.query, read.unknown) == (query, unknown)


@pytest.mark.parametrize(
    ("question", "query"),
    [
        ("largest roof", "roof[area>=360.0]"),
        ("the smallest roofs", "roof[area<=180.0]"),
        ("most cars", "count(car)>=3"),  # by alpha; beta's is one of these
    ],
)
def test_a_superlative_is_the_limit_that_the_wanted_few_reach(question: str, query: str) -> None:
    answer = ask(_measured().cursor(), question, state=1, limit=1)
    assert answer.understood.query.startswith(query)
    assert answer.answers is not None
    assert answer.answers.yes == 1


def test_how_many_counts_what_one_label_set_says_of_each_asset() -> None:
    answer = ask(_measured().cursor(), "how many red cars", state=1)
    assert (answer.objects, answer.answers and answer.answers.yes) == (3, 1)
    assert ask(_measured().cursor(), "red cars", state=1).objects is None
    for question in ("wie viele cars gibt es", "combien de cars", "¿cuántos cars hay?"):
        assert ask(_measured().cursor(), question, state=1).objects == 4


@pytest.mark.parametrize("question", ["roofs without snow", "no snow", "not snowy", "cars but no people"])
def test_what_is_to_be_absent_is_never_asked_of_likeness(question: str) -> None:
    assert not {"no", "not", "without", "snow", "snowy", "people"} & set(_read(question).text.split())


class _Floored:
    """Three pictures have vectors, and only what scores 0.4 looks like anything."""

    def __call__(self, questions: Weighted, k: int, allowed: pa.Array | None) -> pa.Table:
        found = [asset for asset in (5, 4, 3) if allowed is None or asset in allowed.to_pylist()][:k]
        return pa.table({"asset": pa.array(found, pa.int64()), "score": [asset / 10 for asset in found]})

    def vector_count(self, allowed: pa.Array | None) -> int:
        return 3 if allowed is None else len({3, 4, 5} & set(allowed.to_pylist()))

    def floor(self) -> float:
        return 0.4


def test_below_the_floor_nothing_looks_so() -> None:
    answer = ask(corpus().cursor(), "zebras", state=1, limit=9, nearest=_Floored())
    assert answer.looks_so is not None
    assert [hit.asset for hit in answer.looks_so] == [5, 4]
    assert answer.looks_so.count() == 2


def test_a_ranked_answer_says_how_many_are_not_embedded() -> None:
    answer = ask(corpus().cursor(), "cars in the snow", state=1, nearest=_Floored())
    assert answer.labelled is not None
    assert [hit.score for hit in answer.labelled] == [None, None]
    assert answer.labelled.not_embedded == 2
