"""Embedding spaces: which model made which vectors. Vectors of two spaces are never compared.

A space is written down as `<root>/vectors/<name>.json` before its first vector.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import os
import re
import uuid
from dataclasses import asdict, dataclass, replace

from datacat.config import Settings
from datacat.embeddings.encoder import ModelFacts
from datacat.errors import EmbeddingError, NotFound
from datacat.sources.location import Location, filesystem, store_errors

_NO_SPACE = "Run: datacat embed --model tiny"
_SUFFIX = ".json"


@dataclass(frozen=True, slots=True)
class Space:
    """One model, one way of preparing pictures, one kind of vector.

    Attributes:
        name: the model's label and a digest over all that follows but `pretrained` and `checkpoint`.
        model: see `ModelFacts`; the same for the attributes up to `dimension`.
        metric: how vectors are compared; always cosine.
    """

    name: str
    model: str
    pretrained: str
    checkpoint: str
    digest: str
    architecture: str
    preprocessing: str
    dimension: int
    metric: str = "cosine"

    @classmethod
    def of(cls, facts: ModelFacts) -> Space:
        """The space of a model, by a name that no other model gets."""
        deciding = "\n".join((facts.digest, facts.architecture, facts.preprocessing))
        label = re.sub(r"[^A-Za-z0-9._-]+", "-", facts.label).strip("-.")[:80]
        rest = asdict(facts)
        del rest["label"]
        return cls(f"{label}-{hashlib.sha256(deciding.encode()).hexdigest()[:8]}", **rest)

    def is_same_model(self, other: Space) -> bool:
        """Whether both give a picture the same vector."""
        mine, others = ((space.digest, space.architecture, space.preprocessing) for space in (self, other))
        return mine == others


class Spaces:
    """The spaces of the catalog at `root`."""

    def __init__(self, root: Location, settings: Settings) -> None:
        self.folder = root.child("vectors")
        self._settings = settings

    def list(self) -> tuple[Space, ...]:
        """All, by name.

        Raises:
            EmbeddingError: a file that says what a space is cannot be read.
        """
        return tuple(self._read(name) for name in self.names())

    def names(self) -> tuple[str, ...]:
        """The names of all, sorted."""
        return self._found(_SUFFIX)

    def tables(self) -> tuple[str, ...]:
        """The names that tables of vectors have, of a known space or not."""
        return self._found(".lance")

    def chosen(self, name: str | None) -> Space:
        """The space that is meant: `name`, else the setting `space`, else the only one.

        Raises:
            EmbeddingError: there is none, or there are several.
            NotFound: there is none of that name.
        """
        names = self.names()
        wanted = name or self._settings.space
        if not names:
            raise EmbeddingError("nothing was embedded in this catalog", hint=_NO_SPACE)
        if not wanted and len(names) > 1:
            raise EmbeddingError(
                f"this catalog has several embedding spaces: {', '.join(names)}",
                hint="Choose one with --space, or with the setting `space`.",
            )
        if wanted and wanted not in names:
            near = [known for known in names if known.startswith(wanted)]
            near = near or difflib.get_close_matches(wanted, names, n=1, cutoff=0.3)
            hint = f"Did you mean {near[0]}?" if near else f"There are: {', '.join(names)}."
            raise NotFound(f"no embedding space {wanted!r}", hint=hint)
        return self._read(wanted or names[0])

    def registered(self, space: Space) -> Space:
        """Writes the space down; the same model under another path keeps the name it has.

        Raises:
            EmbeddingError: it cannot be written.
        """
        for known in self.list():
            if known.is_same_model(space):
                space = replace(space, name=known.name)
                if known == space:
                    return known
        self._write(space)
        return space

    def _write(self, space: Space) -> None:
        content = json.dumps(asdict(space), indent=2).encode()
        place = self.folder.child(space.name + _SUFFIX)
        system = filesystem(place, self._settings)
        try:
            if place.is_s3:
                system.pipe_file(place.path, content)
                return
            system.makedirs(self.folder.path, exist_ok=True)
            temporary = f"{place.path}.{uuid.uuid4().hex}.tmp"
            system.pipe_file(temporary, content)
            os.replace(temporary, place.path)
        except store_errors() as error:
            raise EmbeddingError(f"cannot be written: {error}", where=str(place)) from error

    def _found(self, suffix: str) -> tuple[str, ...]:
        system = filesystem(self.folder, self._settings)
        try:
            paths = system.ls(self.folder.path, detail=False)
        except FileNotFoundError:
            return ()
        except store_errors() as error:
            raise EmbeddingError(f"cannot be listed: {error}", where=str(self.folder)) from error
        found = (os.path.basename(path.rstrip("/")) for path in paths)
        return tuple(sorted(name.removesuffix(suffix) for name in found if name.endswith(suffix)))

    def _read(self, name: str) -> Space:
        place = self.folder.child(name + _SUFFIX)
        unreadable: tuple[type[Exception], ...] = (*store_errors(), ValueError, TypeError)
        try:
            space = Space(**json.loads(filesystem(place, self._settings).cat_file(place.path)))
            if space.name != name:
                raise ValueError(f"it is of {space.name!r}")
        except unreadable as error:
            raise EmbeddingError(
                f"does not say what the embedding space is: {error}",
                where=str(place),
                hint="Remove the file and run `datacat embed` again.",
            ) from error
        return space
