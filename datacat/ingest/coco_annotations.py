"""COCO's annotations become rows: one each, and one for each segment of a panoptic picture."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from datacat.ingest.attributes import Leaves, composed
from datacat.ingest.batches import Sheets
from datacat.ingest.blank import NOT_KNOWN, UNTOLD
from datacat.ingest.coco_categories import Category
from datacat.ingest.geometry import Shape, coco_shape, derived_bounds, keypoints_geometry
from datacat.ingest.identifiers import known_id, stated_id
from datacat.ingest.json_stream import Fault
from datacat.ingest.reasons import reason_of
from datacat.ingest.twice import note_twice

_Number = int | float | str | None
_ROWS = 8192
_COUNTED = ("image_id", "category_id", "bbox")  # keys that are looked for twice in one annotation
_NO = ("0", "false", "False", "")  # Label Studio's converter wrote text
_UNREADABLE = (msgspec.MsgspecError, RecursionError, ValueError, TypeError, OverflowError)


class Annotation(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """One annotation as COCO writes it; what else it says is in `attributes`."""

    id: _Number = None
    image_id: _Number = None
    category_id: _Number = None
    bbox: list[float] | None = None
    area: float | None = None
    iscrowd: int | bool | float | str | None = None
    segmentation: msgspec.Raw = msgspec.Raw()
    keypoints: msgspec.Raw = msgspec.Raw()
    num_keypoints: msgspec.Raw = msgspec.Raw()
    caption: str | None = None
    score: float | None = None
    model: str | None = None
    track_id: int | str | None = None
    attributes: msgspec.Raw = msgspec.Raw()


class Panoptic(NamedTuple):
    """One picture's segments, of which a PNG beside the picture says where they are."""

    image_id: str | None
    png: str | None
    segments: list[bytes]


_KNOWN = frozenset(Annotation.__struct_fields__)
_OF_PANOPTIC = frozenset({"image_id", "file_name", "segments_info"})
_FIRST_BYTES = {"model": b'"n', "track_id": b'"n-0123456789'}  # of what these columns can hold
_ANNOTATION = msgspec.json.Decoder(Annotation)
ANNOTATIONS = msgspec.json.Decoder(list[Annotation])
_PIECES = msgspec.json.Decoder(dict[str, msgspec.Raw])
_SEGMENTS = msgspec.json.Decoder(list[msgspec.Raw])
_ANY = msgspec.json.Decoder()
_SAID = re.compile(rb'"(image_id|category_id)"\s*:\s*("(?:[^"\\]|\\.)*"|-?[0-9][0-9.eE+-]*)')


def one(record: bytes) -> Annotation | Panoptic:
    """One annotation with keys of its own, which become attributes; or a panoptic picture."""
    pieces = _PIECES.decode(record)
    if bytes(pieces.get("segments_info", b"")).lstrip().startswith(b"["):
        png = _ANY.decode(pieces.get("file_name", b"null"))
        image = known_id(_ANY.decode(pieces.get("image_id", b"null")))
        segments = [bytes(raw) for raw in _SEGMENTS.decode(pieces["segments_info"])]
        return Panoptic(image, png if isinstance(png, str) else None, segments)
    return _annotation(pieces, record)


def _annotation(pieces: dict[str, msgspec.Raw], record: bytes) -> Annotation:
    extra = [(key, raw) for key, raw in pieces.items() if not _is_known(key, raw)]
    if not extra:
        return _ANNOTATION.decode(record)
    own = pieces.pop("attributes", None)
    known = composed((key, raw) for key, raw in pieces.items() if _is_known(key, raw))
    annotation = _ANNOTATION.decode(known)
    inner = bytes(own).strip() if own is not None else b""
    if inner[:1] == b"{" and inner[1:-1].strip():
        annotation.attributes = msgspec.Raw(inner[:-1].rstrip() + b", " + composed(extra)[1:])
    else:
        named = [("attributes", inner)] if inner not in (b"", b"null", b"{}") else []
        annotation.attributes = msgspec.Raw(composed([*named, *extra]))
    return annotation


def _is_known(key: str, raw: msgspec.Raw) -> bool:
    """Whether a key has a place of its own; a `model` that is a number or an object is an attribute."""
    return key in _KNOWN and (key not in _FIRST_BYTES or bytes(raw)[:1] in _FIRST_BYTES[key])


class Batch:
    """Annotations of one part, written in batches.

    Args:
        sheets: where to.
        file: the number of the label file.
        categories: by identifier.
        content: the bytes of the part, which say which keys occur in it at all.
    """

    def __init__(
        self, sheets: Sheets, file: int, *, categories: Mapping[str, Category], content: bytes
    ) -> None:
        self._file = file
        self._categories = categories
        self._sheets = sheets
        self._records: list[tuple[str, Annotation, str | None]] = []
        self._counts = dict.fromkeys(_COUNTED, 0)
        self._names = tuple(key for key in _FIRST_BYTES if b'"%s"' % key.encode() in content)

    def add(self, place: str, record: Annotation | Panoptic, *, png: str | None = None) -> None:
        """One annotation, or one a segment; `png`: the JSON that names the file with its pixels."""
        if isinstance(record, Panoptic):
            self._add_segments(place, record)
            return
        self._records.append((place, record, png))
        if len(self._records) >= _ROWS:
            self.flush()

    def reject(self, place: str, fault: Fault) -> None:
        """A record that could not be understood; whom it speaks of is looked for in its bytes."""
        said: dict[bytes, set[str | None]] = {b"image_id": set(), b"category_id": set()}
        for name, raw in _SAID.findall(fault.record):
            said[name].add(_spelt(raw))
        key, category = (
            next(iter(found)) if len(found) == 1 else None
            for found in (said[b"image_id"], said[b"category_id"])
        )
        known = self._categories.get(category or "")
        class_ = known.name if known else None
        self._sheets.reject(
            self._file, place, reason=fault.reason, excerpt=fault.excerpt, key=key, class_=class_
        )

    def _add_segments(self, place: str, picture: Panoptic) -> None:
        for number, raw in enumerate(picture.segments):
            where = f"{place}.segments_info[{number}]"
            try:
                segment = _annotation(_PIECES.decode(raw), raw)
            except _UNREADABLE as error:
                said = b'{"image_id": %s, ' % msgspec.json.encode(picture.image_id) + raw.lstrip()[1:]
                self.reject(where, Fault(reason_of(error), said))
                continue
            named = {"png": picture.png, "id": segment.id}
            segment.image_id = picture.image_id
            number_ = known_id(segment.id)
            # Its number is a colour within its picture, so it names a segment only with the picture's.
            segment.id = f"{picture.png or picture.image_id}#{number_}" if number_ else None
            geometry = msgspec.json.encode({key: value for key, value in named.items() if value is not None})
            self.add(where, segment, png=geometry.decode())

    def note_twice(self, content: bytes) -> None:
        """Notes the keys that one annotation of the part has twice, once all of them were written."""
        note_twice(content, self._counts, what="annotation", tally=self._sheets.tally)

    def flush(self) -> None:
        """Writes what was collected."""
        taken, self._records = self._records, []
        for name in _COUNTED:
            self._counts[name] += len(taken) - [getattr(record, name) for _, record, _ in taken].count(None)
        leaves, kept = Leaves(), []
        row = self._sheets.next_row
        for place, record, png in taken:
            key, class_ = _spelling(record.image_id), None
            try:
                class_ = self._class(record)
                shape = self._shape(record, png=png)
                document = _attributes(record.attributes)
                if key is None:
                    key = stated_id(record.image_id, name="image_id")
                track = _track(record) if "track_id" in self._names else None
                if document is not None:
                    leaves.extract(document, row)  # the last that may fail: nothing is half written
            except _UNREADABLE as error:
                excerpt = f"id {record.id}, image_id {record.image_id}"
                self._sheets.reject(self._file, place, reason=error, excerpt=excerpt, key=key, class_=class_)
                continue
            if class_ is None or _spelling(record.category_id) not in self._categories:
                self._say_untold(place, record, key=key, class_=class_, shape=shape)
            text = None if document is None else document.decode("utf-8")
            kept.append((row, place, key, class_, shape, record, text, track))
            row += 1
        self._sheets.next_row = row
        if kept:
            self._write(kept)
        self._sheets.leaves(leaves)

    def _say_untold(
        self, place: str, record: Annotation, *, key: str, class_: str | None, shape: Shape
    ) -> None:
        """A reject beside an annotation that is kept, where its class cannot be told.

        Of what is drawn and has no class, the census says it for every format. A file without categories has numbers
        for classes.
        """
        if class_ is not None and self._categories:
            reason = f"category {class_} is not in the list of categories: its number was kept as the class"
        elif class_ is None and record.caption is None and shape.type == "none":
            reason = UNTOLD
        else:
            return
        excerpt = f"id {record.id}, image_id {record.image_id}"
        self._sheets.reject(self._file, place, reason=f"{reason}{NOT_KNOWN}", excerpt=excerpt, key=key)

    def _shape(self, record: Annotation, *, png: str | None) -> Shape:
        shape, broken = coco_shape(record.bbox, bytes(record.segmentation), area=record.area)
        if broken:
            self._sheets.tally.note(broken)
        if png is not None:
            return shape._replace(type="other", geometry=png)
        raw = bytes(record.keypoints)
        if raw in (b"", b"[]", b"null"):
            return shape
        return self._with_keypoints(record, shape, raw=raw)

    def _with_keypoints(self, record: Annotation, shape: Shape, *, raw: bytes) -> Shape:
        known = self._categories.get(_spelling(record.category_id) or "", Category(None))
        names, edges = known.keypoints, known.skeleton
        if names and raw.count(b",") + 1 != 3 * len(names):
            self._sheets.tally.note(
                "keypoints of another number than their category names; kept without names"
            )
            names = edges = None
        try:
            geometry = keypoints_geometry(raw, names=names, edges=edges, also=shape.geometry)
        except ValueError as error:
            if shape.type == "none":
                raise ValueError(f"{error}; and there is no bbox") from error
            self._sheets.tally.note(
                "keypoints that are no list of x, y, v; the rest of the annotation was kept"
            )
            return shape
        shape = shape._replace(type="keypoints", geometry=geometry)
        if shape.x is not None:
            return shape
        (x, y, w, h), _ = derived_bounds("keypoints", geometry)
        return shape._replace(x=x, y=y, w=w, h=h)

    def _write(self, kept: list[tuple[Any, ...]]) -> None:
        rows, places, keys, classes, shapes, records, documents, tracks = zip(*kept, strict=True)
        has_models = "model" in self._names
        ids = [_spelling(record.id) for record in records]
        lost = ids.count(None) - [record.id for record in records].count(None)
        if lost:
            self._sheets.tally.note(
                "an annotation `id` that is no identifier: the annotation is kept without it", lost
            )
        self._sheets.add(
            "annotations",
            len(rows),
            file=self._file,
            row=list(rows),
            key=list(keys),
            **{"class": list(classes)},
            kind=[_kind(r) for r in records] if has_models else "annotation",
            geometry_type=[s.type for s in shapes],
            x=[s.x for s in shapes],
            y=[s.y for s in shapes],
            w=[s.w for s in shapes],
            h=[s.h for s in shapes],
            is_relative=False,
            area=[s.area for s in shapes],
            geometry=[s.geometry for s in shapes],
            is_crowd=[bool(r.iscrowd) and r.iscrowd not in _NO for r in records],
            confidence=[r.score for r in records],
            text=[r.caption for r in records],
            model=[r.model for r in records] if has_models else None,
            track=list(tracks),
            external_id=ids,
            attributes=list(documents),
            position=list(places),
        )

    def _class(self, record: Annotation) -> str | None:
        """Raises ValueError where two categories claim the identifier."""
        is_caption = record.caption is not None and not self._categories
        text = _spelling(record.category_id)
        if text is None and record.category_id is not None:
            stated_id(record.category_id, name="category_id")
        if text is None or is_caption:
            return None
        known = self._categories.get(text)
        if known is None:
            self._sheets.tally.note(
                f"category {text} is not in the list of categories; its number was kept as the class"
            )
            return text
        if known.name is None:
            raise ValueError(f"category id {text} stands for two names, so its class cannot be told")
        return known.name


def _spelling(value: _Number) -> str | None:
    return str(value) if type(value) is int else known_id(value)


def _spelt(raw: bytes) -> str | None:
    try:
        return known_id(_ANY.decode(raw))
    except msgspec.MsgspecError:
        return None


def _attributes(raw: msgspec.Raw) -> bytes | None:
    document = bytes(raw).strip()
    if document in (b"", b"null", b"{}", b"[]"):
        return None
    return document if document[:1] == b"{" else composed([("attributes", document)])


def _kind(record: Annotation) -> str:
    return "annotation" if record.model is None or record.score is None else "prediction"


def _track(record: Annotation) -> str | None:
    """Its `track_id`; CVAT writes it into `attributes`, which keep their bytes."""
    track: Any = record.track_id
    if track is None and b'"track_id"' in bytes(record.attributes):
        said = _ANY.decode(record.attributes)
        track = said.get("track_id") if isinstance(said, dict) else None
    return known_id(track)
