"""What data.yaml, *.names, classes.txt and *.data say: class names, keypoints, splits."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from datacat.errors import FormatError
from datacat.ingest.blank import name_of
from datacat.ingest.format import Dataset
from datacat.ingest.formats.yolo.lines import Names
from datacat.ingest.limits import check_size, read_yaml
from datacat.model.report import Tally
from datacat.sources.reading import decoded

NAME_FILES = ("classes.txt", "labels.txt", "_darknet.labels", "darknet.labels")
_SPLIT_KEYS = {"train": "train", "val": "val", "valid": "val", "validation": "val", "test": "test"}


@dataclass(frozen=True, slots=True)
class Described:
    """What one of these files says; `names` is None where it names no class.

    Attributes:
        splits: the paths of each split, as written.
        root: what they are relative to, as written.
    """

    names: Names | None = None
    splits: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    root: str = ""


def is_name_file(uri: str) -> bool:
    """Whether a context file is one of these, and no list of pictures."""
    return not uri.lower().endswith(".txt") or posixpath.basename(uri).lower() in NAME_FILES


def described(dataset: Dataset) -> tuple[dict[str, Described], dict[str, str]]:
    """What each of these files says by its URI, and why others cannot be read."""
    found: dict[str, Described] = {}
    faults: dict[str, str] = {}
    for entry in dataset.context:
        if not is_name_file(entry.uri):
            continue
        try:
            check_size(entry.size, where=entry.uri)
            found[entry.uri] = _described(entry.uri, dataset)
        except FormatError as error:
            faults[entry.uri] = error.what
            dataset.tally.note(
                f"{posixpath.basename(entry.uri)} cannot be read: its class names are not known"
            )
    return found, faults


def nearest(label: str, known: Mapping[str, Names]) -> str | None:
    """The file that names classes in the nearest folder at or above a label file's."""
    folder = posixpath.dirname(label)
    while folder and folder != posixpath.dirname(folder):
        here = sorted(
            (uri for uri in known if posixpath.dirname(uri) == folder),
            key=lambda uri: (not uri.endswith("data.yaml"), not uri.endswith((".yaml", ".yml")), uri),
        )
        if here:
            return here[0]
        folder = posixpath.dirname(folder)
    return None


def note_differences(known: Mapping[str, Names], tally: Tally) -> None:
    """Notes files of one folder that name classes differently."""
    folders: dict[str, list[str]] = {}
    for uri in sorted(known):
        folders.setdefault(posixpath.dirname(uri), []).append(uri)
    for uris in folders.values():
        first = nearest(uris[0], known)
        for uri in uris:
            if first and known[uri].classes != known[first].classes:
                pair = f"{posixpath.basename(first)} and {posixpath.basename(uri)}"
                tally.note(f"{pair} name classes differently: the first counts")


def _described(uri: str, dataset: Dataset) -> Described:
    content = dataset.read(uri)
    if uri.lower().endswith((".yaml", ".yml")):
        return _yaml(content, uri, tally=dataset.tally)
    text, _ = decoded(content)
    if "\0" in text:
        raise FormatError("binary, no list of names", where=uri)
    if uri.lower().endswith(".data"):
        pairs = (line.split("=", 1) for line in text.split("\n") if "=" in line)
        return Described(splits=_splits({key.strip(): value.strip() for key, value in pairs}))
    lines = text.rstrip("\n").split("\n")
    return Described(Names({number: line.strip() for number, line in enumerate(lines) if name_of(line)}))


def _yaml(content: bytes, uri: str, *, tally: Tally) -> Described:
    read = read_yaml(content, where=uri)
    tree: dict[str, Any] = read.tree if isinstance(read.tree, dict) else {}
    name = posixpath.basename(uri)
    for key in read.twice[:5]:
        tally.note(f"{name} has the key {key!r} twice: the last counts")
    names = tree.get("names") or []
    items: Iterable[tuple[Any, Any]] = names.items() if isinstance(names, dict) else enumerate(names)
    shape = tree.get("kpt_shape")
    try:
        if isinstance(names, str):
            raise ValueError("a text where a list belongs")
        named = {_index(number): _text(value) for number, value in items}
        classes = {number: text for number, text in named.items() if name_of(text)}
        keypoints = (_index(shape[0]), _index(shape[1])) if shape else None
    except (ValueError, TypeError, IndexError, KeyError) as error:
        raise FormatError(f"`names` or `kpt_shape` cannot be understood: {error}", where=uri) from error
    _note_counts(classes, tree.get("nc"), listed=len(named), name=name, tally=tally)
    root = tree.get("path")
    return Described(Names(classes, keypoints), _splits(tree), root if isinstance(root, str) else "")


def _index(value: Any) -> int:
    if isinstance(value, int):
        return value
    if not (isinstance(value, str) and value.isdecimal() and len(value) < 10):
        raise ValueError(f"{str(value)[:40]!r} is no number of a class or of keypoints")
    return int(value)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("a list or mapping where a name belongs")
    return value


def _note_counts(classes: Mapping[int, str], nc: Any, *, listed: int, name: str, tally: Tally) -> None:
    if isinstance(nc, str) and nc.isdecimal() and classes and int(nc[:9]) != listed:
        tally.note(f"{name} says nc: {nc[:9]} and names {listed:,} classes: the names count")
    twice = len(classes) - len(set(classes.values()))
    if twice:
        tally.note(f"{name} gives one name to several class numbers: they are one class", twice)


def _splits(tree: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """The paths of each split; what is no text is none."""
    found: dict[str, tuple[str, ...]] = {}
    for key, split in _SPLIT_KEYS.items():
        value = tree.get(key)
        paths = value if isinstance(value, list) else [value]
        written = tuple(path for path in paths if isinstance(path, str) and path.strip())
        if written:
            found[split] = (*found.get(split, ()), *written)
    return found
