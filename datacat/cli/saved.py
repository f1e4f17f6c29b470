"""searches: queries under a name."""

from __future__ import annotations

import dataclasses

import click

from datacat.cli.completion import names, query_words
from datacat.cli.options import QueryCommand, at_option, catalog_option, commit_options, json_option, opened
from datacat.cli.output import Output


@click.group(epilog='Example: datacat searches save reds "car[color=red]"')
def searches() -> None:
    """Keep queries under a name, to search by @name."""


@searches.command(
    cls=QueryCommand,
    epilog='Example: datacat searches save street/reds "car[color=red]" --description "for the audit"',
)
@click.argument("name", shell_complete=names("searches"))
@click.argument("query", shell_complete=query_words)
@click.option("--description", help="What it is for.")
@click.option("--owner", help="Whom to ask about it; by default who saves it first.")
@click.option("--replace", is_flag=True, help="Let the name stand for this query from now on.")
@catalog_option
@commit_options
@json_option
def save(
    name: str,
    query: str,
    description: str | None,
    owner: str | None,
    replace: bool,
    catalog: str | None,
    author: str,
    message: str,
    output: Output,
) -> None:
    """Save QUERY as NAME, which may be TEAM/NAME."""
    saved = opened(catalog).searches.save(
        name,
        query,
        description=description,
        owner=owner,
        replace=replace,
        author=author,
        message=message,
    )
    output.result(saved, f"@{saved.name}: {saved.query}")


@searches.command("list", epilog="Example: datacat searches list")
@catalog_option
@at_option
@json_option
def list_(catalog: str | None, at: int | None, output: Output) -> None:
    """List the saved searches."""
    found = [dataclasses.asdict(one) for one in opened(catalog, at=at).searches.list()]
    columns = {"name": "name", "query": "query", "owner": "owner", "description": "description"}
    output.table(found, columns=columns, empty="No search was saved.")


@searches.command(epilog="Example: datacat searches show street/reds")
@click.argument("name", shell_complete=names("searches"))
@catalog_option
@at_option
@json_option
def show(name: str, catalog: str | None, at: int | None, output: Output) -> None:
    """Show one saved search."""
    output.fields(dataclasses.asdict(opened(catalog, at=at).searches.read(name)))


@searches.command(epilog="Example: datacat searches remove street/reds")
@click.argument("name", shell_complete=names("searches"))
@catalog_option
@commit_options
@json_option
def remove(name: str, catalog: str | None, author: str, message: str, output: Output) -> None:
    """Forget a saved search; past states still have it."""
    removed = opened(catalog).searches.remove(name, author=author, message=message)
    output.result(removed, f"removed @{removed.name}: {removed.query}")
