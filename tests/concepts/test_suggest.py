"""Suggestions: the right classes, exact counts, false friends, kinds; and nothing done unasked."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest

from datacat.catalog import Catalog
from datacat.concepts.case import gathered
from datacat.concepts.evidence import Evidence, Suggestion
from datacat.concepts.ledger import Ledger
from datacat.demo.teams import Lake, write_lake
from datacat.errors import NotFound, UsageError
from datacat.query.vocabulary import read_vocabulary
from tests.concepts.lakes import Box, Said, coinciding, labelled, mean

A, B, C, D = ((x, y, 20.0, 20.0) for y in (2.0, 26.0) for x in (1.0, 40.0))
SHARED = [f"{letter}.png" for letter in "abcdefghijkl"]  # pictures of different bytes


def names(one: Suggestion) -> list[str]:
    return sorted(str(item) for item in one.classes)


def boxes_of(one: Suggestion, *classes: str) -> Evidence:
    (found,) = [item for item in one.evidence if item.kind == "boxes" and set(item.classes) == set(classes)]
    return found


def jittered(rng: random.Random, box: Box) -> Box:
    x, y, w, h = (part + rng.uniform(-4, 4) for part in box)
    return max(0.0, x), max(0.0, y), w, h


@pytest.fixture
def town(tmp_path: Path) -> Catalog:
    """Two teams that mean the same by roof and rooftop; `crane` is a bird for one and a machine for the other."""
    return labelled(
        tmp_path,
        mapping={name: [("Roof", A), ("crane", B), ("Car", C)] for name in SHARED},
        claims={name: [("rooftop", A), ("crane", D)] for name in SHARED},
        alone={"y.png": [("Car", A)], "z.png": [("Cars", A)]},
    )


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_boxes_are_counted_as_plain_python_counts_them(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    spots = [(x, y, 14.0, 14.0) for x in (2.0, 22.0, 42.0) for y in (2.0, 26.0)]

    def said(words: list[str], pictures: list[str]) -> Said:
        boxes = {name: [jittered(rng, spot) for spot in spots for _ in range(2)] for name in pictures}
        return {name: [(rng.choice(words), box) for box in there] for name, there in boxes.items()}

    one, two = said(["Roof", "Tree"], SHARED), said(["rooftop", "Baum"], SHARED[3:])
    catalog = labelled(tmp_path, one=one, two=two)
    case = gathered(catalog.cursor, read_vocabulary(catalog.cursor()), ledger=Ledger({}))
    told = {frozenset(case.labels(pair)): (case.labels(pair)[0], found) for pair, found in case.boxes.items()}
    for pair in [("Roof", "rooftop"), ("Tree", "Baum"), ("Roof", "Baum"), ("Tree", "rooftop")]:
        boxes, count, best = coinciding(one, two, classes=pair)
        back, back_count, back_best = coinciding(two, one, classes=(pair[1], pair[0]))
        first, found = told[frozenset((f"one:{pair[0]}", f"two:{pair[1]}"))]
        step = 1 if first == f"one:{pair[0]}" else -1
        assert (found.boxes[::step], found.coinciding[::step]) == ((boxes, back), (count, back_count))
        assert found.mean_iou == pytest.approx(mean(best + back_best))
        assert 0 < count < boxes, "some boxes coincide, some do not"


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    return write_lake(tmp_path_factory.mktemp("demo") / "lake", seed=3, count=48)


def test_the_words_of_the_demos_teams_are_found(lake: Lake, tmp_path: Path) -> None:
    catalog = Catalog.init(str(tmp_path / "catalog"))
    for team in lake.teams:
        catalog.ingest(
            str(team.location), team=team.name, name=team.label_set, media_root=str(lake.media), author="ada"
        )
    found = catalog.concepts.suggest()
    assert sorted(map(names, found)) == [
        ["claims:rooftop", "driving:roofs", "mapping:Roof"],
        ["driving:car", "mapping:Car"],
        ["driving:tree", "mapping:Tree"],
    ]
    roof = next(one for one in found if one.concept == "roof")
    assert roof.relation == "same"
    assert roof.score > 0.8
    item = boxes_of(roof, "mapping:Roof", "claims:rooftop")
    assert item.numbers["mean_iou"] > 0.99
    assert item.text.startswith(
        f"{item.numbers['coinciding']} of {item.numbers['boxes']} boxes of {item.classes[0]} coincide with "
    )
    assert found.notes == ("Nothing was compared by CLIP: nothing was embedded in this catalog.",)


def test_alike_names_of_different_things_are_shown_with_what_contradicts(town: Catalog) -> None:
    found = town.concepts.suggest()
    (friend,) = [one for one in found if one.relation == "unlike"]
    assert names(friend) == ["claims:crane", "mapping:crane"]
    first = friend.evidence[0]
    assert first.is_against
    assert first.text == (
        "none of 12 boxes of claims:crane coincide with mapping:crane, none of 12 back; 12 shared assets"
    )
    assert (first.numbers["coinciding"], first.numbers["boxes"], friend.commands) == (0, 12, ())
    assert friend.score < 0.5
    assert found.items[-1] == friend, "behind all that can be accepted"
    with pytest.raises(UsageError, match="nothing to accept"):
        town.concepts.accept(friend)


def test_names_alone_do_where_nothing_is_shared(town: Catalog) -> None:
    (cars,) = town.concepts.suggest(["car"])
    assert names(cars) == ["alone:Car", "alone:Cars", "mapping:Car"]
    assert {item.kind for item in cars.evidence} == {"name"}
    assert cars.score == pytest.approx(0.7)


@pytest.mark.parametrize(
    ("one", "other", "count"),
    [("Gebäude", "Gebaeude", 1), ("épave", "epave", 1), ("дорога", "дорого", 1), ("房屋", "房居", 0)],
)
def test_letters_are_compared_not_their_bytes(tmp_path: Path, one: str, other: str, count: int) -> None:
    catalog = labelled(tmp_path, one={"a.png": [(one, A)]}, two={"b.png": [(other, A)]})
    assert len(catalog.concepts.suggest(min_score=0.4)) == count


def test_who_did_not_look_contradicts_nothing(tmp_path: Path) -> None:
    said: dict[str, Said] = {
        "mapping": {name: [("crane", B)] for name in SHARED},
        "claims": {name: [("other", D)] for name in SHARED} | {"z.png": [("crane", D)]},
    }
    silent = labelled(tmp_path / "none", covers="none", **said).concepts.suggest()
    (crane,) = [one for one in silent if one.concept == "crane"]
    assert (crane.relation, [item.kind for item in crane.evidence]) == ("same", ["name"])
    looked = labelled(tmp_path / "all", covers="all", **said).concepts.suggest()
    (crane,) = [one for one in looked if one.concept == "crane"]
    assert (crane.relation, crane.evidence[0].numbers["other_boxes"]) == ("unlike", 0)


def test_a_class_within_another_is_a_kind_of_it(tmp_path: Path) -> None:
    catalog = labelled(
        tmp_path,
        wide={name: [("vehicle", A), ("vehicle", B), ("vehicle", C)] for name in SHARED},
        fine={name: [("car", A), ("lorry", B)] for name in SHARED},
    )
    found = catalog.concepts.suggest(["car"], min_score=0.2)
    (kind,) = found
    assert (kind.relation, kind.concept, kind.parent) == ("kind", "car", "vehicle")
    assert kind.commands == (
        "datacat concepts add car fine:car",
        "datacat concepts add vehicle wide:vehicle",
        "datacat concepts describe car --parent vehicle",
    )
    before = catalog.state
    assert catalog.concepts.accept(kind) == "car"
    assert catalog.state == before + 1
    assert catalog.concepts.show("vehicle").children == ("car",)
    assert list(catalog.concepts.suggest(["car"], min_score=0.2)) == []
    (lorry,) = catalog.concepts.suggest(["lorry"], min_score=0.2)
    assert "vehicle" not in lorry.adds, "it is a concept by now"


def test_all_suggestions_accepted_make_each_class_one_concept(tmp_path: Path) -> None:
    catalog = labelled(
        tmp_path,
        wide={name: [("vehicle", A), ("vehicle", B), ("vehicle", C)] for name in SHARED},
        fine={name: [("car", A), ("lorry", B)] for name in SHARED},
        other={name: [("auto", A)] for name in SHARED},
    )
    found = catalog.concepts.suggest(min_score=0.2)
    told = [(one.relation, one.concept, one.parent) for one in found]
    assert told == [("same", "car", None), ("kind", "car", "vehicle"), ("kind", "lorry", "vehicle")]
    for one in found:
        catalog.concepts.accept(one)
    listed = {row["concept"]: row["classes"] for row in catalog.concepts.list().to_pylist()}
    assert listed == {"car": ["fine:car", "other:auto"], "lorry": ["fine:lorry"], "vehicle": ["wide:vehicle"]}
    assert catalog.concepts.show("vehicle").children == ("car", "lorry")
    assert list(catalog.concepts.suggest(min_score=0.2)) == []


def test_a_class_of_several_concepts_joins_none_of_them(tmp_path: Path) -> None:
    catalog = labelled(
        tmp_path,
        mapping={name: [("Roof", A), ("Wall", B)] for name in SHARED},
        claims={name: [("rooftop", A)] for name in SHARED},
        survey={name: [("Dach", A)] for name in SHARED},
    )
    catalog.concepts.add("cover", ["mapping:Roof"])
    catalog.concepts.add("part", ["mapping:Roof", "mapping:Wall"])
    catalog.concepts.add("top", ["survey:Dach"])
    (found,) = [one for one in catalog.concepts.suggest(["claims:rooftop"]) if "mapping:Roof" in names(one)]
    assert found.commands == (
        "datacat concepts add cover claims:rooftop",
        "datacat concepts add part claims:rooftop",
    )
    assert not any(one.merges for one in catalog.concepts.suggest(min_score=0))
    catalog.concepts.accept(found)
    assert [item.member for item in catalog.concepts.show("part").members] == [
        "claims:rooftop",
        "mapping:Roof",
        "mapping:Wall",
    ]


def test_what_a_synonym_means_is_where_its_classes_go(town: Catalog) -> None:
    town.concepts.add("cover")
    town.concepts.describe("cover", synonyms=["roof"])
    (roof,) = town.concepts.suggest(["rooftop"])
    assert roof.commands == ("datacat concepts add cover claims:rooftop mapping:Roof",)
    assert town.concepts.accept(roof) == "cover"
    assert list(town.concepts.suggest(["rooftop"])) == []


def test_what_is_joined_is_not_suggested_and_grows(town: Catalog) -> None:
    (roof,) = town.concepts.suggest(["rooftop"])
    assert roof.commands == ("datacat concepts add roof claims:rooftop mapping:Roof",)
    town.concepts.add("hall", ["mapping:Roof"])
    (grown,) = town.concepts.suggest(["rooftop"])
    assert grown.commands == ("datacat concepts add hall claims:rooftop",)
    town.concepts.add("top", ["claims:rooftop"])
    (both,) = town.concepts.suggest(["rooftop"])
    assert both.commands == ("datacat concepts merge hall top",)
    before = town.state
    assert town.concepts.accept(both, author="eve") == "hall"
    assert town.state == before + 1
    assert list(town.concepts.suggest(["rooftop"])) == []
    assert town.concepts.show("hall").history[0].author == "eve"


def test_classes_that_one_label_set_tells_apart_stay_apart(tmp_path: Path) -> None:
    catalog = labelled(
        tmp_path,
        mapping={name: [("roof", A), ("rooftop", A)] for name in SHARED},
        claims={name: [("roof", A)] for name in SHARED},
    )
    found = catalog.concepts.suggest(min_score=0)
    groups = [names(one) for one in found if one.relation == "same"]
    assert ["claims:roof", "mapping:roof"] in groups
    assert not any({"mapping:roof", "mapping:rooftop"} <= set(group) for group in groups)


def test_equal_bytes_are_one_asset(tmp_path: Path) -> None:
    catalog = labelled(tmp_path, one={name: [("Roof", A)] for name in SHARED})
    for name in SHARED:
        shutil.copy(tmp_path / "lake" / name, tmp_path / "lake" / f"copy-{name}")
    more = tmp_path / "two" / "labels.ndjson"
    more.parent.mkdir()
    row = '{"asset": "copy-%s", "class": "Dach", "box": [1, 2, 20, 20]}\n'
    more.write_text("".join(row % name for name in SHARED))
    catalog.ingest(str(more.parent), team="two", name="labels", media_root=str(tmp_path / "lake"))
    (roof,) = catalog.concepts.suggest(["Dach"])
    assert boxes_of(roof, "one:Roof", "two:Dach").numbers["coinciding"] == 12


def test_what_is_said_of_whole_assets_is_compared_by_assets(tmp_path: Path) -> None:
    storm, calm = SHARED[:6], SHARED[6:]
    catalog = labelled(
        tmp_path,
        one={name: [("storm", None)] for name in storm} | {name: [("calm", None)] for name in calm},
        two={name: [("Sturm", None)] for name in storm[:5]} | {name: [("still", None)] for name in calm},
    )
    (found,) = catalog.concepts.suggest(["storm"], min_score=0.3)
    assert names(found) == ["one:storm", "two:Sturm"]
    (item,) = [item for item in found.evidence if item.kind == "together"]
    assert item.numbers == {"assets": 11, "one": 5, "other": 5, "both": 5}
    assert item.value == pytest.approx(1.0)


def test_of_many_shared_assets_some_are_read_and_that_is_said(town: Catalog) -> None:
    found = town.concepts.suggest(["rooftop"], sample=5)
    assert boxes_of(found.items[0], "mapping:Roof", "claims:rooftop").numbers["assets"] == 5
    assert "Boxes were compared on 5 of 12 shared assets." in found.notes
    assert found == town.concepts.suggest(["rooftop"], sample=5), "always the same ones"


def test_synonyms_of_concepts_are_names_alike(tmp_path: Path) -> None:
    catalog = labelled(tmp_path, one={"a.png": [("Dach", A)]}, two={"b.png": [("toit", A)]})
    assert list(catalog.concepts.suggest()) == []
    catalog.concepts.add("roof")
    catalog.concepts.describe("roof", synonyms=["Dach", "toit"])
    (found,) = catalog.concepts.suggest()
    assert [item.text for item in found.evidence] == ["names: dach and toit are names of the concept roof"]


def test_nonsense_is_refused(town: Catalog) -> None:
    with pytest.raises(NotFound, match="Did you mean mapping:Roof"):
        town.concepts.suggest(["rooof"])
    with pytest.raises(UsageError):
        town.concepts.suggest(min_score=2)
    assert len(town.concepts.suggest(limit=1)) == 1
    assert town.concepts.suggest(limit=1).all == 3


def test_nothing_is_changed_by_suggesting(town: Catalog) -> None:
    before = town.state
    town.concepts.suggest()
    assert town.refresh().state == before
    assert town.concepts.list().num_rows == 0
