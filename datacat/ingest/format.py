"""The contract of a label format.

A format is one module with one object `FORMAT`. It recognises files by their content (`sniff`), says what
must be known beyond a single file (`plan`), cuts a document into parts (`survey`) and turns a part into rows
(`read`). Parts of one document are read in several processes, so all that is handed to `read` can be pickled.
Formats know nothing of catalogs, processes or progress.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol, runtime_checkable

from datacat.config import Settings
from datacat.ingest.batches import Sheets
from datacat.ingest.json_stream import CUT, Layout, Shape, scan
from datacat.ingest.limits import RECORD_BYTES, check_size
from datacat.model.report import Tally
from datacat.sources.listing import Entry
from datacat.sources.location import Location
from datacat.sources.reading import blocks, read_bytes, sha256

Role = Literal["labels", "context", "perhaps"]  # perhaps: labels, if the others beside it are

INLINE = "#task-"  # in the URI of an asset whose content stands in the label file itself


@dataclass(frozen=True, slots=True)
class Sample:
    """The beginning of a file (byte order mark removed, UTF-8), by which it is recognised."""

    uri: str
    size: int
    head: bytes
    tail: bytes  # the last bytes, where the file is longer than the head; else empty

    @property
    def name(self) -> str:
        """The file's name."""
        return self.uri.rsplit("/", 1)[-1]


@dataclass(frozen=True, slots=True)
class FileFacts:
    """One file that a label set rests on, as in the staged table `files`."""

    uri: str
    size: int
    etag: str
    modified: datetime | None
    digest: str | None
    format: str


@dataclass(frozen=True, slots=True)
class Dataset:
    """What lies at a location: label files, files that go with them, media."""

    location: Location
    media_root: Location | None
    labels: Sequence[Entry]
    context: Sequence[Entry]
    media: Sequence[Entry]
    read: Callable[[str], bytes]
    tally: Tally
    options: Mapping[str, str]
    known_size: Callable[[Entry], tuple[int, int] | None] = lambda entry: None


@dataclass(frozen=True, slots=True)
class Refused:
    """A label file that cannot be read: the picture that is labelled in it, its split, and what is wrong."""

    entry: Entry
    picture: Entry
    split: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What `read` must know beyond its document.

    Attributes:
        shared: the same for every document.
        each: by URI of a label file.
        unlabelled: media that belong to the data set though no label file speaks of them, and their split.
        idle: label files that turned out to be none, with the reason.
        classes: the class list (source_id, class, parent if it is known) that a context file declares, by its URI.
        declared_by: by URI of a label file that declares no classes itself: the context file that does.
        faults: context files that cannot be read, with the reason; each is a reject.
        refused: label files that `sniff` refused, of pictures that have no other; formats leave it to the pipeline.
    """

    shared: Any = None
    each: Mapping[str, Any] = field(default_factory=dict)
    unlabelled: Sequence[tuple[Entry, str | None]] = ()
    idle: Mapping[str, str] = field(default_factory=dict)
    classes: Mapping[str, Sequence[tuple[str, str] | tuple[str, str, str | None]]] = field(
        default_factory=dict
    )
    declared_by: Mapping[str, str | None] = field(default_factory=dict)
    faults: Mapping[str, str] = field(default_factory=dict)
    refused: Sequence[Refused] = ()


@dataclass(slots=True)
class Document:
    """One label file while it is read. `file` is its number, `source` where its UTF-8 bytes lie."""

    uri: str
    file: int
    source: str
    size: int
    settings: Settings
    shared: Any = None
    own: Any = None
    content: bytes | None = None
    _layouts: dict[str, Layout] = field(default_factory=dict)

    def bytes(self, start: int = 0, end: int | None = None) -> bytes:
        """Some of its bytes."""
        if self.content is not None:
            return self.content[start:end]
        if not self.source.endswith(".parquet"):
            check_size((end or self.size) - start, limit=RECORD_BYTES + CUT, where=self.uri, what="a record")
        return read_bytes(self.source, self.settings, start=start, end=end)

    def layout(self, shape: Shape) -> Layout:
        """Where its JSON records lie."""
        if shape not in self._layouts:
            pieces: Iterator[bytes] = (
                iter([self.content])
                if self.content is not None
                else blocks(self.source, self.settings, size=self.size)
            )
            self._layouts[shape] = scan(pieces, shape=shape, cut=CUT)
        return self._layouts[shape]

    def digest(self) -> str:
        """The sha256 of its bytes, hex; of a document that was walked through it is known already."""
        for layout in self._layouts.values():
            return layout.digest
        return sha256(self.source, self.settings, size=self.size)

    def forget(self) -> None:
        """Drops what need not travel to other processes."""
        self._layouts, self.shared = {}, None


@runtime_checkable
class Format(Protocol):
    """A label format that datacat reads.

    One may have a method `doubt(sample)` that says why a file that looks like one of its own at first is none (else
    None), and nine more attributes: `is_file_each`, that each asset has one label file of its own; `is_exhaustive`,
    that its files list their images and classes and leave no object of those classes out; `unique_ids`, that
    external ids are unique within a file; `refers_by_id`, that annotations name their asset by a key that is not its
    name, so that two assets may claim one key; `lists_in_pieces`, that several records of a file may each say a
    part of what is known of one asset; `states_bounds`, that an annotation may state a box and an area beside a shape
    that has them, too; `says_who_looked`, that the reader tells which assets somebody has looked at, so that it does
    not follow from what stands there of each; `is_joint`, that several files may say the same thing, so that where
    one of them changes, all are read again; and `states_sizes`, false where listed sizes are the pictures' own.
    """

    name: str
    title: str

    @property
    def writes(self) -> bool:
        """Whether it has `write(assets, annotations, folder, …) -> losses` too."""

    def sniff(self, sample: Sample) -> Role | None:
        """What the file is to this format, judged by content."""

    def plan(self, dataset: Dataset) -> Plan:
        """What reading needs beyond single files."""

    def survey(self, document: Document, sheets: Sheets) -> list[Any]:
        """Cuts a document into parts; writes down what is said once per document (its classes).

        Raises:
            FormatError: it is no such document at all.
        """

    def read(self, document: Document, part: Any, *, sheets: Sheets) -> None:
        """Turns one part into rows."""


@functools.lru_cache(maxsize=1)
def no_plan() -> Plan:
    """For formats whose files stand alone."""
    return Plan()
