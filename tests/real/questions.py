"""Questions over the real label files, each with what it means in plain Python."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from tests.real.originals import Asset, Said
from tests.real.shapes import Agreement, gap, iou, is_inside, is_left_of


def marks(said: Said) -> list[dict[str, str | int]]:
    listed: list[dict[str, str | int]] = said.attributes.get("marks", [])
    return listed


def checked(said: Said, key: str) -> Any:
    """`checked.by`, `checked.score` of the second look; None where it is not said."""
    return said.attributes.get("checked", {}).get(key)


def is_by(said: Said, *names: str) -> bool:
    return said.is_a("wbc") and checked(said, "by") in names


VEHICLES = {"bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck", "boat"}


# Query, and whether a statement about an asset fulfils it.
Statement = Callable[[Asset, Said], bool]
STATEMENTS: dict[str, Statement] = {
    # classes
    "wbc": lambda _, s: s.is_a("wbc"),
    "all images with platelets": lambda _, s: s.is_a("platelets"),
    "cars": lambda _, s: s.is_a("car"),
    "traffic lights": lambda _, s: s.is_a("traffic light"),
    'class:"dining table"': lambda _, s: s.name == "dining table",
    "class:*bottle": lambda _, s: (s.name or "").endswith("bottle"),
    "class:digit*": lambda _, s: (s.name or "").startswith("digit"),
    "[class in (cat, sheep, giraffe)]": lambda _, s: s.is_a("cat", "sheep", "giraffe"),
    "vehicle": lambda _, s: s.is_a(*VEHICLES),  # as COCO's supercategories have it, whoever labelled it
    # who says so
    "car[team:kit]": lambda _, s: s.is_a("car") and s.team == "kit",
    "car[label_set:in*/*]": lambda _, s: s.is_a("car") and s.team == "instances",
    "[team:second kind:prediction]": lambda _, s: s.kind == "prediction",
    "[annotator=user1 class:wbc]": lambda _, s: s.annotator == "user1" and s.is_a("wbc"),
    "rbc[annotator in (user0, user2) confidence>=0.5]": lambda _, s: (
        s.is_a("rbc") and s.annotator in ("user0", "user2") and (s.confidence or 0) >= 0.5
    ),
    "[created>=2026-08]": lambda _, s: s.created >= "2026-08",
    "[created=2022-12-27 annotator=2]": lambda _, s: (
        s.created.startswith("2022-12-27") and s.annotator == "2"
    ),
    # nested attributes
    "rbc[truncated=1]": lambda _, s: s.is_a("rbc") and s.attributes.get("truncated") == 1,
    "checked.by=ann": lambda _, s: checked(s, "by") == "ann",
    "wbc[checked.by in (ann, bob) checked.score>0.5]": lambda _, s: (
        is_by(s, "ann", "bob") and s.attributes["checked"]["score"] > 0.5
    ),
    "*.by=cho": lambda _, s: checked(s, "by") == "cho",
    "speaker.name=theo": lambda _, s: s.attributes.get("speaker", {}).get("name") == "theo",
    '*.name~"^(theo|lucas)$"': lambda _, s: s.attributes.get("speaker", {}).get("name") in ("theo", "lucas"),
    "has:checked": lambda _, s: "checked" in s.attributes,
    "wbc[missing:checked team:second]": lambda _, s: (
        s.is_a("wbc") and s.team == "second" and "checked" not in s.attributes
    ),
    "wbc[checked.by!=ann]": lambda _, s: is_by(s, "bob", "cho"),
    # lists, and one element of them
    "[tags contains a]": lambda _, s: "a" in s.attributes.get("tags", []),
    "[none(tags[])=a]": lambda _, s: s.attributes.get("tags") == ["b"],
    "length(marks)>=2": lambda _, s: len(marks(s)) >= 2,
    "marks[].depth>5": lambda _, s: any(int(each["depth"]) > 5 for each in marks(s)),
    "all(marks[].depth)>2": lambda _, s: bool(marks(s)) and all(int(each["depth"]) > 2 for each in marks(s)),
    "none(marks[].kind)=pale": lambda _, s: [each["kind"] for each in marks(s)] == ["dark"],
    "marks[].{kind=pale depth>=5}": lambda _, s: any(
        each["kind"] == "pale" and int(each["depth"]) >= 5 for each in marks(s)
    ),
    # geometry
    "wbc[area>40000]": lambda _, s: s.is_a("wbc") and (s.area or 0) > 40000,
    "person[width>100 height>200]": lambda _, s: (
        s.is_a("person") and s.box is not None and s.box[2] > 100 and s.box[3] > 200
    ),
    "person[height>50%]": lambda a, s: s.is_a("person") and s.box is not None and s.box[3] > a.size[1] * 0.5,
    "rbc[x<5 y<5]": lambda _, s: s.is_a("rbc") and s.box is not None and s.box[0] < 5 and s.box[1] < 5,
    "car[center_x<25%]": lambda a, s: (
        s.is_a("car") and s.box is not None and s.box[0] + s.box[2] / 2 < a.size[0] * 0.25
    ),
    "rbc[aspect>=2.5]": lambda _, s: (
        s.is_a("rbc") and s.box is not None and s.box[3] > 0 and s.box[2] / s.box[3] >= 2.5
    ),
    "person[team:panoptic area>10000]": lambda _, s: (
        s.is_a("person") and s.team == "panoptic" and (s.area or 0) > 10000
    ),
    "[team:panoptic area<50]": lambda _, s: s.team == "panoptic" and s.area is not None and s.area < 50,
    "[width=0 height=0]": lambda _, s: s.box is not None and s.box[2:] == (0, 0),
    "rbc[center_x>60%]": lambda a, s: (
        s.is_a("rbc") and s.box is not None and s.box[0] + s.box[2] / 2 > a.size[0] * 0.6
    ),
    "parasites[width>110]": lambda _, s: s.is_a("parasites") and s.box is not None and s.box[2] > 110,
    # time ranges and spans
    "anomaly[start<500000]": lambda _, s: s.is_a("anomaly") and s.span is not None and s.span[0] < 500000,
    "anomaly[duration>=200000]": lambda _, s: (
        s.is_a("anomaly") and s.span is not None and s.span[1] - s.span[0] >= 200000
    ),
    "answer[start<10 end>20]": lambda _, s: (
        s.is_a("answer") and s.span is not None and s.span[0] < 10 and s.span[1] > 20
    ),
    'answer[text~"^[0-9]+$"]': lambda _, s: s.is_a("answer") and bool(re.search("^[0-9]+$", s.text)),
    # captions
    "[text~pizza]": lambda _, s: bool(re.search("pizza", s.text, re.IGNORECASE)),
    '[text contains "a man"]': lambda _, s: "a man" in s.text.lower(),
}


def lies(said: Said, asset: Asset, *names: str, how: Callable[[Said, Said], bool]) -> bool:
    return any(other is not said and how(said, other) for other in asset.of(*names))


# Relations between two annotations of one asset.
RELATIONS: dict[str, Statement] = {
    "platelets[inside:rbc]": lambda a, s: s.is_a("platelets") and lies(s, a, "rbc", how=is_inside),
    "wbc[iou(rbc)>0.3]": lambda a, s: (
        s.is_a("wbc") and lies(s, a, "rbc", how=lambda one, other: iou(one, other) > 0.3)
    ),
    "platelets near:wbc<20px": lambda a, s: (
        s.is_a("platelets") and lies(s, a, "wbc", how=lambda one, other: gap(one, other) < 20)
    ),
    "person[left_of(car)]": lambda a, s: s.is_a("person") and lies(s, a, "car", how=is_left_of),
}


# Query, and whether an asset fulfils it.
ASSETS: dict[str, Callable[[Asset], bool]] = {
    # counts, each within what one team's people say, or its models
    "count(rbc)>=20": lambda a: any(len(said) >= 20 for said in a.voices("rbc")),
    "count(wbc[checked.by=ann])>=2": lambda a: any(
        sum(is_by(s, "ann") for s in said) >= 2 for said in a.voices()
    ),
    "count(annotator)>=3": lambda a: len({s.annotator for s in a.said} - {None}) >= 3,
    "count(annotator of wbc)>=2": lambda a: len({s.annotator for s in a.of("wbc")} - {None}) >= 2,
    "count(class)>5": lambda a: len({s.name for s in a.said} - {None}) > 5,
    "count(team)>=2": lambda a: len({s.team for s in a.said}) >= 2,
    # together
    "person car": lambda a: bool(a.of("person") and a.of("car")),
    "(car OR sheep) team:panoptic": lambda a: bool(a.of("car", "sheep")) and "panoptic" in a.teams,
    "wbc[truncated=1] platelets[checked.by=bob]": lambda a: (
        any(s.attributes.get("truncated") == 1 for s in a.of("wbc"))
        and any(checked(s, "by") == "bob" for s in a.of("platelets"))
    ),
    "truncated=1 checked.by=bob": lambda a: (
        any(s.attributes.get("truncated") == 1 for s in a.said)
        and any(checked(s, "by") == "bob" for s in a.said)
    ),
    # who speaks of it
    "labelled by lab and not by second": lambda a: (
        any(s.team == "lab" for s in a.said) and not any(s.team == "second" for s in a.said)
    ),
    "team:panoptic NOT team:instances": lambda a: "panoptic" in a.teams and "instances" not in a.teams,
    "label_set:lab/cells annotator:user2": lambda a: (
        "lab" in a.teams and any(s.annotator == "user2" for s in a.said)
    ),
    "source:combined_windows.json OR source:second.ndjson": lambda a: "second" in a.teams,
    # the asset itself
    "media:audio": lambda a: a.path.suffix == ".wav",
    "media:image -team:studio width>640": lambda a: a.size[0] > 640,
    "width<600 height>=480": lambda a: 0 < a.size[0] < 600 and a.size[1] >= 480,
    "aspect>1.4": lambda a: a.size[1] > 0 and a.size[0] / a.size[1] > 1.4,
    "duration>0.5": lambda a: a.seconds > 0.5,
    "duration<0.25 class:digit*": lambda a: 0 < a.seconds < 0.25,
    "size<20000 media:image": lambda a: bool(a.size[0]) and a.path.stat().st_size < 20000,
    "uri:JPEGImages/BloodImage_0000*.jpg": lambda a: any(
        path.name.startswith("BloodImage_0000") for path in a.addresses
    ),
    "uri:*7.png": lambda a: any(path.name.endswith("7.png") for path in a.addresses),
    "split:val": lambda a: "val" in a.splits,
    "-split:train split:*": lambda a: bool(a.splits) and "train" not in a.splits,
    # Of text and series, only names that label files give are known.
    "is:missing": lambda a: bool(a.teams & {"studio", "series"}),
    # what label files say of it
    "license=4": lambda a: any(each.get("license") == 4 for each in a.metadata),
    "path~^/users/": lambda a: any((each.get("path") or "").startswith("/Users/") for each in a.metadata),
    "captured>=2013-11-20": lambda a: any(
        each.get("date_captured", "") >= "2013-11-20" for each in a.metadata
    ),
    "captured=2013-11-14 person": lambda a: (
        any(each.get("date_captured", "").startswith("2013-11-14") for each in a.metadata)
        and bool(a.of("person"))
    ),
    "coco_url:*train2017*": lambda a: any("train2017" in each.get("coco_url", "") for each in a.metadata),
}


def absent(asset: Asset, *names: str, covered: Iterable[str] | None = None) -> bool | None:
    """Whether somebody looked for one of these classes and there is none; None: nobody looked."""
    if asset.of(*names):
        return False
    wanted = set(covered or names)
    return True if any(wanted <= looked for looked in asset.covers.values()) else None


def unchecked(asset: Asset) -> bool | None:
    """-wbc[checked.by=ann]: a look for WBC does not do where a WBC of that team says nothing of who checked it."""
    if any(is_by(s, "ann") for s in asset.said):
        return False
    for team, looked in asset.covers.items():
        silent = any(checked(s, "by") is None for s in asset.of("wbc", team=team))
        if "wbc" in looked and not silent:
            return True
    return None


def counts(asset: Asset, name: str, *, least: int = 0, most: int | None = None) -> bool | None:
    """Whether there are so many: who covers a class says how many, who does not how many at least; a model covers
    nothing. It holds where one says so; it is known not to where one denies it, and all who cover the class do."""
    denied = False
    for said in asset.voices(name):
        is_exact = said[0].kind == "annotation" and name in asset.covers.get(said[0].team, ())
        is_few_enough = most is None or (is_exact and len(said) <= most)
        if len(said) >= least and is_few_enough:
            return True
        denied |= is_exact or (most is not None and len(said) > most)
    heard = {said[0].team for said in asset.voices(name) if said[0].kind == "annotation"}
    silent = any(name in covered for team, covered in asset.covers.items() if team not in heard)
    if silent and least == 0:
        return True
    return False if silent or denied else None


def both(*answers: bool | None) -> bool | None:
    if False in answers:
        return False
    return None if None in answers else True


def no_vehicle(asset: Asset) -> bool | None:
    if any(said.is_a(*VEHICLES) for said in asset.said):
        return False
    return True if any(looked >= VEHICLES for looked in asset.covers.values()) else None


# Query, and its three answers: yes, no, nobody can say.
THREE: dict[str, Callable[[Asset], bool | None]] = {
    "-platelets": lambda a: absent(a, "platelets"),
    "-wbc": lambda a: absent(a, "wbc"),
    "-rbc team:second": lambda a: both(absent(a, "rbc"), "second" in a.teams),
    "-car": lambda a: absent(a, "car"),
    "person -car": lambda a: both(True if a.of("person") else negated(absent(a, "person")), absent(a, "car")),
    "-vehicle": no_vehicle,
    "-wbc[checked.by=ann]": unchecked,
    "count(rbc)<10": lambda a: counts(a, "rbc", most=9),
    "count(rbc)>=10": lambda a: counts(a, "rbc", least=10),
    "count(wbc)=1": lambda a: counts(a, "wbc", least=1, most=1),
    "-(car OR person)": lambda a: both(absent(a, "car"), absent(a, "person")),
}


def negated(answer: bool | None) -> bool | None:
    return None if answer is None else not answer


# Query, and whether it holds of an asset and how far two teams agree on it.
AGREEMENTS: dict[str, Callable[[Asset, Agreement | None], bool]] = {
    "agreement<0.8": lambda _, m: m is not None and m.agreement < 0.8,
    "agreement>=0.9 wbc": lambda a, m: m is not None and m.agreement >= 0.9 and bool(a.of("wbc")),
    "agreement.class<1": lambda _, m: m is not None and m.classes is not None and m.classes < 1,
    "agreement.iou<0.8": lambda _, m: (
        m is not None and bool(m.shares) and sum(m.shares) / len(m.shares) < 0.8
    ),
}
