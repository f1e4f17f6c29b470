"""overview, overlap: who has labelled what, and how far two agree."""

from __future__ import annotations

from typing import Any

import click

from datacat.cli.completion import names
from datacat.cli.options import NUMBER, at_option, catalog_option, json_option, opened
from datacat.cli.output import Output, counted
from datacat.cli.search import near
from datacat.errors import NotFound

# From so many columns of a terminal, these fit too.
_MORE = {72: ("shared", "changed"), 100: ("paths", "covers"), 130: ("format", "licence", "rejects")}


@click.command(
    epilog="""\b
Examples:
  datacat overview
  datacat overview mapping/roofs-2026
"""
)
@click.argument("name", required=False, metavar="[TEAM|TEAM/NAME]", shell_complete=names("who"))
@catalog_option
@at_option
@json_option
def overview(name: str | None, catalog: str | None, at: int | None, output: Output) -> None:
    """Say what each team and label set has: assets, annotations, classes, coverage, what others share.

    With a name, only that team's label sets, or everything about one.
    """
    found = opened(catalog, at=at).overview()
    sets = [item for item in found.label_sets if name in (None, item.team, item.label_set)]
    if name is not None and not sets:
        raise NotFound(f"no team or label set {name}", hint="See: datacat overview")
    if output.as_json:
        teams = [team for team in found.teams if name is None or any(team.team == item.team for item in sets)]
        output.record({**_plain(found), "teams": teams, "label_sets": sets})
        return
    if name is not None and "/" in name:
        _print_label_set(sets[0], output)
        return
    output.table([_row(item) for item in sets], columns=_columns(output), empty="Nothing is ingested yet.")
    teams = [team for team in found.teams if team.label_sets > 1 and name in (None, team.team)]
    if teams:
        output.line("")
        output.table([_team_row(team) for team in teams])
    if name is None:
        output.note(
            f"{counted(found.annotations, 'annotation')}, {counted(found.assets, 'asset')}, state {found.state}"
        )


@click.command(
    epilog="""\b
Examples:
  datacat overlap mapping claims
  datacat overlap mapping/roofs-2026 driving -n 3
"""
)
@click.argument("left", metavar="TEAM[/NAME]", shell_complete=names("who"))
@click.argument("right", metavar="TEAM[/NAME]", shell_complete=names("who"))
@click.option(
    "-n",
    "--limit",
    type=NUMBER,
    default=10,
    show_default=True,
    help="Assets with the lowest agreement, and pairs of classes.",
)
@catalog_option
@at_option
@json_option
def overlap(left: str, right: str, limit: int, catalog: str | None, at: int | None, output: Output) -> None:
    """Say which assets two teams or label sets share, and where they agree and do not.

    What agreement is, docs/explanation/agreement.md says.
    """
    found = opened(catalog, at=at).overlap(left, right, limit=limit)
    if output.as_json:
        output.record(found)
        return
    output.fields(_facts(found))
    if found.cells:
        output.line("")
        cells = [
            {
                "left": cell.left or "-",
                "right": cell.right or "-",
                "annotations": cell.annotations,
                "iou": cell.box_iou,
            }
            for cell in found.cells
        ]
        output.table(
            cells, columns={"left": left, "right": right, "annotations": "annotations", "iou": "mean IoU"}
        )
    if found.lowest:
        output.line("")
        output.table([_disputed(item) for item in found.lowest])
        output.note(f"these, and any on which a third label set disagrees: datacat search '{found.query}'")


def _plain(found: Any) -> dict[str, Any]:
    return {name: getattr(found, name) for name in ("state", "assets", "annotations")}


def _columns(output: Output) -> dict[str, str]:
    """Those that fit."""
    names = ["label_set", "assets", "annotations", "classes"]
    for width, more in _MORE.items():
        names += more if output.console.width >= width else ()
    return {name: name.replace("_", " ") for name in names}


def _row(item: Any) -> dict[str, Any]:
    return {
        "label_set": item.label_set,
        "assets": item.assets,
        "annotations": item.annotations,
        "classes": item.classes,
        "paths": item.attributes,
        "shared": _share(item.shared, item.assets),
        "covers": _covers(item),
        "changed": _day(item.changed),
        "format": item.format,
        "licence": item.licence,
        "rejects": item.rejects,
    }


def _team_row(team: Any) -> dict[str, Any]:
    return {
        "team": team.team,
        "label_sets": team.label_sets,
        "assets": team.assets,
        "annotations": team.annotations,
        "classes": team.classes,
        "shared": _share(team.shared, team.assets),
        "changed": _day(team.changed),
    }


def _print_label_set(item: Any, output: Output) -> None:
    classes = ", ".join(f"{top.name} {top.annotations:,}" for top in item.top_classes)
    others = ", ".join(f"{other.label_set} {other.assets:,}" for other in item.with_whom)
    more = item.classes - len(item.top_classes)
    rest = f", and {more:,} more" if more > 0 else ""
    facts = {
        "label set": item.label_set,
        "assets": item.assets,
        "annotations": item.annotations,
        "classes": f"{item.classes:,}" + (f": {classes}" if classes else "") + rest,
        "attribute paths": item.attributes,
        "covers": _covers(item),
        "ontology": item.ontology,
        "shared assets": f"{item.shared:,} ({_share(item.shared, item.assets)}): {others}"
        if others
        else item.shared,
        "format": item.format,
        "files": item.files,
        "rejects": item.rejects,
        "licence": item.licence,
        "visibility": item.visibility,
        "owner": item.owner,
        "first ingested": item.created,
        "last changed": item.changed,
    }
    output.fields({name: value for name, value in facts.items() if value is not None})


def _facts(found: Any) -> dict[str, Any]:
    facts = {
        f"assets of {found.left}": found.left_assets,
        f"assets of {found.right}": found.right_assets,
        "shared": found.shared,
        "equal bytes": found.equal_bytes or None,
        "compared": found.compared,
        "not comparable": found.incomparable or None,
        "agreed wholly": f"{found.agreed:,} ({_share(found.agreed, found.compared)})"
        if found.compared
        else None,
        "agreement": found.agreement,
        "matched boxes": found.matched or None,
        "of equal class": found.class_agreement,
        "mean IoU": found.box_iou,
    }
    return {name: value for name, value in facts.items() if value is not None}


def _disputed(item: Any) -> dict[str, Any]:
    said = f"{item.left_count} and {item.right_count}"
    return {"asset": str(item.asset), "agreement": item.agreement, "of equal class": item.class_agreement,
            "mean IoU": item.box_iou, "they say": said, "what": near(item.uri)}  # fmt: skip


def _covers(item: Any) -> str | None:
    return None if item.coverage is None else f"{item.covered_classes:,} {item.coverage}"


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f} %" if whole else "-"


def _day(time: Any) -> str | None:
    return None if time is None else f"{time.astimezone():%Y-%m-%d}"
