"""concepts: which class names of several teams mean the same."""

from __future__ import annotations

import sys
from typing import Any

import click

from datacat.cli.completion import names
from datacat.cli.options import NUMBER, Number, at_option, catalog_option, commit_options, json_option, opened
from datacat.cli.output import Output
from datacat.cli.suggestions import print_rest, print_suggestion
from datacat.errors import NotFound, UsageError

_FIELDS = ("definition", "owner", "synonyms", "parents", "children")


@click.group(epilog="Example: datacat concepts add roof Roof claims:rooftop")
def concepts() -> None:
    """Say which class names mean the same."""


@concepts.command(
    epilog="""\b
Examples:
  datacat concepts add roof Roof claims:rooftop
  datacat concepts add building
"""
)
@click.argument("concept")
@click.argument("classes", nargs=-1, metavar="[TEAM:]CLASS…", shell_complete=names("classes"))
@click.option("--unused", is_flag=True, help="Take names that no label set has yet.")
@catalog_option
@commit_options
@json_option
def add(
    concept: str,
    classes: tuple[str, ...],
    unused: bool,
    catalog: str | None,
    author: str,
    message: str,
    output: Output,
) -> None:
    """Say that CLASSES mean CONCEPT, in all teams or in the one named before a colon.

    Without CLASSES, make a concept that only has a name, to stand above others.
    """
    cat = opened(catalog)
    before = cat.state
    added = cat.concepts.add(concept, classes, unused=unused, author=author, message=message)
    concept = cat.concepts.name(concept)
    nothing = "made" if not classes and cat.state != before else "nothing new"
    output.result(
        {"concept": concept, "added": added, "state": cat.state}, f"{concept}: {', '.join(added) or nothing}"
    )


@concepts.command(
    epilog="""\b
Examples:
  datacat concepts remove roof claims:rooftop
  datacat concepts remove roof
"""
)
@click.argument("concept")
@click.argument("classes", nargs=-1, metavar="[TEAM:]CLASS…", shell_complete=names("classes"))
@catalog_option
@commit_options
@json_option
def remove(
    concept: str, classes: tuple[str, ...], catalog: str | None, author: str, message: str, output: Output
) -> None:
    """Take CLASSES out of CONCEPT; without CLASSES the whole concept."""
    cat = opened(catalog)
    name = cat.concepts.name(concept)
    removed = cat.concepts.remove(concept, classes, author=author, message=message)
    output.result(
        {"concept": name, "removed": removed, "state": cat.state},
        f"{name}: removed {', '.join(removed) or 'the concept'}",
    )


@concepts.command(
    epilog="""\b
Examples:
  datacat concepts describe roof --definition "the outside of a building's top" --synonym Dach --synonym toit
  datacat concepts describe roof --parent "building part"
  datacat concepts describe roof --drop Dach
"""
)
@click.argument("concept")
@click.option("--definition", metavar="TEXT", help='What it is, in a sentence; "" takes it back.')
@click.option("--owner", metavar="NAME", help='Who decides about it; "" takes it back.')
@click.option("--synonym", "synonyms", multiple=True, metavar="NAME", help="A further name; repeatable.")
@click.option("--parent", "parents", multiple=True, metavar="CONCEPT", help="It is a kind of that one.")
@click.option("--child", "children", multiple=True, metavar="CONCEPT", help="That one is a kind of it.")
@click.option("--drop", multiple=True, metavar="NAME", help="A synonym, parent or child that goes.")
@catalog_option
@commit_options
@json_option
def describe(concept: str, catalog: str | None, output: Output, **said: Any) -> None:
    """Say what CONCEPT is: definition, owner, synonyms in any language, parents, children."""
    cat = opened(catalog)
    cat.concepts.describe(concept, **said)
    view = cat.concepts.show(concept, changes=0)
    output.fields({name: getattr(view, name) or None for name in ("name", *_FIELDS)})


@concepts.command(epilog="Example: datacat concepts rename roof roofing")
@click.argument("concept")
@click.argument("new")
@catalog_option
@commit_options
@json_option
def rename(concept: str, new: str, catalog: str | None, author: str, message: str, output: Output) -> None:
    """Give CONCEPT the name NEW; the old name stays as a synonym."""
    cat = opened(catalog)
    was = cat.concepts.name(concept)
    cat.concepts.rename(concept, new, author=author, message=message)
    new = cat.concepts.name(new)
    output.result({"concept": new, "was": was, "state": cat.state}, f"{was} is {new} now")


@concepts.command(
    epilog="""\b
Examples:
  datacat concepts merge roof rooftop
  datacat concepts merge auto car --into car
"""
)
@click.argument("names", nargs=-1, required=True, metavar="CONCEPT CONCEPT…")
@click.option("--into", metavar="NAME", help="What the whole is called; by default as the first.")
@catalog_option
@commit_options
@json_option
def merge(
    names: tuple[str, ...], into: str | None, catalog: str | None, author: str, message: str, output: Output
) -> None:
    """Make one concept of several, with all their classes, synonyms, parents and children."""
    cat = opened(catalog)
    merged = [*map(cat.concepts.name, names)]
    whole = cat.concepts.merge(names, into=into, author=author, message=message)
    if output.as_json:
        output.record({"concept": whole, "merged": merged, "state": cat.state})
        return
    view = cat.concepts.show(whole, changes=0)
    output.line(f"{whole}: {', '.join(item.member for item in view.members) or 'no class'}")


@concepts.command(epilog="Example: datacat concepts show roof")
@click.argument("concept")
@click.option(
    "-n",
    "--limit",
    type=Number(min=0),
    default=10,
    show_default=True,
    help="Changes, newest first.",
)
@catalog_option
@at_option
@json_option
def show(concept: str, limit: int, catalog: str | None, at: int | None, output: Output) -> None:
    """Show CONCEPT with its classes, and who changed what of it."""
    view = opened(catalog, at=at).concepts.show(concept, changes=limit)
    if output.as_json:
        output.record(view)
        return
    output.fields({"concept": view.name, **{name: getattr(view, name) or None for name in _FIELDS}})
    output.line("")
    columns = {
        "member": "class",
        "classes": "written",
        "label_sets": "label sets",
        "annotations": "annotations",
    }
    members = [{name: getattr(item, name) for name in columns} for item in view.members]
    output.table(members, columns=columns, empty="It has no classes.")
    if view.history:
        output.line("")
        columns = {"state": "state", "time": "time", "author": "author", "what": "what", "message": "message"}
        output.table(
            [{name: getattr(item, name) for name in columns} for item in view.history], columns=columns
        )


@concepts.command(
    epilog="""\b
Examples:
  datacat concepts suggest
  datacat concepts suggest rooftop mapping:Roof --min-score 0.3
  datacat concepts suggest --crops 8 --ask
"""
)
@click.argument("classes", nargs=-1, metavar="[[TEAM:]CLASS…]", shell_complete=names("classes"))
@click.option(
    "--min-score",
    type=click.FloatRange(0, 1),
    default=0.5,
    show_default=True,
    help="How sure a suggestion is at least.",
)
@click.option("-n", "--limit", type=NUMBER, default=10, show_default=True, help="Suggestions at most.")
@click.option(
    "--crops",
    type=click.IntRange(min=0),
    default=0,
    metavar="N",
    help="Compare N boxes of each class, cut out, by CLIP.",
)
@click.option("--space", metavar="NAME", help="The embedding space; see `datacat spaces`.")
@click.option("--ask", is_flag=True, help="Ask for each whether to accept it; needs a terminal.")
@catalog_option
@at_option
@json_option
def suggest(
    classes: tuple[str, ...], ask: bool, catalog: str | None, at: int | None, output: Output, **asked: Any
) -> None:
    """Propose class names of several teams that may mean the same, with what speaks for and against it.

    With CLASSES only what concerns them. Nothing is joined before you say so.
    """
    if ask and (output.as_json or not (sys.stdin.isatty() and sys.stdout.isatty())):
        raise UsageError(
            "--ask asks a person, and there is none", hint="Run it on a terminal, without --json."
        )
    cat = opened(catalog, at=at)
    found = cat.concepts.suggest(classes, **asked)
    if output.as_json:
        output.record(found)
        return
    for number, one in enumerate(found, 1):
        print_suggestion(one, output, number=number)
        if ask and one.commands and click.confirm("   Accept?", default=False):
            try:
                output.line(f"   {cat.concepts.accept(one)}: state {cat.state}")
            except (UsageError, NotFound) as error:  # what was accepted before it may stand against it
                output.note(f"   not accepted: {error}")
    print_rest(found, output)


@concepts.command("list", epilog="Example: datacat concepts list")
@catalog_option
@at_option
@json_option
def list_(catalog: str | None, at: int | None, output: Output) -> None:
    """List the concepts with their classes."""
    rows = opened(catalog, at=at).concepts.list().to_pylist()
    columns = {name: name for name in ("concept", "classes", "annotations", "synonyms", "parents", "owner")}
    output.table(rows, columns=columns, empty="No concept was declared.")
