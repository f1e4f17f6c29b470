"""How much a file may ask of its reader: size, depth, and what it expands to.

Label files are strangers' files. Whatever reads one whole, as YAML or XML, does so here, without recursion and
within these limits; what passes them is a `FormatError`, which makes the file a reject and leaves the others alone.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass, field
from typing import Any
from xml.etree import ElementTree
from xml.parsers import expat

import yaml

from datacat.errors import FormatError
from datacat.sources.reading import decoded

RECORD_BYTES = 256 << 20  # one record of a stream, or one file that has to be read whole
DEPTH = 100  # levels of YAML and XML; the deepest real ones that were met have 9
YAML_BYTES = 4 << 20  # 20,000 class names take 0.5 MB
YAML_NODES = 200_000  # aliases count as what they stand for
COLUMN_BYTES = 2 << 30  # of one row group of Parquet, unpacked; a million rows of 300 bytes have 0.3 GB
XML_BYTES = 64 << 20
XML_ELEMENTS = 1_000_000
NAME_BYTES = 4096  # of what a label file calls its asset; PATH_MAX of Linux

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # only its events are used
UNNAMED = "the name of the asset"  # begins the reason of a reject whose annotations go with it
_OPEN = object()


@dataclass(slots=True)
class Yaml:
    """A YAML document of lists, mappings and texts as they are written (`yes`, `010`); nothing is None.

    `twice` are keys that one mapping has twice, of which the last counts.
    """

    tree: Any = None
    twice: list[str] = field(default_factory=list)


def name_fault(name: str) -> str | None:
    """Why no file can be called `name`; None where one can."""
    if "\0" in name:
        return f"{UNNAMED} has a NUL in it"
    size = len(name) if len(name) <= NAME_BYTES // 4 else len(name.encode("utf-8", errors="replace"))
    return f"{UNNAMED} is {size:,} bytes long, more than {NAME_BYTES:,}" if size > NAME_BYTES else None


def check_size(size: int, *, limit: int = RECORD_BYTES, where: str, what: str = "the file") -> None:
    """Raises FormatError where `size` bytes are more than may be read at once."""
    if size > limit:
        raise FormatError(
            f"{what} has {size:,} bytes, more than the {limit:,} that are read at once", where=where
        )


def check_row_groups(metadata: Any, *, where: str) -> None:
    """Raises FormatError where a Parquet file says that a value, or a column of a row group, is larger than is read.

    Args:
        metadata: a `pyarrow.parquet.FileMetaData`.
        where: the file.
    """
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        for place in range(group.num_columns):
            chunk = group.column(place)
            check_size(
                chunk.total_uncompressed_size, limit=COLUMN_BYTES, where=where, what="a column of a row group"
            )
            mean = chunk.total_uncompressed_size // max(1, chunk.num_values)
            check_size(mean, where=where, what="a value")


def csv_values(line: str, *, delimiter: str = ",") -> list[str]:
    """The values of one line of CSV.

    Raises:
        ValueError: it is none, or a value is longer than 131,072 characters.
    """
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error as error:
        text = (
            "a value of more than 131,072 characters"
            if "field limit" in str(error)
            else f"no line of CSV: {error}"
        )
        raise ValueError(text) from error


def read_yaml(content: bytes, *, where: str) -> Yaml:
    """The first document of a YAML file; tags are ignored, merge keys and aliases are followed.

    Raises:
        FormatError: it is no YAML, too deep or too large, or expands to too much.
    """
    check_size(len(content), limit=YAML_BYTES, where=where)
    build = _Building(where)
    try:
        for event in yaml.parse(decoded(content)[0], Loader=_LOADER):
            if isinstance(event, yaml.DocumentEndEvent):
                break
            build.take(event)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f" at line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "it cannot be read"
        raise FormatError(f"not valid YAML{place}: {problem}", where=where) from error
    return build.found


@dataclass(slots=True)
class _Node:
    """A list or mapping that is being built."""

    items: Any
    anchor: str | None
    size: int = 1
    key: Any = _OPEN


class _Building:
    """Puts a tree together from events, with a stack of its own."""

    def __init__(self, where: str) -> None:
        self.found = Yaml()
        self._where = where
        self._open: list[_Node] = []
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._count = 0

    def take(self, event: yaml.Event) -> None:
        if isinstance(event, yaml.ScalarEvent):
            self._put(event.value, size=1, anchor=event.anchor)
        elif isinstance(event, yaml.AliasEvent):
            if event.anchor not in self._anchors:
                raise self._fault(f"the alias *{event.anchor} stands for nothing, or for what it lies in")
            value, size = self._anchors[event.anchor]
            self._put(value, size=size)
        elif isinstance(event, yaml.CollectionStartEvent):
            if len(self._open) >= DEPTH:
                raise self._fault(f"nested deeper than {DEPTH} levels")
            items: Any = {} if isinstance(event, yaml.MappingStartEvent) else []
            self._open.append(_Node(items, event.anchor))
        elif isinstance(event, yaml.CollectionEndEvent):
            node = self._open.pop()
            self._put(node.items, size=node.size, anchor=node.anchor, counted=node.size - 1)

    def _put(self, value: Any, *, size: int, anchor: str | None = None, counted: int = 0) -> None:
        self._count += size - counted
        if self._count > YAML_NODES:
            raise self._fault(f"it expands to more than {YAML_NODES:,} values")
        if anchor is not None:
            self._anchors[anchor] = value, size
        if not self._open:
            self.found.tree = value
            return
        node = self._open[-1]
        node.size += size
        if isinstance(node.items, list):
            node.items.append(value)
        elif node.key is _OPEN:
            if not isinstance(value, str):
                raise self._fault("a key that is a list or a mapping")
            node.key = value
        else:
            self._set(node, value)

    def _set(self, node: _Node, value: Any) -> None:
        key, node.key = node.key, _OPEN
        merged = [item for item in (value if isinstance(value, list) else [value]) if isinstance(item, dict)]
        if key == "<<" and merged:
            for item in merged:
                node.items = {**item, **node.items}
            return
        if key in node.items:
            self.found.twice.append(key)
        node.items[key] = value

    def _fault(self, what: str) -> FormatError:
        return FormatError(f"refused: {what}", where=self._where)


def read_xml(content: bytes, *, where: str) -> ElementTree.Element:
    """The root of an XML document.

    Raises:
        FormatError: it is no XML, too deep or too large, or declares entities (which may stand for any amount).
    """
    check_size(len(content), limit=XML_BYTES, where=where)
    try:
        return _xml(content, where)
    except (expat.ExpatError, ValueError, LookupError):  # an encoding unknown to it, or another than it says
        text = re.sub(r"^\s*<\?xml[^>]*\?>", "", _declared(content))
    try:
        return _xml(text.encode("utf-8", errors="replace"), where)
    except expat.ExpatError as error:
        problem = expat.ErrorString(error.code)
        raise FormatError(f"no valid XML at line {error.lineno}: {problem}", where=where) from error


def _declared(content: bytes) -> str:
    """The text of a document in the encoding that it says it has, where Python knows that one."""
    found = re.match(rb"\s*<\?xml[^>]*encoding=[\"']([\w.:-]+)[\"']", content[:200])
    if found and found[1].lower().startswith((b"utf-16", b"utf16", b"ucs-2", b"utf-32")):
        found = None  # its letters would not stand side by side: it was made UTF-8 since
    try:
        return content.decode(found[1].decode()) if found else decoded(content)[0]
    except (LookupError, UnicodeError):
        return decoded(content)[0]


def _xml(content: bytes, where: str) -> ElementTree.Element:
    builder, parser = ElementTree.TreeBuilder(), expat.ParserCreate()
    depth = count = 0

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal depth, count
        depth, count = depth + 1, count + 1
        if depth > DEPTH:
            raise FormatError(f"refused: nested deeper than {DEPTH} levels", where=where)
        if count > XML_ELEMENTS:
            raise FormatError(f"refused: more than {XML_ELEMENTS:,} elements", where=where)
        builder.start(tag, attributes)

    def end(tag: str) -> None:
        nonlocal depth
        depth -= 1
        builder.end(tag)

    def entity(*_: Any) -> None:
        raise FormatError("refused: it declares entities", where=where)

    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler, parser.EntityDeclHandler = builder.data, entity
    parser.Parse(content, True)
    return builder.close()
