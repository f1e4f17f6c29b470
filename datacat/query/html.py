"""How catalogs, hits, facets and snapshots look in a notebook: small tables, every text escaped, few pictures."""

from __future__ import annotations

import html
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from typing import Any

ROWS_SHOWN = 24
_LONGEST = 160  # characters of a cell
_STYLE = "text-align:left;vertical-align:top;padding:2px 10px 2px 0"
_BAR_PX = 120

Thumbnail = Callable[[str], str | None]
"""URI of a picture -> a small one as a `data:` address, or None."""


def escaped(value: Any) -> str:
    """A value as HTML text: cut where it is long, and what is not seen or turns text round as an escape."""
    text = "" if value is None else str(value)
    text = text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
    seen = (
        c if unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp") else f"\\u{ord(c):04x}"
        for c in text
    )
    return html.escape("".join(seen))


def table(rows: Sequence[Sequence[str]], headings: Sequence[str], *, title: str = "", more: int = 0) -> str:
    """A table of cells that are HTML already; `more` rows are not shown."""
    head = "".join(f'<th style="{_STYLE}">{escaped(name)}</th>' for name in headings)
    body = "".join(
        "<tr>" + "".join(f'<td style="{_STYLE}">{cell}</td>' for cell in row) + "</tr>" for row in rows
    )
    above = f"<p><b>{escaped(title)}</b></p>" if title else ""
    below = f"<p>… and {more:,} more</p>" if more > 0 else ""
    return f'<div dir="ltr">{above}<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{below}</div>'


def fields(title: str, values: Iterable[tuple[str, Any]]) -> str:
    """Names and values, one a line."""
    return table([[escaped(name), escaped(value)] for name, value in values], ("", ""), title=title)


def hits_table(hits: Sequence[Any], *, title: str, total: int, thumbnail: Thumbnail | None) -> str:
    """Hits with their pictures, where they can be had, and why each is there."""
    rows = []
    for hit in hits[:ROWS_SHOWN]:
        picture = thumbnail(hit.uri) if thumbnail and hit.media == "image" else None
        shown = f'<img src="{html.escape(picture)}" alt="">' if picture else ""
        why = "<br>".join(escaped(reason) for reason in hit.why[:4])
        score = "" if hit.score is None else f"{hit.score:.3f}"
        rows.append([shown, str(hit.asset), escaped(hit.uri), score, why])
    return table(rows, ("", "asset", "uri", "score", "why"), title=title, more=total - len(rows))


def facets_table(facets: Any) -> str:
    """The commonest values of each facet, as bars."""
    rows = []
    for facet in facets.facets[:ROWS_SHOWN]:
        most = max((bucket.assets for bucket in facet.buckets), default=0) or 1
        for place, bucket in enumerate(facet.buckets[:10]):
            width = max(1, round(_BAR_PX * bucket.assets / most))
            bar = f'<div style="background:#4d96ff;height:0.8em;width:{width}px"></div>'
            name = escaped(facet.name) if place == 0 else ""
            rows.append([name, escaped(bucket.value), bar, f"{bucket.assets:,}"])
    return table(
        rows,
        ("facet", "value", "", "assets"),
        title=f"{facets.assets:,} assets",
        more=len(facets.facets) - ROWS_SHOWN,
    )


def overview_table(overview: Any) -> str:
    """The label sets in numbers."""
    names = ("label_set", "assets", "annotations", "classes", "rejects")
    rows = [[escaped(getattr(one, name)) for name in names] for one in overview.label_sets[:ROWS_SHOWN]]
    title = f"{overview.assets:,} assets, {overview.annotations:,} annotations at state {overview.state}"
    return table(rows, names, title=title, more=len(overview.label_sets) - ROWS_SHOWN)


def snapshots_table(survey: Any) -> str:
    """The newest snapshots in numbers, and what is wrong with those that are not as they were left."""
    names = ("snapshot", "query", "assets", "annotations", "author", "time")
    found = [
        one.summary() for one in sorted(survey.definitions.values(), key=lambda one: one.time, reverse=True)
    ]
    rows = [[escaped(one[name]) for name in names] for one in found[:ROWS_SHOWN]]
    rows += [
        [escaped(fault.name or fault.where), escaped(fault.what)]
        for fault in survey.faults[: ROWS_SHOWN - len(rows)]
    ]
    more = len(found) + len(survey.faults) - len(rows)
    return table(rows, names, title=f"{len(found):,} snapshots", more=more)
