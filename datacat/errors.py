"""Every error a user can cause or meet.

    DatacatError
    ├── UsageError            an argument that makes no sense (ValueError)
    │   ├── NameInvalid       a name that breaks the naming rules
    │   └── SqlError          SQL that is wrong or not allowed
    ├── ConfigError           datacat.toml or a DATACAT_* variable
    ├── ExtraMissing          a package of an extra is not installed (ImportError)
    ├── LocationError         a place that cannot be listed or read (OSError)
    │   ├── PlaceRefused      a file that lies outside of the places that may be read
    │   └── MediaRefused      a file that no source leads to, or that is no media
    ├── FormatError           a file is not of the format, or of none that is known
    │   ├── SeveralFormats    label files of several formats lie in one place
    │   ├── NothingUnderstood every record of an ingest was rejected
    │   └── LabelsLost       a label file that had annotations is damaged
    ├── CatalogError          the catalog as a whole
    │   ├── CatalogNotFound   there is none here (FileNotFoundError)
    │   ├── CatalogExists     there is one already (FileExistsError)
    │   ├── SchemaMismatch    written by another version of datacat
    │   ├── StateNotFound     no such state (LookupError)
    │   ├── StorageUnsafe     the store would lose commits
    │   ├── OutOfMemory       it needs more memory, or room to spill, than it may use
    │   ├── CommitConflict    others changed the same thing again and again
    │   └── CommitUnknown     the commit may or may not have happened
    ├── NotFound              no such asset, label set, space … (LookupError)
    ├── QueryError            a query that cannot be understood (ValueError)
    ├── Interrupted           a search that was ended while it ran
    ├── SqlStopped            a SQL query that took too much time or memory
    ├── SandboxMissing        the operating system offers no sandbox for SQL
    ├── EmbeddingError        a model, a space or a picture
    └── SnapshotError         snapshots
        ├── SnapshotNotFound  (LookupError)
        ├── SnapshotExists    (FileExistsError)
        └── SnapshotDamaged   its files are not what was frozen

An error is fields first: `what` is wrong, `where`, and a `hint` what to do. Faces print `str(error)`
and never a traceback for one of these.
"""

from __future__ import annotations

import re


class DatacatError(Exception):
    """The root. Catch this to catch everything datacat raises on purpose."""

    def __init__(self, what: str, *, where: str | None = None, hint: str | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.hint = hint

    def __str__(self) -> str:
        lines = [f"{self.where}: {self.what}" if self.where else self.what]
        if self.hint:
            lines.append(self.hint)
        return "\n".join(lines)


class UsageError(DatacatError, ValueError):
    """An argument that makes no sense."""


class NameInvalid(UsageError):
    """A name that breaks the naming rules of `model/names.py`."""


class ConfigError(DatacatError):
    """A setting that cannot be used, with the place it came from."""


class ExtraMissing(DatacatError, ImportError):
    """A package that belongs to an extra is not installed."""

    def __init__(self, package: str, *, extra: str) -> None:
        super().__init__(f"{package} is not installed", hint=f"Run: pip install 'datacat[{extra}]'")
        self.package = package
        self.extra = extra


class LocationError(DatacatError, OSError):
    """A place that cannot be listed or read."""

    __str__ = DatacatError.__str__


class PlaceRefused(LocationError):
    """A file that is not read: it lies outside of the places that may be."""


class MediaRefused(LocationError):
    """A file that is not handed out; it lies outside of what the sources name, or is no media."""


class FormatError(DatacatError):
    """A file is not of the format it was taken for, or of none that is known."""


class SeveralFormats(FormatError):
    """Label files of several formats lie in one place.

    Attributes:
        formats: their names, each with how many label files there are.
    """

    def __init__(self, what: str, *, formats: tuple[tuple[str, int], ...], where: str) -> None:
        names = ", ".join(name for name, _ in formats)
        super().__init__(
            what, where=where, hint=f"Ingest each as a label set of its own, with its format: {names}."
        )
        self.formats = formats


class NothingUnderstood(FormatError):
    """Every record of an ingest was rejected, so nothing was committed."""


class LabelsLost(FormatError):
    """A label file that had annotations gives none any more, or is damaged and gives fewer: nothing was committed."""


class CatalogError(DatacatError):
    """The catalog as a whole."""


class CatalogNotFound(CatalogError, FileNotFoundError):
    """There is no catalog here."""

    __str__ = DatacatError.__str__


class CatalogExists(CatalogError, FileExistsError):
    """There is a catalog here already."""

    __str__ = DatacatError.__str__


class SchemaMismatch(CatalogError):
    """The catalog was written with another schema version."""


class StateNotFound(CatalogError, LookupError):
    """The catalog never had that state."""


class StorageUnsafe(CatalogError):
    """The store under the catalog would lose commits (no conditional PUT)."""


class OutOfMemory(CatalogError):
    """A query that needs more memory, or more room to spill to, than it may use."""


_NUMBERED = re.compile(r"^\[Errno -?\d+\] ")
# What Python says of a value that is no number, or of as many as do not belong there.
_CONVERTED = re.compile(
    r"^(could not convert|invalid literal|not enough values|too many values|dictionary update)"
)
_NO_BUCKET = "The specified bucket does not exist"
_OTHER_KIND = "a value is of another kind than belongs there"


def cause_of(error: BaseException) -> str:
    """Why something could not be done, in plain words, from what Python and its libraries raise."""
    if isinstance(error, DatacatError):
        return error.what
    if isinstance(error, FileNotFoundError):  # of which s3fs gives a path alone, or what the server said
        return _NO_BUCKET if _lacks_bucket(error) else "No such file or directory"
    if isinstance(error, UnicodeDecodeError):
        return f"it is no UTF-8 text (byte {error.start:,})"
    if isinstance(error, KeyError):
        return f"`{error.args[0] if error.args else ''}` is missing"
    if isinstance(error, RecursionError):
        return "it is nested too deep"
    if type(error).__name__ == "JSONDecodeError":
        return f"it is no JSON (line {getattr(error, 'lineno', 0):,}, column {getattr(error, 'colno', 0):,})"
    if type(error).__name__ == "UnidentifiedImageError":
        return "it is of no kind of picture that is known"
    text = str(error).strip()
    if isinstance(error, TypeError | AttributeError) or _CONVERTED.match(text):
        return _OTHER_KIND
    if isinstance(error, OSError) and error.strerror:
        text = str(error.strerror)
    return _NUMBERED.sub("", text) or type(error).__name__


def _lacks_bucket(error: FileNotFoundError) -> bool:
    """Whether S3 says that the bucket is not there; told by its code, or its words, so that nobody imports botocore."""
    answer = getattr(error.__cause__, "response", None)
    told = answer.get("Error") if isinstance(answer, dict) else None
    code = told.get("Code") if isinstance(told, dict) else None
    return code == "NoSuchBucket" or str(error).rstrip(".") == _NO_BUCKET


def shortage() -> OutOfMemory:
    """What DuckDB's and Python's running out of memory are told as."""
    return OutOfMemory(
        "this needs more memory, or more room for what does not fit there, than one query may use",
        hint="Narrow it, or ask for less at once. Settings: memory_limit, spill_limit (and serve_concurrency, "
        "by which the service divides them).",
    )


def is_shortage(error: BaseException) -> bool:
    """Whether Python, Arrow or DuckDB ran out of memory; told by name, so that nobody imports DuckDB for it."""
    return isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryException"


class CommitConflict(CatalogError):
    """Others changed the same thing again and again; nothing was written."""


class CommitUnknown(CatalogError):
    """The store answered neither yes nor no; repeating the command is safe."""


class NotFound(DatacatError, LookupError):
    """No such asset, label set, embedding space, …"""


class QueryError(DatacatError, ValueError):
    """A query that cannot be understood; prints the query with the place underlined.

    Args:
        what: what is wrong, in words.
        text: the whole query.
        start: index of the first wrong character, counted from 0.
        end: index after the last wrong character.
        hint: what was expected, or the nearest known name.
    """

    def __init__(
        self, what: str, *, text: str, start: int, end: int | None = None, hint: str | None = None
    ) -> None:
        super().__init__(what, hint=hint)
        self.text = text
        self.start = start
        self.end = max(start + 1, end if end is not None else start + 1)

    def __str__(self) -> str:
        mark = " " * self.start + "^" * (self.end - self.start)
        lines = [f"{self.what} (character {self.start + 1})", f"  {self.text}", f"  {mark}"]
        if self.hint:
            lines.append(self.hint)
        return "\n".join(lines)


class SqlError(UsageError):
    """SQL that DuckDB cannot run, or that is not allowed here."""


class Interrupted(DatacatError):
    """A search that was ended because nobody waits for it any more."""


class SqlStopped(DatacatError):
    """A SQL query that took too much time or memory, or whose process died."""


class SandboxMissing(DatacatError):
    """The operating system offers no sandbox to run SQL in."""


class EmbeddingError(DatacatError):
    """A model, a space or a picture that cannot be used."""


class SnapshotError(DatacatError):
    """Something about snapshots."""


class SnapshotNotFound(SnapshotError, LookupError):
    """No snapshot of that name or version."""


class SnapshotExists(SnapshotError, FileExistsError):
    """There is a snapshot of that name and version already."""

    __str__ = DatacatError.__str__


class SnapshotDamaged(SnapshotError):
    """The files of a snapshot are not what was frozen."""
