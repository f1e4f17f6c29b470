"""On which medium of its task a result stands.

A task's `data` may name several media. A result says `to_name`, which is a name in the labelling configuration; the
export has no configuration, but one may lie beside it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from datacat.ingest.formats.label_studio.shapes import Size
from datacat.model.report import Tally
from datacat.sources.media import media_kind

_USUAL = re.compile(r"(image|img|url|audio|sound|video|ocr|pdf|photo|picture)(_?url|_?\d+)?", re.IGNORECASE)
_TAG = re.compile(r"<[A-Z]\w*\s[^<>]*?>", re.DOTALL)
_NAME = re.compile(r"""\bname\s*=\s*["']([^"']+)["']""")
_VALUE = re.compile(r"""\bvalue(?:List)?\s*=\s*["']\$([^"'\[\]]+)(?:\[[^"']*\])?["']""")
_PAGE = re.compile(r".*?(\d+)")
_LONGEST = 2048  # characters of an address


@dataclass(slots=True)
class Medium:
    """One asset of a task: below which key of `data` (and where in a list), its name, and its size once it is known.

    Without a name it is what the task itself holds, a text say.
    """

    data_key: str
    name: str | None
    page: int | None = None
    size: Size | None = None

    @property
    def kind(self) -> str | None:
        """image, audio, … as its name's ending says."""
        return media_kind(_path(self.name)) if self.name else "text"

    @property
    def label(self) -> str:
        """What tells it from the others of its task."""
        return self.data_key if self.page is None else f"{self.data_key}[{self.page}]"


def config_of(text: str) -> dict[str, str]:
    """Which key of `data` each object of a labelling configuration shows, by the object's name."""
    found: dict[str, str] = {}
    for tag in _TAG.findall(text):
        name, value = _NAME.search(tag), _VALUE.search(tag)
        if name and value and "toName" not in tag:
            found[name[1]] = value[1]
    return found


class Media:
    """The media of one task."""

    def __init__(self, data: Mapping[str, Any], *, config: Mapping[str, str], tally: Tally) -> None:
        self._data = data
        self._config = config
        self._tally = tally
        self.named = _named(data)
        self._inline: dict[str, Medium] = {}

    @property
    def all(self) -> list[Medium]:
        """Those that are named, and those of the task itself that something was said of; never none."""
        return [*self.named, *self._inline.values()] or [self._itself("")]

    def of(self, to_name: str | None, *, kind: str | None, page: int | None = None) -> Medium | None:
        """The medium that a result belongs to; None where that cannot be told.

        Args:
            to_name: what the result says.
            kind: on which kind of medium such a result can stand; None: on any.
            page: which one of a list.
        """
        name = (to_name or "").removeprefix("$")
        for key in (name, self._config.get(name)):
            if key and key in self._data:
                if key != name:
                    self._tally.assume(f"`{name}` shows `data.{key}`, as the labelling configuration says")
                return self._below(key, kind=kind, page=page)
        if not self.named:
            return self._itself("")
        return self._by_page(name, page) or self._only(name, kind) or self._alike(name, kind)

    def _below(self, key: str, *, kind: str | None, page: int | None) -> Medium | None:
        here = [medium for medium in self.named if medium.data_key == key]
        if len(here) == 1 and here[0].page is None:
            return here[0]
        if here:
            if page is None and len(here) > 1:
                return None
            return next((medium for medium in here if medium.page == (page or 0)), None)
        value = self._data[key]
        if kind not in (None, "text") and _may_name(value):
            self.named.append(Medium(key, local_name(value)))
            return self.named[-1]
        return self._itself(key)

    def _itself(self, key: str) -> Medium:
        return self._inline.setdefault(key, Medium(key, None))

    def _by_page(self, name: str, page: int | None) -> Medium | None:
        """`page_2`, as a repeater calls it; or a page that the result states."""
        keys = {medium.data_key for medium in self.named if medium.page is not None}
        number = _PAGE.fullmatch(name)
        wanted = page if page is not None else int(number[1]) if number else None
        if len(keys) != 1 or wanted is None:
            return None
        return next((medium for medium in self.named if medium.page == wanted), None)

    def _only(self, name: str, kind: str | None) -> Medium | None:
        """The only medium there is, or the only one that such a result can stand on."""
        if kind == "text":
            texts = [key for key, value in self._data.items() if isinstance(value, str) and " " in value]
            return self._itself(texts[0]) if len(texts) == 1 else None
        fitting = [medium for medium in self.named if kind is None or medium.kind in (kind, None)]
        if len(fitting) != 1:
            return None
        if len(self.named) > 1:
            self._tally.assume(f"`{name}` shows `data.{fitting[0].label}`, the only {kind} of its task")
        return fitting[0]

    def _alike(self, name: str, kind: str | None) -> Medium | None:
        plain = _plain(name)
        alike = [
            medium
            for medium in self.named
            if (kind is None or medium.kind in (kind, None))
            and plain
            and (_plain(medium.label) in plain or plain in _plain(medium.label))
        ]
        if len(alike) != 1:
            return None
        self._tally.assume(f"`{name}` shows `data.{alike[0].label}`, by its name")
        return alike[0]


def local_name(value: str) -> str:
    """/data/local-files/?d=a/b.jpg names a/b.jpg, not decoded: that comes after it was tried as written."""
    if "/data/local-files/" not in value:
        return value
    named = re.search(r"[?&]d=([^&]*(?:&(?!\w+=)[^&]*)*)", value)
    return named[1] if named else value


def _named(data: Mapping[str, Any]) -> list[Medium]:
    """The values of `data` that name media by their endings; where there are none, those below usual keys."""
    found = list(_texts(data))
    media = [medium for medium in found if medium.kind]
    return media or [medium for medium in found if _USUAL.fullmatch(medium.data_key)]


def _texts(data: Mapping[str, Any]) -> list[Medium]:
    found: list[Medium] = []
    for key, value in data.items():
        if _may_name(value):
            found.append(Medium(key, local_name(value)))
        elif isinstance(value, list):
            pages = [_page(one) for one in value]
            found += [
                Medium(key, local_name(name), number)
                for number, name in enumerate(pages)
                if name and media_kind(_path(local_name(name)))
            ]
    return found


def _page(one: Any) -> str | None:
    """A page of a list: an address, or an object with one."""
    if isinstance(one, dict):
        one = next((value for value in one.values() if _may_name(value) and media_kind(_path(value))), None)
    return one if _may_name(one) else None


def _may_name(value: Any) -> bool:
    if not isinstance(value, str) or not value or len(value) > _LONGEST or "\n" in value:
        return False
    return " " not in value or bool(media_kind(_path(value)))


def _path(name: str | None) -> str:
    try:
        return urlsplit(name).path if name and "://" in name else name or ""
    except ValueError:  # an address with half a bracket
        return name or ""


def _plain(name: str) -> str:
    return "".join(letter for letter in name.casefold() if letter.isalnum())
