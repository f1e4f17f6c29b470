"""init, log, doctor, gc, compact: the life of a catalog."""

from __future__ import annotations

import shlex
import sys

import click

from datacat.catalog import Catalog
from datacat.cli.options import NUMBER, at_option, catalog_option, json_option, opened
from datacat.cli.output import Output

_Changes = tuple[tuple[str, int, int], ...]  # kind, rows added, rows removed
_SHOWN_KINDS = ("annotations", "assets", "concepts", "rejects")  # the rest follows from these


@click.command(epilog="Example: datacat init catalog")
@click.argument("place", default=".")
@json_option
def init(place: str, output: Output) -> None:
    """Make a catalog in the folder PLACE (default: here) or under s3://bucket/prefix."""
    catalog = Catalog.init(place)
    if output.as_json:
        output.record({"catalog": str(catalog.root), "state": catalog.state})
        return
    output.line(f"Made an empty catalog in {catalog.root}")
    where = "" if place == "." else f" -C {shlex.quote(place)}"
    output.note(f"Next: datacat ingest LOCATION --team TEAM --name NAME{where}")


@click.command(epilog="Example: datacat log --limit 5")
@catalog_option
@click.option("-n", "--limit", type=NUMBER, default=20, show_default=True, help="How many, newest first.")
@json_option
def log(catalog: str | None, limit: int, output: Output) -> None:
    """Show the history: each change with its state, time, author and message."""
    rows = [
        {
            "state": entry.state,
            "time": entry.time,
            "author": entry.author,
            "message": entry.message,
            "changes": (_as_json if output.as_json else _in_words)(entry.changes),
        }
        for entry in opened(catalog).log(limit=limit)
    ]
    output.table(rows)


def _as_json(changes: _Changes) -> dict[str, dict[str, int]]:
    return {kind: {"added": came, "removed": went} for kind, came, went in changes}


def _in_words(changes: _Changes) -> str:
    """What people care for: `annotations +306 -2, assets +12`."""
    parts = []
    for kind, came, went in changes:
        counts = [f"{sign}{count:,}" for sign, count in (("+", came), ("-", went)) if count]
        if kind in _SHOWN_KINDS and counts:
            parts.append(" ".join([kind, *counts]))
    return ", ".join(parts)


@click.command(epilog="Example: datacat doctor")
@catalog_option
@at_option
@click.option(
    "--deep", is_flag=True, help="Read every data file and manifest whole, and compare it with its digest."
)
@json_option
def doctor(catalog: str | None, at: int | None, deep: bool, output: Output) -> int:
    """Check log, files, index, vectors and snapshots against each other; exit 1 when something is wrong.

    Whether pictures in the lake have changed is asked by `datacat ingest`, and where size and time stayed by its
    --look-again.
    """
    findings = Catalog.examine(catalog, at=at, deep=deep)
    output.table(
        [{"severity": f.severity, "subject": f.subject, "finding": f.text, "hint": f.hint} for f in findings],
        empty="Everything agrees: log, files, index, vectors, snapshots.",
    )
    if not deep:
        output.note(
            "Not read: the bytes of data files (--deep), and media in the lake (ingest --look-again)."
        )
    return int(any(finding.severity == "error" for finding in findings))


@click.command(epilog="Example: datacat gc --dry-run")
@catalog_option
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
@click.option(
    "--grace",
    "grace_s",
    type=click.IntRange(min=0),
    default=3600,
    show_default=True,
    metavar="SECONDS",
    help="Spare files younger than this. Those of an ingest that runs right now are spared at any age.",
)
@click.option(
    "--forget-before",
    type=click.IntRange(min=0),
    metavar="STATE",
    help="Also remove what only states before STATE need; states of snapshots stay.",
)
@json_option
def gc(catalog: str | None, dry_run: bool, grace_s: int, forget_before: int | None, output: Output) -> None:
    """Remove data files that no state of the catalog and no snapshot needs."""
    report = opened(catalog).gc(dry_run=dry_run, grace_s=grace_s, forget_before=forget_before)
    if output.as_json:
        output.record(report)
        return
    for path in report.removed:
        output.line(path)
    verb = "would free" if dry_run else "freed"
    spared = f"{report.spared} spared as too young"
    if report.writers:
        spared += f" or of the {report.writers} writers at work"
    output.note(f"{len(report.removed)} files, {verb} {report.bytes:,} bytes; {spared}")
    sys.stdout.flush()


@click.command(epilog="Example: datacat compact")
@catalog_option
@json_option
def compact(catalog: str | None, output: Output) -> None:
    """Merge small data files into large ones and write a checkpoint of the log."""
    report = opened(catalog).compact()
    said = f"{report.files_before} files became {report.files_after}; state {report.state}"
    output.result(report, said)
