"""Label files that had annotations and now give none that can be read: damaged since, more likely than meant."""

from __future__ import annotations

from collections.abc import Mapping

import duckdb

from datacat.errors import LabelsLost
from datacat.ingest.format import FileFacts
from datacat.ingest.pipeline import Staged

_TOLD = 5
_EMPTY = "empty, and no picture"


def damaged_files(staged: Staged, known_files: Mapping[str, FileFacts]) -> dict[str, str]:
    """Label files that gave rejects and no annotation, or are label files no more though they are there; and why.

    An emptied file of a picture that is gone is no damage, nor is one that another format was asked for.

    Args:
        staged: what was read now.
        known_files: what the label set rested on before.
    """
    found = {}
    skipped = dict(staged.skipped)
    for uri in staged.gone:
        if (
            uri in skipped
            and known_files[uri].format == staged.format
            and not skipped[uri].startswith(_EMPTY)
        ):
            found[uri] = f"is no label file that can be read ({skipped[uri]})"
    for number, reason in _rejected(staged):
        found[staged.files[number].uri] = f"gives none ({reason})"
    return found


def refuse_lost_labels(damaged: Mapping[str, str], *, counts: Mapping[str, int], where: str) -> None:
    """Raises LabelsLost where a damaged label file had annotations.

    Args:
        damaged: see `damaged_files`.
        counts: how many annotations label files had when they were read before, by URI.
        where: what is ingested.
    """
    lost = {uri: why for uri, why in sorted(damaged.items()) if counts.get(uri)}
    if not lost:
        return
    told = [
        f"{uri.rsplit('/', 1)[-1]} had {counts[uri]:,} annotation{'s' * (counts[uri] > 1)}, and now {why}"
        for uri, why in list(lost.items())[:_TOLD]
    ]
    more = f"; and {len(lost) - _TOLD:,} more files" if len(lost) > _TOLD else ""
    raise LabelsLost(
        f"labels that were read before would be lost: {'; '.join(told)}{more}",
        where=where,
        hint="Nothing was committed. Put the file right and ingest again; if its labels are to go, move it away.",
    )


def _rejected(staged: Staged) -> list[tuple[int, str]]:
    """The numbers of files with rejects and without an annotation, and the reason of the first reject of each."""
    rejects, annotations = staged.paths("rejects"), staged.paths("annotations")
    if not rejects:
        return []
    database = duckdb.connect()
    database.read_parquet(rejects).create_view("rejects")
    understood = "WHERE file NOT IN (SELECT file FROM annotations)" if annotations else ""
    if annotations:
        database.read_parquet(annotations).create_view("annotations")
    return database.execute(
        f"SELECT file, arg_min(reason, position) FROM rejects {understood} GROUP BY file ORDER BY file"  # noqa: S608 - our own words
    ).fetchall()
