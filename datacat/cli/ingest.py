"""ingest, rejects, formats."""

from __future__ import annotations

import csv
import shlex
from collections.abc import Collection
from functools import partial

import click
from click.core import ParameterSource

from datacat.cli.completion import names
from datacat.cli.options import at_option, catalog_option, commit_options, json_option, opened
from datacat.cli.output import Output
from datacat.errors import SeveralFormats
from datacat.model.report import IngestReport

_CLASSES_SHOWN = 12
_NAME_SHOWN = 40  # characters


@click.command(epilog="Example: datacat ingest lake/mapping --team mapping --name roofs-2026")
@click.argument("location")
@click.option("--team", required=True, shell_complete=names("teams"), help="The team whose labels these are.")
@click.option("--name", required=True, help="The label set's name within the team, as in roofs-2026.")
@click.option("--format", "format_name", default="auto", show_default=True, help="See `datacat formats`.")
@click.option(
    "--media-root",
    metavar="PLACE",
    help="Where the pictures lie, if not beside the labels: a folder or s3:// prefix.",
)
@click.option(
    "--covers",
    metavar="CLASSES",
    help="Classes that were labelled exhaustively, with commas between them; or all, none, or auto: as the files "
    "say. It stays until said otherwise.",
)
@click.option(
    "--covers-attributes",
    metavar="PATHS",
    help="Attribute paths that were, with commas between them; or none.",
)
@click.option("--ontology", metavar="VERSION", help="The version of the ontology that was labelled by.")
@click.option(
    "--licence",
    metavar="TEXT",
    help="The licence of the labels, if not as the files say. It stays until said otherwise.",
)
@click.option("--owner", metavar="TEXT", help="Whom to ask about the labels. It stays until said otherwise.")
@click.option(
    "--look-again",
    is_flag=True,
    help="Read label files and media also where size and time are as before, and compare their digests.",
)
@click.option(
    "--each",
    is_flag=True,
    help="Where label files of several formats lie at LOCATION: ingest each format as a label set NAME-FORMAT.",
)
@catalog_option
@commit_options
@json_option
def ingest(
    location: str,
    team: str,
    name: str,
    format_name: str,
    media_root: str | None,
    covers: str | None,
    covers_attributes: str | None,
    ontology: str | None,
    licence: str | None,
    owner: str | None,
    look_again: bool,
    each: bool,
    catalog: str | None,
    author: str,
    message: str,
    output: Output,
) -> None:
    """Index the label files of LOCATION, a file, a folder or an s3:// prefix.

    Ingesting the same place again reads what has changed since and replaces exactly that: what has another size or
    time. Tools that keep both are found out by --look-again.
    """
    ingest_as = partial(
        opened(catalog).ingest,
        location,
        team=team,
        media_root=media_root,
        covers=_listed(covers, words=("all", "none", "auto")),
        covers_attributes=_listed(covers_attributes, words=("none",)),
        ontology=ontology,
        licence=licence,
        owner=owner,
        look_again=look_again,
        author=author,
        message=message,
    )
    try:
        _print(ingest_as(name=name, format=format_name), output)
    except SeveralFormats as several:
        if not each:
            several.hint = _commands(location, parts=_parts(several, name))
            raise
        for one, part in _parts(several, name):
            _print(ingest_as(name=one, format=part), output)


def _print(report: IngestReport, output: Output) -> None:
    if output.as_json:
        output.record(report)
    else:
        print_report(report, output)


def _parts(several: SeveralFormats, name: str) -> list[tuple[str, str]]:
    """The name of a label set of each format, and the format."""
    return [(f"{name}-{part}", part) for part, _ in several.formats]


def _commands(location: str, *, parts: list[tuple[str, str]]) -> str:
    """What to run for a place of several formats: the command that runs, with all that was given to it."""
    team, more = _given(only=("team",)), _given(but=("team", "name", "format_name", "each"))
    before, behind = ([], ["--", location]) if location.startswith("-") else ([location], [])
    lines = [
        shlex.join(
            [*("datacat", "ingest"), *before, *team, "--name", name, "--format", format_, *more, *behind]
        )
        for name, format_ in parts
    ]
    return "\n".join(["Ingest each as a label set of its own (--each does all of them):", *lines])


def _given(*, only: Collection[str] = (), but: Collection[str] = ()) -> list[str]:
    """The options that the command which runs was given, as words."""
    context = click.get_current_context()
    words: list[str] = []
    for param in context.command.params:
        is_said = context.get_parameter_source(param.name or "") is ParameterSource.COMMANDLINE
        if not isinstance(param, click.Option) or not is_said or param.name in but:
            continue
        if not only or param.name in only:
            words += (
                param.opts[:1] if param.is_flag else [param.opts[0], str(context.params[param.name or ""])]
            )
    return words


def _listed(text: str | None, *, words: tuple[str, ...]) -> str | list[str] | None:
    """A word as it is, else the parts between commas; a part in double quotes may have commas itself."""
    if text is None or text in words:
        return text
    return [part.strip() for part in next(csv.reader([text], skipinitialspace=True), []) if part.strip()]


def print_report(report: IngestReport, output: Output) -> None:
    """Prints an ingest report for people."""
    output.line(f"{report.label_set}  ({report.format})")
    changes = f"{report.files_new} new, {report.files_changed} changed, {report.files_gone} gone"
    output.line(f"  files        {report.files:>9,}  {changes}")
    output.line(f"  assets       {report.assets:>9,}  {report.assets_new:,} new to the catalog")
    if report.assets_missing:
        output.line(f"  missing      {report.assets_missing:>9,}  assets whose media was not found")
    output.line(
        f"  annotations  {report.annotations:>9,}  +{report.added:,} -{report.removed:,}, {report.kept:,} as before"
    )
    named = ", ".join(f"{_on_one_line(name)} {count:,}" for name, count in report.classes[:_CLASSES_SHOWN])
    more = len(report.classes) - _CLASSES_SHOWN
    output.line(
        f"  classes      {len(report.classes):>9,}  {named}{f' … and {more} more' if more > 0 else ''}".rstrip()
    )
    for reject in report.rejects:
        output.line(f"  rejected     {reject.count:>9,}  {reject.reason} ({reject.example})")
    for text in report.notes:
        output.line(f"  kept, odd    {text}")
    for text in report.assumed:
        output.line(f"  assumed      {text}")
    for path, reason in report.skipped[:5]:
        output.line(f"  skipped      {path}: {reason}")
    if len(report.skipped) > 5:
        output.line(f"  skipped      … and {len(report.skipped) - 5} more files")
    if not report.changed:
        output.note(f"nothing changed since state {report.state}")
    else:
        output.note(f"committed as state {report.state}")
    if report.rejects:
        output.note(f"the rejected records: datacat rejects {report.label_set}")


def _on_one_line(name: str) -> str:
    words = " ".join(name.split())
    return words if len(words) <= _NAME_SHOWN else words[: _NAME_SHOWN - 1] + "…"


@click.command(epilog="Example: datacat rejects claims/damage-2026")
@click.argument("label_set", required=False, shell_complete=names("label_sets"))
@catalog_option
@at_option
@json_option
def rejects(label_set: str | None, catalog: str | None, at: int | None, output: Output) -> None:
    """List records that could not be understood, with file, position and reason."""
    rows = opened(catalog, at=at).rejects(label_set).to_pylist()
    output.table(rows, empty="No record was rejected.")


@click.command(epilog="Example: datacat formats")
@json_option
def formats(output: Output) -> None:
    """List the label formats that are read and written."""
    from datacat.catalog import label_formats

    output.table([{"format": f.name, "what": f.title, "writes": f.writes} for f in label_formats()])
