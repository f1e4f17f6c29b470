"""Where label files state another size of a picture than it has: boxes are then drawn on that size (`geometry.sized`).

Most catalogs have none, or few, and to find them every listing is joined to its picture (90 ms of 2 million
annotations, where all boxes of a class are measured in 20). So they are looked for once a state.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from datacat.query.compare import TRUE, Sql

_KEPT = 1_000  # so many are written into queries; more are found by each query anew
_COLUMNS = ("label_set", "source_file", "address", "across", "down")
_STATED = Sql("""
    SELECT label_set, source_file, address, max(struct_pack(across := l.width, down := l.height)) AS stated
    FROM (FROM label_set_assets WHERE {}) AS l JOIN (FROM assets WHERE {}) AS s USING (asset)
    WHERE l.width > 0 AND l.height > 0 AND (l.width <> s.width OR l.height <> s.height)
    GROUP BY ALL
""")


def stated_within(within: Sql) -> Sql:
    """A SELECT of label_set, source_file, address and the size that is stated there, which is not the picture's.

    Args:
        within: a condition on asset.
    """
    return _STATED.filled(within, within)


EVERY_STATED = stated_within(TRUE)
"""The same of all assets; right wherever nothing is known of them."""


LOOKED_FOR = Sql(
    "SELECT label_set, source_file, address, stated.across, stated.down FROM ({}) LIMIT ?", (_KEPT + 1,)
).filled(EVERY_STATED)
"""What `stated_of` wants to know of a state."""


LISTED = Sql(
    "SELECT asset, label_set, source_file, address, width, height FROM label_set_assets "
    "WHERE {} AND width > 0 AND height > 0"
)
"""What `stated_beside` wants to know of a few assets."""


def stated_beside(
    sizes: Mapping[int, tuple[int | None, int | None]], listed: Iterable[tuple[int, ...]]
) -> Sql | None:
    """As `stated_of`, of a few assets; a third of the time of looking for it in the query for their annotations.

    Args:
        sizes: of each of the assets.
        listed: rows of `LISTED`.
    """
    found = other_sizes(sizes, listed)
    return stated_of([(*place, *size) for place, size in found.items()])


def other_sizes(
    sizes: Mapping[int, tuple[int | None, int | None]], listed: Iterable[tuple[int, ...]]
) -> dict[tuple[int, ...], tuple[int, ...]]:
    """Label set, label file and address -> the size that is stated there; arguments as of `stated_beside`."""
    found: dict[tuple[int, ...], tuple[int, ...]] = {}
    for asset, label_set, source_file, address, *size in listed:
        if any(own not in (None, said) for own, said in zip(sizes.get(asset, ()), size, strict=False)):
            place = (label_set, source_file, address)
            found[place] = max(found.get(place, ()), tuple(size))
    return found


def stated_of(found: Sequence[tuple[int, ...]]) -> Sql | None:
    """As `EVERY_STATED`, of the state of which `found` are the rows of `LOOKED_FOR`; None where there are none."""
    if not found:
        return None
    if len(found) > _KEPT:
        return EVERY_STATED
    columns = ", ".join(f"unnest(?::BIGINT[]) AS {name}" for name in _COLUMNS)
    return Sql(
        "SELECT label_set, source_file, address, struct_pack(across := across, down := down) AS stated "  # noqa: S608
        f"FROM (SELECT {columns})",
        tuple([row[place] for row in found] for place in range(len(_COLUMNS))),
    )
