"""How a search was answered, as a tree; `datacat search --explain`."""

from __future__ import annotations

from typing import Any

from datacat.cli.output import Branch, Output, counted

_LONGEST = 200  # characters of a condition; --json has all of it
_UNITS = ("B", "kB", "MB", "GB", "TB")


def print_explanation(found: Any, output: Output) -> None:
    """Prints what was understood, what each step read, and how long it took."""
    if output.as_json:
        output.record(found)
        return
    output.tree(Branch(found.interpretation or "every asset", _meaning(found)))
    for step in found.steps:
        output.tree(_step(step, result=_result(step.name, found)))
    memory = f"DuckDB's buffers took {_size(found.memory_bytes)} at most"
    output.note(f"{_time(found.time_s)} in all, at state {found.state}; {memory}")


def _meaning(found: Any) -> list[Branch]:
    terms = [Branch(f"{term} = {', '.join(names) or 'nothing'}") for term, names in found.terms.items()]
    conditions = [
        Branch(f"{condition.text} is answered by {', '.join(condition.tables) or 'other files'}")
        for condition in found.conditions
    ]
    return [*terms, *conditions]


def _result(name: str, found: Any) -> str:
    """What came out of a step, where that is known."""
    match name:
        case "find the page" | "find all":
            return f" -> {counted(found.shown, 'hit')}"
        case "count":
            return f" -> {counted(found.count, 'asset')}"
    return ""


def _step(step: Any, *, result: str = "") -> Branch:
    below = [_step(part) for part in step.parts]
    below += [Branch(note) for note in step.notes]
    below += [_reading(reading) for reading in step.readings]
    planned = ""
    if step.statements:
        number = counted(step.statements, "statement")
        planned = f" ({number}: planned {_time(step.plan_s)}, ran {_time(step.run_s)})"
    elif not below:
        planned = " (nothing was read)"
    return Branch(f"{step.name}{result}: {_time(step.time_s)}{planned}", below)


def _reading(reading: Any) -> Branch:
    role = f" ({reading.role})" if reading.role != reading.table else ""
    scans = [_scan(scan) for scan in reading.scans if scan.conditions or scan.skipped_by]
    return Branch(f"{reading.table}{role}: {_amount(reading)}", scans)


def _amount(reading: Any) -> str:
    if not reading.row_groups:
        return f"nothing of {counted(reading.all_rows, 'row')}"
    size = _size(reading.bytes)
    if reading.row_groups == reading.all_row_groups:
        return f"all {counted(reading.rows, 'row')} of {counted(reading.files, 'file')}, {size}"
    parts = (
        f"{reading.rows:,} of {reading.all_rows:,} rows",
        f"{reading.row_groups:,} of {reading.all_row_groups:,} row groups",
        f"{reading.files:,} of {reading.all_files:,} files",
    )
    return f"{' in '.join(parts)}, {size}"


def _scan(scan: Any) -> Branch:
    conditions = scan.conditions or "every row"
    cut = conditions if len(conditions) <= _LONGEST else conditions[:_LONGEST] + "…"
    skipped = ", narrowed by a join or a list" if scan.skipped_by else ""
    return Branch(f"{cut}{skipped} -> {counted(scan.rows, 'row')}, {_time(scan.time_s)}")


def _time(seconds: float) -> str:
    return f"{seconds * 1000:.3g} ms" if seconds < 1 else f"{seconds:.2f} s"


def _size(count: int) -> str:
    size, unit = float(count), _UNITS[0]
    for unit in _UNITS:
        if size < 1000 or unit == _UNITS[-1]:
            break
        size /= 1000
    return f"{size:.3g} {unit}"
