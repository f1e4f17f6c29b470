"""What cursors show of assets that are one picture under several addresses: one asset, or each address by itself.

The stored rows stay as they are: which asset stands for which others is looked up in the small table `copies` while
they are read. Where there are no copies, nothing is looked up.
"""

from __future__ import annotations

from datacat.model.schemas import ADDRESSES, TABLES

OF_ASSETS = ("annotations", "attribute_values", "label_set_assets", "coverage", "metadata_values", "rejects")
"""Kinds that say something of assets."""


def shown(kind: str, rows: str, *, copied: str | None) -> str:
    """What a cursor shows of a kind of `OF_ASSETS`, or of `assets`: one picture once, whatever its addresses.

    Args:
        kind: of `TABLES`.
        rows: a SELECT of it as it is stored.
        copied: a SELECT of `copies`; None: there are none, or every address is shown as an asset of its own.
    """
    if kind == "assets":
        return rows if copied is None else f"SELECT r.* FROM ({rows}) r ANTI JOIN ({copied}) c USING (asset)"  # noqa: S608
    if kind not in OF_ASSETS:
        return rows
    if copied is None:
        return f"SELECT *, asset AS address FROM ({rows})"  # noqa: S608 - our own words
    columns = ", ".join(f'r."{name}"' for name in TABLES[kind].names if name != "asset")
    return (
        f"SELECT coalesce(c.content, r.asset) AS asset, {columns}, r.asset AS address "  # noqa: S608 - our own words
        f"FROM ({rows}) r LEFT JOIN ({copied}) c ON c.asset = r.asset"
    )


VIEWS = ("addresses", "other_addresses")
"""What cursors show beside the tables, with the columns `ADDRESSES`."""


def addresses(assets: str, *, copied: str | None) -> str:
    """The SELECT of the view `addresses`; arguments as for `other_addresses`."""
    columns = "a.asset AS address, a.uri, a.media, a.modified, a.first_seen"
    if copied is None:
        return f"SELECT a.asset, {columns} FROM ({assets}) a"  # noqa: S608 - our own words
    return (
        f"SELECT coalesce(c.content, a.asset) AS asset, {columns} "  # noqa: S608 - our own words
        f"FROM ({assets}) a LEFT JOIN ({copied}) c ON c.asset = a.asset"
    )


def other_addresses(assets: str, *, copied: str | None) -> str:
    """The SELECT of the view `other_addresses`.

    Args:
        assets: a SELECT of them as they are stored.
        copied: as for `shown`.
    """
    if copied is None:
        typed = ", ".join(f'NULL::{type_} AS "{name}"' for name, type_ in ADDRESSES.items())
        return f"SELECT {typed} WHERE false"
    return (
        "SELECT c.content AS asset, c.asset AS address, a.uri, a.media, a.modified, a.first_seen "  # noqa: S608 - our own words
        f"FROM ({copied}) c JOIN ({assets}) a ON a.asset = c.asset"
    )
