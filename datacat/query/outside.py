"""Conditions on assets that neither their row nor an annotation answers: place, source, snapshot, history."""

from __future__ import annotations

from datacat.query import meaning as m
from datacat.query.compare import Sql, column_compares, joined, number_compares
from datacat.query.tree import OPPOSITE, Operator
from datacat.sources.location import as_pattern

_BELOW = (Operator.LESS, Operator.AT_MOST)  # what the least of some pairs tells, whatever the others would
_EARTH_KM = 6371.0088  # mean radius, as in the haversine formula
PLACES = """
    SELECT asset, latitude, longitude FROM assets WHERE latitude IS NOT NULL
    UNION ALL SELECT asset, latitude, longitude FROM label_set_assets WHERE latitude IS NOT NULL
"""
_DISTANCE_KM = (
    f"2 * {_EARTH_KM} * asin(least(1, sqrt(power(sin(radians(latitude - ?) / 2), 2) + "
    "cos(radians(?)) * cos(radians(latitude)) * power(sin(radians(longitude - ?) / 2), 2))))"
)
# Whether a ray from the place to the north crosses an edge.
_CROSSES = (
    "(((? > longitude) <> (? > longitude)) AND latitude < (? - ?) * (longitude - ?) / (? - ?) + ?)::INT"
)
_SOURCES = """
    SELECT asset FROM label_set_assets JOIN source_files USING (label_set, source_file) WHERE {}
    UNION ALL
    SELECT asset FROM label_set_assets JOIN sources USING (label_set) WHERE {}
"""


def assets(node: m.Meaning) -> Sql:
    """A SELECT of the assets for which it holds."""
    match node:
        case m.Within():
            return Sql(f"SELECT asset FROM ({PLACES}) WHERE {{}}").filled(_within(node))  # noqa: S608 - our own words
        case m.FromSource(operator=operator, value=value):
            return _from_source(operator, value)
        case m.InFiles(files=files):
            return Sql(
                "SELECT asset FROM addresses WHERE uri IN (SELECT uri FROM read_parquet(?))",
                ([as_pattern(str(path)) for path in files],),
            )
        case m.ChangedSince(assets=changed):
            return changed
        case m.AgreementIs():
            known = "true" if node.operator in _BELOW else "is_whole"
            return Sql(f"SELECT asset FROM ({{}}) WHERE {known} AND {{}}").filled(  # noqa: S608 - our own words
                node.measured, number_compares(node.measure, node.operator, number=node.number)
            )
    raise AssertionError(node)


def denied(node: m.AgreementIs) -> Sql:
    """A SELECT of the assets that are known not to agree so; where nothing is compared, nobody can say."""
    holds = number_compares(node.measure, node.operator, number=node.number)
    known = f"{node.measure} IS NOT NULL" + ("" if OPPOSITE[node.operator] in _BELOW else " AND is_whole")
    template = Sql(f"SELECT asset FROM ({{}}) WHERE {known} AND ({{}}) IS NOT TRUE")  # noqa: S608 - our own words
    return template.filled(node.measured, holds)


def _within(node: m.Within) -> Sql:
    if node.km is not None:
        ((latitude, longitude),) = node.corners
        return Sql(f"{_DISTANCE_KM} <= ?", (latitude, latitude, longitude, node.km))
    edges = []
    for (lat1, lon1), (lat2, lon2) in zip(node.corners, (*node.corners[1:], node.corners[0]), strict=True):
        if lon1 != lon2:
            edges.append(Sql(_CROSSES, (lon1, lon2, lat2, lat1, lon1, lon2, lon1, lat1)))
    return Sql("({}) % 2 = 1").filled(joined(" + ", edges) if edges else Sql("0"))


def _from_source(operator: Operator, value: m.Value) -> Sql:
    """Like `uri:`, a source is named whole, by a pattern, or by a folder above it."""
    if operator is Operator.MATCHES:
        files, places = (column_compares(name, operator, values=[value]) for name in ("uri", "location"))
    else:
        files, places = _below("uri", value), _below("location", value)
    found = Sql(_SOURCES).filled(files, places)
    if operator is Operator.UNEQUAL:
        return Sql("SELECT asset FROM assets WHERE asset NOT IN ({})").filled(found)
    return found


def _below(column: str, value: m.Value) -> Sql:
    text = value.text.rstrip("/")
    same = column_compares(column, Operator.EQUAL, values=[m.Value(text, value.is_quoted)])
    if value.is_pattern:
        return same
    return Sql(
        f"({{}} OR starts_with({column}, ?) OR ends_with({column}, ?))", (text + "/", "/" + text)
    ).filled(same)
