"""A manifest becomes files that training code reads."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa

from datacat.config import Settings
from datacat.errors import DatacatError, LocationError, UsageError, cause_of
from datacat.ingest.export import LIES_AT, Losses, undescribed
from datacat.ingest.registry import formats
from datacat.model.snapshot import MANIFEST, Definition, Described, ExportReport, class_indexes
from datacat.sources.inside import any_leads_below
from datacat.sources.location import Location
from datacat.tables.tree import FOLDERS
from datacat.versions.drawn import on_pictures
from datacat.versions.manifest import batches, file_of

PARQUET = "parquet"  # the manifest itself
_CLASSES_NAMED = 10  # for which nobody looked, in the report
MEDIA_CHOICES = ("reference", "copy", "link")


class Writer(Protocol):
    """A format that can write."""

    def write(
        self,
        assets: pa.Table,
        annotations: pa.Table,
        folder: Path,
        *,
        media: str,
        settings: Settings | None,
        classes: Mapping[str, int],
    ) -> Sequence[str]:
        """Writes tables of the schemas `MANIFEST` into `folder`; returns what the format cannot hold.

        `classes` has the index from 0 of every class of the snapshot name, in the order of the indexes.
        Where the column `LIES_AT` stands beside those of the assets, a picture's bytes are there, if it is not null.
        Coordinates are of pictures as they are shown, turned as their EXIF says; with an attribute `keeps_stored`
        that is true, of a stored picture on which all was drawn, whose width and height are then given.
        One with an attribute `takes_described` that is true takes `described` too, a `Described`, and says
        itself what of that it cannot hold.
        """


@dataclass(frozen=True, slots=True)
class Target:
    """Where an export goes, and how.

    Attributes:
        elsewhere: pictures that are gone from their address, with the one where their bytes are.

    Raises:
        UsageError: no such way to treat media.
    """

    folder: Path
    format: str
    media: str
    force: bool = False
    settings: Settings | None = None
    elsewhere: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.media not in MEDIA_CHOICES:
            raise UsageError(f"no media choice {self.media!r}", hint=f"Known: {', '.join(MEDIA_CHOICES)}.")
        if self.format == PARQUET and self.media != "reference":
            raise UsageError(
                "Parquet names media where they lie", hint="Export as coco or yolo to copy or link them."
            )


@dataclass(frozen=True, slots=True)
class Kept:
    """What `Target.force` does not replace, beside the pictures of the manifest.

    Attributes:
        catalog: the root of it.
        lake: the places that the catalog was made of and reads; asked for only where a folder is to be replaced.
    """

    catalog: Location
    lake: Callable[[], Iterable[str]]


def export(source: Path, definition: Definition, *, target: Target, keep: Kept) -> ExportReport:
    """Writes the manifest in the folder `source` to `target`: all of it or nothing.

    Args:
        source: the folder of the manifest.
        definition: of the snapshot.
        target: where and how.
        keep: what must not be replaced: a folder that holds the catalog or a frozen picture, or that holds, or lies
            in, a part of the catalog or a place of the lake.

    Raises:
        UsageError: no such format, or the folder is in use, or must not be replaced.
        LocationError: the folder cannot be written.
    """
    writer = None if target.format == PARQUET else _writer(target.format)
    needed = getattr(writer, "needs_media", None)
    if needed and target.media == "reference":
        raise UsageError(
            f"{target.format} cannot name pictures where they lie: {needed}", hint="--media link, or copy."
        )
    folder = Path(os.path.abspath(target.folder))
    if not _is_free(folder):
        _check_replaceable(folder, source, target=target, keep=keep)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        staged = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    except OSError as error:
        raise LocationError(f"cannot be written: {cause_of(error)}", where=str(folder)) from error
    try:
        losses = _write(source, definition, folder=staged, writer=writer, target=target)
        staged.chmod(0o777 & ~_umask())
        files = sum(len(names) for _, _, names in os.walk(staged))
        _move(staged, folder)
    except OSError as error:
        if isinstance(error, DatacatError):
            raise
        raise LocationError(f"cannot be written: {cause_of(error)}", where=str(folder)) from error
    finally:
        shutil.rmtree(staged, ignore_errors=True)
    return ExportReport(str(definition.snapshot), target.format, str(folder), files, tuple(losses))


def default_media(format_name: str) -> str:
    """How a format treats media where nobody says it: where they lie, but for one whose readers would miss them."""
    return str(getattr(formats().get(format_name), "default_media", "reference"))


def _writer(name: str) -> Writer:
    known: dict[str, Any] = {key: found for key, found in formats().items() if found.writes}
    if name not in known:
        raise UsageError(f"no format {name!r} that can write", hint=f"Known: {', '.join([*known, PARQUET])}.")
    writer: Writer = known[name]
    return writer


def _is_free(folder: Path) -> bool:
    return not os.path.lexists(folder) or (folder.is_dir() and not any(folder.iterdir()))


def _check_replaceable(folder: Path, source: Path, *, target: Target, keep: Kept) -> None:
    """Raises UsageError unless `target.force` may replace a folder: one of no lake, no catalog, and nobody's home."""
    if not target.force:
        raise UsageError(f"{folder} is not empty", hint="Name another folder, or replace it with --force.")
    real = Path(os.path.realpath(folder))
    guarded = _local([str(Path.home()), str(Path.cwd()), str(keep.catalog)])
    parts = _local(str(keep.catalog.child(name)) for name in (*FOLDERS, "snapshots"))
    is_guarded = any(place.is_relative_to(real) for place in guarded)
    if not folder.is_dir() or is_guarded or any(real.is_relative_to(place) for place in parts):
        raise UsageError(f"{folder} cannot be replaced", hint="Name a folder of its own.")
    lake = _local(keep.lake())
    is_of_lake = any(place.is_relative_to(real) or real.is_relative_to(place) for place in lake)
    pictures = (uri for batch in batches(source, "assets") for uri in batch.column("uri").to_pylist())
    if is_of_lake or any_leads_below(pictures, str(real)):
        what = f"{folder} cannot be replaced: it holds, or lies in, what the catalog was made of"
        raise UsageError(what, hint="Name a folder outside of the lake.")


def _local(places: Iterable[str]) -> list[Path]:
    return [Path(os.path.realpath(place)) for place in places if not place.startswith("s3://")]


def _write(
    source: Path, definition: Definition, *, folder: Path, writer: Writer | None, target: Target
) -> Sequence[str]:
    if writer is not None:
        assets, annotations = (_table(source, name) for name in ("assets", "annotations"))
        keeps_stored = getattr(writer, "keeps_stored", False)
        assets, annotations, losses = on_pictures(assets, annotations, keeps_stored=keeps_stored)
        if target.elsewhere:
            places = [target.elsewhere.get(uri) for uri in assets.column("uri").to_pylist()]
            assets = assets.append_column(LIES_AT, pa.array(places, pa.string()))
        classes = class_indexes(definition, annotations.column("class").unique().to_pylist())
        described = Described(definition.label_sets, is_whole=definition.annotations == "all")
        takes = getattr(writer, "takes_described", False)
        more: dict[str, Any] = {"described": described} if takes else {}
        written = writer.write(
            assets, annotations, folder, media=target.media, settings=target.settings, classes=classes, **more
        )
        told = [*written, *losses, *_unlooked(definition)]
        return told if takes else [*told, *undescribed(assets, described)]
    for table in MANIFEST:
        shutil.copyfile(file_of(source, table), file_of(folder, table))
    (folder / "definition.json").write_text(definition.to_json(), "utf-8")
    return ()


def _unlooked(definition: Definition) -> list[str]:
    """That what no label says is not known to be absent; the classes with most such assets, one a line."""
    found = list(definition.unlooked.items())
    losses = Losses()
    for name, count in found[:_CLASSES_NAMED]:
        losses.add(f"assets on which nobody looked for `{name}`, which would seem absent", count)
    losses.add(
        "more classes for which nobody looked on some assets, where they would seem absent",
        len(found[_CLASSES_NAMED:]),
    )
    return losses.lines()


def _table(source: Path, name: str) -> pa.Table:
    return pa.Table.from_batches(batches(source, name), schema=MANIFEST[name])


def _move(staged: Path, folder: Path) -> None:
    """Puts `staged` in the place of `folder`, which is replaced in one step where there is something."""
    if not os.path.lexists(folder) or not any(folder.iterdir()):
        staged.replace(folder)
        return
    aside = Path(tempfile.mkdtemp(prefix=f".{folder.name}.old.", dir=folder.parent))
    folder.replace(aside)
    try:
        staged.replace(folder)
    except OSError:
        aside.replace(folder)
        raise
    shutil.rmtree(aside)


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
