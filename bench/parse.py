"""What DuckDB's own `read_json` needs for a label file: a process that parses it into a table, and ends."""

from __future__ import annotations

import sys

import duckdb

duckdb.connect().execute(
    "CREATE TABLE parsed AS FROM read_json(?, maximum_object_size = 2000000000)", [sys.argv[1]]
)
