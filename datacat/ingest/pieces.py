"""What several records of one label file say of one asset: each record may say a piece of it, in any order."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb

from datacat.model.positions import IN_ORDER
from datacat.model.schemas import STAGED

_DOUBLE = "SELECT file, key FROM listed GROUP BY file, key HAVING count(*) > 1 ORDER BY ALL"
_NUMBERED = f"SELECT *, row_number() OVER (PARTITION BY file, key ORDER BY {IN_ORDER}) AS place FROM listed"  # noqa: S608 - our own words
# Width and height are one fact, so they come from one record that has both, if there is one. Time and place of a
# picture are read out of its metadata, so they come from the same record.
_JOINED = f"""
    SELECT file, key, arg_min(uri, place) AS uri, arg_min(position, place) AS position,
        arg_min({{'width': width, 'height': height}}, place) FILTER (width IS NOT NULL AND height IS NOT NULL) AS size,
        arg_min(width, place) FILTER (width IS NOT NULL) AS width,
        arg_min(height, place) FILTER (height IS NOT NULL) AS height,
        arg_min(split, place) FILTER (split IS NOT NULL) AS split,
        arg_min({{'metadata': metadata, 'captured': captured, 'latitude': latitude, 'longitude': longitude}}, place)
            FILTER (metadata IS NOT NULL) AS said
    FROM ({_NUMBERED}) GROUP BY file, key
"""  # noqa: S608 - our own words
_OF_METADATA = ("metadata", "captured", "latitude", "longitude")
_SIDES = ("width", "height")
_DIFFERING = """
    SELECT count(*) FILTER (widths > 1 OR heights > 1), count(*) FILTER (splits > 1), count(*) FILTER (metadata > 1)
    FROM (SELECT count(DISTINCT width) AS widths, count(DISTINCT height) AS heights,
            count(DISTINCT split) AS splits, count(DISTINCT metadata) AS metadata
        FROM listed GROUP BY file, key)
"""
_FACTS = ("sizes", "splits", "metadata")


class Pieces:
    """The pieces among the staged rows of `db`, which has them as the view `listed`."""

    def __init__(self, db: duckdb.DuckDBPyConnection) -> None:
        self._db = db
        self.double: list[tuple[int, str]] = db.execute(_DOUBLE).fetchall()

    def notes(self) -> Iterator[tuple[str, int]]:
        """What records say differently of one asset, and of how many assets."""
        (counts,) = self._db.execute(_DIFFERING).fetchall()
        for fact, count in zip(_FACTS, counts, strict=True):
            if count:
                yield (
                    f"an asset of which several records of a file say different {fact}: the first counts",
                    count,
                )

    def joined(self) -> str:
        """The query that gives `listed` with one row for each asset of a file: of each fact, what was said first."""
        of_pairs = {name: f"said.{name}" for name in _OF_METADATA}
        of_pairs |= {name: f"coalesce(size.{name}, {name})" for name in _SIDES}
        columns = ", ".join(f"{of_pairs.get(name, name)} AS {name}" for name in STAGED["listed"].names)
        return f"SELECT {columns} FROM ({_JOINED})"  # noqa: S608 - our own words
