"""ask: a question in plain words."""

from __future__ import annotations

import re
import shlex
from typing import Any

import click

from datacat.catalog import document_of
from datacat.cli.options import NUMBER, QueryCommand, at_option, catalog_option, json_option, opened
from datacat.cli.output import Output, counted
from datacat.cli.search import note_concepts, print_hits
from datacat.errors import QueryError


@click.command(
    cls=QueryCommand,
    epilog="""\b
Examples:
  datacat ask "does my organisation have any data that contains roofs?"
  datacat ask "red cars with an open door" -n 3
""",
)
@click.argument("question")
@click.option("-n", "--limit", type=NUMBER, default=5, show_default=True, help="Hits in a tier.")
@click.option("--space", metavar="NAME", help="The embedding space; see `datacat spaces`.")
@catalog_option
@at_option
@json_option
def ask(
    question: str, limit: int, space: str | None, catalog: str | None, at: int | None, output: Output
) -> None:
    """Answer QUESTION: what is labelled so, what with something related, and what only looks so.

    The answer says what each word was taken for, and the query in strict syntax, for `datacat search`.
    """
    cat = opened(catalog, at=at)
    answer = cat.ask(question, limit=limit, space=space)
    tiers = {"labelled": answer.labelled, "related": answer.related, "looks_so": answer.looks_so}
    if output.as_json:
        found = answer.labelled
        used = {} if found is None else found.concepts_used
        read: dict[str, Any] = {"understood": answer.understood, "answers": answer.answers, "concepts": used}
        unranked = None if found is None else found.not_embedded
        read |= {"objects": answer.objects, "not_embedded": unranked, "state": cat.state}
        output.record(read | {name: None if hits is None else list(hits) for name, hits in tiers.items()})
        return
    _print_understood(answer, output)
    headings = ("Found", *_HEADINGS[1:]) if answer.understood.is_about_assets else _HEADINGS
    for hits, heading in zip(tiers.values(), headings, strict=True):
        if hits is not None:
            listed = list(hits)
            total = "" if hits.is_ranked and listed else f": {hits.count() if listed else 'none'}"
            output.line(f"\n{heading}{total}")
            if listed:
                print_hits(listed, output)
            if hits.not_embedded:
                output.note(
                    f"{counted(hits.not_embedded, 'asset is', many='assets are')} not embedded, so not ranked"
                )
    if answer.labelled is not None:
        note_concepts(answer.labelled, output)
    if cat.state == 0:
        output.note("The catalog is empty. Next: datacat ingest LOCATION --team TEAM --name NAME")
    elif answer.looks_so is None and answer.understood.text:
        output.note("\nNothing is embedded, so nothing can be found by its looks. Run: datacat embed")
    if _is_query(question):
        output.note(f"This looks like a query: datacat search {shlex.quote(question)}")


_SIGNS = re.compile(r"[\[\]{}<>=:|^]|(^|\s)[-?]\w|\b(AND|OR|NOT)\b")


def _is_query(question: str) -> bool:
    """Whether it has signs of the query language, and is read by it."""
    if not _SIGNS.search(question):
        return False
    try:
        document_of(question)
    except QueryError:
        return False
    return True


_HEADINGS = ("Labelled so", "Labelled with something related", "Not labelled, but looks so")


def _print_understood(answer: Any, output: Output) -> None:
    """One sentence that answers, then what was understood."""
    read = answer.understood
    output.line(_answered(answer) if answer.answers else _unknown(read))
    if read.query:
        output.line(f"query  {read.query}")
    if read.is_counted:
        output.line("counted within each label set; of all together: count(… across teams)")
    for reading in read.readings:
        if reading.alternatives or reading.kind not in ("class", "quoted"):
            output.line(_taken_for(reading))


def _answered(answer: Any) -> str:
    """What was not read, then yes or no, and of how many assets."""
    read, known = answer.understood, answer.answers
    is_so, not_said = _OF_ASSETS if read.is_about_assets else _OF_LABELS
    others = f"{known.no:,} known not to be, {known.unknown:,} {not_said}."
    left_out = ", ".join(f"`{words}`" for words in read.unknown)
    if not known.yes:
        if left_out:
            return f"Not read: {left_out}. No, even without regard to that: no asset is {is_so}; {others}"
        return f"No: no asset is {is_so}; {others}"
    spelled = [f"{reading.words} as {reading.meant}" for reading in read.readings if reading.meant]
    reading = f", reading {', '.join(spelled)}" if spelled else ""
    predicted = answer.labelled.only_predicted
    only = f", {predicted:,} only predicted by a model" if predicted else ""
    found = f"{counted(known.yes - predicted, 'asset is', many='assets are')} {is_so}{only}"
    if answer.objects is not None:
        found = f"{answer.objects:,} in {counted(known.yes, 'asset')} (as who counts most on each){only}"
    if left_out:
        return f"Not read: {left_out}. In part{reading}, without regard to that: {found}, {others}"
    return f"Yes{reading}: {found}, {others}"


_OF_LABELS = ("labelled so", "that nobody looked at for it")
_OF_ASSETS = ("so", "of which nothing is known")


def _unknown(read: Any) -> str:
    """That no word of it is known, and what may have been meant."""
    near = [reading.alternatives[0] for reading in read.readings if reading.alternatives]
    which = "this word" if len(read.unknown) == 1 else "any of these words"
    return f"No label knows {which}" + (
        f"; did you mean {' and '.join(dict.fromkeys(near))}?" if near else "."
    )


def _taken_for(reading: Any) -> str:
    """`night  timeofday=night (or light=night)`; of what names nothing, what is near."""
    others = ", ".join(reading.alternatives)
    if reading.kind == "attribute":
        return (
            f"{_typed(reading)}  the name of an attribute{'' if reading.is_used else ', not used'} ({others})"
        )
    if reading.kind == "superlative" and reading.is_used and not reading.query:
        return f"{_typed(reading)}  counted, see the query"
    if not reading.query:
        return f"{_typed(reading)}  no label says so{f' (or {others}?)' if others else ''}"
    query = f"NOT {reading.query}" if reading.is_negated else reading.query
    return f"{_typed(reading)}  {query}{f' (or {others})' if others else ''}"


def _typed(reading: Any) -> str:
    """As typed, with the `without` that no query can say."""
    return f"without {reading.words}" if reading.is_negated and not reading.query else str(reading.words)
