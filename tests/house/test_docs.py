"""Docs are whole and true: generated pages are current, blocks marked `run` run, links lead somewhere."""

from __future__ import annotations

import importlib.util
import re
import shlex
import shutil
import subprocess
import sys
import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType

import click
import pytest
from fastapi import FastAPI

from datacat.cli.main import group, main
from tests.house.test_sizes import ROOT

_PAGES = sorted(
    path for pattern in ("README.md", "CONTRIBUTING.md", "docs/**/*.md") for path in ROOT.glob(pattern)
)
_FENCE = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A fenced block that is executed.

    ```console run```: each `$ command` must print what follows it; `…` stands for anything, on a line of its own for
    any lines. Of a ```console run loosely``` only that it succeeds, as what it prints varies. ```python run``` must
    print what a block ```text printed``` right behind it says, if there is one.
    """

    language: str
    text: str
    shown: str | None
    is_compared: bool = True

    @property
    def commands(self) -> list[tuple[list[str], str]]:
        """The commands of a console, each with what it is to print."""
        pieces = re.split(r"^\$ ", self.text.replace("\\\n", " "), flags=re.MULTILINE)[1:]
        return [(shlex.split(line), shown) for line, _, shown in (piece.partition("\n") for piece in pieces)]


def _blocks(page: Path) -> list[Block]:
    found: list[Block] = []
    for match in _FENCE.finditer(page.read_text("utf-8")):
        words = match[2].split()
        if words[:1] == ["run"]:
            found.append(Block(match[1], match[3], None, words == ["run"]))
        elif words == ["printed"]:
            found[-1] = replace(found[-1], shown=match[3])
    return found


def _pattern(shown: str) -> str:
    """A regular expression for what a command prints, without regard to spaces at the ends of lines."""
    lines = [line.rstrip() for line in shown.rstrip().splitlines()]
    parts = [
        r"(?:.*\n)*?" if line.strip() == "…" else re.escape(line).replace("…", ".*") + r"[ ]*\n"
        for line in lines
    ]
    return "".join(parts)


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


def test_every_path_and_parameter_of_the_service_is_in_the_reference() -> None:
    from datacat_api.app import ROUTERS

    page = (ROOT / "docs" / "reference" / "http.md").read_text("utf-8")
    paths = [f"/v1{route.path}" for router in ROUTERS for route in router.routes]  # type: ignore[attr-defined]
    assert len(paths) >= 10
    assert [path for path in paths if f"`GET {path}`" not in page] == []
    app = FastAPI()
    for router in ROUTERS:
        app.include_router(router)
    told = [item["get"].get("parameters", []) for item in app.openapi()["paths"].values()]
    asked = {each["name"] for parameters in told for each in parameters if each["in"] == "query"}
    assert {"q", "after"} <= asked
    assert sorted(name for name in asked if not re.search(rf"`{name}[`=]|\b{name}=", page)) == []


@pytest.mark.parametrize("page", _PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(_FENCE, "", page.read_text("utf-8"))
    targets = re.findall(r"\]\(([^)#\s]+)", text)
    local = [target for target in targets if "://" not in target and not target.startswith("mailto:")]
    assert [target for target in local if not (page.parent / target).exists()] == []


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a demo in ./demo, and a copy of that in ./kept."""
    folder = tmp_path_factory.mktemp("docs")
    (folder / "work").mkdir()
    command = [sys.executable, "-m", "datacat", "demo"]
    subprocess.run(command, cwd=folder / "work", check=True, capture_output=True)
    shutil.copytree(folder / "work", folder / "kept", symlinks=True)
    return folder


@pytest.fixture
def demo(drawn: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Works in a folder with the demo's catalog in ./demo, as `make demo` leaves it; nothing else is there.

    A catalog knows its pictures by absolute paths, so the demo that a page has changed is put back where it was.
    """
    work = drawn / "work"
    shutil.rmtree(work)
    shutil.copytree(drawn / "kept", work, symlinks=True)
    monkeypatch.chdir(work)
    monkeypatch.setenv("COLUMNS", "160")


def _ended(command: list[str]) -> bool:
    """Runs `datacat …` in this process, where torch is imported once; whether it succeeded."""
    assert command[0] == "datacat"
    with pytest.raises(SystemExit) as ended:
        main(command[1:])
    return not ended.value.code


@pytest.mark.usefixtures("demo")
@pytest.mark.parametrize(
    "page", [page for page in _PAGES if _blocks(page)], ids=lambda page: page.relative_to(ROOT).as_posix()
)
def test_blocks_run(page: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for block in _blocks(page):
        if block.language == "python":
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # torch's
                exec(compile(block.text, page.name, "exec"), {})
            printed = capsys.readouterr().out
            assert block.shown is None or re.fullmatch(_pattern(block.shown), printed), printed
            continue
        assert block.commands
        for command, shown in block.commands:
            is_done = _ended(command)
            printed = "".join(capsys.readouterr())
            assert is_done is ("error:" not in shown), f"{shlex.join(command)}\n{printed}"
            if block.is_compared:
                assert re.fullmatch(_pattern(shown), printed), f"{shlex.join(command)}\n{printed}"
