"""The third fence: which SQL may run at all, decided over what DuckDB's own parser makes of it.

Everything is allowed by name: kinds of nodes, their fields, functions, tables. What a later DuckDB adds is refused
until it is added here; so is what its 2.0 calls a SELECT though it writes (`WITH a AS (COPY …) SELECT …`).
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Set
from typing import Any

from .functions import FUNCTIONS, TABLE_FUNCTIONS, named

_TYPES = named(
    """
    SELECT_NODE SET_OPERATION_NODE RECURSIVE_CTE_NODE
    BASE_TABLE EMPTY EXPRESSION_LIST JOIN PIVOT SUBQUERY TABLE_FUNCTION
    DISTINCT_MODIFIER LIMIT_MODIFIER LIMIT_PERCENT_MODIFIER ORDER_MODIFIER
    ASCENDING DESCENDING ORDER_DEFAULT
    ARRAY_CONSTRUCTOR ARRAY_EXTRACT ARRAY_SLICE CASE_EXPR COLLATE COLUMN_REF COMPARE_BETWEEN COMPARE_DISTINCT_FROM
    COMPARE_EQUAL COMPARE_GREATERTHAN COMPARE_GREATERTHANOREQUALTO COMPARE_IN COMPARE_LESSTHAN
    COMPARE_LESSTHANOREQUALTO COMPARE_NOTEQUAL COMPARE_NOT_BETWEEN COMPARE_NOT_DISTINCT_FROM COMPARE_NOT_IN
    CONJUNCTION_AND CONJUNCTION_OR FUNCTION GROUPING_FUNCTION LAMBDA OPERATOR_CAST OPERATOR_COALESCE
    OPERATOR_IS_NOT_NULL OPERATOR_IS_NULL OPERATOR_NOT OPERATOR_NULLIF OPERATOR_TRY POSITIONAL_REFERENCE STAR
    STRUCT_EXTRACT TYPE VALUE_CONSTANT
    WINDOW_AGGREGATE WINDOW_CUME_DIST WINDOW_FILL WINDOW_FIRST_VALUE WINDOW_LAG WINDOW_LAST_VALUE WINDOW_LEAD
    WINDOW_NTH_VALUE WINDOW_NTILE WINDOW_PERCENT_RANK WINDOW_RANK WINDOW_RANK_DENSE WINDOW_ROW_NUMBER
    ARRAY_TYPE_INFO DECIMAL_TYPE_INFO LIST_TYPE_INFO STRING_TYPE_INFO STRUCT_TYPE_INFO UNBOUND_TYPE_INFO
    """
)
_CLASSES = named(
    """
    BETWEEN CASE CAST COLLATE COLUMN_REF COMPARISON CONJUNCTION CONSTANT FUNCTION LAMBDA OPERATOR
    POSITIONAL_REFERENCE STAR SUBQUERY TYPE WINDOW
    """
)
_FIELDS = named(
    """
    aggregate_handling aggregates alias aliases arg_orders arguments case_checks cast_type catalog catalog_name child
    child_type child_types children class collation column_name_alias column_names columns comparison_type condition
    cte_map cte_name days default_expr delim_flipped distinct distinct_on_targets else_expr end end_expr entries
    exclude_clause exclude_list expr expression expression_list filter first from_table function function_name
    group_expressions group_sets groups has_ignore_nulls having id identifier ignore_nulls include_nulls index input
    is_implicit is_negated is_null is_operator is_percentage join_type key kind left lhs limit limit_type literal lower
    map materialized method micros modifiers months name named_param_map node null_order offset offset_expr order_bys
    orders partitions path pivot_expressions pivots qualified_column_name qualified_name qualify query query_location
    query_location_length query_node ref_type relation_name rename_list repeatable replace_list right sample sample_size
    scale schema schema_name second seed select_list setop_all setop_type size source star_expr start start_expr
    subquery subquery_type syntax_type table_name text then_expr try_cast type type_expr type_info type_name union_all
    unpivot_names upper user_type_modifiers using_columns value values when_expr where_clause width
    qualified_exclude_list unnamed_exclude_list
    """
)
_NAME = re.compile(r"\w+")
_OURS = ("", "main")
_ONLY_SELECT = "One SELECT, over the views that `datacat sql --views` lists."


class Refused(Exception):
    """The SQL is not allowed; `hint` says what is."""

    def __init__(self, what: str, hint: str = _ONLY_SELECT) -> None:
        super().__init__(what)
        self.hint = hint


def check(parsed: Mapping[str, Any], *, views: Set[str]) -> None:
    """Lets one SELECT over `views` pass.

    Args:
        parsed: the answer of DuckDB's json_serialize_sql.
        views: names of the tables that may be read, in small letters.

    Raises:
        Refused: it is something else, or does something else in between.
    """
    statements = parsed["statements"]
    if len(statements) != 1:
        raise Refused(f"{len(statements)} statements at once" if statements else "there is no statement")
    try:
        _walk(statements[0], views)
    except RecursionError as error:
        raise Refused("the query is nested too deeply") from error


def _walk(value: Any, tables: Set[str]) -> None:
    if isinstance(value, list):
        for item in value:
            _walk(item, tables)
    elif isinstance(value, dict):
        _check_node(value, tables)
        tables = _with_named_queries(value, tables)
        for name, below in value.items():
            if name != "cte_map":
                _walk(below, tables)


def _with_named_queries(node: Mapping[str, Any], tables: Set[str]) -> Set[str]:
    """The tables and, behind each WITH, what it names: visible to those after it and to the query itself."""
    found = node.get("cte_map") or {}
    if set(found) - {"map"}:
        raise Refused("a WITH of an unknown kind")
    for entry in found.get("map", ()):
        name = str(entry["key"]).lower()
        if not _NAME.fullmatch(name):
            raise Refused(f"{entry['key']!r} as the name of a WITH", "Use letters, digits and '_'.")
        body = entry["value"]
        query = body.get("query_node") or (body.get("query") or {}).get("node") or {}
        is_recursive = query.get("type") == "RECURSIVE_CTE_NODE"
        _walk(body, tables | {name} if is_recursive else tables)
        tables = tables | {name}
    return tables


def _check_node(node: Mapping[str, Any], tables: Set[str]) -> None:
    kind = node.get("type")
    if kind == "SHOW_REF":
        where = "`datacat sql --views` and docs/reference/sql.md have their columns."
        hint = f"The views are {', '.join(sorted(tables))}; {where}"
        raise Refused("SHOW, DESCRIBE and SUMMARIZE are not allowed", hint)
    if unknown := sorted(set(node) - _FIELDS):
        raise Refused(f"{', '.join(unknown)} in SQL is not allowed")
    if isinstance(kind, str) and kind not in _TYPES:
        raise Refused(f"{_words(kind)} in SQL is not allowed")
    if node.get("class", "CONSTANT") not in _CLASSES:
        raise Refused(f"{_words(node['class'])} in SQL is not allowed")
    if kind == "BASE_TABLE":
        _check_table(node, tables)
    elif kind == "TABLE_FUNCTION":
        _check_function(node["function"], TABLE_FUNCTIONS)
    elif "function_name" in node:
        _check_function(node, FUNCTIONS | TABLE_FUNCTIONS)


def _check_table(node: Mapping[str, Any], tables: Set[str]) -> None:
    *above, name = node.get("qualified_name", {}).get("path") or [node["table_name"]]
    above += [node.get("catalog_name", ""), node.get("schema_name", "")]
    if any(part not in _OURS for part in above) or name.lower() not in tables or name != node["table_name"]:
        near = difflib.get_close_matches(name.lower(), sorted(tables), n=1)
        raise Refused(f"there is no view {name!r}", f"Did you mean {near[0]}?" if near else _ONLY_SELECT)


def _check_function(node: Mapping[str, Any], allowed: Set[str]) -> None:
    name = node["function_name"]
    last = (node.get("qualified_name", {}).get("path") or [name])[-1]
    if name.lower() not in allowed or last != name:
        near = difflib.get_close_matches(name.lower(), sorted(allowed), n=1)
        hint = f"Did you mean {near[0]}?" if near else "docs/reference/sql.md says which are."
        raise Refused(f"the function {name!r} is not allowed", hint)


def _words(kind: str) -> str:
    return kind.replace("_", " ").lower()
