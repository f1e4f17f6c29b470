"""Docs are whole and true: generated pages are current, blocks marked `run` run, links lead somewhere."""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
import shutil
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
    """A fenced block; ```console run``` and ```python run``` are executed."""

    page: Path
    number: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT).as_posix()}:{self.number}"


def _runnable() -> list[Block]:
    found = []
    for page in _PAGES:
        for number, match in enumerate(_FENCE.finditer(page.read_text("utf-8")), 1):
            if match[2].split() == ["run"]:
                found.append(Block(page, number, match[1], match[3]))
    return found


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


@pytest.fixture(scope="session")
def demo_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the demo's catalog in ./demo, as `make demo` leaves it."""
    folder = tmp_path_factory.mktemp("docs")
    subprocess.run([sys.executable, "-m", "datacat", "demo"], cwd=folder, check=True, capture_output=True)
    return folder


@pytest.mark.parametrize("block", _runnable(), ids=str)
def test_block_runs(block: Block, demo_folder: Path, tmp_path: Path) -> None:
    # Each block has a demo of its own, so that pages need not know of each other.
    shutil.copytree(demo_folder, tmp_path, dirs_exist_ok=True, symlinks=True)
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    if block.language == "python":
        commands = [[sys.executable, "-W", "ignore", "-c", block.text]]
    else:
        joined = block.text.replace("\\\n", " ")
        commands = [shlex.split(line[2:]) for line in joined.splitlines() if line.startswith("$ ")]
    assert commands
    for command in commands:
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{shlex.join(command)}\n{done.stdout}\n{done.stderr}"
