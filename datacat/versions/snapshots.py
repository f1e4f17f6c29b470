"""The snapshots of a catalog, as `catalog.snapshots` hands them out."""

from __future__ import annotations

import dataclasses
import datetime
import functools
import hashlib
import importlib.metadata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa

from datacat.config import Settings
from datacat.errors import CommitConflict, NameInvalid, SnapshotNotFound, UsageError
from datacat.model.finding import Finding
from datacat.model.joining import Joining, JoiningChoice
from datacat.model.names import SnapshotName, checked_word
from datacat.model.snapshot import (
    MANIFEST,
    Definition,
    ExportReport,
    SplitRule,
    VerifyReport,
    class_indexes,
)
from datacat.places import author_of
from datacat.query.html import fields, snapshots_table
from datacat.sources.location import Location
from datacat.versions import export as exporting
from datacat.versions.check import check
from datacat.versions.class_names import Asked
from datacat.versions.class_order import ClassOrder
from datacat.versions.facts import check_snapshot
from datacat.versions.freeze import Selection, freeze
from datacat.versions.lake import Lake, SourcesOf
from datacat.versions.manifest import Contents, batches, file_of
from datacat.versions.pins import Pins
from datacat.versions.repair import RepairReport, repair
from datacat.versions.repository import Repository
from datacat.versions.share import Share
from datacat.versions.shelf import Shelf
from datacat.versions.survey import Survey
from datacat.versions.verify import CopiesOf, check_assets, check_usable, no_copies, with_copies

if TYPE_CHECKING:
    from datacat.versions.dataset import ImageDataset


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


class Snapshots:
    """The snapshots of the catalog at `root`."""

    def __init__(
        self,
        root: Location,
        settings: Settings,
        *,
        sources: SourcesOf | None = None,
        copies: CopiesOf = no_copies,
    ) -> None:
        """Nothing is read but files of `root`.

        Args:
            root: of the catalog.
            settings: of it.
            sources: where the sources of its newest state lie; below them alone pictures are read.
            copies: where else that knows pictures to be.
        """
        self._lake = Lake(settings, sources, copies)
        self._settings = settings
        self._root = root
        place = root.child("snapshots")
        folder, home = Path(place.path), None
        if root.is_s3:
            folder = settings.cache_path / "snapshots" / hashlib.sha256(root.uri.encode()).hexdigest()[:16]
            home = Share(place, settings)
        self._shelf = Shelf(
            folder, author=author_of(settings), pins=Pins(root, settings), settings=settings, home=home
        )
        self._repository = Repository(self._shelf)

    def create(
        self,
        name: str,
        *,
        cursor: duckdb.DuckDBPyConnection,
        selection: Selection,
        state: int,
        split: SplitRule | str = "",
        seed: str = "0",
        annotations: str = "matching",
        author: str = "",
        classes: Sequence[str] = (),
        joining: JoiningChoice | None = None,
        now: Callable[[], str] = _now,
    ) -> Snapshot:
        """Freezes `selection` as the next version of `name`; all or nothing.

        Where the latest version holds exactly the same, by the same `joining`, that is returned, with `is_new` False.

        Args:
            name: letters, digits, '.', '_' and '-'.
            cursor: the catalog at `state`; see `freeze`.
            selection: what was found there, and the question.
            state: the catalog's state.
            split: a rule, or its text as in "train=0.8,val=0.1,test=0.1"; "" puts everything into `all`.
            seed: of the split, where it is given as text.
            annotations: "matching" or "all"; see `freeze`.
            author: who freezes it; by default the setting `author`, git's user or the login name.
            classes: class names in the order of their indexes; what is not named comes behind, and classes of
                the version before keep theirs. By default new classes come behind in alphabetical order.
            joining: how what several label sets say becomes one; what is not chosen is as in the version before.
            now: tells the time, ISO 8601.

        Raises:
            UsageError: a name, split, policy, order of classes or joining that makes no sense, or nothing was found.
            CommitConflict: somebody froze a version with another joining meanwhile.
        """
        _check_name(name)
        rule = SplitRule.parse(split, seed=seed) if isinstance(split, str) else split
        latest = self._latest(name)
        asked = Asked(joining or {}, latest.joining if latest else Joining())

        def write(folder: Path) -> Contents:
            return freeze(cursor, selection, rule=rule, annotations=annotations, into=folder, joining=asked)

        draft = functools.partial(
            Definition,
            name=name,
            question=selection.question,
            state=state,
            split=rule,
            annotations=annotations,
            datacat=importlib.metadata.version("datacat"),
            author=author or author_of(self._settings),
            time=now(),
        )
        order = ClassOrder(tuple(classes), self._earlier_classes(latest))
        define = functools.partial(_defined, draft, order=order, joining=asked.before)
        definition, is_new = self._repository.add(name, write=write, define=define)
        if not is_new:
            order.check_kept(definition)
        return self._snapshot(definition, is_new=is_new)

    def list(self) -> tuple[Definition, ...]:
        """What is frozen, by name and version.

        Raises:
            SnapshotDamaged: there is one of which nobody can say what it is; `survey` has the others.
        """
        found = self.survey()
        lost = found.lost()
        if lost is not None:
            raise lost.error()
        return tuple(found.definitions.values())

    def survey(self) -> Survey:
        """What is frozen, and what of it is not as it was left."""
        return self._shelf.survey()

    def _repr_html_(self) -> str:
        return snapshots_table(self.survey())

    def repair(self) -> RepairReport:
        """Brings back what is lost of the snapshots from what is left; see `versions.repair`."""
        return repair(self._shelf)

    def read(self, name: str | SnapshotName) -> Snapshot:
        """The snapshot `name@version`; of `name` alone the latest version.

        Raises:
            SnapshotNotFound: there is none.
            SnapshotDamaged: nobody can say any more what it is.
        """
        wanted = name if isinstance(name, SnapshotName) or "@" not in name else SnapshotName.parse(name)
        survey = self.survey()
        for fault in survey.faults:
            if fault.is_lost and fault.name and wanted in (fault.name, fault.name.name):
                raise fault.error()
        known = list(survey.definitions.values())
        found = [item for item in known if wanted in (item.snapshot, item.name)]
        if not found:
            names = ", ".join(str(item.snapshot) for item in known[-20:])
            hint = (
                f"There are: {names}"
                if names
                else "None was frozen yet. To freeze one: datacat snapshot create NAME --query 'QUERY'"
            )
            raise SnapshotNotFound(f"no snapshot {name}", hint=hint)
        return self._snapshot(found[-1])

    def push(self, remote: str = "") -> tuple[str, ...]:
        """Sends all snapshots to `remote` (a folder or s3://…; by default the setting `dvc_remote`).

        Returns:
            Those that it did not have.

        Raises:
            SnapshotExists: it has other contents under the same name and version.
        """
        return tuple(map(str, self._repository.push(self._share(remote))))

    def pull(self, remote: str = "") -> tuple[str, ...]:
        """Takes in the snapshots of `remote` that are not here, and returns them.

        Raises:
            SnapshotExists: here are other contents under the same name and version.
            SnapshotError: nothing was ever pushed there.
        """
        return tuple(map(str, self._repository.pull(self._share(remote))))

    def check(
        self, *, has_state: Callable[[int], bool] | None = None, is_deep: bool = False
    ) -> Iterator[Finding]:
        """Compares what knows of snapshots with each other; see `versions.check`."""
        return check(self._shelf, has_state=has_state, is_deep=is_deep)

    def pinned_states(self) -> set[int]:
        """The states that a snapshot was taken of; of a pulled one, a state of the catalog it came from.

        Raises:
            SnapshotDamaged: snapshots cannot be read in full, so nobody can say which states they need.
        """
        found = self.survey()
        for fault in found.faults:
            if fault.is_lost or fault.name is None:
                raise fault.error()
        return {item.state for item in found.definitions.values()}

    def _latest(self, name: str) -> Definition | None:
        """What the latest version of `name` is."""
        return next((item for item in reversed(self.list()) if item.name == name), None)

    def _earlier_classes(self, latest: Definition | None) -> tuple[str, ...]:
        """The classes of the latest version by index; of one that kept none, as its exports number them."""
        if latest is None or latest.classes:
            return latest.classes if latest else ()
        return tuple(class_indexes(latest, _classes(self._shelf.manifest(latest))))

    def _snapshot(self, definition: Definition, *, is_new: bool = False) -> Snapshot:
        return Snapshot(definition, self._shelf, self._root, self._lake, is_new=is_new)

    def _share(self, remote: str) -> Share:
        chosen = remote or self._settings.dvc_remote
        if not chosen:
            raise UsageError("no remote is named", hint="Give --remote, or set dvc_remote in your settings.")
        return Share(Location.parse(chosen), self._settings)


@dataclass(frozen=True)
class Snapshot:
    """One frozen training set."""

    definition: Definition
    _shelf: Shelf
    _root: Location
    _lake: Lake
    is_new: bool = dataclasses.field(default=False, kw_only=True)

    @property
    def name(self) -> str:
        """`name@version`."""
        return str(self.definition.snapshot)

    def _repr_html_(self) -> str:
        return fields(self.name, self.summary().items())

    def summary(self) -> dict[str, Any]:
        """What it is: query, state, counts, split, digest."""
        return self.definition.summary()

    def assets(self, split: str | None = None) -> pa.RecordBatchReader:
        """The assets (of one split), with the schema `model.snapshot.MANIFEST["assets"]`, ordered by URI.

        Raises:
            UsageError: it has no such split.
        """
        rows = batches(self._folder(), "assets", split=self._known(split))
        return pa.RecordBatchReader.from_batches(MANIFEST["assets"], rows)

    def annotations(self) -> pa.RecordBatchReader:
        """The annotations, with the schema `model.snapshot.MANIFEST["annotations"]`, ordered by URI."""
        rows = batches(self._folder(), "annotations")
        return pa.RecordBatchReader.from_batches(MANIFEST["annotations"], rows)

    def file(self, table: str) -> Path:
        """The Parquet file of a table of the manifest, `assets` or `annotations`."""
        return file_of(self._folder(), table)

    def verify(self, *, quick: bool = False) -> VerifyReport:
        """Checks the manifest, then every asset's bytes (`quick`: only their sizes).

        A picture that is gone from its address is fine where the catalog knows another one with its bytes.

        Raises:
            SnapshotDamaged: the manifest itself is not what was frozen.
        """
        return self._checked(self._intact(), quick=quick)

    def checkout(self, folder: str | Path, *, force: bool = False) -> Path:
        """Writes manifest and definition.json into `folder`, which must be empty or not there (or `force`).

        Raises:
            SnapshotDamaged: the manifest is not what was frozen.
        """
        self.export(folder, format="parquet", force=force)
        return Path(folder)

    def export(
        self,
        folder: str | Path,
        *,
        format: str,  # noqa: A002 - the word that people know
        media: str = "",
        force: bool = False,
    ) -> ExportReport:
        """Writes it in a format that training code reads; all or nothing, and the same bytes every time.

        A picture that is gone from its address is copied or linked from another one where its bytes are.

        Args:
            folder: where to; must be empty or not there, unless `force` replaces it.
            format: "parquet", or any format of `datacat formats` that writes: coco, yolo.
            media: "reference" names the pictures where they lie, "copy" copies and "link" links them; by default
                "reference", but "link" for yolo, which looks for labels beside its pictures.
            force: replace `folder` whatever it holds, but for the lake, a catalog, and the folder that one works in.

        Raises:
            SnapshotDamaged: the manifest, or a picture to copy or link, is not what was frozen.
            PlaceRefused: a picture to copy or link lies outside of the places that are read.
            UsageError: no such format, or the folder is in use, or `force` may not replace it.
        """
        media = media or exporting.default_media(format)
        target = exporting.Target(Path(folder), format=format, media=media, force=force)
        source = self._intact()
        if media != "reference":  # which opens no picture
            elsewhere = self._located(source, quick=media == "link")
            target = dataclasses.replace(target, settings=self._lake.reading(), elsewhere=elsewhere)
        keep = exporting.Kept(self._root, self._lake.kept)
        return exporting.export(source, self.definition, target=target, keep=keep)

    def torch(
        self, split: str | None = None, *, transform: Callable[..., Any] | None = None, first_label: int = 1
    ) -> ImageDataset:
        """Its images (of one split) as a map-style dataset for torch's DataLoader; see `ImageDataset`.

        Args:
            split: of the snapshot; by default all of it.
            transform: makes of a picture (PIL, RGB) what the dataset gives; by default a tensor.
            first_label: the label of the class of index 0. torchvision's detection models need 1, as 0 is the
                background; classifiers and losses that count from 0 need 0.

        Raises:
            ExtraMissing: torch is not installed.
            UsageError: it has no such split.
            PlaceRefused: there are pictures that lie outside of the places that are read.
        """
        from datacat.versions.dataset import ImageDataset

        folder = self._folder()
        return ImageDataset(
            folder,
            name=self.name,
            split=self._known(split),
            transform=transform,
            settings=self._lake.reading(),
            classes=class_indexes(self.definition, _classes(folder)),
            first_label=first_label,
            copies=self._lake.copies,
        )

    def _folder(self) -> Path:
        return self._shelf.manifest(self.definition)

    def _intact(self) -> Path:
        folder = self._folder()
        check_snapshot(folder, self.definition)
        return folder

    def _checked(self, folder: Path, *, quick: bool) -> VerifyReport:
        """What became of the pictures, wherever their bytes are now."""
        settings, total = self._lake.reading(), self.definition.counts["assets"]
        found = check_assets(folder, total=total, settings=settings, quick=quick)
        return with_copies(folder, found, copies=self._lake.copies, settings=settings, quick=quick)

    def _located(self, folder: Path, *, quick: bool) -> dict[str, str]:
        """The pictures that are gone from their address, each with the one where their bytes are now.

        Raises:
            SnapshotDamaged: there is one whose bytes are nowhere.
            PlaceRefused: there is one that lies outside of the places that are read.
        """
        report = self._checked(folder, quick=quick)
        check_usable(report, name=self.name)
        return dict(report.elsewhere)

    def _known(self, split: str | None) -> str | None:
        names = [name for name, _ in self.definition.split.fractions]
        if split is not None and split not in names:
            raise UsageError(f"{self.name} has no split {split!r}", hint=f"It has: {', '.join(names)}.")
        return split


def _defined(
    draft: Callable[..., Definition],
    before: Definition | None,
    held: Contents,
    *,
    order: ClassOrder,
    joining: Joining,
) -> Definition:
    """The definition of the version after `before`, with the contents `held`, made as one after a `joining`.

    Raises:
        CommitConflict: `before` came in between, with another joining.
    """
    if before is not None and before.joining != joining:
        what = f"somebody froze {before.snapshot} meanwhile, with another joining"
        raise CommitConflict(what, hint="Try again.")
    return draft(
        version=before.version + 1 if before else 1,
        counts=held.counts,
        digest=held.digest,
        digests=held.digests,
        label_sets=held.label_sets,
        classes=order.of(before, held.classes),
        joining=held.joining,
        joined=held.joined,
    )


def _check_name(name: str) -> None:
    if ".." in checked_word(name, what="snapshot"):
        raise NameInvalid(f"{name!r} is no valid snapshot name", hint="git cannot hold '..' in a name.")


def _classes(folder: Path) -> Iterator[str | None]:
    """The classes of a manifest's annotations, each once or more."""
    for batch in batches(folder, "annotations"):
        yield from batch.column("class").unique().to_pylist()
