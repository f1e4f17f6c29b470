"""What bench/search.py asks: datacat's query, and SQL of the same question for both rivals.

In SQL, `{…}` names a leaf of the document; each rival writes it in its own way. An annotation's row has asset,
annotation, label_set, class, annotator and attributes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from documents import RARE, label_set_order, salt_of, schema, tree

Kind = Literal["assets", "page", "offset", "facets"]
PAGE = 50
TOP = 10  # values of a facet
DEEP = 500_000  # the row after which the deep page begins; half way where there are fewer


@dataclass(frozen=True, slots=True)
class Question:
    """One question.

    Attributes:
        name: for people.
        query: for datacat.
        where: SQL of the annotations that count.
        having: SQL that an asset's group of them has to fulfil; "" where one annotation is enough.
        each: columns of an asset's group within one label set, of which `having` speaks: there things are counted.
        kind: assets: how many, and the first page; page: one far behind, found by where the page before it ended;
            offset: the same, which the rivals find by OFFSET; facets: all of them.
        is_nested: attributes decide, so that a JSON column must be parsed.
    """

    name: str
    query: str
    where: str
    having: str = ""
    each: str = ""
    kind: Kind = "assets"
    is_nested: bool = False

    def assets(self, *, after: int | None = None) -> str:
        """A SELECT of the assets, each once."""
        where = f"({self.where}) AND asset > {after}" if after is not None else self.where
        if self.having:
            rows = f"annotations WHERE {where}"
            if self.each:
                rows = f"(SELECT asset, {self.each} FROM {rows} GROUP BY asset, label_set) AS told"
            return f"SELECT asset FROM {rows} GROUP BY asset HAVING {self.having}"
        return f"SELECT DISTINCT asset FROM annotations WHERE {where}"


_BROAD = "class = 'class_000'"
_NARROW = "class = 'class_050' AND {condition.inspector.name} = 'insp7'"
QUESTIONS = (
    Question("one class", "class_003", "class = 'class_003'"),
    Question(
        "three or more of a class, none of another",
        "count(class_001)>=3 -class_002",
        "class IN ('class_001', 'class_002')",
        "max(wanted) >= 3 AND sum(unwanted) = 0",
        each="sum(CASE WHEN class = 'class_001' THEN 1 ELSE 0 END) AS wanted, "
        "sum(CASE WHEN class = 'class_002' THEN 1 ELSE 0 END) AS unwanted",
    ),
    Question(
        "a class and two nested keys",
        "class_000[material=slate condition.score>0.8]",
        "class = 'class_000' AND {material} = 'slate' AND {condition.score:number} > 0.8",
        is_nested=True,
    ),
    Question(
        "two nested keys, any class",
        "[condition.score>0.9 condition.inspector.name=insp7]",
        "{condition.score:number} > 0.9 AND {condition.inspector.name} = 'insp7'",
        is_nested=True,
    ),
    Question("a rare key", f"has:{RARE}", f"{{{RARE}:exists}}", is_nested=True),
    Question(
        "a range of numbers",
        "[condition.score>=0.5 condition.score<0.501]",
        "{condition.score:number} >= 0.5 AND {condition.score:number} < 0.501",
        is_nested=True,
    ),
    Question(
        "a range where others have texts",
        "[state.level>97]",
        "{state.level:integer} > 97",
        is_nested=True,
    ),
    Question("a page far behind", "class_000", _BROAD, kind="page"),
    Question("a page far behind, by OFFSET", "class_000", _BROAD, kind="offset"),
    Question("all facets of a class", "class_000", _BROAD, kind="facets", is_nested=True),
    Question(
        "all facets of a few",
        "class_050[condition.inspector.name=insp7]",
        _NARROW,
        kind="facets",
        is_nested=True,
    ),
    Question(
        "two label sets disagree on a class",
        "count(label_set)>=2 class_005 count(label_set of class_005)=1",
        "true",
        "count(DISTINCT label_set) >= 2 AND count(DISTINCT CASE WHEN class = 'class_005' THEN label_set END) = 1",
    ),
)
_LEAF = re.compile(r"\{([\w.]+)(?::(\w+))?\}")
_TYPES = {"score": "Float64", "pitch": "Int64", "age": "Int64", "level": "Int64", "checked": "Bool"}


def counted(assets: str) -> str:
    """How many assets."""
    return f"SELECT count(*) FROM ({assets}) AS found"


def page(assets: str, *, offset: int = 0) -> str:
    """The numbers of one page."""
    return f"SELECT asset FROM ({assets}) AS found ORDER BY asset LIMIT {PAGE} OFFSET {offset}"


def for_duckdb(sql: str) -> str:
    """Leaves by DuckDB's JSON functions."""

    def leaf(match: re.Match[str]) -> str:
        path = f"'$.{match[1]}'"
        if match[2] == "exists":
            return f"json_exists(attributes, {path})"
        text = f"(attributes->>{path})"
        return {"number": f"{text}::DOUBLE", "integer": f"TRY_CAST({text} AS DOUBLE)"}.get(match[2], text)

    return _LEAF.sub(leaf, sql)


def for_chdb(sql: str) -> str:
    """Leaves as ClickHouse's JSON type has them: columns of their own, one for each type."""

    def leaf(match: re.Match[str]) -> str:
        column = f"attributes.{match[1]}"
        if match[2] == "exists":
            return f"isNotNull({column})"
        return f"{column}.:{ {'number': 'Float64', 'integer': 'Int64'}.get(match[2], 'String') }"

    return _LEAF.sub(leaf, sql)


@dataclass(frozen=True, slots=True)
class Leaves:
    """The paths of a corpus: those with texts, and those with numbers."""

    texts: tuple[str, ...]
    numbers: tuple[str, ...]


def leaves_of(label_sets: int, *, seed: int) -> Leaves:
    """The paths of all label sets of a generated corpus."""
    found = [leaf for n in range(label_sets) for leaf in schema(n, salt=salt_of(n, seed=seed))]
    texts = {leaf.path for leaf in found if not leaf.is_number} | {RARE}
    return Leaves(tuple(sorted(texts)), tuple(sorted({leaf.path for leaf in found if leaf.is_number})))


@dataclass(frozen=True, slots=True)
class Bins:
    """How datacat parted the numbers of a path: a number x is in bin floor(x * scale / step) - first."""

    first: int
    step: int
    scale: int
    count: int

    @classmethod
    def between(cls, low: float, high: float, *, count: int) -> Bins:
        """From the edges of the first bin."""
        step = Decimal(f"{high - low:.9g}")
        scale = 10 ** max(0, -int(step.normalize().as_tuple().exponent))
        return cls(round(low / (high - low)), int(step * scale), scale, count)

    def place(self, number: str) -> str:
        """SQL of the bin of a number."""
        return f"least({self.count - 1}, floor({number} * {self.scale} / {self.step}) - {self.first})"


def named_facets(leaves: Leaves) -> list[str]:
    """What all three systems count: the columns and paths that the rivals have too."""
    return [*_COLUMNS, *(f"attributes.{path}" for path in sorted({*leaves.texts, *leaves.numbers}))]


_COLUMNS = ("class", "label_set", "annotator")
_BY_NAME = {"label_set": label_set_order("g.value")}  # datacat orders equal ones by their names


def duckdb_facets(where: str, leaves: Leaves, *, bins: Mapping[str, Bins]) -> str:
    """Rows of facet, value, annotations, assets; each document is parsed once."""
    structure = json.dumps(tree(dict.fromkeys((*leaves.texts, *leaves.numbers), "VARCHAR")))
    chosen = (
        f"WITH chosen AS MATERIALIZED (SELECT asset, {', '.join(_COLUMNS)}, "
        f"from_json(attributes, '{structure}') AS a FROM annotations WHERE {for_duckdb(where)}) "
    )

    def number(path: str) -> str:
        return f"TRY_CAST(a.{path} AS DOUBLE)"

    def text(path: str) -> str:
        return (
            f"CASE WHEN {number(path)} IS NULL THEN a.{path} END" if path in leaves.numbers else f"a.{path}"
        )

    facets = _facets(leaves, bins, text=text, number=number, source="chosen")
    return chosen + facets.replace("{different}", "count(DISTINCT asset)").replace(
        "{text}", "VARCHAR"
    ).replace("{whole}", "INT")


def chdb_facets(where: str, leaves: Leaves, *, bins: Mapping[str, Bins]) -> str:
    """The same in ClickHouse, which reads a column a path."""

    def text(path: str) -> str:
        kind = _TYPES.get(path.rsplit(".", 1)[-1], "String")
        return f"toString(attributes.{path}.:{kind})" if kind == "Bool" else f"attributes.{path}.:String"

    def number(path: str) -> str:
        return f"attributes.{path}.:{_TYPES[path.rsplit('.', 1)[-1]]}"

    facets = _facets(leaves, bins, text=text, number=number, source=f"annotations WHERE {for_chdb(where)}")
    return (
        facets.replace("{different}", "uniqExact(asset)")
        .replace("{text}", "Nullable(String)")
        .replace("{whole}", "Nullable(Int32)")
    )


def _facets(
    leaves: Leaves,
    bins: Mapping[str, Bins],
    *,
    text: Callable[[str], str],
    number: Callable[[str], str],
    source: str,
) -> str:
    """The commonest texts of each path, and the bins of its numbers, whose edges the rivals are told."""
    columns = {name: name for name in _COLUMNS} | {path: text(path) for path in leaves.texts}
    values = [
        f"(SELECT '{name}' AS facet, CAST(value AS {{text}}) AS value, n, assets FROM (SELECT {column} AS value, "
        f"count(*) AS n, {{different}} AS assets FROM {source} GROUP BY value) AS g WHERE value IS NOT NULL "
        f"ORDER BY n DESC, {_BY_NAME.get(name, 'value')} LIMIT {TOP})"
        for name, column in columns.items()
    ]
    numbers = [
        f"(SELECT '{path} numbers' AS facet, CAST(CAST(bin AS {{whole}}) AS {{text}}) AS value, n, assets FROM (SELECT "
        f"{bins[path].place('x')} AS bin, count(*) AS n, {{different}} AS assets FROM "
        f"(SELECT {number(path)} AS x, asset FROM {source}) AS o WHERE x IS NOT NULL GROUP BY bin) AS g)"
        for path in leaves.numbers
        if path in bins
    ]
    return " UNION ALL ".join([*values, *numbers])
