"""datacat: the catalog and version control for training data.

import datacat
cat = datacat.open("demo")
cat.search("roof[material=slate]").to_pandas()
"""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from typing import TYPE_CHECKING, Any

from datacat.errors import DatacatError

if TYPE_CHECKING:
    from datacat.catalog import Catalog

__version__ = "0.1.0"
__all__ = ["Catalog", "DatacatError", "__version__", "init", "open", "query_from_json", "query_to_json"]


def open(place: str | PathLike[str] | None = None, *, at: int | None = None) -> Catalog:  # noqa: A001 - `datacat.open` is the API
    """Opens a catalog.

    Args:
        place: a folder or s3://bucket/prefix; None: DATACAT_CATALOG, datacat.toml, or the nearest folder upwards.
        at: a past state, as `datacat log` numbers them; None: the newest.

    Raises:
        CatalogNotFound: there is none.
        StateNotFound: it never had that state.
        SchemaMismatch: another version of datacat wrote it.
    """
    from datacat.catalog import Catalog

    return Catalog.open(place, at=at)


def init(place: str | PathLike[str] = ".") -> Catalog:
    """Makes a catalog in a folder or under s3://bucket/prefix and opens it.

    Raises:
        CatalogExists: there is one already.
        StorageUnsafe: the S3 server ignores conditional PUT.
    """
    from datacat.catalog import Catalog

    return Catalog.init(place)


def query_to_json(text: str) -> dict[str, Any]:
    """A query's text as the JSON of docs/reference/query-json.md. Names are not looked up.

    Raises:
        QueryError: it cannot be parsed.
    """
    from datacat.query.document import document_of

    return document_of(text)


def query_from_json(document: str | Mapping[str, Any]) -> str:
    """The strict text of a query that comes as such JSON, read already or not.

    Raises:
        UsageError: it is no such document; says at which place.
        QueryError: what it says makes no query.
    """
    from datacat.query.document import text_of, text_of_json

    return text_of_json(document) if isinstance(document, str) else text_of(document)


def __getattr__(name: str) -> Any:
    # The package's front door must not cost DuckDB and Arrow: `datacat --help` comes through here.
    if name == "Catalog":
        from datacat.catalog import Catalog

        return Catalog
    raise AttributeError(f"module 'datacat' has no attribute {name!r}")
