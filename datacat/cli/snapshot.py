"""snapshot: training sets that can be rebuilt bit for bit."""

from __future__ import annotations

from collections.abc import Sequence

import click

from datacat.cli.completion import names
from datacat.cli.options import NUMBER, at_option, catalog_option, json_option, opened
from datacat.cli.output import Output, plain

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
    catalog: str | None,
    at: int | None,
    output: Output,
) -> None:
    """Freeze the answer to a query as the next version of NAME."""
    frozen = opened(catalog, at=at).freeze(
        name,
        query=query,
        split=split,
        seed=seed,
        annotations=annotations,
        limit=limit,
        space=space,
        author=author,
    )
    if output.as_json:
        output.record(frozen.summary())
        return
    if not frozen.is_new:
        output.note(f"nothing new: {frozen.name} already holds exactly this")
    output.fields(frozen.summary())


@snapshot.command("list", epilog="Example: datacat snapshot list")
@catalog_option
@json_option
def list_(catalog: str | None, output: Output) -> None:
    """List the snapshots."""
    rows = [info.summary() for info in opened(catalog).snapshots.list()]
    if not output.as_json:
        rows = [row | {"digest": row["digest"][:_DIGEST_SHOWN], "time": row["time"][:10]} for row in rows]
    output.table(rows, columns=_LISTED, empty="No snapshot yet.")


@snapshot.command(epilog="Example: datacat snapshot show roofs@1")
@click.argument("name", shell_complete=names("snapshots"))
@catalog_option
@json_option
def show(name: str, catalog: str | None, output: Output) -> None:
    """Show what a snapshot is: its query, state, split, counts and digest."""
    output.fields(opened(catalog).snapshot(name).summary())


@snapshot.command(epilog="Example: datacat snapshot verify roofs@1")
@click.argument("name", shell_complete=names("snapshots"))
@click.option("--quick", is_flag=True, help="Compare sizes only, without reading the bytes.")
@catalog_option
@json_option
def verify(name: str, quick: bool, catalog: str | None, output: Output) -> int:
    """Check the manifest, and every asset's bytes; exit 1 when one has changed or gone."""
    report = opened(catalog).snapshot(name).verify(quick=quick)
    if output.as_json:
        output.record({**plain(report), "ok": report.ok})
        return int(not report.ok)
    for uri, reason in report.unreadable:
        output.line(f"unreadable  {uri}: {reason}")
    for label, uris in (
        ("changed", report.changed),
        ("gone", report.gone),
        ("unverifiable", report.unverifiable),
    ):
        for uri in uris:
            output.line(f"{label}  {uri}")
    output.line(
        f"{name}: {report.checked:,} checked, {len(report.changed):,} changed, {len(report.gone):,} gone, "
        f"{len(report.unreadable):,} unreadable, {len(report.unverifiable):,} without a digest to compare"
    )
    return int(not report.ok)


@snapshot.command(epilog="Example: datacat snapshot export roofs@1 --format coco out/roofs-coco")
@click.argument("name", shell_complete=names("snapshots"))
@click.argument("folder", type=click.Path(file_okay=False))
@click.option("--format", "format_name", type=click.Choice(["coco", "yolo", "parquet"]), required=True)
@click.option(
    "--media",
    type=click.Choice(["reference", "copy", "link"]),
    default="reference",
    show_default=True,
    help="Name the pictures where they lie, copy them, or link to them; a picture that has changed stops the last two.",
)
@click.option("--force", is_flag=True, help="Replace the folder if it is there.")
@catalog_option
@json_option
def export(
    name: str, folder: str, format_name: str, media: str, force: bool, catalog: str | None, output: Output
) -> None:
    """Write a snapshot to FOLDER in a format that training code reads."""
    report = opened(catalog).snapshot(name).export(folder, format=format_name, media=media, force=force)
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
    path = opened(catalog).snapshot(name).checkout(folder, force=force)
    output.fields({"snapshot": name, "folder": str(path)})


@snapshot.command(epilog="Example: datacat snapshot push --remote s3://bucket/training-sets")
@click.option(
    "--remote", default="", help="A DVC remote: a folder or s3://…; default: the setting dvc_remote."
)
@catalog_option
@json_option
def push(remote: str, catalog: str | None, output: Output) -> None:
    """Send all snapshots to a DVC remote."""
    names = opened(catalog).snapshots.push(remote)
    _print_moved("pushed", names, output)


@snapshot.command(epilog="Example: datacat snapshot pull --remote s3://bucket/training-sets")
@click.option(
    "--remote", default="", help="A DVC remote: a folder or s3://…; default: the setting dvc_remote."
)
@catalog_option
@json_option
def pull(remote: str, catalog: str | None, output: Output) -> None:
    """Fetch all snapshots from a DVC remote."""
    names = opened(catalog).snapshots.pull(remote)
    _print_moved("pulled", names, output)


def _print_moved(verb: str, names: Sequence[str], output: Output) -> None:
    if output.as_json or names:
        output.fields({verb: names})
    else:
        output.note(f"nothing to be {verb}: both sides have the same")
