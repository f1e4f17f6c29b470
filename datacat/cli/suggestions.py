"""Suggestions of concepts, for people."""

from __future__ import annotations

from typing import Any

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from datacat.cli.output import Output, readable
from datacat.cli.terminal import visible

_SHOWN_CLASSES, _SHOWN_EVIDENCE = 8, 6
_HEADINGS = {
    "same": "{0.concept}: may mean the same",
    "kind": "{0.concept}: may be a kind of {0.parent}",
    "unlike": "{0.concept}: called alike, but looks like two things",
}


def print_suggestion(one: Any, output: Output, *, number: int) -> None:
    """A `Suggestion`: its classes, what speaks for and against, and the command that accepts it."""
    console = output.console
    if number > 1:
        console.print()
    heading = _text(f"{number}. {_HEADINGS[one.relation].format(one)}", "bold")
    heading.append(f"  score {one.score:.2f}", "dim")
    console.print(heading)
    classes = Table.grid(padding=(0, 2))
    classes.add_column(overflow="fold")
    classes.add_column(justify="right")
    classes.add_column(style="dim", overflow="fold")
    for item in one.classes[:_SHOWN_CLASSES]:
        classes.add_row(_text(str(item)), f"{item.annotations:,}", _text(readable(item.label_sets)))
    console.print(Padding(classes, (0, 0, 0, 3), expand=False))
    _print_more(len(one.classes) - _SHOWN_CLASSES, "classes", output)
    reasons = Table.grid(padding=(0, 1))
    reasons.add_column()
    reasons.add_column(overflow="fold")
    lines = {item.text: item.is_against for item in one.evidence}  # equal names are told once
    for text, is_against in list(lines.items())[:_SHOWN_EVIDENCE]:
        reasons.add_row(Text("-", "red") if is_against else Text("+", "green"), _text(text))
    console.print(Padding(reasons, (0, 0, 0, 3), expand=False))
    _print_more(len(lines) - _SHOWN_EVIDENCE, "reasons", output)
    for command in one.commands:
        console.print(_text(f"   $ {output.pasteable(command)}", "cyan"), soft_wrap=True)


def print_rest(found: Any, output: Output) -> None:
    """What is said behind `Suggestions`."""
    if not found.all:
        output.note("Nothing new seems to mean the same. A lower --min-score shows weaker suggestions.")
    elif found.all > len(found):
        output.note(f"{len(found)} of {found.all} suggestions; --limit shows more.")
    for note in found.notes:
        output.note(note)


def _print_more(count: int, noun: str, output: Output) -> None:
    if count > 0:
        output.console.print(Text(f"   … and {count:,} more {noun}", "dim"))


def _text(text: str, style: str = "") -> Text:
    """No markup, and no control characters of a label file."""
    return Text(" ".join(visible(text).split("\n")), style)
