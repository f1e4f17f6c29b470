"""search, show, classes, attributes."""

from __future__ import annotations

import os
from typing import Any, Literal

import click

from datacat.catalog import explained
from datacat.cli.completion import query_words
from datacat.cli.explanation import print_explanation
from datacat.cli.facets import print_facets
from datacat.cli.options import NUMBER, QueryCommand, at_option, catalog_option, json_option, opened
from datacat.cli.output import Lines, Output, counted
from datacat.cli.streamed import stream_options, write_stream

_HITS = 20
_VALUES = 10
_CLASSES = 4  # of a concept
_REASONS_SHOWN = 3
_ANNOTATIONS_SHOWN = 40


@click.command(
    cls=QueryCommand,
    epilog="""\b
Examples:
  datacat search "all data with roofs"
  datacat search "roof[material=slate condition.score>0.8] AND NOT car"
  datacat search "count(person)>=3 team:driving" --count
  datacat search '"a swimming pool" team:mapping' --limit 5
  datacat search "roof" --facets
  datacat search "roof" --facet material --facet team
  datacat search "roof[material=slate]" --explain
  datacat search "roof" --format ndjson --columns asset,uri -o roofs.ndjson
""",
)
@click.argument("query", shell_complete=query_words)
@click.option(
    "-n",
    "--limit",
    type=NUMBER,
    help=f"Hits on a page [default: {_HITS}]; of facets, values of each [default: {_VALUES}], and of a ranking "
    "how many hits count.",
)
@click.option("--after", metavar="TOKEN", help="Go on behind a page; the token is printed below it.")
@click.option(
    "--by",
    type=click.Choice(["content", "uri"]),
    default="content",
    show_default=True,
    help="What one hit is: a picture, at however many addresses its bytes lie, or an address.",
)
@click.option("--count", "only_count", is_flag=True, help="Only say how many assets match.")
@click.option(
    "--facets", "only_facets", is_flag=True, help="Say what they divide into: classes, teams, values, …."
)
@click.option("--all-paths", is_flag=True, help="With --facets: what tools write for themselves too.")
@click.option(
    "--facet", "names", multiple=True, metavar="NAME", help="Only these facets; class, team, …, or a path."
)
@click.option(
    "--explain",
    "is_explained",
    is_flag=True,
    help="Say what was read for the answer, and how long each step took.",
)
@click.option(
    "--space", metavar="NAME", help="The embedding space of a similarity search; see `datacat spaces`."
)
@stream_options
@catalog_option
@at_option
@json_option
def search(
    query: str,
    limit: int | None,
    after: str | None,
    by: Literal["content", "uri"],
    only_count: bool,
    only_facets: bool,
    all_paths: bool,
    names: tuple[str, ...],
    is_explained: bool,
    space: str | None,
    to: str | None,
    columns: str | None,
    file: str,
    catalog: str | None,
    at: int | None,
    output: Output,
) -> None:
    """Find assets, each with the annotations that match and the reason why."""
    _check_one_answer(output.as_json, only_count, bool(only_facets or names), is_explained, to is not None)
    if to is None and (columns is not None or file != "-"):
        raise click.UsageError("--columns and -o belong to --format.")

    def found() -> Any:
        page = limit if to else limit or _HITS
        return opened(catalog, at=at).search(query, limit=page, after=after, by=by, space=space)

    if is_explained:
        print_explanation(explained(found), output)
        return
    hits = found()
    if to is not None:
        write_stream(hits, to=to, file=file, columns=columns, output=output)
        return
    if only_facets or names:
        facets = hits.facets(names or None, limit=limit or _VALUES, all_paths=all_paths)
        print_facets(facets, hits.interpretation, output=output, are_chosen=bool(names))
        _note_hint(hits, output)
        return
    (_print_count if only_count else _print_page)(hits, output)


def _check_one_answer(as_json: bool, *answers: bool) -> None:
    """Refuses what asks for two things at once."""
    if answers[-1] and as_json:
        raise click.UsageError("--json and --format are two forms of an answer; take one of them.")
    if sum(answers) > 1:
        raise click.UsageError(
            "--count, --facets, --explain and --format are answers of their own; take one of them."
        )


def _print_page(hits: Any, output: Output) -> None:
    found = list(hits)
    total = None if hits.is_ranked else hits.count()  # counting those would mean ranking them all
    if output.as_json:
        page = {"hits": found, "next": hits.next, "concepts": hits.concepts_used, "total": total}
        page |= {"not_embedded": hits.not_embedded, "addresses": hits.address_count}
        output.record(page | _known(hits))
        return
    print_hits(found, output)
    if total is None:
        output.note(f"ranked: {hits.interpretation}")
        _note_unknown(hits, output)
    else:
        matching = counted(total, "asset matches", many="assets match") + _at_addresses(hits, total)
        output.note(f"{matching}: {hits.interpretation}" if hits.interpretation else matching)
        _note_unknown(hits, output)
        _note_kinds(hits, output)
    _note_hint(hits, output)
    note_concepts(hits, output)
    if hits.next:
        output.note(f"the next page: --after {hits.next}")


def _at_addresses(hits: Any, total: int) -> str:
    """`, at 402 addresses` where some of them have the same bytes."""
    return f", at {hits.address_count:,} addresses" if hits.address_count > total else ""


def _known(hits: Any) -> dict[str, Any]:
    """What is said of a search as a whole."""
    has_answers = hits.asks_for_absence and not hits.is_ranked
    return {
        "interpretation": hits.interpretation,
        "state": hits.state,
        "answers": hits.answers if has_answers else None,
        "only_predicted": hits.only_predicted,
        "set_aside": hits.set_aside,
        "hint": hits.hint(),
    }


def _print_count(hits: Any, output: Output) -> None:
    total = hits.count()
    if output.as_json:
        output.record({"count": total, "addresses": hits.address_count, **_known(hits)})
    else:
        output.line(str(total))
        if at := _at_addresses(hits, total):
            output.note(
                f"{counted(total, 'asset', many='assets')}{at}: equal bytes are one; each by itself: --by uri"
            )
        _note_unknown(hits, output)
        _note_hint(hits, output)


def _note_hint(hits: Any, output: Output) -> None:
    """Says which values nobody has, and which are text where a number was asked for."""
    if hint := hits.hint():
        output.note(hint)


def note_concepts(hits: Any, output: Output) -> None:
    """Says which concepts were used, and how to do without."""
    asked: dict[str, list[str]] = {}
    for name, concepts in hits.concepts_used.items():
        classes = hits.classes_used[name]
        more = f" and {len(classes) - _CLASSES} more" if len(classes) > _CLASSES else ""
        listed = ", ".join(classes[:_CLASSES]) + more
        asked.setdefault(f"concept {', '.join(concepts)}: {listed}", []).append(name)
    for used, names in asked.items():
        alone = [hits.without_concepts[name] for name in names if name in hits.without_concepts]
        output.note(f"{used}; without it: {' '.join(dict.fromkeys(alone))}" if alone else used)


def _note_unknown(hits: Any, output: Output) -> None:
    """Says what an absence leaves out, and what a ranking could not rank."""
    if hits.not_embedded:
        output.note(
            f"{counted(hits.not_embedded, 'asset is', many='assets are')} not embedded, so not ranked"
        )
    if not hits.is_ranked and hits.asks_for_absence and hits.answers.unknown:
        left_out = counted(hits.answers.unknown, "asset is", many="assets are")
        output.note(f"{left_out} left out as unknown: nobody looked; to see them: ?({hits.interpretation})")


def _note_kinds(hits: Any, output: Output) -> None:
    """Says what only models say, and what was left out as skipped or drafts."""
    if hits.only_predicted:
        only = counted(hits.only_predicted, "asset is", many="assets are")
        output.note(f"{only} only predicted by a model; without them: kind:annotation in a bracket")
    if hits.set_aside:
        left_out = counted(hits.set_aside, "annotation", many="annotations")
        output.note(f"{left_out} left out, skipped or drafts; to see them: status in (skipped, draft)")


def print_hits(hits: list, output: Output) -> None:  # type: ignore[type-arg]  # Hit is not a face's to name
    """Prints hits as a table: where, how alike, why."""
    ranked = any(hit.score is not None for hit in hits)
    rows = []
    for hit in hits:
        why = list(hit.why[:_REASONS_SHOWN])
        if len(hit.why) > _REASONS_SHOWN:
            why.append(f"… and {len(hit.why) - _REASONS_SHOWN} more")
        what = near(hit.uri) + _copies(len(hit.addresses) - 1)
        rows.append({"asset": str(hit.asset), "uri": what, "score": hit.score, "why": Lines(why)})
    columns = {"asset": "asset", "uri": "what", "score": "score", "why": "why"}
    if not ranked:
        del columns["score"]
    output.table(rows, columns=columns, empty="Nothing matches.")


def _copies(count: int) -> str:
    """` +2 copies`."""
    return f" +{counted(count, 'copy', many='copies')}" if count else ""


def near(uri: str) -> str:
    """A local path as seen from the working directory where that is shorter."""
    if "://" in uri:
        return uri
    relative = os.path.relpath(uri)
    return relative if len(relative) < len(uri) else uri


@click.command(epilog="Example: datacat show aerial/0003.jpg")
@click.argument("asset")
@catalog_option
@at_option
@json_option
def show(asset: str, catalog: str | None, at: int | None, output: Output) -> None:
    """Show one asset with everything said about it.

    ASSET is its number, its URI, or an end of the URI that no other asset has.
    """
    view = opened(catalog, at=at).asset(asset)
    if output.as_json:
        output.record(view)
        return
    output.fields({key: value for key, value in view.facts().items() if value is not None})
    rows = view.annotation_rows()
    output.table(rows[:_ANNOTATIONS_SHOWN], empty="Nobody has labelled it.")
    if len(rows) > _ANNOTATIONS_SHOWN:
        output.note(f"… and {len(rows) - _ANNOTATIONS_SHOWN} more annotations; all of them: --json")


@click.command(epilog="Example: datacat classes")
@catalog_option
@at_option
@json_option
def classes(catalog: str | None, at: int | None, output: Output) -> None:
    """List the classes of all teams, with how often each is used."""
    output.table(opened(catalog, at=at).classes().to_pylist(), empty="No annotation has a class yet.")


@click.command(epilog="Example: datacat attributes")
@catalog_option
@at_option
@json_option
def attributes(catalog: str | None, at: int | None, output: Output) -> None:
    """List the attribute paths, with types, counts and example values."""
    output.table(opened(catalog, at=at).attributes().to_pylist(), empty="No annotation has attributes yet.")
