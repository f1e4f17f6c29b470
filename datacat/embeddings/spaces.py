"""Embedding spaces: which model made which vectors. Vectors of two spaces are never compared.

A space is written down as `<root>/vectors/<name>.json` before its first vector, with a digest of what it says, and
once more as `<root>/ids/space-<name>.json`. Where that one is alone, `vectors/` was lost, and is not taken for empty.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import os
import re
import uuid
from dataclasses import asdict, dataclass, replace
from typing import Any

from datacat.config import Settings
from datacat.embeddings.encoder import ModelFacts
from datacat.errors import EmbeddingError, NotFound
from datacat.sources.location import Location, filesystem, store_errors

_NO_SPACE = "Run: datacat embed --model tiny"
_SUFFIX = ".json"
_WITNESS = "space-"


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
        self._witnesses = root.child("ids")
        self._settings = settings

    def list(self) -> tuple[Space, ...]:
        """All, by name.

        Raises:
            EmbeddingError: a file that says what a space is cannot be read.
        """
        return tuple(self._read(name) for name in self.names())

    def names(self) -> tuple[str, ...]:
        """The names of all, sorted."""
        return self._found(self.folder, suffix=_SUFFIX)

    def tables(self) -> tuple[str, ...]:
        """The names that tables of vectors have, of a known space or not."""
        return self._found(self.folder, suffix=".lance")

    def lost(self) -> tuple[str, ...]:
        """The names of spaces of which neither a table nor what it holds is left."""
        known = {*self.names(), *self.tables()}
        made = self._found(self._witnesses, suffix=_SUFFIX)
        return tuple(
            name for name in (text.removeprefix(_WITNESS) for text in made if text.startswith(_WITNESS))
            if name not in known
        )  # fmt: skip

    def chosen(self, name: str | None) -> Space:
        """The space that is meant: `name`, else the setting `space`, else the only one.

        Raises:
            EmbeddingError: there is none, or there are several.
            NotFound: there is none of that name.
        """
        names = self.names()
        wanted = name or self._settings.space
        if not names or (wanted and wanted not in names):
            self.refuse_lost(wanted)
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
                    self._write(space, self._witnesses.child(f"{_WITNESS}{space.name}{_SUFFIX}"))
                    return known
        self._write(space, self.folder.child(space.name + _SUFFIX))
        self._write(space, self._witnesses.child(f"{_WITNESS}{space.name}{_SUFFIX}"))
        return space

    def refuse_lost(self, wanted: str | None = None) -> None:
        """Raises what says that the vectors of `wanted`, or of any space, are gone, if they are.

        Raises:
            EmbeddingError: they are.
        """
        lost = self.lost()
        if lost and (not wanted or wanted in lost):
            raise lost_error(wanted or lost[0], folder=self.folder)

    def _write(self, space: Space, place: Location) -> None:
        said = asdict(space)
        content = json.dumps({**said, "check": _check(said)}, indent=2).encode()
        system = filesystem(place, self._settings)
        try:
            if place.is_s3:
                system.pipe_file(place.path, content)
                return
            system.makedirs(os.path.dirname(place.path), exist_ok=True)
            temporary = f"{place.path}.{uuid.uuid4().hex}.tmp"
            system.pipe_file(temporary, content)
            os.replace(temporary, place.path)
        except store_errors() as error:
            raise EmbeddingError(f"cannot be written: {error}", where=str(place)) from error

    def _found(self, folder: Location, *, suffix: str) -> tuple[str, ...]:
        system = filesystem(folder, self._settings)
        try:
            paths = system.ls(folder.path, detail=False)
        except FileNotFoundError:
            return ()
        except store_errors() as error:
            raise EmbeddingError(f"cannot be listed: {error}", where=str(folder)) from error
        found = (os.path.basename(path.rstrip("/")) for path in paths)
        return tuple(sorted(name.removesuffix(suffix) for name in found if name.endswith(suffix)))

    def _read(self, name: str) -> Space:
        place = self.folder.child(name + _SUFFIX)
        unreadable: tuple[type[Exception], ...] = (*store_errors(), ValueError, TypeError, AttributeError)
        try:
            said = json.loads(filesystem(place, self._settings).cat_file(place.path))
            if said.pop("check", None) not in (None, _check(said)):  # those of earlier releases have none
                raise ValueError("it was changed since it was written")
            space = Space(**said)
            if space.name != name:
                raise ValueError(f"it is of {space.name!r}")
        except unreadable as error:
            raise EmbeddingError(
                f"does not say what the embedding space is: {error}",
                where=str(place),
                hint="Remove the file and run `datacat embed` again.",
            ) from error
        return space


def lost_error(name: str, *, folder: Location) -> EmbeddingError:
    """The error that says that a space was made and its vectors are gone."""
    return EmbeddingError(
        f"the vectors of the space {name} are gone",
        where=str(folder),
        hint="Restore vectors/ from a backup, or make them again with `datacat embed`. If they were removed on "
        f"purpose: delete ids/{_WITNESS}{name}{_SUFFIX}.",
    )


def _check(said: dict[str, Any]) -> str:
    """A digest of what a file says, in whatever order."""
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()
