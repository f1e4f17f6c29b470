"""Where the records of a JSON document of any size begin and end, without parsing it.

Blocks of a few MB are looked at with numpy: the positions of `\\ " { } [ ]`, escaped quotes taken out, inside
or outside of a string by the parity of quotes, depth by a running sum. What is handed on are byte ranges that
hold whole records, so that several processes can parse one file.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec
import numpy as np
import numpy.typing as npt

from datacat.ingest.reasons import reason_of

Shape = Literal["object", "array", "lines"]
CUT = 4 << 20  # bytes of records that are decoded at once
_KEY = re.compile(rb'"((?:[^"\\]|\\.)*)"\s*:\s*$')
_LOOK_BACK = 512
_IS_STRUCTURE = np.zeros(256, dtype=bool)
_IS_STRUCTURE[[*b'\\"{}[]']] = True
_DELTA = np.zeros(256, dtype=np.int8)
_DELTA[[*b"{["]] = 1
_DELTA[[*b"}]"]] = -1
_BACKSLASH, _QUOTE = ord("\\"), ord('"')
_Positions = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Range:
    """Bytes `start` to `end` hold whole records of the list `key`; `first` is the number of the first."""

    key: str
    start: int
    end: int
    first: int


@dataclass(slots=True)
class Section:
    """A list or object one level below the top (`key` is "" for the top itself); from bracket to bracket."""

    key: str
    is_list: bool
    start: int
    end: int = -1
    cuts: list[tuple[int, int]] = field(default_factory=list)  # byte, records before it
    count: int = 0

    def ranges(self) -> list[Range]:
        """The byte ranges of its records."""
        edges = [(self.start, 0), *self.cuts]
        ends = [*(byte for byte, _ in self.cuts), self.end]
        return [
            Range(self.key, start, end, first)
            for (start, first), end in zip(edges, ends, strict=True)
            if end > start
        ]


@dataclass(slots=True)
class Layout:
    """A document's sections, the sha256 of its bytes, and what is wrong with its brackets (None: nothing)."""

    sections: list[Section]
    size: int
    digest: str
    fault: str | None = None

    def section(self, key: str) -> Section | None:
        """The first section of that name."""
        return next((section for section in self.sections if section.key == key), None)


def scan(blocks: Iterable[bytes], *, shape: Shape, cut: int = CUT) -> Layout:
    """Walks through a document once.

    Args:
        blocks: its bytes, in order; UTF-8.
        shape: `object`: lists below the keys of one object; `array`: one list; `lines`: a record a line.
        cut: at most about so many bytes per range, more where one record is larger.
    """
    walk = _Lines(cut) if shape == "lines" else _Walk(cut, level=2 if shape == "object" else 1)
    digest, size = hashlib.sha256(), 0
    for block in blocks:
        digest.update(block)
        if walk.fault is None:
            walk.feed(block, size)
        size += len(block)
    walk.finish(size)
    return Layout(walk.sections, size, digest.hexdigest(), walk.fault)


def decoded(
    chunk: bytes, *, decode: Callable[[bytes], list[Any]], one: Callable[[bytes], Any]
) -> Iterator[tuple[int, int, Any]]:
    """The records of a range as (number within it, byte within it, record), or a `Fault` in its place.

    `decode` takes a whole JSON list; where it fails, `one` takes record by record.
    """
    chunk_start = len(chunk) - len(chunk.lstrip(b" \t\r\n,\xef\xbb\xbf"))
    body = chunk[chunk_start:].rstrip(b" \t\r\n,")
    if not body:
        return
    try:
        for number, record in enumerate(decode(b"[" + body + b"]")):
            yield number, -1, record
        return
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError):
        pass
    for number, (start, end) in enumerate(pieces(body)):
        try:
            yield number, chunk_start + start, one(body[start:end])
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError) as error:
            yield number, chunk_start + start, Fault(reason_of(error), body[start:end])


def is_cut_off(record: bytes) -> bool:
    """Whether a record is the beginning of JSON and no more, or ends in what is none at all."""
    try:
        msgspec.json.decode(record)
    except msgspec.DecodeError as error:
        return "truncated" in str(error) or record.rstrip()[-1:] not in (b"}", b"]")
    except RecursionError:
        return False
    return False


class Fault(Exception):
    """A record that cannot be understood: why, all of its bytes, and their beginning as text."""

    def __init__(self, reason: str, record: bytes) -> None:
        super().__init__(reason)
        self.reason = reason
        self.record = record
        self.excerpt = record[:200].decode("utf-8", errors="replace")


def pieces(body: bytes) -> Iterator[tuple[int, int]]:
    """Where each item of `item, item, …` begins and ends; scalars go with their neighbours."""
    brackets = _Brackets()
    positions, deltas, after = brackets.feed(np.frombuffer(body, dtype=np.uint8), 0)
    opens = positions[(deltas == 1) & (after == 1)]
    closes = positions[(deltas == -1) & (after == 0)] + 1
    last = 0
    for start, end in zip(
        opens.tolist(), [*closes.tolist(), *[len(body)] * max(0, len(opens) - len(closes))], strict=False
    ):
        if start < last:
            break
        if body[last:start].strip(b" \t\r\n,"):
            yield last, start
        yield start, end
        last = end
    if body[last:].strip(b" \t\r\n,"):
        yield last, len(body)


class _Brackets:
    """Finds the brackets outside strings, block after block."""

    def __init__(self) -> None:
        self.in_string = False
        self.escape = False  # the block before ended in an odd run of backslashes
        self.depth = 0

    def feed(
        self, block: npt.NDArray[np.uint8], offset: int
    ) -> tuple[_Positions, npt.NDArray[np.int8], _Positions]:
        """Positions of brackets in the document, +1 or -1, and the depth after each."""
        found = np.flatnonzero(_IS_STRUCTURE[block])
        marks = block[found]
        is_quote = marks == _QUOTE
        escaped = self._escaped(found[marks == _BACKSLASH], len(block))
        if escaped.size:
            is_quote &= ~np.isin(found, escaped)
        inside = (np.cumsum(is_quote, dtype=np.int32) & 1).astype(bool) ^ self.in_string
        if inside.size:
            self.in_string = bool(inside[-1])
        deltas = _DELTA[marks]
        kept = (deltas != 0) & ~inside
        deltas = deltas[kept]
        after = np.cumsum(deltas, dtype=np.int64) + self.depth
        if after.size:
            self.depth = int(after[-1])
        return found[kept] + offset, deltas, after

    def _escaped(self, slashes: _Positions, length: int) -> _Positions:
        """Positions right behind an odd run of backslashes."""
        carried, self.escape = self.escape, False
        if not slashes.size:
            return np.zeros(1 if carried and length else 0, dtype=np.int64)
        starts = np.flatnonzero(np.diff(slashes, prepend=-2) != 1)
        lengths = np.diff(starts, append=len(slashes))
        behind = slashes[starts] + lengths
        if carried and slashes[0] == 0:
            lengths[0] += 1
        odd = behind[lengths % 2 == 1]
        if odd.size and odd[-1] == length:
            self.escape = True
            odd = odd[:-1]
        return np.append(0, odd) if carried and slashes[0] != 0 else odd


class _Walk:
    """Collects the sections of an object (`level` 2) or of a list (`level` 1)."""

    def __init__(self, cut: int, *, level: int) -> None:
        self.cut = cut
        self.level = level
        self.sections: list[Section] = []
        self.fault: str | None = None
        self._brackets = _Brackets()
        self._open: Section | None = None
        self._tail = b""
        self._is_over = False  # the bracket that closes the document was met
        self._whole = 0  # where the last whole record ended

    def feed(self, block: bytes, offset: int) -> None:
        """Looks at the next block, which begins at byte `offset`."""
        if self._is_over:
            self._look_behind(block, offset)
            return
        positions, deltas, after = self._brackets.feed(np.frombuffer(block, dtype=np.uint8), offset)
        ends = np.flatnonzero((deltas == -1) & (after == 0))
        if ends.size:
            self._is_over, last = True, int(ends[0]) + 1
            positions, deltas, after = positions[:last], deltas[:last], after[:last]
            end = int(positions[-1]) + 1
            self._look_behind(block[end - offset :], end)
        if after.size and int(after.min()) < 0:
            at = int(positions[int(np.argmax(after < 0))])
            self.fault = f"a bracket is closed that was never opened, at byte {at}"
            wanted = positions < at
            positions, deltas, after = positions[wanted], deltas[wanted], after[wanted]
        edges = np.flatnonzero(
            ((deltas == 1) & (after == self.level)) | ((deltas == -1) & (after == self.level - 1))
        )
        closes = positions[(deltas == -1) & (after == self.level)]
        for edge in edges.tolist():
            at = int(positions[edge])
            if deltas[edge] == 1:
                self._begin(at, block, offset=offset)
            elif self._open is not None:
                self._cut(closes, until=at)
                self._open.end, self._open = at, None
        self._cut(closes, until=offset + len(block))
        self._tail = (self._tail + block)[-_LOOK_BACK:]

    def _look_behind(self, rest: bytes, offset: int) -> None:
        """Finds fault with whatever stands behind the document: of a second one, who knows whether it is meant?"""
        behind = rest.lstrip()
        if behind and self.fault is None:  # the first fault is the one to look for
            what = "another document" if behind[:1] in (b"{", b"[") else "something"
            at = offset + len(rest) - len(behind)
            self.fault = f"{what} stands behind the end of its JSON, at byte {at}: not read"

    def _begin(self, at: int, block: bytes, *, offset: int) -> None:
        key = ""
        if self.level == 2:
            inside = at - offset
            before = block[max(0, inside - _LOOK_BACK) : inside]
            match = _KEY.search(self._tail + before if inside < _LOOK_BACK else before)
            key = match[1].decode("utf-8", errors="replace") if match else ""
        self._open = Section(key, block[at - offset] == ord("["), at + 1)
        self._whole = at + 1
        self.sections.append(self._open)

    def _cut(self, closes: _Positions, *, until: int) -> None:
        """Counts the records that end before `until` and cuts between them; a large one lies alone."""
        section = self._open
        if section is None or not section.is_list:
            return
        low = int(np.searchsorted(closes, max(section.start, section.end)))
        high = int(np.searchsorted(closes, until))
        last = section.cuts[-1][0] if section.cuts else section.start
        place = low
        while (place := max(place, int(np.searchsorted(closes, last + self.cut)))) < high:
            before = int(closes[place - 1]) + 1 if place > low else self._whole
            if last < before < int(closes[place]) + 1 - self.cut:
                section.cuts.append((before, section.count + place - low))
            last = int(closes[place]) + 1
            section.cuts.append((last, section.count + place - low + 1))
        if high > low:
            self._whole = int(closes[high - 1]) + 1
        section.count += high - low
        section.end = until  # how far it was counted, until its own end is found

    def finish(self, size: int) -> None:
        """The document ends here."""
        if self._open is not None:
            _part_last(self._open, whole=self._whole, size=size, cut=self.cut)
            self._open.end = size
        if self.fault is None and not self._is_over and (self._brackets.depth or self._brackets.in_string):
            self.fault = f"the JSON ends in the middle, at byte {size}"


class _Lines:
    """Cuts between lines."""

    def __init__(self, cut: int) -> None:
        self.cut = cut
        self.sections = [Section("", is_list=True, start=0)]
        self.fault: str | None = None
        self._whole = 0  # where the last whole line ended

    def feed(self, block: bytes, offset: int) -> None:
        """Looks at the next block, which begins at byte `offset`."""
        section = self.sections[0]
        last = section.cuts[-1][0] if section.cuts else 0
        counted = 0
        while True:
            end = block.find(b"\n", max(0, last + self.cut - offset))
            if end < 0:
                break
            ended = block.rfind(b"\n", counted, end) + 1
            before = offset + ended if ended else max(self._whole, last)
            if last < before < offset + end + 1 - self.cut:
                section.cuts.append((before, section.count + block.count(b"\n", counted, ended)))
            last = offset + end + 1
            section.cuts.append((last, section.count + block.count(b"\n", counted, end + 1)))
            section.count += block.count(b"\n", counted, end + 1)
            counted = end + 1
        section.count += block.count(b"\n", counted)
        if ended := block.rfind(b"\n") + 1:
            self._whole = offset + ended

    def finish(self, size: int) -> None:
        """The document ends here."""
        _part_last(self.sections[0], whole=self._whole, size=size, cut=self.cut)
        self.sections[0].end = size


def _part_last(section: Section, *, whole: int, size: int, cut: int) -> None:
    """Lets a large record that is not whole lie alone."""
    last = section.cuts[-1][0] if section.cuts else section.start
    if section.is_list and last < whole < size - cut:
        section.cuts.append((whole, section.count))
