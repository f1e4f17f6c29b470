"""What importing costs, as the set of packages that are loaded, and the contracts of pyproject.toml."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.house.test_sizes import ROOT

HEAVY = {
    *("duckdb", "deltalake", "pyarrow", "numpy", "pandas", "fsspec", "s3fs", "PIL"),
    *("torch", "torchvision", "open_clip", "lancedb", "dvc", "ray"),
    *("fastapi", "starlette", "uvicorn", "pydantic"),
    *("rich", "lark", "yaml", "msgspec"),
}


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
