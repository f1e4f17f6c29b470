"""Small files, short functions, shallow nesting, few positional parameters, a short README.

What is measured: a file's lines; a function's lines without its docstring; how deep `if`, `for`, `while`,
`try` and `match` stand in each other; the parameters of a public function that may be given by position.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILE_LINES, FUNCTION_LINES, NESTING, POSITIONAL, README_LINES = 450, 40, 3, 2, 150

# "file:function" -> why it may differ.
LENGTH_EXCEPTIONS: dict[str, str] = {}
NESTING_EXCEPTIONS = {
    "datacat/sources/listing.py:_listed_local": "a generator over folders and their items within one try",
}
POSITIONAL_EXCEPTIONS = {
    "datacat/cli/completion.py:complete": "click calls it",
    "datacat/cli/completion.py:query_words": "click calls it",
    "datacat/cli/options.py:chosen": "click calls it",
    "datacat/cli/options.py:convert": "click calls it",
    "datacat/ingest/coco_write.py:write": "the contract of formats that write: what, what, where to",
    "datacat/ingest/yolo_write.py:write": "the contract of formats that write",
    "datacat/ingest/formats/coco.py:write": "the contract of formats that write",
    "datacat/ingest/formats/yolo/reader.py:write": "the contract of formats that write",
    "datacat/versions/export.py:write": "the contract of formats that write",
}

_PYTHON = sorted(
    path
    for folder in ("datacat", "api", "tests", "bench", "scripts")
    for path in (ROOT / folder).rglob("*.py")
    if "out" not in path.parts
)
_SHIPPED = [path for path in _PYTHON if path.relative_to(ROOT).parts[0] in ("datacat", "api")]
_BRANCHES = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.Try, ast.Match)

Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions(path: Path) -> Iterator[tuple[str, Function]]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, Function):
            yield f"{path.relative_to(ROOT).as_posix()}:{node.name}", node


def length(function: Function) -> int:
    assert function.end_lineno is not None
    lines = function.end_lineno - function.lineno + 1
    if ast.get_docstring(function) is None:
        return lines
    assert function.body[0].end_lineno is not None
    return lines - (function.body[0].end_lineno - function.body[0].lineno + 1)


def nesting(node: ast.AST, depth: int = 0) -> int:
    deepest = depth
    for child in ast.iter_child_nodes(node):
        if isinstance(child, Function | ast.Lambda):
            continue
        is_elif = isinstance(node, ast.If) and isinstance(child, ast.If) and node.orelse == [child]
        below = depth + (isinstance(child, _BRANCHES) and not is_elif)
        deepest = max(deepest, nesting(child, below))
    return deepest


def positional(function: Function) -> int:
    names = [argument.arg for argument in (*function.args.posonlyargs, *function.args.args)]
    return len(names[1:] if names[:1] in (["self"], ["cls"]) else names)


def _called_by_a_framework(function: Function) -> bool:
    """Commands and routes: click and FastAPI give parameters by name."""
    decorators = [ast.unparse(decorator) for decorator in function.decorator_list]
    return any(".command(" in text or text.startswith("router.") for text in decorators)


@pytest.mark.parametrize("path", _PYTHON, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_file_is_small(path: Path) -> None:
    assert len(path.read_text("utf-8").splitlines()) <= FILE_LINES


@pytest.mark.parametrize("path", _SHIPPED, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_functions_are_short_shallow_and_named(path: Path) -> None:
    found = list(functions(path))
    assert {n: length(f) for n, f in found if length(f) > FUNCTION_LINES and n not in LENGTH_EXCEPTIONS} == {}
    deep = {n: nesting(f) for n, f in found if nesting(f) > NESTING and n not in NESTING_EXCEPTIONS}
    assert deep == {}
    public = [
        (name, function)
        for name, function in found
        if not function.name.startswith("_") and not _called_by_a_framework(function)
    ]
    many = {n for n, f in public if positional(f) > POSITIONAL and n not in POSITIONAL_EXCEPTIONS}
    assert many == set()


def test_no_exception_is_left_over() -> None:
    measured = {name: function for path in _SHIPPED for name, function in functions(path)}
    stale = [name for name in LENGTH_EXCEPTIONS if length(measured[name]) <= FUNCTION_LINES]
    stale += [name for name in NESTING_EXCEPTIONS if nesting(measured[name]) <= NESTING]
    stale += [name for name in POSITIONAL_EXCEPTIONS if positional(measured[name]) <= POSITIONAL]
    assert stale == []


def test_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text("utf-8").splitlines()) <= README_LINES


def test_no_file_is_called_after_nothing() -> None:
    forbidden = {"utils", "helpers", "common", "core", "base", "manager", "misc", "tools"}
    assert [str(path.relative_to(ROOT)) for path in _PYTHON if path.stem in forbidden] == []


def test_the_front_door_is_narrow() -> None:
    import datacat

    assert len(datacat.__all__) <= 12
