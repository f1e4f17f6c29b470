"""Catalogs that lie within a lake: what is theirs is neither a label file nor a medium.

A folder is a catalog where `log/_delta_log` and `ids` lie in it, whoever made it; what datacat writes there goes into
the folders `OWN`. What else lies in it is the lake's.
"""

from __future__ import annotations

import os
import re
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence

OWN = frozenset({"ids", "leases", "log", "pins", "snapshots", "vectors"})
LOG, IDS = "log/_delta_log", "ids"
_LOG = re.compile(f"/{LOG}/")
_TOLD = 3


class Catalogs:
    """The catalogs that were met so far.

    Args:
        is_folder: whether a path is a folder; asked only where a part of a path is called as one of `OWN` is,
            and never of what `note` has seen.
    """

    def __init__(self, is_folder: Callable[[str], bool] = os.path.isdir) -> None:
        self.own: set[str] = set()  # folders that were left out
        self._is_folder = is_folder
        self._known: dict[str, bool] = {}
        self._listed: str | None = None  # a folder of which all that lies below it was seen

    def hold(self, path: str) -> bool:
        """Whether a path, written without links, is that of a catalog's own folder or leads into one."""
        for root, name in _above(path):
            if self._is_one(root):
                self.own.add(f"{root}/{name}")
                return True
        return False

    def note(self, paths: Sequence[str], *, below: str) -> None:
        """Finds the catalogs by what lies in them: no other folder at or below `below` is asked for then.

        Args:
            paths: of all files that lie below it, sorted.
            below: a folder.
        """
        self._listed = below
        for root in {path[: at.start()] for path in paths for at in _LOG.finditer(path)}:
            start = f"{root}/{IDS}/"
            place = bisect_left(paths, start)
            if place < len(paths) and paths[place].startswith(start):
                self._known[root] = True

    def _is_one(self, root: str) -> bool:
        if root not in self._known:
            is_listed = self._listed is not None and f"{root}/".startswith(f"{self._listed}/")
            self._known[root] = not is_listed and all(
                self._is_folder(f"{root}/{name}") for name in (LOG, IDS)
            )
        return self._known[root]


def left_out(folders: Sequence[str]) -> str:
    """What is said in a report of a catalog's own folders.

    Args:
        folders: addresses, at least one.
    """
    roots: dict[str, list[str]] = {}
    for folder in sorted(folders):
        root, _, name = folder.rpartition("/")
        roots.setdefault(root, []).append(name)
    told = [f"{root} ({', '.join(names)})" for root, names in list(roots.items())[:_TOLD]]
    more = f"; and {len(roots) - _TOLD:,} more" if len(roots) > _TOLD else ""
    return f"a datacat catalog's own folders are no labels and no media, and were left out: {'; '.join(told)}{more}"


def _above(path: str) -> Iterator[tuple[str, str]]:
    """Each folder above a part of a path that is called as a catalog's own are, and that part."""
    parts = path.split("/")
    for at in range(1, len(parts)):
        if parts[at] in OWN:
            yield "/".join(parts[:at]), parts[at]
