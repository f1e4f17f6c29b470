"""Every data file read whole, its bytes held against the digest in its name."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from datacat.errors import CatalogError
from datacat.model.finding import Finding
from datacat.sources.location import filesystem, store_errors
from datacat.tables.state import PARTITION, DataFile
from datacat.tables.store import Store
from datacat.tables.upkeep import needed_sizes

_READERS = 4
_BLOCK = 8 << 20
_RESTORE = "Restore it from a backup, or ingest its label set again into a new catalog."


def byte_findings(store: Store) -> Iterator[Finding]:
    """Yields which data files have other bytes than were committed: of every state, as far as they are there.

    Files of states that `gc` was told to forget are not there; those of the newest state are asked for by `check`.
    """
    stored = {file.path: file.size for file in store.files.stored()}
    try:
        needed = needed_sizes(store)
    except CatalogError:
        needed = stored  # the log is damaged, which was said; what is there can be compared with its name
    files = [
        DataFile(path.split("/", 1)[0].removeprefix(f"{PARTITION}="), path, size, 0)
        for path, size in sorted(needed.items())
        if path in stored
    ]
    with ThreadPoolExecutor(_READERS) as pool:
        for file, text in zip(files, pool.map(lambda file: _fault(store, file), files), strict=True):
            if text is not None:
                yield Finding("error", "files", f"{file.path} {text}", _RESTORE)
    unknown = sum(file.digest is None for file in files)
    if unknown:
        text = f"{unknown} data files were written by a release that kept no digests: their bytes are not checked"
        yield Finding("note", "files", text, "`datacat compact` writes small ones again, with digests.")
    if store.files.cache:
        copies = (store.files.cache.damaged(file) for file in files)
        for place in filter(None, copies):
            text = f"the local copy {place} has other bytes than were committed"
            yield Finding("error", "files", text, "Delete it; it is fetched again.")


def _fault(store: Store, file: DataFile) -> str | None:
    if file.digest is None:
        return None
    place = store.files.log.child(file.path)
    digest = hashlib.sha256()
    try:
        with filesystem(place, store.settings).open(place.path, "rb", block_size=_BLOCK) as content:
            while block := content.read(_BLOCK):
                digest.update(block)
    except store_errors() as error:
        return f"cannot be read: {error}"
    return None if digest.hexdigest() == file.digest else "has other bytes than were committed"
