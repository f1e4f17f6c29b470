"""A snapshot: a query, a state and a rule, and what they gave."""

from __future__ import annotations

import json
import math
import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import pyarrow as pa

from datacat.errors import SnapshotDamaged, UsageError, cause_of
from datacat.model.joining import Joined, Joining
from datacat.model.names import SnapshotName, checked_word
from datacat.model.schemas import TABLES

FORMAT = 1  # of definition.json and the manifest
ANNOTATION_POLICIES = ("matching", "all")
COUNTED_BESIDE = (
    "merged_copies",
    "missing",
    "unreadable",
)  # what `counts` has beside rows, where there is some
UNLOOKED = "unlooked:"
"""What begins the name of a count, before a class: of assets without such an annotation, where nobody looked."""

_INTERNAL = ("annotation", "asset", "label_set", "source_file")
# Columns of annotations that came after digests had been made: a manifest may lack them, and a row without
# values in them has the digest that it always had. More may come behind these; none may go.
LATER = ("model", "track", "drawn", "said_class")
# The same of assets. `metadata` is null where no label set says anything of the asset, `orientation` where no EXIF
# turns it; older manifests lack it, and have the size of the picture as it is stored.
LATER_OF_ASSETS = ("metadata", "orientation")
_LEFT_OUT = (*_INTERNAL, "starts", "ends", *LATER)  # `starts` and `ends` repeat what `geometry` says

# The manifest holds nothing that means something only within one catalog.
MANIFEST: dict[str, pa.Schema] = {
    "assets": pa.schema(
        [
            pa.field("uri", pa.string()),
            pa.field("media", pa.string()),
            pa.field("digest", pa.string()),  # sha256 of the bytes, hex; null where they were never read
            pa.field("size", pa.int64()),
            pa.field(
                "width", pa.int32()
            ),  # of the picture as it is shown; where it could not be read, as the label files say
            pa.field("height", pa.int32()),
            pa.field("duration_s", pa.float64()),
            pa.field("is_missing", pa.bool_()),
            pa.field("label_sets", pa.list_(pa.string())),  # all that speak of it, team/name, sorted
            pa.field("split", pa.string()),
            # What label sets say of it, JSON: [{"label_set": "team/name", "metadata": …}, …], sorted.
            pa.field("metadata", pa.string()),
            pa.field("orientation", pa.int32()),  # how EXIF turns the stored picture, 2 to 8
        ]
    ),
    "annotations": pa.schema(
        [
            pa.field("uri", pa.string()),
            pa.field("label_set", pa.string()),  # team/name
            *(column for column in TABLES["annotations"] if column.name not in _LEFT_OUT),
            *(TABLES["annotations"].field(name) for name in ("model", "track")),
            # "640x480": the size in pixels that its label file gives, where the picture has another. Coordinates are
            # in pixels of that size, or fractions of it.
            pa.field("drawn", pa.string()),
            # The class as its team writes it, where the snapshot calls it otherwise.
            pa.field("said_class", pa.string()),
        ]
    ),
}


@dataclass(frozen=True, slots=True)
class SplitRule:
    """Which share of the assets goes where: `fractions` in their order, and a `seed`.

    Raises:
        UsageError: no fractions, a name twice, a fraction below 0, or a sum other than 1.
    """

    fractions: tuple[tuple[str, float], ...] = (("all", 1.0),)
    seed: str = "0"

    def __post_init__(self) -> None:
        names = [name for name, _ in self.fractions]
        for name in names:
            checked_word(name, what="split")
        if len(set(names)) < len(names):
            raise UsageError(f"a split is named twice: {self}")
        for name, fraction in self.fractions:
            if not (math.isfinite(fraction) and fraction >= 0):
                raise UsageError(f"the fraction of {name} must be 0 or more, not {fraction}")
        total = math.fsum(fraction for _, fraction in self.fractions)
        if abs(total - 1) > 1e-6:
            raise UsageError(f"the fractions of {self} sum to {total:g}, not 1")

    def __str__(self) -> str:
        return ",".join(f"{name}={fraction:g}" for name, fraction in self.fractions)

    @classmethod
    def parse(cls, text: str, *, seed: str = "0") -> SplitRule:
        """Reads `train=0.8,val=0.1,test=0.1`; the empty text puts everything into `all`."""
        if not text.strip():
            return cls(seed=seed)
        fractions = []
        for part in text.split(","):
            name, _, number = part.partition("=")
            try:
                fractions.append((name.strip(), float(number)))
            except ValueError as error:
                raise UsageError(
                    f"{part.strip()!r} is no share of a split", hint="Write train=0.8,val=0.1,test=0.1."
                ) from error
        return cls(tuple(fractions), seed)


@dataclass(frozen=True, slots=True)
class Question:
    """What was asked.

    Attributes:
        text: the query as typed.
        interpretation: the same in strict form, with no name left to be guessed.
        concepts: the concepts it used, each with its members (`class` or `team:class`) at that state.
        space: the embedding space, where similarity was used.
        limit: how many of the best were taken, where it was limited.
    """

    text: str
    interpretation: str = ""
    concepts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    space: str | None = None
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class Digests:
    """What the snapshot's digest is made of; each is a sha256 in hex."""

    assets: str
    annotations: str
    split: str


@dataclass(frozen=True, slots=True)
class Definition:
    """Everything that definition.json says.

    `digest` covers the frozen rows alone: not the name, the query, the time, the author, the order of classes, nor
    what label sets say of themselves.
    """

    name: str
    version: int
    question: Question
    state: int
    split: SplitRule
    annotations: str  # ANNOTATION_POLICIES
    # assets, annotations, and assets of each split as split:<name>; merged_copies, where there are some: addresses
    # beside the one by which an asset is named; missing and unreadable, likewise: assets whose media was not found, or
    # could not be read, when they were frozen; unlooked:<class>, likewise, of the most frequent classes: assets that
    # have none, as nobody looked for it there
    counts: Mapping[str, int]
    digest: str
    digests: Digests
    datacat: str
    author: str
    time: str  # ISO 8601, UTC
    # By team/name of each label set that speaks of the assets: its format, licence and declared classes, for exports.
    label_sets: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    classes: tuple[str, ...] = ()  # by index, from 0; none in what was frozen before indexes were kept
    # How the annotations of several label sets became one, and what that did; both stand in the text only where there
    # is something to say.
    joining: Joining = field(default_factory=Joining)
    joined: Joined = field(default_factory=Joined)

    @property
    def snapshot(self) -> SnapshotName:
        """`name@version`."""
        return SnapshotName(self.name, self.version)

    @property
    def unlooked(self) -> Mapping[str, int]:
        """By class, on how many assets nobody looked for it; those with most of them first."""
        found = {
            name.removeprefix(UNLOOKED): count
            for name, count in self.counts.items()
            if name.startswith(UNLOOKED)
        }
        return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))

    def to_json(self) -> str:
        """The text of definition.json: keys sorted, one item a line."""
        document = {"format": FORMAT, **asdict(self)}
        for name, said in (("joining", self.joining), ("joined", self.joined)):
            document.pop(name)
            if said != type(said)():
                document[name] = said.to_document()
        return json.dumps(document, sort_keys=True, ensure_ascii=False, indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes, *, where: str) -> Definition:
        """Reads definition.json.

        Raises:
            SnapshotDamaged: it is not what `to_json` writes.
        """
        try:
            values: dict[str, Any] = json.loads(text)
            found = values.pop("format")
            question, rule = values.pop("question"), values.pop("split")
            concepts = {name: tuple(members) for name, members in question.pop("concepts").items()}
            fractions = tuple((name, float(fraction)) for name, fraction in rule["fractions"])
            classes = values.pop("classes", [])
            if not (isinstance(classes, list) and all(isinstance(item, str) for item in classes)):
                raise ValueError("`classes` is no list of names")
            joining, joined = values.pop("joining", None), values.pop("joined", {})
            label_sets = values.pop("label_sets", {})
            if not _are_label_sets(label_sets):
                raise ValueError("`label_sets` is no such object")
            if found == FORMAT:
                definition = cls(
                    question=Question(**question, concepts=concepts),
                    split=SplitRule(fractions, str(rule["seed"])),
                    digests=Digests(**values.pop("digests")),
                    classes=tuple(classes),
                    label_sets=label_sets,
                    joining=Joining() if joining is None else Joining.from_document(joining),
                    joined=Joined.from_document(joined),
                    **values,
                )
                _check(definition)
                return definition
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise SnapshotDamaged(
                f"definition.json cannot be read: {cause_of(error)}", where=where
            ) from error
        raise SnapshotDamaged(
            f"definition.json has format {found}, this datacat reads {FORMAT}",
            where=where,
            hint="Upgrade datacat.",
        )

    def summary(self) -> dict[str, Any]:
        """What people want to see of it, as names and values."""
        shares = {name: self.counts.get(f"split:{name}", 0) for name, _ in self.split.fractions}
        return {
            "snapshot": str(self.snapshot),
            "query": self.question.text,
            "interpretation": self.question.interpretation,
            "state": self.state,
            "assets": self.counts["assets"],
            "annotations": self.counts["annotations"],
            **{name: self.counts.get(name, 0) for name in COUNTED_BESIDE},
            "unlooked": dict(self.unlooked),
            "splits": shares,
            "seed": self.split.seed,
            "annotation_policy": self.annotations,
            "classes": list(self.classes),
            "joining": self.joining.to_document(),
            "joined": self.joined.to_document(),
            "digest": self.digest,
            "author": self.author,
            "time": self.time,
        }


_DIGEST = re.compile(r"[0-9a-f]{64}")


def _check(found: Definition) -> None:
    """Refuses a definition whose values are of another kind: it may come from anybody.

    Raises:
        ValueError: which it is.
    """
    question, digests = found.question, found.digests
    texts = {
        "annotations": found.annotations,
        "author": found.author,
        "datacat": found.datacat,
        "interpretation": question.interpretation,
        "name": found.name,
        "query": question.text,
        "space": question.space or "",
        "time": found.time,
        **{f"concept {name}": member for name, members in question.concepts.items() for member in members},
    }
    for name, text in texts.items():
        if not isinstance(text, str):
            raise ValueError(f"{name} is no text")
    numbers = {"state": found.state, "limit": question.limit or 0, **found.counts}
    for name, number in numbers.items():
        if not (type(number) is int and 0 <= number < 2**63):
            raise ValueError(f"{name} is no count")
    for name, digest in {"digest": found.digest, **asdict(digests)}.items():
        if not (isinstance(digest, str) and _DIGEST.fullmatch(digest)):
            raise ValueError(f"the {name} is no sha256")
    if found.annotations not in ANNOTATION_POLICIES:
        raise ValueError(f"{found.annotations!r} is no choice of annotations")
    if not {"assets", "annotations"} <= found.counts.keys():
        raise ValueError("the counts of assets and annotations are missing")
    if type(found.version) is not int or ".." in found.name:
        raise ValueError("it names no snapshot")
    SnapshotName(found.name, found.version)


def _are_label_sets(said: Any) -> bool:
    """Whether it is of the form of `Definition.label_sets`."""
    return isinstance(said, dict) and all(
        isinstance(facts, dict)
        and isinstance(facts.get("classes", []), list)
        and all(
            isinstance(item, dict) and isinstance(item.get("class"), str) for item in facts.get("classes", [])
        )
        for facts in said.values()
    )


@dataclass(frozen=True, slots=True)
class Described:
    """What an export may tell beside the frozen rows.

    Attributes:
        label_sets: as in `Definition`.
        is_whole: whether all annotations of the assets were frozen, so that a class without any is not there.
    """

    label_sets: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    is_whole: bool = False


def class_indexes(definition: Definition, classes: Iterable[str | None]) -> dict[str, int]:
    """The index from 0 of each class name, in their order, as every export and loader of a snapshot uses them.

    Args:
        definition: of the snapshot. Classes that it lists have their index whether an annotation has them or not.
        classes: those of its annotations (None, of annotations without one, is left out). What the definition
            does not list comes behind, in alphabetical order.
    """
    return {name: index for index, name in enumerate(extended_classes(definition.classes, classes))}


def extended_classes(before: Sequence[str], found: Iterable[str | None]) -> tuple[str, ...]:
    """`before`, and behind it those of `found` that are not in it, in alphabetical order."""
    return (*before, *sorted({name for name in found if name is not None} - set(before)))


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """What became of a snapshot's assets; URIs in the snapshot's order.

    Attributes:
        checked: how many assets were looked at.
        changed: other bytes (or another size) than were frozen.
        gone: no longer there.
        unreadable: there, but refused to be read, each with the reason.
        unverifiable: frozen without a digest, so nobody can tell.
        elsewhere: gone from this address, or outside, with the same bytes at another one that the catalog knows: both.
        outside: not read, as they lie outside of the places that are read.
        media_roots: what the setting of that name has to be for those to be read as well; "" where there are none, or
            no value of it says so.
        unnamed: the places that are read now, or lack, and that the setting cannot name.
    """

    checked: int
    changed: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    unreadable: tuple[tuple[str, str], ...] = ()
    unverifiable: tuple[str, ...] = ()
    elsewhere: tuple[tuple[str, str], ...] = ()
    outside: tuple[str, ...] = ()
    media_roots: str = ""
    unnamed: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether every asset that has a digest was read and still has it."""
        return not (self.changed or self.gone or self.unreadable or self.outside)

    @property
    def advice(self) -> str:
        """What to do about those that lie outside of the places that are read; "" where there are none."""
        return how_to_read(self.media_roots, self.unnamed) if self.outside else ""


def how_to_read(media_roots: str, unnamed: Sequence[str] = ()) -> str:
    """What to do for pictures outside of the places that are read.

    Args:
        media_roots: the setting with which they are, if any.
        unnamed: the places that it leaves out.
    """
    left_out = (
        f"\nmedia_roots cannot name {', '.join(unnamed)}, at the top or with a `:` in the name: nothing is read there "
        "then. Make a link to it under a name without one, and add that."
        if unnamed
        else ""
    )
    if not media_roots:
        return f"Name the folder that they lie in in the setting media_roots (DATACAT_MEDIA_ROOTS).{left_out}"
    return (
        f"Their addresses are those of who froze it. To read there, set media_roots in your settings, or run:"
        f"\nexport DATACAT_MEDIA_ROOTS={shlex.quote(media_roots)}{left_out}"
    )


@dataclass(frozen=True, slots=True)
class ExportReport:
    """What an export wrote and what its format cannot hold."""

    snapshot: str
    format: str
    folder: str
    files: int
    losses: tuple[str, ...] = ()
