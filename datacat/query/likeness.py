"""`like:…` -> the picture it means: an asset by number, by URI or the end of one, or a file elsewhere."""

from __future__ import annotations

import os
import re
from dataclasses import replace

import duckdb

from datacat.query.compare import Sql
from datacat.query.meaning import Question, Similar
from datacat.query.run import rows
from datacat.query.scope import Scope
from datacat.query.tree import Span, Token
from datacat.query.values import Value

_WEIGHTED = re.compile(r"(.+)\^([+-]?(?:\d+(?:\.\d*)?|\.\d+))")
_SHOWN = 3  # candidates in an error


def bind_likeness(value: Token, *, name: str, scope: Scope) -> Similar:  # noqa: RET503 - stop() raises
    """Binds `like:` or `unlike:`; raises QueryError where nothing or more than one asset is meant."""
    shown = f"{name}:{Value(value.text, value.is_quoted)}"
    weight = 1.0 if name == "like" else -1.0
    found = assets_named(scope.cursor, value.text)
    weighted = None if found or value.is_quoted else _WEIGHTED.fullmatch(value.text)
    if weighted:
        bare = Token(weighted[1], span=Span(value.span.start, value.span.start + weighted.end(1)))
        similar = bind_likeness(bare, name=name, scope=scope)
        return replace(similar, shown=shown, weight=similar.weight * float(weighted[2]))
    if len(found) == 1:
        return Similar(Question(asset=found[0][0]), shown, weight)
    if len(found) > 1:
        uris = ", ".join(uri for _, uri in found[:_SHOWN])
        scope.stop("that is the end of several URIs", value.span, hint=f"Say more of it: {uris} …")
    if scope.files and (value.text.startswith("s3://") or os.path.isfile(os.path.expanduser(value.text))):
        return Similar(Question(file=value.text), shown, weight)
    what, or_file = ("asset and no file", ", or the path of a picture") if scope.files else ("asset", "")
    scope.stop(
        f"no {what} `{value.text}`",
        value.span,
        hint=f"Give an asset's number, its URI or the end of it{or_file}.",
    )


def assets_named(cursor: duckdb.DuckDBPyConnection, name: str) -> list[tuple[int, str]]:
    """Assets (number, URI) by number, by URI, or by the end of their URI; at most 4 of several.

    Each of the addresses of a picture names it.
    """
    if name.isdecimal() and len(name) < 19:
        found = rows(cursor, Sql("SELECT asset, uri FROM addresses WHERE address = ?", (int(name),)))
        if found:
            return found
    exact = rows(cursor, Sql("SELECT asset, uri FROM addresses WHERE uri = ?", (name,)))
    if exact:
        return exact
    ends = (
        "SELECT asset, min(uri) FROM addresses WHERE ends_with(uri, ?) GROUP BY asset ORDER BY asset LIMIT 4"
    )
    return rows(cursor, Sql(ends, ("/" + name.lstrip("/"),)))
