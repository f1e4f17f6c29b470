"""completion: shells complete commands, options and the names that the catalog has."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import click
from click.shell_completion import CompletionItem, get_completion_class

from datacat.errors import DatacatError

_MOST = 200
_WORD_ENDS = ' ()[]"'
# Beside letters and digits. All else may mean something to a shell, within double quotes too: names come from files.
_HARMLESS = frozenset(" _-./@:,+")

Completer = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


@click.command(
    epilog="""\b
Examples:
  datacat completion bash >> ~/.bashrc
  datacat completion zsh >> ~/.zshrc
  datacat completion fish > ~/.config/fish/completions/datacat.fish
"""
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print what makes a shell complete commands, options, label sets, teams, snapshots, searches and classes."""
    from datacat.cli.main import group

    kind = get_completion_class(shell)
    assert kind is not None
    maker = kind(group, {}, "datacat", "_DATACAT_COMPLETE")
    click.echo(maker.source_template % maker.source_vars())


def names(kind: str) -> Completer:
    """Completes names of one kind: teams, label_sets, snapshots, searches, or who (teams and label sets)."""

    def complete(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
        return _items(_known(ctx, kind), incomplete)

    return complete


def query_words(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Completes the last word of a query: a class, or `@` and a saved search."""
    start = max(incomplete.rfind(end) for end in _WORD_ENDS) + 1
    before, word = incomplete[:start], incomplete[start:]
    known = (
        [f"@{name}" for name in _known(ctx, "searches")] if word.startswith("@") else _known(ctx, "classes")
    )
    quoted = (
        name if name.replace("_", "").isalnum() or name.startswith("@") else f'"{name}"'
        for name in filter(_is_harmless, known)
    )
    return _offered((before + name for name in quoted), incomplete)


def _is_harmless(name: str) -> bool:
    """Whether a shell takes a name for nothing but text, bare or between double quotes."""
    return all(c.isalnum() or c in _HARMLESS for c in name) and not name.startswith("-")


def _items(known: Iterable[str], incomplete: str) -> list[CompletionItem]:
    return _offered(filter(_is_harmless, known), incomplete)


def _offered(known: Iterable[str], incomplete: str) -> list[CompletionItem]:
    wanted = incomplete.casefold()
    found = [name for name in dict.fromkeys(known) if name.casefold().startswith(wanted)]
    return [CompletionItem(name) for name in found[:_MOST]]


def _known(ctx: click.Context, kind: str) -> list[str]:
    """The names of the catalog that the command line names so far; none where there is none."""
    from datacat.cli.options import opened

    try:
        catalog: Any = opened(ctx.params.get("catalog"))
        match kind:
            case "snapshots":
                listed = [item.snapshot for item in catalog.snapshots.list()]
                return [*map(str, listed), *(item.name for item in listed)]
            case "searches":
                return [item.name for item in catalog.searches.list()]
            case "classes":
                return [row["class"] for row in catalog.classes().to_pylist() if row["class"]]
        sets = [row["label_set"] for row in catalog.label_sets().to_pylist()]
        teams = sorted({name.partition("/")[0] for name in sets})
        return sets if kind == "label_sets" else teams if kind == "teams" else [*teams, *sets]
    except (DatacatError, OSError):
        return []
