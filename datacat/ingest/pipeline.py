"""Label files become a `Staged`: a folder of Parquet files with the schemas `model.schemas.STAGED`.

listing -> recognise -> plan -> tasks in a process pool -> match assets -> look at media
"""

from __future__ import annotations

import os
import posixpath
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from datacat.config import Settings
from datacat.errors import FormatError, LocationError
from datacat.ingest.batches import WHOLE, parquet_writer, table
from datacat.ingest.census import Census
from datacat.ingest.format import Dataset, FileFacts, Plan, Sample
from datacat.ingest.lake_media import Around, beside, known_size, media_of, write_media
from datacat.ingest.matching import Lake
from datacat.ingest.refused import part_refused
from datacat.ingest.registry import Recognised, recognise
from datacat.ingest.tasks import Job, Reader
from datacat.ingest.unread import ENDINGS
from datacat.model.report import Tally
from datacat.model.schemas import NO_LABEL_FILE
from datacat.sources.changes import is_same
from datacat.sources.inside import limited
from datacat.sources.listing import Entry, look_over
from datacat.sources.location import Location
from datacat.sources.media import MediaFacts, media_kind
from datacat.sources.reading import encoding_mark, read_bytes, sha256

_HEAD = 64 << 10
_KEY = "0"  # of the one picture of a label file
_LOOSE = ("file", "key", "uri", "split", "position")
_CANDIDATES = (
    *(".json", ".jsonl", ".ndjson", ".txt", ".xml", ".yaml", ".yml", ".names", ".data", ".parquet"),
    ".csv",
    *ENDINGS,
)


@dataclass(frozen=True, slots=True)
class IngestRequest:
    """What is to be read: label files at `location`, media below `media_root` or else `location`.

    `incomplete` are label files of which media were not found: they are read again where new media came;
    `is_whole`: all are read again, changed or not; `looks_again`: the bytes of label files and media are compared
    with their digests, also where size and time are as before.
    """

    location: Location
    media_root: Location | None = None
    format: str = "auto"
    options: Mapping[str, str] = field(default_factory=dict)
    incomplete: frozenset[str] = frozenset()
    is_whole: bool = False
    looks_again: bool = False

    @property
    def places(self) -> tuple[Location, ...]:
        """Where anything is read: what links lead to elsewhere is not."""
        if self.media_root:
            return self.location, self.media_root
        is_file = self.location.is_s3 or os.path.isfile(self.location.path)
        return (self.location, *(beside(self.location) if is_file else ()))

    def again(self, known_files: Mapping[str, FileFacts], *, is_more_there: bool) -> frozenset[str]:
        """Label files that are read again though they have not changed."""
        if self.is_whole:
            return frozenset(known_files)
        return self.incomplete if is_more_there else frozenset()


@dataclass(frozen=True, slots=True)
class Staged:
    """What one ingest read.

    Attributes:
        folder: holds `<kind>-<number>.parquet`, schemas as in `model.schemas.STAGED`.
        format: the format's name.
        files: every file that the label set rests on now; `file` in the tables is an index of it.
        read: indexes of the files that were read now; of the others no rows are here.
        gone: URIs of `known_files` that are no longer there.
        tally: what was assumed and noted.
        skipped: files that are no label files, and why.
        exhaustive: lists of classes, and the indexes of files read now that list assets on which all of those
            are labelled.
    """

    folder: Path
    format: str
    files: tuple[FileFacts, ...]
    read: tuple[int, ...]
    gone: tuple[str, ...]
    tally: Tally
    skipped: tuple[tuple[str, str], ...]
    exhaustive: Mapping[tuple[str, ...], Sequence[int]]

    def paths(self, kind: str) -> list[str]:
        """The Parquet files of one kind, perhaps none."""
        return sorted(str(path) for path in self.folder.glob(f"{kind}-*.parquet"))


def stage(
    request: IngestRequest,
    *,
    into: Path,
    known_files: Mapping[str, FileFacts],
    known_media: Mapping[str, MediaFacts],
    settings: Settings,
) -> Staged:
    """Reads what changed since `known_files`.

    Raises:
        LocationError: the location or the media root is not there.
        FormatError: no label file was recognised, or those of several formats.
        NothingUnderstood: every record of every label file was rejected.
    """
    into.mkdir(parents=True, exist_ok=True)
    settings = limited(settings, *request.places, str(into))
    location, media_root, tally = request.location, request.media_root, Tally()
    listing = look_over(location, settings)
    around = media_of(listing, location=location, media_root=media_root, tally=tally, settings=settings)
    found = _recognised(request, listing.entries, settings=settings)
    plan = _planned(request, found, around=around, tally=tally, settings=settings, known_media=known_media)
    found, plan = part_refused(found, plan, entries=listing.entries)
    again = request.again(known_files, is_more_there=any(e.uri not in known_media for e in around.media))
    trusted = {} if request.looks_again else known_files
    files = _Files.listed(found, plan, known=known_files, trusted=trusted, again=again, settings=settings)
    files.read_by(Reader(found.format.name, plan, into=into, settings=settings), tally)
    lake = _lake(request, found, around=around)
    _write_listed(into, lake, files=files, plan=plan)
    lake.report(tally)
    _write_classes(into, files, plan=plan)
    census = Census(into, files.facts, settings=settings)
    census.check(found.format, tally=tally)
    census.refuse_if_nothing_was_understood(str(location), is_all=files.are_all_read())
    write_media(
        census, lake, known=known_media, looks_again=request.looks_again, tally=tally, settings=settings
    )
    return Staged(
        folder=into,
        format=found.format.name,
        files=files.facts,
        read=files.read,
        gone=files.gone(),
        tally=tally,
        skipped=_skipped(found, plan, lake=lake, known=known_media),
        exhaustive=_exhaustive(files, plan, lists=census.class_lists(found.format)),
    )


def _skipped(
    found: Recognised, plan: Plan, *, lake: Lake, known: Mapping[str, MediaFacts]
) -> tuple[tuple[str, str], ...]:
    """Files that are neither labels nor media, each with the reason; a text that labels name is a medium."""
    named = {uri for uri in lake.texts if uri in lake.entries or uri in known}
    return tuple(item for item in (*found.skipped, *sorted(plan.idle.items())) if item[0] not in named)


def _recognised(request: IngestRequest, entries: Sequence[Entry], *, settings: Settings) -> Recognised:
    others = [entry for entry in entries if media_kind(entry.uri) is None]
    where = str(request.location)
    return recognise(others, name=request.format, sample=lambda entry: _sample(entry, settings), where=where)


@dataclass(slots=True)
class _Files:
    """The files of the label set, numbered in URI order, and which of them have to be read."""

    entries: list[Entry]
    known: Mapping[str, FileFacts]
    format: str
    parse: frozenset[str]  # label files whose records are to be read
    digests: dict[str, str | None]
    whole: bool  # something that all files rest on has changed
    again: frozenset[str]  # label files to be read though they have not changed
    same: set[str] = field(default_factory=set)

    @classmethod
    def listed(
        cls,
        found: Recognised,
        plan: Plan,
        *,
        known: Mapping[str, FileFacts],
        trusted: Mapping[str, FileFacts],
        again: frozenset[str],
        settings: Settings,
    ) -> _Files:
        """`trusted` are files of which size and time say that they are as before."""
        digests: dict[str, str | None] = {}
        changed = False
        for entry in found.context:
            before = known.get(entry.uri)
            digest = before.digest if before and is_same(entry, trusted.get(entry.uri)) else None
            digests[entry.uri] = digest or sha256(entry.uri, settings, size=entry.size)
            changed |= before is None or before.digest != digests[entry.uri]
        labels = [entry for entry in found.labels if entry.uri not in plan.idle]
        loose = [*(entry for entry, _ in plan.unlabelled), *(item.entry for item in plan.refused)]
        used = {entry.uri for entry in (*labels, *found.context)}
        changed |= any(
            facts.uri not in used and not media_kind(facts.uri) and _is_context(facts)
            for facts in known.values()
        )
        files = cls(
            sorted([*labels, *found.context, *loose]), known, found.format.name,
            frozenset(entry.uri for entry in labels), digests, whole=changed, again=again,
        )  # fmt: skip
        if getattr(found.format, "is_joint", False) and files.differs():
            files.whole = changed = True
        files.same = {
            entry.uri
            for entry in files.entries
            if is_same(entry, known.get(entry.uri))
            and not (entry.uri in files.parse and (changed or entry.uri in again or entry.uri not in trusted))
            and digests.get(entry.uri) in (None, known[entry.uri].digest)
        }
        return files

    def are_all_read(self) -> bool:
        """Whether no label file stays as it was read before."""
        return not self.parse & self.same

    def differs(self) -> bool:
        """Whether any label file is new, changed or gone."""
        return bool(self.gone()) or any(
            not is_same(entry, self.known.get(entry.uri)) for entry in self.entries if entry.uri in self.parse
        )

    def jobs(self) -> list[Job]:
        """The label files to be read."""
        return [
            Job(
                number,
                entry,
                None if self.whole or entry.uri in self.again else self._known_digest(entry.uri),
            )
            for number, entry in enumerate(self.entries)
            if entry.uri in self.parse and entry.uri not in self.same
        ]

    def read_by(self, reader: Reader, tally: Tally) -> None:
        """Reads what has to be, and takes over digests and whose bytes are known; notes go to `tally`."""
        outcome = reader.run(self.jobs())
        tally.merge([outcome.tally])
        self.digests.update(outcome.digests)
        self.same.update(outcome.same)

    def gone(self) -> tuple[str, ...]:
        """Known files that are no longer there."""
        present = {entry.uri for entry in self.entries}
        return tuple(sorted(uri for uri in self.known if uri not in present))

    @property
    def facts(self) -> tuple[FileFacts, ...]:
        """One row a file."""
        return tuple(
            FileFacts(
                e.uri,
                e.size,
                e.etag,
                e.modified,
                self.digests.get(e.uri) or self._known_digest(e.uri),
                self.format,
            )
            for e in self.entries
        )

    @property
    def read(self) -> tuple[int, ...]:
        """Indexes of the files that were read now."""
        return tuple(n for n, entry in enumerate(self.entries) if entry.uri not in self.same)

    def number(self, uri: str) -> int:
        """The index of a file."""
        return next(n for n, entry in enumerate(self.entries) if entry.uri == uri)

    def _known_digest(self, uri: str) -> str | None:
        known = self.known.get(uri)
        return known.digest if known else None


def _is_context(facts: FileFacts) -> bool:
    return facts.uri.lower().endswith(
        (".yaml", ".yml", ".names", ".data", "-descriptions.csv", "hierarchy.json")
    )


def _sample(entry: Entry, settings: Settings) -> Sample:
    if entry.fault:
        raise LocationError(entry.fault, where=entry.uri)
    if posixpath.splitext(entry.uri.lower())[1] not in _CANDIDATES:
        return Sample(entry.uri, entry.size, b"", b"")
    head = read_bytes(entry.uri, settings, end=_HEAD)
    encoding, mark = encoding_mark(head[:4])
    head = head[mark:]
    if encoding != "utf-8":
        head = head.decode(encoding, errors="ignore").encode()
    tail = b""
    if entry.size > _HEAD and encoding == "utf-8":
        tail = read_bytes(entry.uri, settings, start=max(_HEAD, entry.size - _HEAD), end=entry.size)
    return Sample(entry.uri, entry.size, head, tail)


def _planned(
    request: IngestRequest,
    found: Recognised,
    *,
    around: Around,
    tally: Tally,
    settings: Settings,
    known_media: Mapping[str, MediaFacts],
) -> Plan:
    dataset = Dataset(
        location=request.location,
        media_root=request.media_root,
        labels=found.labels,
        context=found.context,
        media=around.media,
        read=lambda uri: read_bytes(uri, settings),
        tally=tally,
        options=request.options,
        known_size=partial(known_size, known={} if request.looks_again else known_media),
    )
    plan = found.format.plan(dataset)
    _refuse_if_all_is_idle(found, plan, where=str(request.location))
    return plan


def _lake(request: IngestRequest, found: Recognised, *, around: Around) -> Lake:
    """The media, and the texts and other files that are none of the label set's own."""
    ours = {entry.uri for entry in (*found.labels, *found.context)}
    texts, others = (
        [entry for entry in some if entry.uri not in ours] for some in (around.texts, around.others)
    )
    where = request.location
    return Lake(around.media, location=where, media_root=request.media_root, texts=texts, others=others)


def _refuse_if_all_is_idle(found: Recognised, plan: Plan, *, where: str) -> None:
    """Raises FormatError where no label file is left, and it is not that they were emptied."""
    idle = [entry for entry in found.labels if entry.uri in plan.idle]
    full = [entry for entry in idle if entry.size]
    if full and len(idle) == len(found.labels):
        told = [f"{entry.uri.rsplit('/', 1)[-1]}: {plan.idle[entry.uri]}" for entry in full[:5]]
        said = "\n".join(["no label file was recognised", *told])
        raise FormatError(said, where=where, hint="Nothing was committed. Do the pictures lie elsewhere?")


def _write_listed(into: Path, lake: Lake, *, files: _Files, plan: Plan) -> None:
    """Turns `named` into `listed`: each name matched to the lake; adds media that no label file speaks of."""
    import pyarrow.parquet as pq

    names = [entry.uri for entry in files.entries]
    with parquet_writer(into / "listed-000000.parquet", "listed") as writer:
        for path in sorted(into.glob("named-*.parquet")):
            for batch in pq.ParquetFile(path).iter_batches():
                known = batch.column("uri").to_pylist()
                called = batch.column("name").to_pylist()
                owners = [names[file] for file in batch.column("file").to_pylist()]
                uris = [
                    uri or lake.match(name, label_file=owner)
                    for uri, name, owner in zip(known, called, owners, strict=True)
                ]
                columns = {
                    name: batch.column(name) for name in batch.schema.names if name not in ("uri", "name")
                }
                writer.write_table(table("listed", len(uris), uri=uris, **columns))
            path.unlink()
        loose = _unspoken(files, plan)
        if loose:
            writer.write_table(table("listed", len(loose[0]), **dict(zip(_LOOSE, loose, strict=True))))


def _unspoken(files: _Files, plan: Plan) -> list[list[Any]]:
    """The columns `_LOOSE` of media that no label file speaks of, or one that cannot be read; none: there is none."""
    read = set(files.read)
    numbers = {entry.uri: number for number, entry in enumerate(files.entries)}
    found = [
        *((numbers[e.uri], e.uri, e.uri, split, NO_LABEL_FILE) for e, split in plan.unlabelled),
        *((numbers[r.entry.uri], _KEY, r.picture.uri, r.split, WHOLE) for r in plan.refused),
    ]
    return [list(column) for column in zip(*(row for row in found if row[0] in read), strict=True)]


def _write_classes(into: Path, files: _Files, *, plan: Plan) -> None:
    """The class lists of context files that are new or changed, and rejects of files that cannot be read."""
    _write_faults(into, files, plan=plan)
    read = set(files.read)
    with parquet_writer(into / "classes-000000.parquet", "classes") as writer:
        for number, entry in enumerate(files.entries):
            declared = plan.classes.get(entry.uri)
            if declared and number in read:
                columns = {
                    "class": [item[1] for item in declared],
                    "source_id": [item[0] for item in declared],
                    "parent": [item[2] if len(item) > 2 else None for item in declared],
                }
                writer.write_table(table("classes", len(declared), file=number, **columns))


def _write_faults(into: Path, files: _Files, *, plan: Plan) -> None:
    """A reject for each context file and refused label file that is new or changed and cannot be read."""
    reasons: dict[str, tuple[str, str | None]] = {uri: (reason, None) for uri, reason in plan.faults.items()}
    reasons |= {item.entry.uri: (item.reason, _KEY) for item in plan.refused}
    read = set(files.read)
    faults = [
        (number, *reasons[entry.uri])
        for number, entry in enumerate(files.entries)
        if entry.uri in reasons and number in read
    ]
    if faults:
        numbers, said, keys = (list(column) for column in zip(*faults, strict=True))
        columns = {"file": numbers, "reason": said, "key": keys}
        with parquet_writer(into / "rejects-999996.parquet", "rejects") as writer:
            writer.write_table(table("rejects", len(faults), position=WHOLE, excerpt="", **columns))


def _exhaustive(
    files: _Files, plan: Plan, *, lists: Mapping[int, tuple[str, ...]]
) -> dict[tuple[str, ...], list[int]]:
    """See `Staged.exhaustive`; `lists` are the classes that label files declare."""
    by_context = {uri: tuple(sorted({item[1] for item in names})) for uri, names in plan.classes.items()}
    found: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for number in files.read:
        uri = files.entries[number].uri
        if uri in files.parse:
            context = plan.declared_by.get(uri)
            classes = by_context.get(context, ()) if context else lists.get(number, ())
            if classes:
                found[classes].append(number)
    return found


__all__ = ["FileFacts", "IngestRequest", "MediaFacts", "Staged", "stage"]
