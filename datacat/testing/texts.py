"""Hypothesis strategies for the text of queries, as far as the grammar goes: names need not exist."""

from __future__ import annotations

from hypothesis import strategies as st

_WORDS = st.sampled_from(
    ["roof", "traffic light", "cars", "left", "contains", "track", "in", "roof*", "Dach", "a.b", "7"]
)
_PATHS = st.sampled_from(
    ["color", "door.state", "doors[].side", "*.name", "class", '"roof type"', "tags[]", "created"]
)
_VALUES = st.sampled_from(
    ["red", "5", "-0.5", "10%", "50px", "2.5GiB", '"5"', '"a \\" b"', "sl*", "2026-01", "a,b", "?"]
)
_OPERATORS = st.sampled_from(["=", "!=", "<", "<=", ">", ">=", ":", "~", "=="])
_COMPARED = st.builds("{}{}{}".format, _PATHS, _OPERATORS, _VALUES)
_ITEMS = st.lists(st.sampled_from(["red", "5", '"dark blue"', "x*"]), min_size=1, max_size=3)
_LISTED = st.builds(
    "{} {} ({})".format, _PATHS, st.sampled_from(["in", "not in", "IN"]), _ITEMS.map(", ".join)
)
_QUANTIFIED = st.builds(
    "{}({}){}".format,
    st.sampled_from(["any", "all", "none"]),
    _PATHS,
    st.sampled_from(
        ["=open", ">5", '~"^a"', " in (open, 5)", " not in (open)", " contains pe", ' contains "a b"']
    ),
)
_LENGTHS = st.sampled_from(["length(doors)>=2", "length(doors) in (2, 3)", "length(doors) not in (2)"])
_HAS = st.sampled_from(["has:doors[].side", "missing:tags[]", "has:color"])
_PHRASES = st.sampled_from(
    ["color exists", "color missing", "tags contains rust", 'tags contains "a b"', '"roof type" missing']
)
_SIMPLE = st.one_of(_WORDS, _COMPARED, _LISTED, _QUANTIFIED, _LENGTHS, _HAS, st.just("track length>30"))


def texts(*, depth: int = 2) -> st.SearchStrategy[str]:
    """Queries that can be parsed."""
    if depth == 0:
        return st.one_of(_SIMPLE, st.just('"red tiles"'), st.just('"red tiles"^-0.5'), st.just("class:roof"))
    inner, inside = texts(depth=depth - 1), _inside(depth=depth - 1)
    return st.one_of(
        inner,
        st.builds("{} {}".format, inner, inner),
        st.builds("{} AND {}".format, inner, inner),
        st.builds("{} OR {}".format, inner, inner),
        st.builds("({})".format, inner),
        st.builds("NOT {}".format, inner),
        st.builds("-({})".format, inner),
        st.builds("?({})".format, inner),
        st.builds("roof[{}]".format, inside),
        st.builds("class:roof[{}]".format, inside),
        st.builds("[{}]".format, inside),
        st.builds("count({})>=3".format, inside),
        st.builds("count({} across teams)>=3".format, inside),
        st.builds("person near:{}<50px".format, st.sampled_from(["bicycle", "traffic-light"])),
    )


def _inside(*, depth: int) -> st.SearchStrategy[str]:
    simple = st.one_of(_SIMPLE, _PHRASES)
    if depth == 0:
        return simple
    inner = _inside(depth=depth - 1)
    return st.one_of(
        simple,
        st.builds("{} {}".format, inner, inner),
        st.builds("{} OR ({})".format, inner, inner),
        st.builds("NOT ({})".format, inner),
        st.builds("doors[].{{{}}}".format, inner),
        st.builds("iou({})>0.3".format, inner),
        st.builds("left_of({})".format, inner),
        st.just("inside:parking-lot"),
        st.just('near:"a b"<5px'),
    )
