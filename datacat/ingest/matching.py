"""What a label file calls its asset becomes the object in the lake, by stated rules, tried in this order.

1. the name is the URI, or with the media root, the label file's folder or the location in front of it is one
2. the same below `images/` beside the label file's folder or beside its parent
3. the longest tail of the path that only one object has
4. the same three with %20 and its like decoded, and last without regard to case

A name that matches nothing keeps a URI made by rule: media root (else the label file's folder) and name.
"""

from __future__ import annotations

import posixpath
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from urllib.parse import unquote, urlsplit

from datacat.model.report import Tally
from datacat.sources.listing import Entry
from datacat.sources.location import Location

_DRIVE = re.compile(r"^[A-Za-z]:[\\/]")
_SIBLINGS = ("images", "JPEGImages", "img", "data")
_ODD = re.compile(r"[\\:%]|\.\.|//|^/|^\./")


class Lake:
    """The media that were found, and how names matched them so far."""

    def __init__(self, media: Iterable[Entry], *, location: Location, media_root: Location | None) -> None:
        self.entries = {entry.uri: entry for entry in media}
        self.rules: Counter[str] = Counter()
        self._location = location
        self._media_root = media_root
        self._folded: dict[str, str] | None = None
        self._by_name: dict[str, list[str]] = defaultdict(list)
        for uri in self.entries:
            self._by_name[posixpath.basename(uri).casefold()].append(uri)

    def match(self, name: str, *, label_file: str) -> str:
        """The URI of the asset that `label_file` calls `name`; one made by rule where the lake has none."""
        folder = label_file.rsplit("/", 1)[0]
        if not self.entries and not _ODD.search(name):
            self.rules["missing"] += 1
            return f"{self._media_root or folder}/{name}"
        plain = _plain(name)
        for spelt, remark in dict.fromkeys(((plain, ""), (unquote(plain), ", percent-decoded"))):
            found = self._found(spelt, folder)
            if found:
                self.rules[found[1] + remark] += 1
                return found[0]
        self.rules["missing"] += 1
        return self._made(name, plain, folder=folder)

    def covers(self, uri: str) -> bool:
        """Whether everything was listed where `uri` would lie."""
        return any(uri.startswith(f"{place}/") for place in (self._location, self._media_root) if place)

    def report(self, tally: Tally) -> None:
        """Says how often each rule was used."""
        for rule, count in sorted(self.rules.items()):
            if rule == "missing":
                tally.note("an asset's media was not found", count)
            else:
                tally.assume(f"{count:,} media matched by rule: {rule}")

    def _found(self, name: str, folder: str) -> tuple[str, str] | None:
        if name in self.entries:
            return name, "exact path"
        for root, rule in self._roots(folder):
            uri = Location(root).child(name.lstrip("/")).uri
            if uri in self.entries:
                return uri, rule
        return self._by_tail(name)

    def _roots(self, folder: str) -> Iterator[tuple[str, str]]:
        if self._media_root:
            yield str(self._media_root), "below the media root"
        yield folder, "below the label file's folder"
        yield str(self._location), "below the location"
        above = folder.rsplit("/", 1)[0]
        for base in (folder, above):
            for sibling in _SIBLINGS:
                yield f"{base}/{sibling}", f"in {sibling}/ beside the labels"

    def _by_tail(self, name: str) -> tuple[str, str] | None:
        parts = [part for part in name.split("/") if part not in ("", ".", "..")]
        if not parts:
            return None
        same = self._by_name.get(parts[-1].casefold(), [])
        exact = _longest_tail(parts, [(uri, uri) for uri in same])
        if exact:
            return exact, "longest unique tail of the path"
        folded = [part.casefold() for part in parts]
        loose = _longest_tail(folded, [(uri, uri.casefold()) for uri in same])
        return (loose, "longest unique tail of the path, case ignored") if loose else None

    def _made(self, name: str, plain: str, *, folder: str) -> str:
        if "://" in name:
            return name
        if plain.startswith("/") and not _DRIVE.match(name):
            return posixpath.normpath(plain)
        return Location(str(self._media_root or folder)).child(plain.lstrip("/") or "unnamed").uri


def _plain(name: str) -> str:
    """Forward slashes, no drive, no host."""
    if _DRIVE.match(name):
        return "/" + name[3:].replace("\\", "/")
    if "://" in name:
        address = urlsplit(name)
        if address.scheme == "s3":
            return name
        return address.path
    return name.replace("\\", "/") if "\\" in name else name


def _longest_tail(parts: Sequence[str], candidates: Sequence[tuple[str, str]]) -> str | None:
    """The one candidate that shares most parts at the end; None where several do."""
    best, found = 0, []
    for uri, spelt in candidates:
        theirs = spelt.split("/")
        common = 0
        while common < min(len(parts), len(theirs)) and parts[-1 - common] == theirs[-1 - common]:
            common += 1
        if common > best:
            best, found = common, [uri]
        elif common == best and common:
            found.append(uri)
    return found[0] if len(found) == 1 else None
