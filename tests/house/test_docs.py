"""Docs are whole and true: generated pages are current, blocks marked `run` run, links lead somewhere."""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import click
import pytest

from datacat.cli.main import group
from tests.house.test_sizes import ROOT

_PAGES = sorted(
    path for pattern in ("README.md", "CONTRIBUTING.md", "docs/**/*.md") for path in ROOT.glob(pattern)
)
_FENCE = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A fenced block that is executed.

    ```console run```: each `$ command` must print what follows it; `…` stands for anything, on a line of its own for
    any lines. ```console run loosely``` must only succeed, as what it prints varies. ```python run``` too.
    """

    language: str
    text: str
    is_compared: bool

    @property
    def steps(self) -> list[tuple[list[str], str]]:
        """Commands, each with what it is to print."""
        if self.language == "python":
            return [([sys.executable, "-W", "ignore", "-c", self.text], "")]
        pieces = re.split(r"^\$ ", self.text.replace("\\\n", " "), flags=re.MULTILINE)[1:]
        return [(shlex.split(line), shown) for line, _, shown in (piece.partition("\n") for piece in pieces)]


def _blocks(page: Path) -> list[Block]:
    found = []
    for match in _FENCE.finditer(page.read_text("utf-8")):
        words = match[2].split()
        if words[:1] == ["run"]:
            found.append(Block(match[1], match[3], words == ["run"] and match[1] == "console"))
    return found


def _pattern(shown: str) -> str:
    """A regular expression for what a command prints, without regard to spaces at the ends of lines."""
    lines = [line.rstrip() for line in shown.rstrip().splitlines()]
    parts = [
        r"(?:.*\n)*?" if line.strip() == "…" else re.escape(line).replace("…", ".*") + r"\s*\n"
        for line in lines
    ]
    return "".join(parts) + r"\s*"


def _generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("reference", ROOT / "scripts" / "reference.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _commands(command: click.Command, path: str) -> dict[str, click.Command]:
    found = {path: command}
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            found |= _commands(below, f"{path} {name}")
    return found


@pytest.mark.parametrize("name", ["cli.md", "settings.md", "formats.md", "errors.md"])
def test_generated_page_is_current(name: str) -> None:
    written = (ROOT / "docs" / "reference" / name).read_text("utf-8")
    assert written == _generator().pages()[name], "run `make docs`"


def test_every_format_has_a_page() -> None:
    from datacat.ingest.registry import formats

    assert [name for name in formats() if not (ROOT / "docs" / "formats" / f"{name}.md").is_file()] == []


def test_every_command_ends_its_help_with_an_example() -> None:
    assert [path for path, command in _commands(group, "datacat").items() if not command.epilog] == []


def test_examples_in_help_name_commands_and_options_that_exist() -> None:
    known = _commands(group, "datacat")
    wrong = []
    for path, command in known.items():
        for line in re.findall(r"(datacat \S.*)", command.epilog or ""):
            words = shlex.split(line)
            longest = max(len(name.split()) for name in known if words[: len(name.split())] == name.split())
            meant = known[" ".join(words[:longest])]
            options = {text for parameter in meant.params for text in parameter.opts}
            used = {word for word in words[longest:] if word.startswith("--")}
            if used - options:
                wrong.append((path, line, used - options))
    assert wrong == []


def test_every_path_of_the_service_is_in_the_reference() -> None:
    from datacat_api.app import ROUTERS

    page = (ROOT / "docs" / "reference" / "http.md").read_text("utf-8")
    paths = [f"/v1{route.path}" for router in ROUTERS for route in router.routes]  # type: ignore[attr-defined]
    assert len(paths) >= 10
    assert [path for path in paths if f"`GET {path}`" not in page] == []


@pytest.mark.parametrize("page", _PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(_FENCE, "", page.read_text("utf-8"))
    targets = re.findall(r"\]\(([^)#\s]+)", text)
    local = [target for target in targets if "://" not in target and not target.startswith("mailto:")]
    assert [target for target in local if not (page.parent / target).exists()] == []


@pytest.mark.parametrize(
    "page", [page for page in _PAGES if _blocks(page)], ids=lambda page: page.relative_to(ROOT).as_posix()
)
def test_blocks_run(page: Path, tmp_path: Path) -> None:
    """In their order, in a folder with the demo's catalog in ./demo, as `make demo` leaves it."""
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "COLUMNS": "160",
    }
    demo = [sys.executable, "-m", "datacat", "demo"]
    subprocess.run(demo, cwd=tmp_path, check=True, capture_output=True)
    for block in _blocks(page):
        assert block.steps
        for command, shown in block.steps:
            done = subprocess.run(
                command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
            )
            printed = done.stdout + done.stderr
            is_refused = "error:" in shown
            assert (done.returncode != 0) is is_refused, f"{shlex.join(command)}\n{printed}"
            if block.is_compared:
                assert re.fullmatch(_pattern(shown), printed + "\n"), f"{shlex.join(command)}\n{printed}"
