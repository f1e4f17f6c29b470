"""What importing loads, who may import what, and the contracts of pyproject.toml."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house.test_sizes import ROOT

HEAVY = {
    *("duckdb", "deltalake", "pyarrow", "numpy", "pandas", "fsspec", "s3fs", "PIL"),
    *("torch", "torchvision", "open_clip", "lancedb", "dvc", "ray"),
    *("fastapi", "starlette", "uvicorn", "pydantic"),
    *("rich", "lark", "yaml", "msgspec"),
}
FACES = ("datacat/cli", "api/datacat_api")
NAMED_BY_FACES = {"datacat", "datacat.catalog", "datacat.model", "datacat.errors", "datacat.config"}
# Package -> the only modules that import it.
DOORS = {
    "torch": {"datacat/embeddings/open_clip.py", "datacat/versions/dataset.py"},
    "open_clip": {"datacat/embeddings/open_clip.py"},
    "lancedb": {"datacat/embeddings/vectors.py"},
    "dvc": set(),  # it is run, never imported
    "deltalake": {"datacat/tables/log.py"},
}


def imports(path: Path) -> Iterator[str]:
    """The modules that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def importers() -> Iterator[tuple[str, str]]:
    """(file, module it imports) of everything that is shipped."""
    for path in sorted([*(ROOT / "datacat").rglob("*.py"), *(ROOT / "api").rglob("*.py")]):
        for module in imports(path):
            yield path.relative_to(ROOT).as_posix(), module


def loaded_by(code: str) -> set[str]:
    """The top-level modules that a fresh interpreter holds after `code`."""
    program = f"{code}\nimport json, sys\nsys.stderr.write(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return {name.partition(".")[0] for name in json.loads(done.stderr)}


@pytest.mark.parametrize(
    "code",
    [
        "import datacat",
        "import datacat; datacat.DatacatError, datacat.init, datacat.open",
        "from datacat.cli.main import group; group.main(['--help'], standalone_mode=False)",
        "from datacat.cli.main import group; group.main(['--version'], standalone_mode=False)",
    ],
)
def test_the_front_door_is_light(code: str) -> None:
    assert loaded_by(code) & HEAVY == set()


def test_the_heaviest_packages_are_loaded_only_when_used() -> None:
    loaded = loaded_by("import datacat; datacat.Catalog")
    assert "duckdb" in loaded
    assert (
        loaded & {"torch", "open_clip", "lancedb", "dvc", "fastapi", "starlette", "uvicorn", "pandas"}
        == set()
    )


def test_import_contracts_hold() -> None:
    done = subprocess.run(
        [f"{sys.prefix}/bin/lint-imports", "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_faces_name_the_catalog_and_nothing_behind_it() -> None:
    allowed = tuple(f"{name}." for name in NAMED_BY_FACES - {"datacat"})
    wrong = [
        (path, module)
        for path, module in importers()
        if path.startswith(FACES)
        and module.startswith("datacat.")
        and not f"{module}.".startswith((*allowed, "datacat.cli."))
        and module not in ("datacat.__version__", "datacat.errors")
    ]
    # The demo stands beside the faces: `datacat demo` calls its tour.
    assert wrong == [("datacat/cli/demo.py", "datacat.demo.tour.run")]


def test_a_package_is_imported_at_its_door_alone() -> None:
    wrong = [
        (path, module)
        for path, module in importers()
        for package, doors in DOORS.items()
        if module.split(".")[0] == package and path not in doors
    ]
    assert wrong == []


def test_nothing_below_the_faces_imports_the_front_door() -> None:
    """`import datacat` from within would be a cycle."""
    found = [path for path, module in importers() if module == "datacat" and not path.startswith(FACES)]
    assert found == []
