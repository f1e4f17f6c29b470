"""`datacat ingest` in a process of its own, and what a catalog says in all."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

from datacat.catalog import Catalog
from datacat.sources.location import Location

# Everything that is said of everything, without numbers that only mean something within one catalog.
CONTENT = """
    SELECT uri, digest, s.team, s.name, class, geometry_type, x, y, w, h, n.attributes,
        (SELECT list_sort(list(path || '=' || text)) FROM attribute_values v WHERE v.annotation = n.annotation)
    FROM annotations n JOIN assets USING (asset) JOIN label_sets s USING (label_set) ORDER BY ALL
"""


def ingesting(
    lake: Path, root: Location, *, name: str = "roofs", media_root: Path | None = None
) -> subprocess.Popen[str]:
    """Starts `datacat ingest`, in a process group of its own."""
    command = [sys.executable, "-m", "datacat", "ingest", str(lake), "-C", str(root), "--json"]
    command += ["--team", "mapping", "--name", name]
    command += ["--media-root", str(media_root)] if media_root else []
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )


def completed(process: subprocess.Popen[str]) -> str:
    """Waits for its end, which must be a good one; what it printed."""
    out, err = process.communicate()
    assert process.returncode == 0, err
    return out


def content(catalog: Catalog) -> list[tuple[Any, ...]]:
    """All that a catalog says."""
    return catalog.cursor().execute(CONTENT).fetchall()


def errors(catalog: Catalog) -> list[str]:
    """What doctor says is wrong."""
    return [finding.text for finding in catalog.doctor() if finding.severity == "error"]
