"""Which split a picture is in: as data.yaml and lists of pictures say, else by the folder that it lies in."""

from __future__ import annotations

import bisect
import posixpath
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

from datacat.ingest.format import Dataset
from datacat.ingest.formats.yolo.names import Described, is_name_file
from datacat.ingest.limits import check_size
from datacat.ingest.splits import folder_split, plain_split
from datacat.sources.reading import decoded

_DRIVE = re.compile(r"^[A-Za-z]:/")


class Splits:
    """The splits of a data set's pictures."""

    def __init__(
        self, dataset: Dataset, described: Mapping[str, Described], *, pictures: Iterable[str]
    ) -> None:
        self.stated: dict[str, str] = {}
        self.stated_by: dict[str, str] = {}  # the data.yaml that says where the picture is
        self._dataset = dataset
        self._below = str(dataset.location)
        self._paths = {self._relative(uri): uri for uri in pictures}
        self._sorted = sorted(self._paths)
        self._by_stem: dict[str, list[str]] = defaultdict(list)
        for path in self._sorted:
            self._by_stem[posixpath.splitext(posixpath.basename(path))[0]].append(path)
        self._lists = {self._relative(e.uri): e for e in dataset.context if not is_name_file(e.uri)}
        self._folders: set[str] = set()
        self._taken: set[tuple[str, str]] = set()
        self._again: Counter[str] = Counter()
        used: set[str] = set()
        for uri, said in sorted(described.items()):
            for split, paths in said.splits.items():
                for path in paths:
                    used |= self._take(path, split, uri=uri, root=said.root)
        for path, entry in sorted(self._lists.items(), key=lambda item: plain_split(item[0]) or ""):
            named = plain_split(posixpath.basename(path))
            if named and path not in used:
                self._read(path, named, root="", by=None)
                dataset.tally.assume(f"split {named} from {posixpath.basename(entry.uri)}")
        if self._again:
            dataset.tally.note("a picture that stands in two splits: the first is kept", len(self._again))

    def of(self, picture: str, *, label: str | None) -> str | None:
        """The split of a picture and its label file."""
        of_label = folder_split(label, below=self._below) if label else None
        of_picture = folder_split(picture, below=self._below)
        if of_label and of_picture and of_label != of_picture:
            self._dataset.tally.note(
                f"a label file lies in the split {of_label}, its picture in {of_picture}: the picture's counts"
            )
        if picture in self.stated:
            return self.stated[picture]
        split = of_picture or of_label
        if split and split not in self._folders:
            self._folders.add(split)
            self._dataset.tally.assume(f"split {split} from the name of a folder")
        return split

    def _relative(self, uri: str) -> str:
        for root in (self._below, str(self._dataset.media_root or "")):
            if root and uri.startswith(root.rstrip("/") + "/"):
                return uri[len(root.rstrip("/")) + 1 :]
        return uri

    def _take(self, path: str, split: str, *, uri: str, root: str) -> set[str]:
        """Follows one path of a data.yaml, never out of the location; returns the lists that were read."""
        name = posixpath.basename(uri)
        found = self._resolved(path, folder=posixpath.dirname(self._relative(uri)), root=root)
        if found is None:
            self._dataset.tally.note(f"{name} says {split}: {path[:200]}, of which nothing lies here")
            return set()
        self._dataset.tally.assume(f"split {split} from {name}: {found or '.'}")
        if (found, split) in self._taken:
            return set()
        self._taken.add((found, split))
        if found in self._lists:
            self._read(found, split, root=root, by=uri)
            return {found}
        for item in self._below_folder(found):
            self._state(self._paths[item], split, by=uri)
        return set()

    def _resolved(self, path: str, *, folder: str, root: str) -> str | None:
        """A list or a folder with pictures, relative to the location."""
        path = _DRIVE.sub("/", path.strip().replace("\\", "/"))
        root = _DRIVE.sub("/", root.strip().replace("\\", "/"))
        bases = [posixpath.join(folder, root), folder] if root and not root.startswith("/") else [folder]
        inside = path.removeprefix(self._below.rstrip("/") + "/") if path.startswith("/") else None
        # Ultralytics takes a leading ../ away where nothing lies there, as in all of Roboflow's exports.
        wanted = [posixpath.join(base, p) for p in (path, path.removeprefix("../")) for base in bases]
        for item in wanted if inside is None else [inside]:
            plain = posixpath.normpath(item).removeprefix("./")
            plain = "" if plain == "." else plain
            if not plain.startswith(("..", "/")) and self._is_there(plain):
                return plain
        parts = [part for part in path.split("/") if part not in ("", ".", "..")]
        tails = ("/".join(parts[at:]) for at in range(len(parts)))
        return next((tail for tail in tails if self._is_tail(tail)), None)

    def _is_there(self, path: str) -> bool:
        return path in self._lists or path in self._paths or any(True for _ in self._below_folder(path))

    def _is_tail(self, path: str) -> bool:
        """The end of somebody else's path: a list, or at least two folders, as one is called `images` anywhere."""
        return path in self._lists or ("/" in path and self._is_there(path))

    def _below_folder(self, path: str) -> Iterable[str]:
        if path in self._paths:
            yield path
        prefix = f"{path}/" if path else ""
        for at in range(bisect.bisect_left(self._sorted, prefix), len(self._sorted)):
            if not self._sorted[at].startswith(prefix):
                return
            yield self._sorted[at]

    def _read(self, path: str, split: str, *, root: str, by: str | None) -> None:
        """Takes in the lines of a list of pictures."""
        entry, unknown = self._lists[path], 0
        check_size(entry.size, where=entry.uri)
        for line in decoded(self._dataset.read(entry.uri))[0].split("\n"):
            if line.strip():
                found = self._listed(line.strip(), bases=(posixpath.dirname(path), root))
                unknown += found is None
                if found is not None:
                    self._state(self._paths[found], split, by=by)
        if unknown:
            self._dataset.tally.note(
                f"a line of {posixpath.basename(path)} names no picture that was found", unknown
            )

    def _listed(self, line: str, *, bases: tuple[str, ...]) -> str | None:
        line = _DRIVE.sub("/", line.replace("\\", "/"))
        for base in bases:
            plain = posixpath.normpath(posixpath.join(base, line))
            if plain in self._paths:
                return plain
        stem = posixpath.splitext(line)[0]
        parts = [part for part in stem.split("/") if part not in ("", ".", "..")]
        return _longest_tail(parts, self._by_stem.get(parts[-1], [])) if parts else None

    def _state(self, uri: str, split: str, *, by: str | None) -> None:
        if self.stated.setdefault(uri, split) != split:
            self._again[uri] += 1
        if by is not None:
            self.stated_by.setdefault(uri, by)


def _longest_tail(parts: list[str], paths: list[str]) -> str | None:
    """The one path that shares most parts at its end, its ending left away; None where several do."""
    best, found = 0, []
    for path in paths:
        theirs = posixpath.splitext(path)[0].split("/")
        common = 0
        while common < min(len(parts), len(theirs)) and parts[-1 - common] == theirs[-1 - common]:
            common += 1
        if common > best:
            best, found = common, [path]
        elif common == best and common:
            found.append(path)
    return found[0] if len(found) == 1 else None
