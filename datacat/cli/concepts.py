"""concepts: which class names of several teams mean the same."""

from __future__ import annotations

import click

from datacat.cli.options import at_option, catalog_option, commit_options, json_option, opened
from datacat.cli.output import Output


@click.group(epilog="Example: datacat concepts add roof Roof claims:rooftop")
def concepts() -> None:
    """Say which class names mean the same."""


@concepts.command(epilog="Example: datacat concepts add roof Roof claims:rooftop")
@click.argument("concept")
@click.argument("classes", nargs=-1, required=True, metavar="[TEAM:]CLASS…")
@catalog_option
@commit_options
@json_option
def add(
    concept: str, classes: tuple[str, ...], catalog: str | None, author: str, message: str, output: Output
) -> None:
    """Say that CLASSES mean CONCEPT, in all teams or in the one named before a colon."""
    cat = opened(catalog)
    added = cat.concepts.add(concept, classes, author=author, message=message)
    if output.as_json:
        output.record({"concept": concept, "added": added, "state": cat.state})
        return
    output.line(f"{concept}: {', '.join(added) or 'nothing new'}")


@concepts.command(epilog="Example: datacat concepts remove roof claims:rooftop")
@click.argument("concept")
@click.argument("classes", nargs=-1, metavar="[TEAM:]CLASS…")
@catalog_option
@commit_options
@json_option
def remove(
    concept: str, classes: tuple[str, ...], catalog: str | None, author: str, message: str, output: Output
) -> None:
    """Take CLASSES out of CONCEPT; without CLASSES the whole concept."""
    cat = opened(catalog)
    removed = cat.concepts.remove(concept, classes, author=author, message=message)
    if output.as_json:
        output.record({"concept": concept, "removed": removed, "state": cat.state})
        return
    output.line(f"{concept}: removed {', '.join(removed)}")


@concepts.command("list", epilog="Example: datacat concepts list")
@catalog_option
@at_option
@json_option
def list_(catalog: str | None, at: int | None, output: Output) -> None:
    """List the concepts and their classes."""
    output.table(opened(catalog, at=at).concepts.list().to_pylist(), empty="No concept was declared.")
