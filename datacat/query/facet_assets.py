"""Facets of facts about assets, and of times: by day, month or year."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from datacat.query.compare import Sql, joined
from datacat.query.counted import Counted
from datacat.query.facets import Bucket, Facet
from datacat.query.run import rows

_MOST_PERIODS = 24
_PERIODS = {"day": "%Y-%m-%d", "month": "%Y-%m", "year": "%Y"}
# What is read of the tables that have facts of assets; an asset may be in several rows, with one value or with several.
_READ = {"assets": "media, captured", "label_set_assets": "label_set, split, captured"}
_VALUES = {"media": "assets", "split": "label_set_assets"}


def asset_facets(counted: Counted, *, names: Sequence[str], limit: int) -> list[Facet]:
    """Those of `OF_ASSETS` that are asked for and that some asset has a value of."""
    if not names:
        return []
    known = {table: _known(counted, table) for table in _READ}
    found = [
        _values(counted, name, known=known[_VALUES[name]], limit=limit) for name in names if name in _VALUES
    ]
    if "source" in names:
        found.append(_sources(counted, known=known["label_set_assets"], limit=limit))
    if "captured" in names:
        # What a label file says of it counts as well as what EXIF says.
        times = "SELECT captured AS time, place FROM {} WHERE captured IS NOT NULL"
        either = joined(" UNION ALL ", [Sql(times).filled(table) for table in known.values()])
        found.append(times_facet(counted, "captured", times=either, total=None))
    return [facet for facet in found if facet is not None]


def _known(counted: Counted, table: str) -> Sql:
    """The facts of the matching assets: of chosen ones a table, which is looked for once."""
    found = counted.of_assets(Sql(table), _READ[table])
    return Sql("({})").filled(found) if counted.is_direct else counted.table(f"of_{table}", found)


def _values(counted: Counted, name: str, *, known: Sql, limit: int) -> Facet | None:
    given = Sql(f"SELECT {name} AS value, place FROM {{}} WHERE {name} IS NOT NULL").filled(known)
    ((groups,),) = rows(counted.cursor, Sql("SELECT count(DISTINCT value) FROM ({})").filled(given))
    if not groups:
        return None
    query = Sql(
        f"SELECT value, {counted.different(groups + 1)} AS n FROM ({{}}) "
        "GROUP BY GROUPING SETS ((value), ()) ORDER BY n DESC, value"
    )
    return _facet(counted, name, rows(counted.cursor, query.filled(given)), limit=limit)


def _sources(counted: Counted, *, known: Sql, limit: int) -> Facet | None:
    """By label set first: few of them, where a join would read the location for each asset."""
    ((groups,),) = rows(counted.cursor, Sql("SELECT count(DISTINCT label_set) FROM sources"))
    if counted.fits(groups + 1):
        template = (
            f"SELECT location AS value, bit_count(bit_or(bits)) AS n FROM (SELECT label_set, {counted.bits} AS bits "
            "FROM {} GROUP BY label_set) JOIN (SELECT DISTINCT label_set, location FROM sources) USING (label_set) "
        )
    else:
        template = (
            "SELECT location AS value, count(DISTINCT place) AS n FROM {} JOIN sources USING (label_set) "
        )
    query = Sql(template + "GROUP BY GROUPING SETS ((location), ()) ORDER BY n DESC, value").filled(known)
    return _facet(counted, "source", rows(counted.cursor, query), limit=limit)


def _facet(counted: Counted, name: str, found: Sequence[tuple[Any, ...]], *, limit: int) -> Facet | None:
    """Of value and assets, the commonest first; the row without a value has how many assets have any."""
    values = [Bucket(value, None, number) for value, number in found if value is not None]
    if not values:
        return None
    having = next(number for value, number in found if value is None)
    other = sum(bucket.assets for bucket in values[limit:])
    return Facet(name, tuple(values[:limit]), (), len(values), other, counted.asset_count - having)


def times_facet(counted: Counted, name: str, *, times: Sql, total: int | None) -> Facet | None:
    """The times in bins: days, months or years, whichever are two dozen at most (years, where none is).

    Args:
        counted: what counts.
        name: of the facet.
        times: a SELECT of time and place, without nulls.
        total: annotations, of which each has a row or none; None: assets are counted.
    """
    # Without a time zone, so that days are those of UTC whatever the connection's is.
    known = counted.table(
        f"times_{name}", Sql("SELECT make_timestamp(epoch_us(time)) AS time, place FROM ({})").filled(times)
    )
    lengths = ", ".join(f"date_diff('{period}', min(time), max(time))" for period in _PERIODS)
    query = Sql(f"SELECT {lengths}, count(*), count(DISTINCT place) FROM {{}}").filled(known)
    ((*spans, number, placed),) = rows(counted.cursor, query)
    if not number:
        return None
    period = next((p for p, span in zip(_PERIODS, spans, strict=True) if span < _MOST_PERIODS), "year")
    query = Sql(
        f"SELECT date_trunc('{period}', time) AS start, strftime(start, '{_PERIODS[period]}'), "
        "count(*), count(DISTINCT place) FROM {} GROUP BY ALL ORDER BY start"
    )
    found = rows(counted.cursor, query.filled(known))
    bins = tuple(Bucket(value, None if total is None else n, assets) for _, value, n, assets in found)
    missing = counted.asset_count - placed if total is None else total - number
    return Facet(name, (), bins, 0, 0, missing)
