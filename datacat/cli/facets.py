"""Facets as bars; `datacat search --facets`."""

from __future__ import annotations

from typing import Any

from datacat.cli.output import Bar, Output, counted

_PATHS_SHOWN = 24


def print_facets(facets: Any, interpretation: str, *, output: Output, are_chosen: bool) -> None:
    """Prints facets; where they were not chosen one by one, the paths that most annotations have."""
    if output.as_json:
        output.record({"interpretation": interpretation, **_document(facets)})
        return
    plain = [facet for facet in facets.facets if "." not in facet.name]
    paths = [facet for facet in facets.facets if "." in facet.name]
    shown = paths if are_chosen else paths[:_PATHS_SHOWN]
    same = [] if are_chosen else [facet for facet in (*plain, *shown) if _is_same_for_all(facet)]
    for facet in (*plain, *shown):
        if facet not in same:
            _print_facet(facet, output)
    if same:
        output.line("")
        output.line("all the same: " + " · ".join(f"{facet.name} {facet.values[0].value}" for facet in same))
    if not facets.facets:
        output.note("Nothing has any value.")
    output.line("")
    assets, annotations = counted(facets.assets, "asset"), counted(facets.annotations, "annotation")
    which = "matching " if facets.are_matching else ""
    output.note(
        f"{which}{annotations} on {assets}: {interpretation}"
        if interpretation
        else f"{annotations} on {assets}"
    )
    if len(shown) < len(paths):
        output.note(
            f"{len(paths) - len(shown)} more paths have values; one of them: --facet {paths[len(shown)].name}"
        )


def _document(facets: Any) -> dict[str, Any]:
    names = ("assets", "annotations", "are_matching", "facets")
    return {name: getattr(facets, name) for name in names}


def _is_same_for_all(facet: Any) -> bool:
    """Whether a facet has but one value, and everything has it."""
    if len(facet.values) != 1 or facet.other or facet.missing or facet.bins:
        return False
    return not (facet.values[0].absent or facet.values[0].unknown)


def _print_facet(facet: Any, output: Output) -> None:
    """One block; of a path at which all values differ, only how many there are."""
    columns = [
        name
        for name in ("annotations", "assets", "absent", "unknown")
        if any(getattr(bucket, name) is not None for bucket in facet.buckets)
    ]
    values, rest = facet.values, []
    if values and facet.different > len(values) and getattr(values[0], columns[0]) == 1:
        values = ()
        rest.append(f"{facet.different:,} values, each once")
    elif facet.other:
        more = facet.different - len(values)
        rest.append(f"{counted(more, 'more value')}: {facet.other:,}")
    if facet.missing:
        rest.append(f"none: {facet.missing:,}")
    rows = [
        Bar(bucket.value, tuple(getattr(bucket, name) for name in columns))
        for bucket in (*values, *facet.bins)
    ]
    output.bars(facet.name, rows, headings=columns if rows else (), last=" · ".join(rest))
