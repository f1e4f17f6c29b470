"""Which settings files the user has confirmed: a file that came with a catalog is somebody else's word.

One record a file, under ~/.local/state/datacat/trusted (XDG_STATE_HOME): its path and the sha256 of its bytes, so a
file that has changed must be confirmed again.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path

from datacat.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Trusted:
    """A settings file that was confirmed.

    Attributes:
        path: of the file, absolute.
        digest: sha256 of its bytes when it was confirmed, hex.
    """

    path: str
    digest: str

    @property
    def is_current(self) -> bool:
        """Whether the file still has those bytes."""
        try:
            return hashlib.sha256(Path(self.path).read_bytes()).hexdigest() == self.digest
        except OSError:
            return False


def is_trusted(path: Path, *, content: bytes) -> bool:
    """Whether the user has confirmed the file at `path` with these bytes."""
    known = _read(_record_of(path))
    return known == Trusted(_absolute(path), hashlib.sha256(content).hexdigest())


def trust(path: Path, *, content: bytes) -> Trusted:
    """Records that the user confirms the file at `path` with these bytes.

    Raises:
        ConfigError: the record cannot be written.
    """
    found = Trusted(_absolute(path), hashlib.sha256(content).hexdigest())
    record = _record_of(path)
    try:
        record.parent.mkdir(parents=True, exist_ok=True)
        staged = record.with_suffix(f".{os.getpid()}.new")
        staged.write_text(json.dumps({"path": found.path, "digest": found.digest}), "utf-8")
        staged.replace(record)
    except OSError as error:
        raise ConfigError(f"cannot be written: {error.strerror}", where=str(record)) from error
    return found


def distrust(path: Path) -> bool:
    """Takes back what was confirmed of the file at `path`; whether there was something."""
    try:
        _record_of(path).unlink()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise ConfigError(f"cannot be removed: {error.strerror}", where=str(_record_of(path))) from error
    return True


def trusted() -> tuple[Trusted, ...]:
    """All that was confirmed, by path."""
    folder = _folder()
    found = [_read(path) for path in folder.glob("*.json")] if folder.is_dir() else []
    return tuple(sorted((item for item in found if item is not None), key=lambda item: item.path))


def _folder() -> Path:
    state = os.environ.get("XDG_STATE_HOME") or "~/.local/state"
    return Path(state).expanduser().absolute() / "datacat" / "trusted"


def _absolute(path: Path) -> str:
    return os.path.realpath(path)


def _record_of(path: Path) -> Path:
    return _folder() / f"{hashlib.sha256(os.fsencode(_absolute(path))).hexdigest()[:32]}.json"


def _read(record: Path) -> Trusted | None:
    try:
        said = json.loads(record.read_text("utf-8"))
        return Trusted(str(said["path"]), str(said["digest"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
