"""SQL of analysts over documented views, behind three fences: a sandbox, DuckDB's settings, an allow-list."""

from datacat.sandbox.result import SqlResult
from datacat.sandbox.run import run_sql
from datacat.sandbox.views import VIEWS, View

__all__ = ["VIEWS", "SqlResult", "View", "run_sql"]
