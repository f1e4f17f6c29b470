"""One task of an export becomes rows: its media, and what people and models said of them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

import msgspec

from datacat.ingest.attributes import composed
from datacat.ingest.batches import Sheets, Statements
from datacat.ingest.format import INLINE, Document
from datacat.ingest.formats.label_studio.media import Media, Medium
from datacat.ingest.formats.label_studio.regions import (
    Region,
    check_labels,
    grouped,
    is_bare_label,
    is_class,
    labels_of,
    text_of,
    values_of,
)
from datacat.ingest.formats.label_studio.shapes import (
    Item,
    is_over_time,
    kind_of_medium,
    lacks_numbers,
    shape_of,
    size_of,
)
from datacat.ingest.formats.label_studio.spans import checked_span
from datacat.ingest.geometry import Shape
from datacat.ingest.identifiers import canonical_id
from datacat.ingest.twice import keys_twice

_Raws = dict[str, msgspec.Raw]
_ANY = msgspec.json.Decoder()
_LIST = msgspec.json.Decoder(list[msgspec.Raw])
_OBJECT = msgspec.json.Decoder(_Raws)
STATEMENTS = ("annotations", "completions", "predictions", "drafts")
_BY_PEOPLE = ("annotations", "completions")
_FACTS = frozenset(
    {"id", "completed_by", "model_version", "created_at", "was_cancelled", "score", "ground_truth"}
)
_FAULTS = (msgspec.MsgspecError, ValueError, TypeError, KeyError, ArithmeticError, AttributeError, IndexError)
_MAPPED = {"id", "type", "value", "to_name", "score", "original_width", "original_height"}


@dataclass(slots=True)
class _Said:
    """One annotation, prediction or draft: its regions with the media they stand on, and what is the same for all."""

    place: str
    regions: list[tuple[Region, Medium | None]]
    whole: list[tuple[Item, Medium | None]]
    common: dict[str, Any]
    name: str | None
    digest: str
    is_look: bool


class Task:
    """One task while it is read."""

    def __init__(
        self, document: Document, task: _Raws, *, place: str, sheets: Sheets, rows: Statements
    ) -> None:
        self._document = document
        self._task = task
        self._place = place
        self._sheets = sheets
        self._rows = rows
        self._key = place
        data = _ANY.decode(task.get("data", b"{}"))
        if not isinstance(data, dict):
            sheets.tally.note("a task whose `data` is no object")
        self._data: dict[str, Any] = data if isinstance(data, dict) else {}
        self._media = Media(self._data, config=document.own or {}, tally=sheets.tally)
        self._rest: dict[str, list[bytes]] = {}
        self._faults: list[tuple[str, str | Exception, str]] = []

    def name(self, seen: set[str] | None) -> None:
        """Calls the task by its id, and where others may have it (`seen`; None: nobody knows), by its place too."""
        id_ = canonical_id(_ANY.decode(self._task["id"])) if "id" in self._task else None
        if id_ is None:
            return
        is_first = seen is not None and id_ not in seen
        self._key = id_ if is_first else f"{id_} {self._place}"
        if seen is not None and not is_first:
            self._sheets.tally.note("a task id that was used before in the same file")
        if seen is not None:
            seen.add(id_)

    def doubt(self, twice: Iterable[str]) -> None:
        """Rejects what keys say that stand twice in it: the last of each counts, and what the others said is lost."""
        for key in twice:
            reason = f"`{key}` stands twice in one task: the last counts, and what else was said is not known"
            self._faults.append((f"{self._place}.{key}", reason, ""))

    def read(self) -> None:
        """Adds its rows.

        Raises:
            ValueError, TypeError, KeyError: it is no such task.
        """
        said = [one for kind in STATEMENTS for one in self._statements(kind)]
        self._list_media()
        if not any(one.is_look for one in said):
            for shown in self._media.all:
                self._rows.unlooked(self._key_of(shown))
        # Behind all results, when it is known which media there are.
        for place, reason, excerpt in self._faults:
            self._rejected(list(self._media.named), place, reason=reason, excerpt=excerpt)
        for one in said:
            first = self._rows.next_row
            for region, medium in one.regions:
                self._kept(region.items, medium, one, write=partial(self._region, region, one))
            self._whole(one)
            if one.name:
                self._rows.mark(first, name=one.name, digest=one.digest)

    def _list_media(self) -> None:
        """An asset for each medium; what else the task says is of each of them."""
        rest = [(key, raw) for key, raw in self._task.items() if key not in (*STATEMENTS, "id")]
        rest += [(key, msgspec.Raw(b"[" + b", ".join(parts) + b"]")) for key, parts in self._rest.items()]
        metadata = composed(rest).decode() if rest else None
        for medium in self._media.all:
            width, height = medium.size or (None, None)
            self._rows.asset(
                self._key_of(medium), position=self._place, name=medium.name, uri=self._inline_uri(medium),
                width=width, height=height, metadata=metadata,
            )  # fmt: skip

    def _key_of(self, medium: Medium) -> str:
        return self._key if len(self._media.all) == 1 else f"{self._key}.{medium.label}"

    def _inline_uri(self, medium: Medium) -> str | None:
        """What has no name is called by its label file; of several texts of a task, each by its key too."""
        if medium.name:
            return None
        texts = [other for other in self._media.all if not other.name]
        below = f".{medium.label}" if len(texts) > 1 and medium.label else ""
        return f"{self._document.uri}{INLINE}{self._key}{below}"

    def _statements(self, kind: str) -> list[_Said]:
        raw = self._task.get(kind)
        if raw is None or bytes(raw).strip() in (b"null", b""):
            return []
        if not bytes(raw).lstrip().startswith(b"["):
            self._faults.append((f"{self._place}.{kind}", f"`{kind}` of a task that are no list", _text(raw)))
            return []
        found = []
        for number, item in enumerate(_LIST.decode(raw)):
            place = f"{self._place}.{kind}[{number}]"
            if bytes(item)[:1] in b"-0123456789" and kind not in _BY_PEOPLE:
                self._sheets.tally.note(f"{kind} that are only numbers: what they say is not in the file")
                continue
            try:
                found.append(self._statement(kind, item, place=place))
            except _FAULTS as error:
                self._faults.append((place, error, _text(item)))
        return found

    def _statement(self, kind: str, raw: msgspec.Raw, *, place: str) -> _Said:
        """One annotation, prediction or draft, with its results grouped by region."""
        if keys_twice(bytes(raw), ("result",)):
            raise ValueError("`result` stands twice in it: which of them counts?")
        statement = _OBJECT.decode(raw)
        results = _ANY.decode(statement.get("result", b"[]"))
        if not isinstance(results, list):
            raise ValueError("`result` is no list")
        items = [item for item in results if isinstance(item, dict)]
        for number, item in enumerate(results):
            if not isinstance(item, dict):
                where = f"{place}.result[{number}]"
                self._faults.append((where, "a result that is no object", msgspec.json.encode(item).decode()))
        facts = {key: _ANY.decode(one) for key, one in statement.items() if key in _FACTS}
        rest = [(key, one) for key, one in statement.items() if key not in (*_FACTS, "result") or key == "id"]
        if len(rest) > 1:
            self._rest.setdefault(kind, []).append(composed(rest))
        regions, whole, again = grouped(items)
        if again:
            self._sheets.tally.note("a region id that stands for several regions: each was kept", again)
        placed = [(region, self._medium(region.main)) for region in regions]
        by_id = {str(region.main.get("id")): medium for region, medium in placed}
        said = _ANY.decode(raw)
        return _Said(
            place,
            placed,
            [(item, self._medium(item, by_id)) for item in whole],
            _common(kind, facts),
            name=f"{self._task_id()}/{kind}/{facts['id']}" if "id" in facts else None,
            digest=_digest([self._data, self._task_id(), kind, said]),
            is_look=kind in _BY_PEOPLE and "result" in statement and not _is_true(facts.get("was_cancelled")),
        )

    def _task_id(self) -> Any:
        return _ANY.decode(self._task.get("id", b"null"))

    def _medium(self, item: Item, regions: dict[str, Medium | None] | None = None) -> Medium | None:
        """The medium of a result; its size is the first that a result states."""
        if item.get("type") == "relation":
            return (regions or {}).get(str(item.get("from_id"))) or self._media.of(None, kind=None)
        page, name = item.get("item_index"), item.get("to_name")
        medium = self._media.of(
            None if name is None else str(name),
            kind=kind_of_medium(item),
            page=page if isinstance(page, int) else None,
        )
        if medium is not None:
            size = size_of(item)
            if medium.size and size and size != medium.size:
                self._sheets.tally.note(
                    "results of one picture state several sizes of it; the first was taken"
                )
            medium.size = medium.size or size
        return medium

    def _kept(
        self, items: list[Item], medium: Medium | None, said: _Said, *, write: Callable[[Medium], None]
    ) -> None:
        """Writes one region or value, or rejects it whole."""
        labels = [label for item in items for label in labels_of(item)]
        class_ = labels[0] if len(set(labels)) == 1 else None
        excerpt = msgspec.json.encode(items).decode()
        if medium is None:
            media = ", ".join(one.label for one in self._media.named)
            reason = f"on which of the task's media ({media}) `{items[0].get('to_name')}` is cannot be told"
            self._rejected(self._media.named, said.place, reason=reason, excerpt=excerpt, class_=class_)
            return
        try:
            with self._rows.record():
                write(medium)
        except (*_FAULTS, RecursionError) as error:
            self._rejected([medium], said.place, reason=error, excerpt=excerpt, class_=class_)

    def _rejected(
        self,
        media: list[Medium],
        place: str,
        *,
        reason: str | Exception,
        excerpt: str,
        class_: str | None = None,
    ) -> None:
        """A reject for each medium that it may be of."""
        for medium in media or self._media.all:
            key = self._key_of(medium)
            self._sheets.reject(
                self._document.file, place, reason=reason, excerpt=excerpt, key=key, class_=class_
            )

    def _region(self, region: Region, said: _Said, medium: Medium) -> None:
        """A row for each label of a region."""
        self._check(region.items)
        shape, is_relative = shape_of(region.main, medium.size)
        labels, main = region.labels, region.main
        shape = self._compared(shape, main, medium)
        name = str(main["id"]) if main.get("id") is not None else None
        confidence = _float(main.get("score"))
        for label in labels or (None,):
            self._rows.add(
                self._key_of(medium),
                position=said.place,
                attributes=msgspec.json.encode(region.attributes()),
                class_=label,
                shape=shape,
                is_relative=is_relative,
                text=region.text(),
                external_id=name,
                track=name if is_over_time(main) else None,
                **{
                    **said.common,
                    "confidence": said.common["confidence"] if confidence is None else confidence,
                },
            )
        if len(labels) > 1:
            self._sheets.tally.note("a region with several labels; a row for each")
        again = sum(len(labels_of(item)) for item in region.drawn) - len(labels)
        if again:
            self._sheets.tally.note("a label given to one region twice: counted once", again)

    def _check(self, items: list[Item]) -> None:
        """Raises ValueError where labels are none; notes those that are a text instead of a list."""
        for item in items:
            check_labels(item)
            if is_bare_label(item):
                self._sheets.tally.note("a text where a list of labels belongs: read as one label")

    def _compared(self, shape: Shape, main: Item, medium: Medium) -> Shape:
        """The shape of a region, compared with what else is known of its place."""
        if lacks_numbers(main, shape):
            self._sheets.tally.note("a region that does not say where it is: kept without a box")
        text, value = self._data.get(medium.data_key), main.get("value")
        if shape.type != "span" or not isinstance(text, str) or medium.name or not isinstance(value, dict):
            return shape
        if main.get("type") == "labels" and "globalOffsets" not in value:
            return checked_span(shape, value, text=text, tally=self._sheets.tally)
        return shape

    def _whole(self, said: _Said) -> None:
        """What was said of whole media: a row for each class, else one row; values of other controls go with it."""
        for medium in _each(medium for _, medium in said.whole):
            items = [item for item, on in said.whole if on is medium]
            classes = [item for item in items if is_class(item)]
            others = [item for item in items if not is_class(item)]
            values = values_of(others)
            text = "\n".join(filter(None, map(text_of, others))) or None
            for item in classes:
                own = {} if item.get("type") == "relation" else values
                self._kept([item], medium, said, write=self._writer(said, item, own, text=text))
            if others and all(item.get("type") == "relation" for item in classes):
                self._kept(others, medium, said, write=self._writer(said, others[0], values, text=text))

    def _writer(
        self, said: _Said, item: Item, values: dict[str, Any], *, text: str | None
    ) -> Callable[[Medium], None]:
        """Writes the rows of one result about a whole medium."""

        def write(medium: Medium) -> None:
            self._check([item])
            labels = list(dict.fromkeys(labels_of(item)))
            extra = {**values, **{key: one for key, one in item.items() if key not in _MAPPED}}
            if not labels:
                extra.pop("from_name", None)  # the values stand below the names of their controls
            confidence = _float(item.get("score"))
            for label in labels or (None,):
                self._rows.add(
                    self._key_of(medium),
                    position=said.place,
                    attributes=msgspec.json.encode({k: one for k, one in extra.items() if one is not None}),
                    class_=label,
                    text=None if item.get("type") == "relation" else text,
                    external_id=str(item["id"]) if item.get("id") is not None else None,
                    **{
                        **said.common,
                        "confidence": said.common["confidence"] if confidence is None else confidence,
                    },
                )

        return write


def _common(kind: str, facts: dict[str, Any]) -> dict[str, Any]:
    """What is the same for all rows of an annotation, prediction or draft."""
    return {
        "kind": "prediction" if kind == "predictions" else "annotation",
        "annotator": _person(facts.get("completed_by")),
        "model": _word(facts.get("model_version")),
        "created": _time(facts.get("created_at")),
        "status": _status(kind, facts),
        "confidence": _float(facts.get("score")),
    }


def _each(media: Iterable[Medium | None]) -> list[Medium | None]:
    """Each medium once, in order."""
    found: list[Medium | None] = []
    for medium in media:
        if not any(medium is known for known in found):
            found.append(medium)
    return found


def _digest(content: Any) -> str:
    return hashlib.blake2b(msgspec.json.encode(content, order="sorted"), digest_size=16).hexdigest()


def _text(raw: msgspec.Raw) -> str:
    return bytes(raw)[:200].decode("utf-8", errors="replace")


def _person(value: Any) -> str | None:
    if isinstance(value, dict):
        value = value.get("email") or value.get("id")
    return None if value is None else str(value)


def _word(value: Any) -> str | None:
    return str(value) if isinstance(value, int | float | str) and value != "" else None


_NOT_SET = ("", "0", "false", "no", "none", "null")


def _status(kind: str, facts: dict[str, Any]) -> str | None:
    if kind == "drafts":
        return "draft"
    if _is_true(facts.get("was_cancelled")):
        return "skipped"
    return "ground_truth" if _is_true(facts.get("ground_truth")) else None


def _is_true(value: Any) -> bool:
    """Whether a mark is set; exports that went through a table write it as text."""
    return value.strip().casefold() not in _NOT_SET if isinstance(value, str) else bool(value)


def _float(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _time(value: Any) -> datetime | None:
    try:
        time = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return time if time.tzinfo else time.replace(tzinfo=UTC)
