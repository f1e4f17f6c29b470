"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable, Collection
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
_PICTURES = "Pictures are read where that state says that they lie, or where the setting media_roots does."


class QueryCommand(click.Command):
    """A command with a query among its arguments, which may begin with a dash: `datacat search -car`.

    A word with one dash and two letters or more is such a query, so short options take their value as the next word;
    only `-n5` is read as ever.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Puts what is no option behind `--`."""
        given = [param for param in self.params if isinstance(param, click.Option) and not param.is_flag]
        valued = {name for param in given for name in param.opts}
        options, words, left = [], [], list(args)
        while left:
            word = left.pop(0)
            if word == "--":
                words += left
                break
            if word in valued and left:
                options += [word, left.pop(0)]
            elif word[:2] == "--" or (word[:1] == "-" and not _is_query(word, valued)):
                options.append(word)
            else:
                words.append(word)
        is_whole = not options or options[-1] not in valued  # else click is to say that a value is missing
        return super().parse_args(ctx, [*options, "--", *words] if is_whole else args)


def _is_query(word: str, valued: Collection[str]) -> bool:
    """Whether a word that begins with one dash is no option."""
    return len(word) > 2 and not (word[:2] in valued and word[2:].isdecimal())


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
    """The catalog a command was asked to work on; says which settings of its files are not followed."""
    found = Catalog.open(catalog, at=at)
    _note_unheard(found)
    return found


def opened_for_snapshots(catalog: str | None) -> Catalog:
    """The same for what is done with snapshots, which are whole beside a damaged log, too; says what is damaged."""
    found, damages = Catalog.salvage(catalog)
    _note_unheard(found)
    for damage in damages:
        told = f"{damage.text}. {damage.hint} {_PICTURES}"
        Output(as_json=False).note(told)
    return found


def _note_unheard(catalog: Catalog) -> None:
    for unheard in catalog.settings.unheard:
        Output(as_json=False).note(str(unheard))
