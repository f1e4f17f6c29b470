"""Ingest meets the tables: label files are staged, then linked in one commit."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from datacat.errors import UsageError
from datacat.ingest.format import FileFacts
from datacat.ingest.lost import damaged_files, refuse_lost_labels
from datacat.ingest.pipeline import IngestRequest, stage
from datacat.model.coverage import CoverageClaim
from datacat.model.names import LabelSetName
from datacat.model.report import IngestReport
from datacat.model.rights import RightsClaim
from datacat.sources.location import Location
from datacat.tables import State, Tables

_PREFIX = "datacat-ingest-"
_DAY_S = 86_400


def ingest(
    tables: Tables,
    place: Location,
    *,
    label_set: LabelSetName,
    media_root: Location | None,
    format: str,  # noqa: A002 - the word that people know
    author: str,
    message: str,
    claim: CoverageClaim | None = None,
    rights: RightsClaim | None = None,
    looks_again: bool = False,
) -> IngestReport:
    """Makes the label files at `place` the content of a label set; see `Catalog.ingest`."""
    newest, settings = tables.state(), tables.store.settings
    asked = IngestRequest(place, media_root, format, looks_again=looks_again)
    claim = claim or CoverageClaim()
    is_whole = claim.classes == "auto"  # what follows from a file is known while it is read
    incomplete = tables.incomplete_files(newest, label_set)
    known_files = _known_files(tables, newest, label_set=label_set, place=place)
    _forget_killed()
    with tempfile.TemporaryDirectory(prefix=f"{_PREFIX}{os.getpid()}-") as folder:
        staged = stage(
            replace(asked, incomplete=incomplete, is_whole=is_whole),
            into=Path(folder),
            known_files=known_files,
            known_media=tables.known_media(newest, below=_near(place, media_root)),
            settings=settings,
        )
        if damaged := damaged_files(staged, known_files):
            refuse_lost_labels(damaged, counts=tables.annotation_counts(newest, label_set), where=str(place))
        return tables.link(
            staged,
            label_set=label_set,
            location=place.uri,
            options={"media_root": media_root.uri} if media_root else {},
            claim=claim,
            rights=rights,
            author=author,
            message=message,
        )


def _forget_killed() -> None:
    """Removes what ingests that were killed a day ago had staged; it may be as large as their label files."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*-*"):
        pid = folder.name.removeprefix(_PREFIX).split("-")[0]
        try:
            is_old = (
                time.time() - folder.stat().st_mtime > _DAY_S
            )  # another container has processes of its own
            os.kill(int(pid), 0)
        except FileNotFoundError:
            continue
        except ProcessLookupError:
            if is_old:
                shutil.rmtree(folder, ignore_errors=True)
        except (ValueError, OverflowError, PermissionError):  # not ours, or somebody else's
            continue


def _known_files(
    tables: Tables, state: State, *, label_set: LabelSetName, place: Location
) -> dict[str, FileFacts]:
    """The label files that were read from `place` before, in the words of `ingest`."""
    below = place.uri.rstrip("/") + "/"
    return {
        uri: FileFacts(f.uri, f.size, f.etag, f.modified, f.digest, f.format)
        for uri, f in tables.known_files(state, label_set).items()
        if uri == place.uri or uri.startswith(below)
    }


def _near(place: Location, media_root: Location | None) -> tuple[Location, ...]:
    """Where the media of label files at `place` are looked for."""
    if media_root:
        return (place, media_root)
    is_file = "." in place.name
    return (place.parent, place.parent.parent.child("images")) if is_file else (place,)


def coverage_claim(
    *, covers: str | Sequence[str] | None, attributes: str | Sequence[str] | None, ontology: str | None
) -> CoverageClaim:
    """What a person says of coverage, see `Catalog.ingest`.

    Raises:
        UsageError: a text that is none of the words that are known.
    """
    if isinstance(covers, str) and covers not in ("all", "none", "auto"):
        raise UsageError(f"covers is {covers!r}", hint='Give "all", "none", "auto" or a list of class names.')
    if isinstance(attributes, str) and attributes != "none":
        raise UsageError(f"covers_attributes is {attributes!r}", hint='Give "none" or a list of paths.')
    classes: Any = covers if covers is None or isinstance(covers, str) else tuple(covers)
    paths = None if attributes is None else () if isinstance(attributes, str) else tuple(attributes)
    return CoverageClaim(classes, paths, ontology)
