"""What somebody may have put into a catalog, a bundle or a remote that we open."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import diskcache


class Pickled:
    """Touches a file when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str]]:
        return (_touched, (str(self.mark),))


def _touched(path: str) -> None:
    Path(path).touch()


def script(folder: Path, mark: Path) -> Path:
    """A program that touches `mark`."""
    path = folder / "evil.sh"
    path.write_text(f'#!/bin/sh\ntouch "{mark}"\nexit 1\n')
    path.chmod(0o755)
    return path


def _config(text: str) -> Callable[[Path, Path], None]:
    def planted(snapshots: Path, program: Path) -> None:
        with (snapshots / ".git" / "config").open("a") as file:
            file.write(text.format(program=program))

    return planted


def _hook(snapshots: Path, program: Path) -> None:
    hooks = snapshots / ".git" / "hooks"
    hooks.mkdir(exist_ok=True)
    for name in ("pre-commit", "post-commit", "reference-transaction", "post-index-change", "post-checkout"):
        (hooks / name).write_bytes(program.read_bytes())
        (hooks / name).chmod(0o755)


def _elsewhere(snapshots: Path, program: Path) -> None:
    moved = snapshots.parent / "moved.git"
    (snapshots / ".git").rename(moved)
    (snapshots / ".git").write_text(f"gitdir: {moved}\n")


def _attributes(snapshots: Path, program: Path) -> None:
    _config('[filter "x"]\n\tclean = {program}\n\tsmudge = {program}\n')(snapshots, program)
    (snapshots / ".gitattributes").write_text("* filter=x diff=x\n")


def _dvc_config(snapshots: Path, program: Path) -> None:
    with (snapshots / ".dvc" / "config").open("a") as file:
        file.write("[core]\n    remote = evil\n['remote \"evil\"']\n    url = ssh://example.invalid/x\n")


def _modules(snapshots: Path, program: Path) -> None:
    """`python -m dvc` looks in the working directory first."""
    for name in ("dvc", "json", "logging"):
        (snapshots / f"{name}.py").write_text(f"import subprocess\nsubprocess.run([{str(program)!r}])\n")


def _alternates(snapshots: Path, program: Path) -> None:
    info = snapshots / ".git" / "objects" / "info"
    info.mkdir(exist_ok=True)
    (info / "alternates").write_text("/tmp\n")


ATTACKS: dict[str, Callable[[Path, Path], None]] = {
    "promisor": _config(
        '[core]\n\trepositoryformatversion = 1\n[extensions]\n\tpartialClone = origin\n[remote "origin"]\n'
        "\turl = .\n\tpromisor = true\n\tuploadpack = {program}\n"
    ),
    "fsmonitor": _config("[core]\n\tfsmonitor = {program}\n"),
    "credentials and diff": _config(
        "[credential]\n\thelper = {program}\n[diff]\n\texternal = {program}\n[core]\n\tsshCommand = {program}\n"
        "\tpager = {program}\n\teditor = {program}\n\talternateRefsCommand = {program}\n[gpg]\n\tprogram = {program}\n"
        "[commit]\n\tgpgsign = true\n[tag]\n\tgpgsign = true\n"
    ),
    "include": _config("[include]\n\tpath = ../../other\n"),
    "hook": _hook,
    "elsewhere": _elsewhere,
    "filter": _attributes,
    "alternates": _alternates,
    "dvc config": _dvc_config,
    "modules": _modules,
}
REFUSED = ATTACKS.keys() - {"modules"}  # that are never looked at


def plant_pickles(snapshots: Path, mark: Path) -> list[Path]:
    """Puts a database with a pickle that touches `mark` wherever DVC keeps one in a repository."""
    below = (
        "datacat/site-cache/repo/x/hashes/local",
        "datacat/site-cache/repo/x/links",
        "links",
        "exps/cache",
        "index",
    )
    made = [snapshots / ".dvc" / "tmp" / name for name in below]
    for folder in made:
        with diskcache.Cache(str(folder)) as base:
            base["x"] = Pickled(mark)
    return made


def loaded(folder: Path) -> None:
    """What DVC does with such a database."""
    with diskcache.Cache(str(folder)) as base:
        base.get("x")


def git(folder: Path, *arguments: str, stdin: bytes = b"") -> str:
    """Runs git in a repository of the attacker's."""
    command = ["git", "-c", "user.name=E", "-c", "user.email=e@example.org", "-c", "commit.gpgsign=false"]
    command += ["-c", "tag.gpgsign=false", "-C", str(folder), *arguments]
    return subprocess.run(command, check=True, capture_output=True, input=stdin).stdout.decode()


def pushed_tree(share: Path, *, change: Callable[[Path], None]) -> None:
    """Replaces the tag roofs@1 of the bundle in `share` by one whose tree `change` has changed."""
    work = share.parent / "attacker"
    work.mkdir()
    git(work, "init", "-q", "-b", "evil")
    git(work, "fetch", "-q", str(share / "repo.bundle"), "+refs/tags/*:refs/tags/*")
    git(work, "checkout", "-q", "roofs@1")
    change(work)
    git(work, "add", "-A", "-f")
    git(work, "commit", "-q", "--allow-empty", "-m", "evil")
    git(work, "tag", "-f", "-a", "-m", "evil", "roofs@1")
    git(work, "bundle", "create", "-q", str(share / "repo.bundle"), "--tags")
