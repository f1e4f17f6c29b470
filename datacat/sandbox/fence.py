"""The first fence: the command line that starts Python in a sandbox where there is nothing but what it needs.

bubblewrap (https://github.com/containers/bubblewrap, Debian's package of that name) makes the namespaces.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import shutil
import sys
import sysconfig
from collections.abc import Iterator, Sequence
from pathlib import Path

from datacat.errors import SandboxMissing

PACKAGES = "/packages"
SPILL = "/spill"
# What is imported inside; not the folder of all packages, which would show what else is installed. Without numpy,
# which both would load, a query starts in half the time.
_IMPORTED = ("duckdb", "_duckdb", "pyarrow")
_PROGRAM = "import sys; sys.path += sys.argv[1:]; from inside.main import main; main()"
_HINT = (
    "Install it: apt-get install bubblewrap. Or run the query without a sandbox, in a process of its own with "
    "limits and an allow-list only: --without-sandbox."
)


def sandboxed(*, shown: Sequence[str], spill_bytes: int, program: Sequence[str] = ()) -> list[str]:
    """The command line of a sandbox.

    Args:
        shown: folders and files of this machine that can be read inside, at the same place.
        spill_bytes: size of `SPILL`, the one place that can be written. It is memory.
        program: arguments for Python; by default `inside.main`.

    Raises:
        SandboxMissing: bubblewrap is not installed.
    """
    found = shutil.which("bwrap")
    if not found:
        raise SandboxMissing("there is no sandbox: bubblewrap is not installed", hint=_HINT)
    command = [found, "--unshare-user", "--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts"]
    command += ["--unshare-cgroup-try", "--disable-userns", "--uid", "65534", "--gid", "65534"]
    command += ["--die-with-parent", "--new-session", "--cap-drop", "ALL", "--clearenv"]
    command += ["--size", str(spill_bytes), "--perms", "0700", "--tmpfs", SPILL]
    for path in (*_python(), *shown):
        command += ["--ro-bind", path, path]
    for name, path in _packages():
        command += ["--ro-bind", path, f"{PACKAGES}/{name}"]
    command += ["--remount-ro", "/", "--chdir", "/", "--", os.path.realpath(sys.executable)]
    return [*command, "-I", "-S", *(program or ("-c", _PROGRAM, PACKAGES))]


def unfenced() -> list[str]:
    """The command line of the same program without a sandbox."""
    folders = dict.fromkeys(str(Path(path).parent) for _, path in _packages())
    return [sys.executable, "-I", "-S", "-c", _PROGRAM, *folders]


def refusal(said: str) -> SandboxMissing | None:
    """The error that bubblewrap's own words on stderr stand for, if they do."""
    lines = [line for line in said.splitlines() if line.startswith("bwrap: ")]
    if not lines:
        return None
    hint = (
        "The system may forbid user namespaces (sysctl kernel.unprivileged_userns_clone, "
        "kernel.apparmor_restrict_unprivileged_userns, a container's seccomp profile), or bubblewrap is older than "
        "0.8. Or run the query without a sandbox: --without-sandbox."
    )
    return SandboxMissing(f"the sandbox cannot be made: {lines[-1].removeprefix('bwrap: ')}", hint=hint)


def _python() -> Iterator[str]:
    """This Python with its library, and the system's shared libraries; no other program."""
    library = sysconfig.get_config_var("INSTSONAME") or ""
    places = [
        os.path.realpath(sys.executable),
        sysconfig.get_path("stdlib"),
        os.path.join(sysconfig.get_config_var("LIBDIR") or "", library),
        "/usr/lib",
        "/usr/lib64",
        "/lib",
        "/lib64",
        "/etc/ld.so.cache",
    ]
    yield from dict.fromkeys(place for place in places if os.path.exists(place))


def _packages() -> Iterator[tuple[str, str]]:
    """(name below `PACKAGES`, path) of what is imported inside."""
    for name in _IMPORTED:
        spec = importlib.util.find_spec(name)
        assert spec is not None
        assert spec.origin is not None
        path = Path(spec.origin)
        path = path.parent if path.name == "__init__.py" else path
        yield path.name, str(path)
        if (path.parent / f"{name}.libs").is_dir():  # where a wheel keeps the libraries that it brings
            yield f"{name}.libs", str(path.parent / f"{name}.libs")
    about = importlib.metadata.distribution("duckdb")  # it asks for its own version when it is imported
    for file in about.files or ():
        if file.name == "METADATA":
            folder = Path(str(file.locate())).parent
            yield folder.name, str(folder)
    yield "inside", str(Path(__file__).parent / "inside")
