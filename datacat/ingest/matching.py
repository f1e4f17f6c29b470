"""What a label file calls its asset becomes the object in the lake, by stated rules, tried in this order.

A name is tried as it is written, then with slashes for backslashes, then percent-decoded, then with a plus as a space
(as addresses of forms have it). Each of these spellings is looked for

1. as the URI itself, or below the media root, the label file's folder or the location
2. below `images/` and its like beside the label file's folder or beside its parent
3. by the longest tail of its path that only one object has

then all of them once more in the other Unicode form (composed or decomposed), then without regard to case, then without
the prefix that Label Studio puts before what was uploaded (`upload/3/0123abcd-`). Last, a name that has no ending is
that of the only object that is called so without its own.

A name that matches nothing keeps a URI made by rule: media root (else the label file's folder) and name. Why it was not
found is in the report, with what it may have meant.
"""

from __future__ import annotations

import posixpath
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from urllib.parse import unquote, unquote_plus, urlsplit

from datacat.model.report import Tally
from datacat.sources.listing import Entry
from datacat.sources.location import Location
from datacat.sources.media import is_text

_DRIVE = re.compile(r"^[A-Za-z]:[\\/]")
_SIBLINGS = ("images", "JPEGImages", "img", "data")
_ODD = re.compile(r"[\\:%+]|\.\.|//|^/|^\./|[^\x00-\x7f]")
_UPLOADED = re.compile(r"(?:^|/)upload/\d+/[0-9a-f]{8}-([^/]+)$")
_ENDING = re.compile(r"\.(?!\d+$)\w{1,5}$")  # numbers behind a point count frames
_EXAMPLES = 3  # of a reason why names were not found
_CANDIDATES = 3  # of a name

_HIDDEN = "its name or that of a folder begins with a dot, and hidden files are left out"
_SEVERAL = "several media are called so"
_OTHER_ENDING = "there is one with another ending"
_NOWHERE = "no media are called so"
_OUTSIDE = "no media here are called so, and where they are said to lie, outside of what is ingested, none are sought"
_NO_MEDIUM = "a file of that name lies there, but by its ending it is no picture, recording or text"


class Lake:
    """The media that were found, and how names matched them so far.

    `texts` are files that may be texts: one that a label names becomes one of `entries`, the others are no media.
    `others` are files that are no media by their names, and no label files.
    """

    def __init__(
        self,
        media: Iterable[Entry],
        *,
        location: Location,
        media_root: Location | None,
        texts: Iterable[Entry] = (),
        others: Iterable[Entry] = (),
    ) -> None:
        self.texts = {entry.uri: entry for entry in texts}
        self._of_texts: Lake | None = None
        self.entries = {entry.uri: entry for entry in media}
        self.rules: Counter[str] = Counter()
        self._location = location
        self._media_root = media_root
        self._lost: dict[str, dict[str, tuple[str, ...]]] = defaultdict(dict)  # reason, name, candidates
        self._lost_count: Counter[str] = Counter()
        self._stems: dict[str, list[str]] | None = None
        self._forms: dict[str, str | None] | None = None
        self._by_name: dict[str, list[str]] = defaultdict(list)
        for uri in self.entries:
            self._by_name[_folded(posixpath.basename(uri))].append(uri)
        self._no_media: dict[str, list[str]] = defaultdict(list)
        for entry in others:
            self._no_media[_folded(posixpath.basename(entry.uri))].append(entry.uri)

    def match(self, name: str, *, label_file: str) -> str:
        """The URI of the asset that `label_file` calls `name`; one made by rule where the lake has none."""
        if self.texts and is_text(name):
            return self._match_text(name, label_file)
        folder = label_file.rsplit("/", 1)[0]
        if not (self.entries or self._no_media.get(_folded(name.rsplit("/", 1)[-1])) or _ODD.search(name)):
            self._lost_count[_NOWHERE] += 1
            return f"{self._media_root or folder}/{name}"
        plain = _plain(name)
        spellings = list(_spellings(name, plain))
        found = (
            self._by_rules(spellings, folder) or self._uploaded(plain, folder) or self._without_ending(plain)
        )
        if found:
            self.rules[found[1]] += 1
            return found[0]
        made = self._made(name, plain, folder=folder)
        is_outside = self._lies_outside(made, folder) and ("://" in name or made == posixpath.normpath(plain))
        self._lose(name, plain, spellings=spellings, is_outside=is_outside)
        return made

    def _match_text(self, name: str, label_file: str) -> str:
        """The same among the texts, by the same rules."""
        if self._of_texts is None:
            self._of_texts = Lake(self.texts.values(), location=self._location, media_root=self._media_root)
            self._of_texts.rules, self._of_texts._lost = self.rules, self._lost
            self._of_texts._lost_count = self._lost_count
        uri = self._of_texts.match(name, label_file=label_file)
        if uri in self.texts:
            self.entries[uri] = self.texts[uri]
        return uri

    def covers(self, uri: str) -> bool:
        """Whether everything was listed where `uri` would lie."""
        return any(uri.startswith(f"{place}/") for place in (self._location, self._media_root) if place)

    def _lies_outside(self, uri: str, folder: str) -> bool:
        """Whether nothing was listed where `uri` would lie: within the places or beside a single label file."""
        beside = (folder, f"{folder.rsplit('/', 1)[0]}/images")
        return not (self.covers(uri) or any(uri.startswith(f"{place}/") for place in beside))

    def report(self, tally: Tally) -> None:
        """Says how often each rule was used, and of names that were not found, why."""
        for rule, count in sorted(self.rules.items()):
            tally.assume(f"{count:,} media matched by rule: {rule}")
        for reason, names in sorted(self._lost.items()):
            examples = [_example(name, candidates) for name, candidates in names.items()]
            more = self._lost_count[reason] - len(examples)
            told = "; ".join(examples) + (f"; and {more:,} more" if more > 0 else "")
            tally.note(f"not found, as {reason}: {told}", self._lost_count[reason])

    def _by_rules(self, spellings: Sequence[tuple[str, str]], folder: str) -> tuple[str, str] | None:
        for spelt, remark in spellings:
            found = self._exactly(spelt, folder) or self._by_tail(spelt)
            if found:
                return found[0], found[1] + remark
        for spelt, remark in spellings:
            found = self._in_other_form(spelt, folder) or self._by_tail(spelt, form=_composed)
            if found:
                return found[0], f"{found[1]}{remark}, in another Unicode form"
        for spelt, remark in spellings:
            found = self._by_tail(spelt, form=_folded)
            if found:
                return found[0], f"{found[1]}{remark}, case ignored"
        return None

    def _uploaded(self, plain: str, folder: str) -> tuple[str, str] | None:
        uploaded = _UPLOADED.search(plain)
        found = self._by_rules(list(_spellings(uploaded[1], uploaded[1])), folder) if uploaded else None
        return (found[0], f"upload prefix left out, then {found[1]}") if found else None

    def _exactly(self, name: str, folder: str) -> tuple[str, str] | None:
        if name in self.entries:
            return name, "exact path"
        for uri, rule in self._places(name, folder):
            if uri in self.entries:
                return uri, rule
        return None

    def _in_other_form(self, name: str, folder: str) -> tuple[str, str] | None:
        if name.isascii():
            return None
        if self._forms is None:
            self._forms = {}
            for uri in self.entries:
                if not uri.isascii():
                    form = _composed(uri)
                    self._forms[form] = None if form in self._forms else uri
        for uri, rule in [(name, "exact path"), *self._places(name, folder)]:
            found = self._forms.get(_composed(uri))
            if found:
                return found, rule
        return None

    def _places(self, name: str, folder: str) -> Iterator[tuple[str, str]]:
        for root, rule in self._roots(folder):
            yield Location(root).child(name.lstrip("/")).uri, rule

    def _roots(self, folder: str) -> Iterator[tuple[str, str]]:
        if self._media_root:
            yield str(self._media_root), "below the media root"
        yield folder, "below the label file's folder"
        yield str(self._location), "below the location"
        above = folder.rsplit("/", 1)[0]
        for base in (folder, above):
            for sibling in _SIBLINGS:
                yield f"{base}/{sibling}", f"in {sibling}/ beside the labels"

    def _by_tail(self, name: str, *, form: Callable[[str], str] = str) -> tuple[str, str] | None:
        parts = _parts(name)
        if not parts:
            return None
        same = self._by_name.get(_folded(parts[-1]), [])
        found = _longest_tail([form(part) for part in parts], [(uri, form(uri)) for uri in same])
        return (found, "longest unique tail of the path") if found else None

    def _without_ending(self, plain: str) -> tuple[str, str] | None:
        """The only one whose name without its ending is a name that has none."""
        parts = _parts(plain)
        if not parts or _ENDING.search(parts[-1]):
            return None
        alike = [(uri, _folded(posixpath.splitext(uri)[0])) for uri in self._called(parts[-1])]
        found = _longest_tail([_folded(part) for part in parts], alike)
        return (found, "a name without an ending, of which there is one") if found else None

    def _called(self, stem: str) -> list[str]:
        """Media by their names without endings."""
        if self._stems is None:
            self._stems = defaultdict(list)
            for uri in self.entries:
                self._stems[_folded(posixpath.splitext(posixpath.basename(uri))[0])].append(uri)
        return self._stems.get(_folded(stem), [])

    def _lose(self, name: str, plain: str, *, spellings: Sequence[tuple[str, str]], is_outside: bool) -> None:
        """Keeps why a name was not found, and what it may have meant."""
        reason, candidates = self._why(plain, spellings)
        reason = _OUTSIDE if is_outside and reason == _NOWHERE else reason
        self._lost_count[reason] += 1
        if len(self._lost[reason]) < _EXAMPLES:
            self._lost[reason].setdefault(name, tuple(candidates[: _CANDIDATES + 1]))

    def _why(self, plain: str, spellings: Sequence[tuple[str, str]]) -> tuple[str, Sequence[str]]:
        parts = _parts(plain)
        if any(part.startswith(".") for part in parts):
            return _HIDDEN, ()
        for spelt, _ in spellings:
            base = _folded(posixpath.basename(spelt))
            for same, reason in ((self._by_name.get(base), _SEVERAL), (self._no_media.get(base), _NO_MEDIUM)):
                if same:
                    return reason, same
        base = posixpath.basename(plain)
        alike = self._called(posixpath.splitext(base)[0] if _ENDING.search(base) else base)
        return (_OTHER_ENDING, alike) if alike else (_NOWHERE, ())

    def _made(self, name: str, plain: str, *, folder: str) -> str:
        if "://" in name:
            return name
        if plain.startswith("/") and not _DRIVE.match(name):
            return posixpath.normpath(plain)
        return Location(str(self._media_root or folder)).child(plain.lstrip("/") or "unnamed").uri


def _spellings(name: str, plain: str) -> Iterator[tuple[str, str]]:
    """A name as it is written, with slashes, and decoded, where that makes others; `plain` is `_plain` of it."""
    if "\\" in name and "://" not in name:
        yield name, ""
    yield plain, ""
    decoded = unquote(plain)
    if decoded != plain:
        yield decoded, ", percent-decoded"
    if "+" in plain:
        yield unquote_plus(plain), ", with + as a space"


def _plain(name: str) -> str:
    """Forward slashes, no drive, no host."""
    if _DRIVE.match(name):
        return "/" + name[3:].replace("\\", "/")
    if "://" in name:
        try:
            address = urlsplit(name)
        except ValueError:  # half a bracket where the host stands
            return name
        return name if address.scheme == "s3" else address.path
    return name.replace("\\", "/") if "\\" in name else name


def _parts(name: str) -> list[str]:
    return [part for part in name.split("/") if part not in ("", ".", "..")]


def _composed(text: str) -> str:
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def _folded(text: str) -> str:
    return _composed(text).casefold()


def _example(name: str, candidates: Sequence[str]) -> str:
    if not candidates:
        return name
    more = ", …" if len(candidates) > _CANDIDATES else ""
    return f"{name} may be {', '.join(candidates[:_CANDIDATES])}{more}"


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
