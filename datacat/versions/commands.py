"""Runs git and DVC in the folder of snapshots, the same on every machine.

The user's and the machine's configuration of both are left out (hooks, signing, a shared cache), so are
analytics and checks for updates; `HOME` stays, where AWS credentials lie.
"""

from __future__ import annotations

import getpass
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from datacat.config import Settings
from datacat.errors import SnapshotError

_GIT = (
    "git",
    "-c", "safe.directory=*",  # a catalog on a shared disk belongs to somebody else
    "-c", "core.hooksPath=/dev/null",
    "-c", "commit.gpgsign=false",
    "-c", "tag.gpgsign=false",
    "-c", "core.autocrlf=false",
    "-c", "gc.auto=0",  # a background gc would hold our lock
    "-c", "maintenance.auto=false",
    "-c", "core.fsync=committed,reference",
)  # fmt: skip
_ERROR_LINES = 12


@dataclass(frozen=True, slots=True)
class Commands:
    """git and DVC in `folder`, in the name of `author`.

    `lock` is the descriptor of the lock that their caller holds: they inherit it, so the lock lasts until the
    last of them has ended, even when the caller was killed.
    """

    folder: Path
    author: str = "datacat"
    lock: int | None = None

    def git(self, *arguments: str, stdin: str = "") -> str:
        """Runs git and returns its output.

        Raises:
            SnapshotError: it failed or is not installed.
        """
        return self._run(_GIT, arguments, stdin=stdin)

    def dvc(self, *arguments: str) -> None:
        """Runs DVC.

        Raises:
            SnapshotError: it failed.
        """
        self._run((sys.executable, "-m", "dvc", "--wait-for-lock"), arguments)

    def _run(self, command: tuple[str, ...], arguments: tuple[str, ...], *, stdin: str = "") -> str:
        try:
            done = subprocess.run(
                [*command, *arguments],
                cwd=self.folder,
                env=self._environment(),
                input=stdin.encode(),
                capture_output=True,
                check=False,
                pass_fds=() if self.lock is None else (self.lock,),
            )
        except FileNotFoundError as error:
            raise SnapshotError(
                f"{command[0]} is not installed", hint="Snapshots need git; install it."
            ) from error
        if done.returncode:
            tool = "git" if command is _GIT else "dvc"
            said = done.stderr.decode(errors="replace").strip().splitlines()[-_ERROR_LINES:]
            raise SnapshotError(f"{tool} {arguments[0]} failed: {' '.join(said)}", where=str(self.folder))
        return done.stdout.decode(errors="replace")

    def _environment(self) -> dict[str, str]:
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("GIT_", "DVC_"))}
        name, email = _identity(self.author)
        private = self.folder / ".dvc" / "tmp" / "datacat"
        return kept | {
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_AUTHOR_NAME": name,
            "GIT_AUTHOR_EMAIL": email,
            "GIT_COMMITTER_NAME": name,
            "GIT_COMMITTER_EMAIL": email,
            "DVC_NO_ANALYTICS": "true",
            "DVC_SITE_CACHE_DIR": str(private / "site-cache"),
            "DVC_GLOBAL_CONFIG_DIR": str(private / "global-config"),
            "DVC_SYSTEM_CONFIG_DIR": str(private / "system-config"),
            "LC_ALL": "C.UTF-8",
        }


def author_of(settings: Settings) -> str:
    """Who commits: the setting `author`, else git's user, else the login name."""
    if settings.author:
        return settings.author
    try:
        found = subprocess.run(["git", "config", "user.name"], capture_output=True, text=True, check=False)
        if found.stdout.strip():
            return found.stdout.strip()
    except OSError:
        pass  # no git: said when it is needed
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        return "datacat"


def _identity(author: str) -> tuple[str, str]:
    """Name and address, as git wants both: from `Jo Doe <jo@example.org>` or `Jo Doe`."""
    found = re.fullmatch(r"\s*([^<>]*?)\s*<([^<>\s]+)>\s*", author)
    name, email = found.groups() if found else (author, "datacat@localhost")
    return re.sub(r"[<>\r\n\0]+", " ", name).strip() or "datacat", email
