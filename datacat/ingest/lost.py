"""Label files that had more annotations than they give now, and are damaged: they were not taken out of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import duckdb

from datacat.errors import LabelsLost
from datacat.ingest.batches import DAMAGES
from datacat.ingest.format import FileFacts
from datacat.ingest.pipeline import Staged
from datacat.model.positions import first
from datacat.model.schemas import STAGED

_TOLD = 5
_EMPTY = "empty, and no picture"
# A file that is damaged, or gives rejects and nothing else; with how many annotations it gives, and what is wrong.
_BROKEN = f"""
    SELECT file, coalesce(kept.n, 0), coalesce(damaged.reason, rejected.reason)
    FROM (SELECT file, min(reason) AS reason FROM damages GROUP BY file) damaged
    FULL JOIN (SELECT file, {first("reason")} AS reason FROM rejects GROUP BY file) rejected USING (file)
    LEFT JOIN (SELECT file, count(*) AS n FROM annotations GROUP BY file) kept USING (file)
    WHERE damaged.reason IS NOT NULL OR kept.n IS NULL ORDER BY file
"""  # noqa: S608 - our own words


@dataclass(frozen=True, slots=True)
class Damage:
    """What is wrong with a label file, as the end of a sentence, and how many annotations it gives all the same."""

    why: str
    left: int = 0


def damaged_files(staged: Staged, known_files: Mapping[str, FileFacts]) -> dict[str, Damage]:
    """Label files that are damaged, that give rejects alone, or are none any more though they are there.

    An emptied file of a picture that is gone is no damage, nor is one that another format was asked for. Nor is a
    file with a record that is wrong among others: that is a reject.

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
            found[uri] = Damage(f"is no label file that can be read ({skipped[uri]})")
    for number, left, reason in _broken(staged):
        found[staged.files[number].uri] = Damage(f"gives {f'{left:,}' if left else 'none'} ({reason})", left)
    return found


def refuse_lost_labels(damaged: Mapping[str, Damage], *, counts: Mapping[str, int], where: str) -> None:
    """Raises LabelsLost where a damaged label file had more annotations.

    Args:
        damaged: see `damaged_files`.
        counts: how many annotations label files had when they were read before, by URI.
        where: what is ingested.
    """
    lost = {uri: damage.why for uri, damage in sorted(damaged.items()) if counts.get(uri, 0) > damage.left}
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


def _broken(staged: Staged) -> list[tuple[int, int, str]]:
    """See `_BROKEN`."""
    if not staged.paths("rejects") and not staged.paths("damages"):
        return []
    database = duckdb.connect()
    for kind, schema in {**STAGED, "damages": DAMAGES}.items():
        if kind in ("annotations", "rejects", "damages"):
            paths = staged.paths(kind)
            rows = database.read_parquet(paths) if paths else database.from_arrow(schema.empty_table())
            rows.create_view(kind)
    return database.execute(_BROKEN).fetchall()
