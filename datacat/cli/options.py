"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from datacat.catalog import Catalog
from datacat.cli.output import Output

F = TypeVar("F", bound=Callable[..., Any])


class Number(click.IntRange):
    """How many of something, at least `min`; DuckDB counts in 64 bits."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        number = super().convert(value, param, ctx)
        if number >= 2**53:
            self.fail(f"{number} is more than there can be of anything.", param, ctx)
        return number


NUMBER = Number(min=1)


def catalog_option(command: F) -> F:
    """`--catalog`: the catalog to work on."""
    return click.option(
        "-C",
        "--catalog",
        "catalog",
        metavar="PLACE",
        help="The catalog: a folder or s3://bucket/prefix. Default: DATACAT_CATALOG, datacat.toml, or the "
        "nearest folder upwards that is one.",
    )(command)


def at_option(command: F) -> F:
    """`--at`: a past state."""
    return click.option("--at", type=click.IntRange(min=0), metavar="STATE", help="Look at a past state.")(
        command
    )


def json_option(command: F) -> F:
    """`--json`: machine-readable output; hands the command an `Output`."""

    def chosen(ctx: click.Context, parameter: click.Parameter, value: bool) -> Output:
        return Output(as_json=value)

    return click.option(
        "--json", "output", is_flag=True, callback=chosen, help="Print JSON instead of a table."
    )(command)


def commit_options(command: F) -> F:
    """`--author` and `--message` of the commit."""
    command = click.option("-m", "--message", default="", help="What the log should say of this change.")(
        command
    )
    return click.option("--author", default="", help="Who makes it; by default git's user.")(command)


def opened(catalog: str | None, *, at: int | None = None) -> Catalog:
    """The catalog a command was asked to work on."""
    return Catalog.open(catalog, at=at)
