"""Hypothesis strategies: corpora of a few assets with nested attributes, and queries about them."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from datacat.testing.corpus import Corpus

# Few names, so that conditions meet data; among them what is easily confused.
LABEL_SETS = ("mapping/roofs", "claims/houses", "driving/street")
CLASSES = ("Roof", "rooftop", "car", "traffic light", "Person", None)
SPLITS = ("train", "val", None)
KEYS = ("material", "score", "inspector", "tags", "team", "near", "s*", "timeofday")
TEXTS = (
    "Straße",
    "STRASSE",
    "cafe\u0301",
    "Caf\u00e9",
    "slate",
    "Slate",
    "tile",
    "0.5",
    "true",
    "",
    "50%",
    "a_b",
    "axb",
    "2026-03-11",
    "2026-03-11T10:00",
)
NUMBERS = (0, 0.5, 1, -3, 2.5)

_BOXES = st.sampled_from([(None,) * 4, (0, 0, 10, 10), (2, 2, 4, 4), (20, 0, 5, 10), (0.1, 0.1, 0.5, 0.5)])

_SHAPES = st.sampled_from(
    [
        {"geometry_type": "box"},
        {"geometry_type": "none"},
        {"geometry_type": "polygon", "geometry": "[[0, 0, 10, 0, 0, 10]]"},
        {"geometry_type": "polygon", "geometry": "[[10, 10, 10, 0, 0, 10]]"},
        {"geometry_type": "mask", "geometry": '{"size": [10, 10], "counts": "0"}'},
        {"geometry_type": "polygon"},
    ]
)
_MADE_BY = st.sampled_from(
    [
        {},
        {},
        {"status": "reviewed"},
        {"status": "skipped"},
        {"status": "draft"},
        {"kind": "prediction", "model": "yolo"},
        {"kind": "prediction"},
    ]
)
_SKIES = st.lists(st.sampled_from(["fog", "Rain", None, 1]), max_size=2)
_COVERS: st.SearchStrategy[str | list[str]] = st.sampled_from(["declared", "none", ["Roof", "car"]])

scalars = st.one_of(st.sampled_from(TEXTS), st.sampled_from(NUMBERS), st.booleans(), st.none())
_nested = st.one_of(
    st.dictionaries(st.sampled_from(KEYS), scalars, max_size=2), st.lists(scalars, max_size=2)
)
_contents = st.one_of(
    scalars, _nested, st.lists(_nested, max_size=2), st.dictionaries(st.sampled_from(KEYS), _nested)
)
documents = st.dictionaries(st.sampled_from(KEYS), _contents, max_size=3)


# What a label file says of a picture's size: nothing, another one, or its sides swapped.
_STATED_SIZES = st.sampled_from([{}, {"width": 128, "height": 32}, {"width": 32, "height": 64}])
_OWN_SIZES = st.fixed_dictionaries(
    {"width": st.sampled_from([None, 64, 640]), "height": st.sampled_from([None, 32])}
    | {"orientation": st.sampled_from([None, None, 3, 5, 6, 7, 8])}
)


@st.composite
def corpora(draw: st.DrawFn) -> Corpus:
    """A corpus of three label sets and up to five assets with up to ten annotations."""
    corpus = Corpus()
    for name in LABEL_SETS:
        corpus.add_label_set(
            name,
            classes=["Roof", "rooftop", "car", "traffic light", "Person"],
            covers=draw(_COVERS),
        )
    if draw(st.booleans()):
        corpus.add_concept("roof", "claims:rooftop", "mapping:Roof")
    count = draw(st.integers(1, 5))
    for number in range(count):
        corpus.add_asset(
            f"s3://lake/{draw(st.sampled_from(['a', 'b_']))}/{number}.png",
            media=draw(st.sampled_from(["image", "text"])),
            is_missing=draw(st.booleans()),
            **draw(_OWN_SIZES),
        )
        if draw(st.booleans()):
            listing: dict[str, Any] = {
                "label_set": draw(st.integers(0, 2)),
                "split": draw(st.sampled_from(SPLITS)),
                **draw(_STATED_SIZES),
                "metadata": {"timeofday": draw(st.sampled_from(["night", "day", None])), "sky": draw(_SKIES)},
            }
            corpus.list_asset(number, **listing)
        if draw(st.booleans()):
            _cover(draw, corpus, asset=number)
    if draw(st.booleans()):
        corpus.reject(
            label_set=draw(st.integers(0, 2)),
            asset=draw(st.sampled_from([None, 0])),
            class_name=draw(st.sampled_from([None, "car"])),
        )
    # So that the path is known.
    corpus.list_asset(0, label_set=0, metadata={"timeofday": "dusk", "sky": ["fog", "rain"]})
    _annotate(draw, corpus, count=count)
    return corpus


def _cover(draw: st.DrawFn, corpus: Corpus, *, asset: int) -> None:
    """Says what a label set found of a class, or that it has no label file of the asset."""
    name = draw(st.sampled_from(["Roof", "car", None]))
    answer = draw(st.sampled_from(["not_exhaustive", "exhaustive", "absent"][: 3 if name else 1]))
    corpus.cover(asset, name, label_set=draw(st.integers(0, 2)), answer=answer)


def _annotate(draw: st.DrawFn, corpus: Corpus, *, count: int) -> None:
    """Adds up to ten annotations to `count` assets."""
    for _ in range(draw(st.integers(0, 10))):
        corpus.add_annotation(
            draw(st.integers(0, count - 1)),
            draw(st.sampled_from(CLASSES)),
            label_set=draw(st.integers(0, 2)),
            attributes=draw(st.none() | documents),
            area=draw(st.sampled_from([None, 1.0, 50.0])),
            confidence=draw(st.sampled_from([None, 0.25, 0.9])),
            annotator=draw(st.sampled_from([None, "Ann", "bob"])),
            track=draw(st.sampled_from([None, "1", "2"])),
            is_relative=draw(st.sampled_from([None, False, True])),
            is_crowd=draw(st.sampled_from([None, False, False, True])),
            **draw(_SHAPES),
            **draw(_MADE_BY),
            **dict(zip("xywh", draw(_BOXES), strict=True)),
        )


@st.composite
def queries(draw: st.DrawFn, corpus: Corpus) -> str:
    """A query about `corpus` that binds; without similarity."""
    inside = _expressions(_predicates(corpus))
    bracket = st.one_of(
        st.builds("[{}]".format, inside),
        st.builds("{}[{}]".format, st.sampled_from(["roof", "car", "traffic-light"]), inside),
    )
    count = st.builds(
        "count({}{}){}{}".format,
        st.one_of(inside, bracket),
        st.sampled_from(["", " across teams"]),
        st.sampled_from(["=", "!=", "<", "<=", ">", ">="]),
        st.integers(0, 3),
    )
    values = st.builds(
        "count({} of {}){}".format,
        st.sampled_from(["annotator", "team", "class"]),
        st.one_of(inside, bracket),
        st.sampled_from(["=0", "<2", ">=1", ">1"]),
    )
    terms = st.one_of(_predicates(corpus), bracket, count, values, _ASSETS)
    return draw(_expressions(terms, is_about_assets=True))


def _expressions(
    terms: st.SearchStrategy[str], *, depth: int = 2, is_about_assets: bool = False
) -> st.SearchStrategy[str]:
    """Terms under AND, OR and NOT. (Not st.recursive: that it draws again at its limit upsets shrinking.)"""
    if depth == 0:
        return terms
    inner = _expressions(terms, depth=depth - 1, is_about_assets=is_about_assets)
    return st.one_of(
        terms,
        st.builds("{} {}".format, inner, inner),
        st.builds("({} OR {})".format, inner, inner),
        st.builds("NOT ({})".format, inner),
        st.builds("-{}".format, terms),
        *([st.builds("?({})".format, inner)] if is_about_assets else []),
    )


_CLASSES = st.sampled_from(
    [
        "roof",
        "Roofs",
        "rooftop",
        "cars",
        "traffic light",
        "people",
        "class:ROOF",
        "class:roof*",
        "class!=car",
        "*",
    ]
)
_COLUMNS = st.sampled_from(
    [
        "area>10",
        "[area<=10]",
        "[width>10%]",
        "[center_x<=1]",
        "[aspect>1]",
        "track_length>=2",
        "[annotator missing]",
        "[iou(car)>0.2]",
        "[inside(roof)]",
        "[near(car)<2]",
        "[left_of([annotator=ann])]",
        "[area>1 area<=50]",
        "status:reviewed",
        "model:yolo",
        "text~zebra",
        "confidence>=0.5",
        "annotator=ann",
        "annotator!=ann",
        "[team:mapping]",
    ]
)
_ASSETS = st.sampled_from(
    [
        "media:image",
        "team:mapping",
        "team!=mapping",
        "label_set:claims/*",
        "split:train",
        "split!=train",
        "is:missing",
        "is:labelled",
        "is!=unlabelled",
        "width>100",
        "uri:a/*.png",
        "uri:0.png",
        "uri!=*b_*",
        "aspect>0.5",
        "count(annotator)>=1",
        "count(annotator)=0",
        "count(team)>=2",
        "count(label_set of car)=1",
        "count(annotator of car)<2",
        "class:?",
        "timeofday=night",
        "metadata.timeofday!=day",
        "metadata.*=night",
        "sky=fog",
        "sky contains rain",
        "metadata.sky not in (fog)",
        "any(sky) contains o",
        "all(sky) in (fog, rain)",
        "none(metadata.sky)~^f",
        "sky missing",
        "has:timeofday",
    ]
)


def _predicates(corpus: Corpus) -> st.SearchStrategy[str]:
    paths = sorted({row["path"] for row in corpus.tables["attribute_values"]})
    if not paths:
        return st.one_of(_CLASSES, _COLUMNS)
    path = st.sampled_from(paths).flatmap(lambda text: st.sampled_from([f"attributes.{text}", f'"{text}"']))
    value = st.one_of(
        st.sampled_from([text for text in TEXTS if text]),
        st.sampled_from(NUMBERS).map(str),
        st.sampled_from(['"0.5"', '""', "s*", "*_b", "5*", "2026", "2026-03", "2026-03-11"]),
    )
    operator = st.sampled_from(["=", "!=", ":", "<", "<=", ">", ">="])
    attribute = st.builds("{}{}{}".format, path, operator, value)
    has = st.sampled_from(paths).flatmap(lambda text: st.sampled_from([f'has:"{text}"', f'"{text}" exists']))
    missing = st.sampled_from(paths).map(lambda text: f'missing:"{text}"')
    listed = st.builds(
        '"{}" {} (slate, "0.5", 1, t*)'.format, st.sampled_from(paths), st.sampled_from(["in", "not in"])
    )
    contains = st.builds(
        '{}"{}" contains {}'.format,
        st.sampled_from(["", "NOT "]),
        st.sampled_from(paths),
        st.sampled_from(["la", "slate", "1"]),
    )
    between = st.builds("[{0}>{1} {0}<={2}]".format, path, st.sampled_from(NUMBERS), st.sampled_from(NUMBERS))
    choices = (attribute, has, missing, listed, contains, between, *_of_lists(paths))
    return st.one_of(_CLASSES, _COLUMNS, *choices)


_BEHIND = st.one_of(
    st.builds(
        "{}{}".format, st.sampled_from(["=", "!=", "<", ">="]), st.sampled_from([*TEXTS[:4], "1", "t*"])
    ),
    st.sampled_from([' in (slate, "0.5", 1)', " not in (slate, 1, 2026-03)", " contains la", '~"^s"']),
)
_LENGTH = st.sampled_from(["=0", "=1", "!=1", "<2", ">=1", " in (0, 2)", " not in (1, 2)"])


def _of_lists(paths: list[str]) -> list[st.SearchStrategy[str]]:
    """Conditions on elements of lists, those of lists of objects among them, and on lengths."""
    quantified = st.builds("{}({{}}){}".format, st.sampled_from(["any", "all", "none"]), _BEHIND)
    lists = sorted({path[: path.index("[]")] for path in paths if "[]" in path})
    below = [tuple(path.split("[].", 1)) for path in paths if path.count("[].") == 1]
    found = [st.builds(lambda text, path: text.format(f'"{path}"'), quantified, st.sampled_from(paths))]
    if lists:
        found.append(st.builds('length("{}"){}'.format, st.sampled_from(lists), _LENGTH))
    if below:
        plain = st.builds("{{}}{}".format, _BEHIND)
        has = st.sampled_from(["has:{}", "missing:{}", "{} exists", "{} missing"])
        one = st.builds("{}{}".format, st.sampled_from(["", "NOT "]), st.one_of(plain, quantified, has))
        found.append(st.builds(_of_element, st.sampled_from(below), one))
    return found


def _of_element(path: tuple[str, ...], condition: str) -> str:
    text = condition.format(f'"{path[1]}"')
    return f'"{path[0]}"{{{text}}}'
