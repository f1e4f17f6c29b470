"""datacat: the catalog and version control for training data.

import datacat
cat = datacat.open("demo")
cat.search("roof[material=slate]").to_pandas()
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from datacat.errors import DatacatError

if TYPE_CHECKING:
    from datacat.catalog import Catalog

__version__ = "0.1.0"
__all__ = ["Catalog", "DatacatError", "__version__", "init", "open"]


def open(place: str | None = None, *, at: int | None = None) -> Catalog:  # noqa: A001 - `datacat.open` is the API
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


def init(place: str = ".") -> Catalog:
    """Makes a catalog in a folder or under s3://bucket/prefix and opens it.

    Raises:
        CatalogExists: there is one already.
        StorageUnsafe: the S3 server ignores conditional PUT.
    """
    from datacat.catalog import Catalog

    return Catalog.init(place)


def __getattr__(name: str) -> Any:
    # The package's front door must not cost DuckDB and Arrow: `datacat --help` comes through here.
    if name == "Catalog":
        from datacat.catalog import Catalog

        return Catalog
    raise AttributeError(f"module 'datacat' has no attribute {name!r}")
