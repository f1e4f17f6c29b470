"""The only place that prints results: a table for people, JSON for programs.

Results go to stdout, notes to stderr.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import json
import math
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import click
from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.tree import Tree

from datacat.cli.refusal import with_catalog
from datacat.cli.terminal import json_visible, visible

_PLAIN_WIDTH = 160  # columns of a table that is written to a file or a pipe
_BARS_WIDTH = 100
_UNBOUNDED = 1 << 20
_LONGEST_BAR = 32
_EIGHTHS = " ▏▎▍▌▋▊▉"


@dataclasses.dataclass(frozen=True, slots=True)
class Bar:
    """A name and its numbers; the first is the length of the bar."""

    name: str
    numbers: tuple[int | None, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Branch:
    """A line of a tree, and what stands below it."""

    text: str
    below: Sequence[Branch] = ()


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """rich would exit with 1; `main` knows what is due."""
        raise BrokenPipeError


class Output:
    """Chosen once for a command by `--json`."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json
        width = None if sys.stdout.isatty() else max(_PLAIN_WIDTH, shutil.get_terminal_size().columns)
        self.console = _Console(width=width, highlight=False, soft_wrap=False)
        self._notes = Console(stderr=True, highlight=False, soft_wrap=True)

    def table(
        self,
        rows: Iterable[Mapping[str, Any]],
        *,
        columns: Mapping[str, str] | None = None,
        empty: str = "nothing",
        title: str | None = None,
        is_folded: bool = True,
    ) -> None:
        """Prints rows: as JSON all their values, as a table the `columns` (key -> heading).

        Where several columns are together wider than the terminal their cells are folded, or, unless `is_folded`, each
        value has a line of its own.
        """
        listed = list(rows)
        if self.as_json:
            self.record(listed)
            return
        if not listed:
            self.note(empty)
            return
        shown = columns or {key: key.replace("_", " ") for key in listed[0]}
        table = Table(box=None, pad_edge=False, header_style="bold", title=title, title_justify="left")
        for key, heading in shown.items():
            is_number = all(isinstance(row.get(key), int | float | None) for row in listed)
            table.add_column(_safe(heading), justify="right" if is_number else "left", overflow="fold")
        for row in listed:
            table.add_row(*(_safe(readable(row.get(key))) for key in shown))
        if is_folded or len(shown) == 1 or self._has_room(table):
            self.console.print(table)
        else:
            self._print_upright(listed, shown)

    def _has_room(self, table: Table) -> bool:
        unbounded = self.console.options.update(width=_UNBOUNDED)
        return self.console.measure(table, options=unbounded).maximum <= self.console.width

    def _print_upright(self, rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str]) -> None:
        width = max(map(cell_len, columns.values()))
        for number, row in enumerate(rows, start=1):
            if number > 1:
                self.line("")
            self._row(f"[dim]row {number:,}[/]")
            for key, heading in columns.items():
                self._row(f"[bold]{_safe(f'{heading:<{width}}')}[/]  {_safe(readable(row.get(key)))}")

    def record(self, value: Any) -> None:
        """Prints one JSON document."""
        sys.stdout.write(json_visible(json.dumps(plain(value), ensure_ascii=False, indent=2)) + "\n")

    def result(self, value: Any, text: str) -> None:
        """Prints what came of a command: as JSON a value, else a line."""
        if self.as_json:
            self.record(value)
        else:
            self.line(text)

    def fields(self, values: Mapping[str, Any]) -> None:
        """Prints names and values, one a line; as JSON one object."""
        if self.as_json:
            self.record(values)
            return
        width = max((len(name) for name in values), default=0)
        for name, value in values.items():
            self.console.print(
                f"[bold]{_safe(name.replace('_', ' ')):<{width}}[/]  {_safe(readable(value))}",
                soft_wrap=True,
            )

    def line(self, text: str) -> None:
        """Prints a line of a human-readable result; nothing under `--json`."""
        if not self.as_json:
            self.console.print(_safe(text), soft_wrap=True)

    def bars(self, title: str, rows: Sequence[Bar], *, headings: Sequence[str], last: str = "") -> None:
        """Prints a block of bars with their numbers, as wide as the terminal, 100 columns at most.

        Args:
            title: above them.
            rows: each with as many numbers as there are headings; the first one is its length.
            headings: of the numbers.
            last: a line below.
        """
        title = _bare(title)
        columns = [
            [readable(number) for number in column]
            for column in zip(*(row.numbers for row in rows), strict=True)
        ]
        widths = [max(map(len, (heading, *cells))) for heading, cells in zip(headings, columns, strict=True)]
        room = min(self.console.width, _BARS_WIDTH) - sum(width + 2 for width in widths) - 2
        longest = max(map(cell_len, (title, *(_bare(row.name) for row in rows))))
        name_width = max(1, min(longest, room // 2))
        bar_width = max(0, min(_LONGEST_BAR, room - name_width - 2))
        most = max((row.numbers[0] or 0 for row in rows), default=0) or 1
        heads = "  ".join(f"{heading:>{width}}" for heading, width in zip(headings, widths, strict=True))
        self.line("")
        self._row(f"[bold]{escape(_fitted(title, name_width + 2))}[/]  {' ' * bar_width}  [dim]{heads}[/]")
        for row, cells in zip(rows, zip(*columns, strict=True), strict=True):
            numbers = "  ".join(f"{cell:>{width}}" for cell, width in zip(cells, widths, strict=True))
            bar = _bar((row.numbers[0] or 0) / most * bar_width)
            self._row(
                f"  {escape(_fitted(_bare(row.name), name_width))}  [blue]{bar:<{bar_width}}[/]  {numbers}"
            )
        if last:
            self._row(f"  [dim]{_safe(last)}[/]")

    def _row(self, markup: str) -> None:
        self.console.print(markup, soft_wrap=True)

    def tree(self, root: Branch) -> None:
        """Prints a line and those below it, joined by guides; long lines are wrapped behind theirs."""
        self.console.print(_drawn(root, Tree(_safe(root.text), guide_style="dim")))

    def pasteable(self, command: str) -> str:
        """A command with the catalog that -C names."""
        return with_catalog(f"`{command}`", _catalog())[1:-1]

    def note(self, text: str) -> None:
        """Tells the person something that is no result, on stderr."""
        self._notes.print(_safe(with_catalog(text, _catalog())), style="dim")


def _catalog() -> str | None:
    """What -C names in the command that runs."""
    context = click.get_current_context(silent=True)
    return context.params.get("catalog") if context else None


def _drawn(root: Branch, tree: Tree) -> Tree:
    for branch in root.below:
        _drawn(branch, tree.add(_safe(branch.text)))
    return tree


def _bar(length: float) -> str:
    """Blocks of so many cells, to an eighth of one; what is not nothing is seen."""
    eighths = max(1, round(length * 8)) if length else 0
    if "utf" not in (sys.stdout.encoding or "").lower():
        return "#" * -(-eighths // 8)
    return "█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()


def _bare(text: str) -> str:
    """A name on one line."""
    return " ".join(visible(text).split())


def _fitted(text: str, width: int) -> str:
    """Cut or filled to so many cells of the terminal; of a long path the end tells most."""
    if cell_len(text) <= width:
        return text + " " * (width - cell_len(text))
    return set_cell_size(text, width - 1) + "…"


def _safe(text: str) -> str:
    """Text for rich: brackets are no markup, and control characters of a label file reach no terminal."""
    return escape(visible(text))


def counted(number: int, one: str, *, many: str = "") -> str:
    """`1 asset`, `2 assets`; `many` where that is more than an s."""
    return f"1 {one}" if number == 1 else f"{number:,} {many or one + 's'}"


class Lines(tuple[str, ...]):
    """A table cell of several lines."""

    __slots__ = ()


def readable(value: Any) -> str:
    """A value as a table cell."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, datetime.datetime):
        moment = value
        with contextlib.suppress(OverflowError, ValueError):  # the first and last day of Python's calendar
            moment = value.astimezone()
        return moment.strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, str):
        return value.replace("\n", "\\n").replace("\r", "\\r")  # a name with a line end makes no second row
    if isinstance(value, Lines):
        return "\n".join(readable(item) for item in value)
    if isinstance(value, Sequence):
        return ", ".join(readable(item) for item in value)
    if isinstance(value, Mapping):
        return ", ".join(f"{key}={readable(item)}" for key, item in value.items())
    return str(value)


def plain(value: Any) -> Any:
    """A value as JSON can hold it: dataclasses as objects, times in ISO 8601, no NaN or Infinity."""
    if hasattr(value, "as_document"):
        return plain(value.as_document())
    if hasattr(value, "as_row"):
        return plain(value.as_row())
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        named = {item.name: getattr(value, item.name) for item in dataclasses.fields(value)}
        # `class` is no name in Python.
        return {"class" if name == "class_name" else name: plain(item) for name, item in named.items()}
    if isinstance(value, datetime.datetime | datetime.date):
        return value.isoformat()
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    if value is None or isinstance(value, str | int | float | bool):
        return value
    return str(value)
