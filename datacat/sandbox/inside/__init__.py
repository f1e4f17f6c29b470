"""What runs inside the sandbox: these files, Python's own library, DuckDB and Arrow; nothing else of datacat."""
