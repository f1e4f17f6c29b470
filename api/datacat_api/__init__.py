"""The HTTP service over a catalog.

Factory: `uvicorn --factory datacat_api:create_app`, with the catalog in DATACAT_CATALOG; or `datacat serve`.
"""

from __future__ import annotations

from datacat_api.app import create_app

__all__ = ["create_app"]
