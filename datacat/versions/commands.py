"""Runs git and DVC where nothing but datacat says what they do.

What lies in a catalog may come from anybody, and both tools obey the configuration that they find: git runs the
programs that `.git/config` and hooks name, DVC unpickles what lies in its folders for temporary files, and
`python -m` imports modules of the working directory. So neither is ever run in a folder of the catalog. git
gets a repository folder made for this one call, and of the catalog's only the store of objects; DVC gets a
workspace made for this one call, and of the catalog's only the cache. Both store bytes under their digest, and
what is read from them is compared with it.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from datacat.errors import SnapshotError

_GIT = (
    "git",
    "-c", "core.hooksPath=/dev/null",
    "-c", "core.fsmonitor=false",
    "-c", "core.attributesFile=/dev/null",
    "-c", "core.excludesFile=/dev/null",
    "-c", "core.autocrlf=false",
    "-c", "core.bigFileThreshold=1m",  # a blob that unpacks to gigabytes is streamed
    "-c", "core.fsync=committed,reference",
    "-c", "core.alternateRefsCommand=true",
    "-c", "commit.gpgsign=false",
    "-c", "tag.gpgsign=false",
    "-c", "credential.helper=",
    "-c", "diff.external=",
    "-c", "gc.auto=0",  # a background gc would hold our lock
    "-c", "maintenance.auto=false",
    "-c", "protocol.allow=never",
    "-c", "protocol.file.allow=always",  # bundles are files
    "-c", "transfer.bundleURI=false",
    "-c", "fetch.fsckObjects=true",
    "-c", "fetch.recurseSubmodules=false",
    "-c", "fetch.unpackLimit=1",  # what comes in stays one pack
)  # fmt: skip
_DVC = (sys.executable, "-P", "-m", "dvc", "--wait-for-lock")  # -P: no module of the working directory
_ERROR_LINES = 12
_NO_REASON = re.compile(r"Having any troubles\?|^\s*$")


@dataclass(frozen=True, slots=True)
class Git:
    """git in the repository folder `folder`, which must be one that we have just made.

    `objects` is the store that objects are read from and written to, `also` another to read from. `lock` is the
    descriptor of the lock that the caller holds: git inherits it, so the lock lasts until git has ended, even when
    the caller was killed.
    """

    folder: Path
    objects: Path
    lock: int | None = None
    also: Path | None = None

    def run(self, *arguments: str, stdin: bytes = b"") -> bytes:
        """Runs git and returns its output.

        Raises:
            SnapshotError: it failed or is not installed.
        """
        kept = {key: value for key, value in os.environ.items() if key in ("PATH", "TMPDIR")}
        environment = kept | {
            "HOME": str(self.folder),
            "XDG_CONFIG_HOME": str(self.folder),
            "GIT_DIR": str(self.folder),
            "GIT_OBJECT_DIRECTORY": str(self.objects),
            "GIT_INDEX_FILE": str(self.folder / "index"),
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_ATTR_NOSYSTEM": "1",
            "GIT_NO_LAZY_FETCH": "1",
            "GIT_NO_REPLACE_OBJECTS": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "LC_ALL": "C.UTF-8",
        }
        if self.also is not None:
            environment["GIT_ALTERNATE_OBJECT_DIRECTORIES"] = str(self.also)
        return _run(
            (*_GIT, *arguments), folder=self.folder, environment=environment, stdin=stdin, lock=self.lock
        )


@dataclass(frozen=True, slots=True)
class Dvc:
    """DVC in the workspace `folder`, which must be one that we have just made; its cache is `cache`."""

    folder: Path
    cache: Path
    remotes: str = ""
    lock: int | None = None

    def run(self, *arguments: str) -> None:
        """Runs DVC, and not with `-q`, which keeps the reason of a failure back.

        Raises:
            SnapshotError: it failed; with the reason that DVC gave, if it gave one.
        """
        own = self.folder / ".dvc"
        own.mkdir(exist_ok=True)
        options = "[core]\n    no_scm = true\n    analytics = false\n    check_update = false\n"
        # Relative to the file, as the path of a catalog may hold what begins a comment there.
        cache = f"[cache]\n    dir = {os.path.relpath(self.cache, own)}\n    type = reflink,copy\n"
        (own / "config").write_text(options + cache + self.remotes)
        # Relative to the working directory, too: diskcache, in which DVC unpickles, puts environment variables into the
        # path that it is given, so that a catalog below `$NAME` would be written to, and read, in another place.
        site_cache = os.path.relpath(own / "site-cache", self.folder)
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("GIT_", "DVC_"))}
        environment = kept | {
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            "DVC_NO_ANALYTICS": "true",
            "DVC_SITE_CACHE_DIR": site_cache,
            "DVC_GLOBAL_CONFIG_DIR": str(own / "global-config"),
            "DVC_SYSTEM_CONFIG_DIR": str(own / "system-config"),
            "LC_ALL": "C.UTF-8",
        }
        _run((*_DVC, *arguments), folder=self.folder, environment=environment, lock=self.lock)


def _run(
    command: tuple[str, ...],
    *,
    folder: Path,
    environment: dict[str, str],
    stdin: bytes = b"",
    lock: int | None = None,
) -> bytes:
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=environment,
            input=stdin,
            capture_output=True,
            check=False,
            pass_fds=() if lock is None else (lock,),
        )
    except FileNotFoundError as error:
        raise SnapshotError(
            f"{command[0]} is not installed", hint="Snapshots need git; install it."
        ) from error
    if done.returncode:
        tool = "git" if command[0] == "git" else "dvc"
        raise SnapshotError(f"{tool} failed: {_reason(done.stderr.decode(errors='replace'))}")
    return done.stdout


def _reason(said: str) -> str:
    """The lines of an error output that tell why."""
    lines = [line.strip() for line in said.splitlines() if not _NO_REASON.search(line)]
    lines = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")] or lines
    return " ".join(lines[-_ERROR_LINES:]) or "it gave no reason"


def identity(author: str) -> tuple[str, str]:
    """Name and address, as git wants both: from `Jo Doe <jo@example.org>` or `Jo Doe`."""
    found = re.fullmatch(r"\s*([^<>]*?)\s*<([^<>\s]+)>\s*", author)
    name, email = found.groups() if found else (author, "datacat@localhost")
    return re.sub(r"[<>\r\n\0]+", " ", name).strip() or "datacat", email
