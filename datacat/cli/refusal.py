"""Tells on stderr why a command was refused: a line for people, a JSON object where `--json` was asked for."""

from __future__ import annotations

import io
import json
import re
import shlex
from collections.abc import Sequence

import click

from datacat.cli.terminal import json_visible, visible
from datacat.errors import DatacatError, QueryError

# A command in a text, in backticks or behind a colon up to the end of its sentence.
_COMMAND = re.compile(r"(?<=`)datacat [^`\n]+(?=`)|(?<=: )datacat [^\n,]+?(?=,? if |, |[.]?(?:\n|$))")
_WITHOUT = frozenset(("init", "demo", "formats", "completion"))


def tell_refusal(error: DatacatError | click.ClickException, words: Sequence[str]) -> None:
    """Prints the error of a command that was called with these words."""
    if "--json" in words[: words.index("--") if "--" in words else None]:
        click.echo(json_visible(json.dumps({"error": _document(error, words)}, ensure_ascii=False)), err=True)
    elif isinstance(error, click.ClickException):
        said = io.StringIO()
        error.show(said)
        click.echo(visible(said.getvalue()), nl=False, err=True)
    else:
        click.echo(f"error: {visible(with_catalog(str(error), catalog_of(words)))}", err=True)


def with_catalog(text: str, place: str | None) -> str:
    """The text, in which commands name the catalog that was named, so that they can be pasted."""
    if not place:
        return text
    more = f" -C {shlex.quote(place)}"
    return "\n".join(
        # A line that is a command was made whole, and what looks like another one in it is a value.
        line
        if line.startswith("datacat ")
        else _COMMAND.sub(lambda found: found[0] + (more if _takes_catalog(found[0]) else ""), line)
        for line in text.split("\n")
    )


def catalog_of(words: Sequence[str]) -> str | None:
    """The catalog that the words of a command name."""
    for at, word in enumerate(words):
        if word in ("-C", "--catalog") and at + 1 < len(words):
            return words[at + 1]
        if word.startswith("--catalog="):
            return word.partition("=")[2]
    return None


def _takes_catalog(command: str) -> bool:
    words = command.split()
    return (
        len(words) > 1 and words[1] not in _WITHOUT and " -C " not in command and "--catalog" not in command
    )


def _document(error: DatacatError | click.ClickException, words: Sequence[str]) -> dict[str, object]:
    if isinstance(error, click.ClickException):
        return {"kind": type(error).__name__, "what": error.format_message()}
    said: dict[str, object] = {"kind": type(error).__name__, "what": error.what}
    if error.where:
        said["where"] = error.where
    if error.hint:
        said["hint"] = with_catalog(error.hint, catalog_of(words))
    if isinstance(error, QueryError):
        said |= {"query": error.text, "position": error.start, "end": error.end}
    return said
