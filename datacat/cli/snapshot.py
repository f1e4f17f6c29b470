"""snapshot: training sets that can be rebuilt bit for bit."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from datacat.cli.completion import names
from datacat.cli.joining import advise, joining_options, readably
from datacat.cli.options import NUMBER, at_option, catalog_option, json_option, opened, opened_for_snapshots
from datacat.cli.output import Output, plain
from datacat.model.joining import JoiningChoice

_DIGEST_SHOWN = 12  # characters, as git shows them
_LISTED = {
    name: name for name in ("snapshot", "query", "assets", "annotations", "splits", "state", "digest", "time")
}


@click.group(
    epilog='Example: datacat snapshot create roofs --query "roof" --split train=0.8,val=0.1,test=0.1'
)
def snapshot() -> None:
    """Freeze, verify, export and share training sets."""


@snapshot.command(
    epilog='Example: datacat snapshot create roofs --query "roof" --split train=0.8,val=0.1,test=0.1'
)
@click.argument("name", shell_complete=names("snapshots"))
@click.option("--query", required=True, help="What belongs in it; the language of `datacat search`.")
@click.option("--split", default="", metavar="NAME=FRACTION,…", help="As in train=0.8,val=0.1,test=0.1.")
@click.option("--seed", default="0", show_default=True, help="Another seed, another split.")
@click.option(
    "--annotations",
    type=click.Choice(["matching", "all"]),
    default="matching",
    show_default=True,
    help="Freeze the annotations that match the query, or all of the assets found.",
)
@click.option("--limit", type=NUMBER, help="The best so many; needed where the query ranks by likeness.")
@click.option("--space", metavar="NAME", help="The embedding space of a similarity search.")
@click.option("--author", default="", help="Who freezes it; by default git's user.")
@click.option(
    "--classes",
    default="",
    metavar="NAME,…",
    help="Class names in the order of their indexes. Versions of one name keep them; others come behind.",
)
@click.option(
    "--classes-file",
    type=click.Path(exists=True, dir_okay=False),
    help="The same from a file, a name a line.",
)
@joining_options
@catalog_option
@at_option
@json_option
def create(
    name: str,
    query: str,
    split: str,
    seed: str,
    annotations: str,
    limit: int | None,
    space: str | None,
    author: str,
    classes: str,
    classes_file: str | None,
    joining: JoiningChoice,
    catalog: str | None,
    at: int | None,
    output: Output,
) -> None:
    """Freeze the answer to a query as the next version of NAME.

    Several teams' labels become one training set by --classes-by concept (or --class-map) and --prefer TEAM,TEAM. Later
    versions of NAME do as the one before, unless told otherwise.
    """
    frozen = opened(catalog, at=at).freeze(
        name,
        query=query,
        split=split,
        seed=seed,
        annotations=annotations,
        limit=limit,
        space=space,
        author=author,
        classes=_ordered(classes, file=classes_file),
        joining=joining,
    )
    if output.as_json:
        output.record(frozen.summary())
        return
    if not frozen.is_new:
        output.note(f"nothing new: {frozen.name} already holds exactly this")
    output.fields(readably(frozen.summary()))
    advise(output, frozen.summary(), choice=joining)


def _ordered(text: str, *, file: str | None) -> tuple[str, ...]:
    """The class names of an option or of a file."""
    if text and file:
        raise click.UsageError("Give --classes or --classes-file, not both.")
    try:
        lines = text.split(",") if text else Path(file).read_text("utf-8-sig").splitlines() if file else []
    except (OSError, UnicodeDecodeError) as error:
        raise click.UsageError(f"{file} cannot be read as UTF-8 text: {error}") from error
    return tuple(line.strip() for line in lines)


@snapshot.command("list", epilog="Example: datacat snapshot list")
@catalog_option
@json_option
def list_(catalog: str | None, output: Output) -> int:
    """List the snapshots; exit 1 when one is there that cannot be read."""
    survey = opened_for_snapshots(catalog).snapshots.survey()
    rows = [info.summary() for info in survey.definitions.values()]
    if not output.as_json:
        rows = [row | {"digest": row["digest"][:_DIGEST_SHOWN], "time": row["time"][:10]} for row in rows]
    output.table(
        rows, columns=_LISTED, empty="No snapshot can be read." if survey.faults else "No snapshot yet."
    )
    for fault in survey.faults:
        output.note(f"{fault.where}: {fault.what}")
    if survey.faults:
        output.note("Run: datacat snapshot repair")
    return int(survey.lost() is not None)


@snapshot.command(epilog="Example: datacat snapshot show roofs@1")
@click.argument("name", shell_complete=names("snapshots"))
@catalog_option
@json_option
def show(name: str, catalog: str | None, output: Output) -> None:
    """Show what a snapshot is: its query, state, split, counts and digest."""
    summary = opened_for_snapshots(catalog).snapshot(name).summary()
    output.fields(summary if output.as_json else readably(summary))


@snapshot.command(epilog="Example: datacat snapshot verify roofs@1")
@click.argument("name", shell_complete=names("snapshots"))
@click.option("--quick", is_flag=True, help="Compare sizes only, without reading the bytes.")
@catalog_option
@json_option
def verify(name: str, quick: bool, catalog: str | None, output: Output) -> int:
    """Check the manifest, and every asset's bytes; exit 1 when one has changed or gone."""
    report = opened_for_snapshots(catalog).snapshot(name).verify(quick=quick)
    if output.as_json:
        output.record({**plain(report), "ok": report.ok})
        return int(not report.ok)
    for uri, reason in report.unreadable:
        output.line(f"unreadable  {uri}: {reason}")
    for uri, other in report.elsewhere:
        output.line(f"elsewhere  {uri}: its bytes are at {other}")
    for label, uris in (
        ("outside", report.outside),
        ("changed", report.changed),
        ("gone", report.gone),
        ("unverifiable", report.unverifiable),
    ):
        for uri in uris:
            output.line(f"{label}  {uri}")
    output.line(
        f"{name}: {report.checked:,} checked, {len(report.changed):,} changed, {len(report.gone):,} gone, "
        f"{len(report.unreadable):,} unreadable, {len(report.unverifiable):,} without a digest to compare"
        + (f", {len(report.outside):,} outside of the places that are read" if report.outside else "")
    )
    if report.outside:
        output.note(report.advice)
    return int(not report.ok)


@snapshot.command(epilog="Example: datacat snapshot export roofs@1 --format coco out/roofs-coco")
@click.argument("name", shell_complete=names("snapshots"))
@click.argument("folder", type=click.Path(file_okay=False))
@click.option("--format", "format_name", type=click.Choice(["coco", "yolo", "parquet"]), required=True)
@click.option(
    "--media",
    type=click.Choice(["reference", "copy", "link"]),
    show_default="reference; for yolo link",
    help="Name the pictures where they lie, copy them, or link to them; a picture that has changed stops the last two.",
)
@click.option("--force", is_flag=True, help="Replace the folder if it is there.")
@catalog_option
@json_option
def export(
    name: str,
    folder: str,
    format_name: str,
    media: str | None,
    force: bool,
    catalog: str | None,
    output: Output,
) -> None:
    """Write a snapshot to FOLDER in a format that training code reads."""
    report = (
        opened_for_snapshots(catalog)
        .snapshot(name)
        .export(folder, format=format_name, media=media or "", force=force)
    )
    if output.as_json:
        output.record(report)
        return
    output.line(f"Wrote {name} as {format_name} to {folder}: {report.files:,} files")
    for loss in report.losses:
        output.note(f"the format cannot hold: {loss}")


@snapshot.command(epilog="Example: datacat snapshot checkout roofs@1 out/roofs")
@click.argument("name", shell_complete=names("snapshots"))
@click.argument("folder", type=click.Path(file_okay=False))
@click.option("--force", is_flag=True, help="Replace the folder if it is there.")
@catalog_option
@json_option
def checkout(name: str, folder: str, force: bool, catalog: str | None, output: Output) -> None:
    """Write the frozen manifest itself (Parquet and definition.json) to FOLDER."""
    path = opened_for_snapshots(catalog).snapshot(name).checkout(folder, force=force)
    output.fields({"snapshot": name, "folder": str(path)})


@snapshot.command(epilog="Example: datacat snapshot push --remote s3://bucket/training-sets")
@click.option(
    "--remote", default="", help="A DVC remote: a folder or s3://…; default: the setting dvc_remote."
)
@catalog_option
@json_option
def push(remote: str, catalog: str | None, output: Output) -> None:
    """Send all snapshots to a DVC remote."""
    names = opened_for_snapshots(catalog).snapshots.push(remote)
    _print_moved("pushed", names, output)


@snapshot.command(epilog="Example: datacat snapshot pull --remote s3://bucket/training-sets")
@click.option(
    "--remote", default="", help="A DVC remote: a folder or s3://…; default: the setting dvc_remote."
)
@catalog_option
@json_option
def pull(remote: str, catalog: str | None, output: Output) -> None:
    """Fetch all snapshots from a DVC remote."""
    names = opened_for_snapshots(catalog).snapshots.pull(remote)
    _print_moved("pulled", names, output)


@snapshot.command(epilog="Example: datacat snapshot repair")
@catalog_option
@json_option
def repair(catalog: str | None, output: Output) -> int:
    """Bring back what is lost of the snapshots from what is left; exit 1 when one cannot be brought back.

    Folders, pins, git and DVC's cache know of each snapshot; what one has lost comes from another. Nothing is deleted:
    what is in the way lies in snapshots/.aside afterwards.
    """
    report = opened_for_snapshots(catalog).snapshots.repair()
    if output.as_json:
        output.record(report)
        return int(bool(report.lost))
    for line in report.done:
        output.line(line)
    for name, why in report.lost:
        output.line(f"lost  {name}: {why}")
    output.line(f"{len(report.whole):,} snapshots are whole, {len(report.lost):,} are lost")
    return int(bool(report.lost))


def _print_moved(verb: str, names: Sequence[str], output: Output) -> None:
    if output.as_json or names:
        output.fields({verb: names})
    else:
        output.note(f"nothing to be {verb}: both sides have the same")
