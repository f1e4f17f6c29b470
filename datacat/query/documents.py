"""What can only be asked of an annotation's document: elements of lists and their number, as SQL on `attributes`."""

from __future__ import annotations

from collections.abc import Sequence

from datacat.query import meaning as m
from datacat.query.compare import TRUE, Leaf, Sort, Sql, joined, leaf_compares, leaf_denies
from datacat.query.tree import Operator, Quantifier

# Of one JSON value: its text as the index has it, and its number if it is one.
_NUMBER = (
    "CASE WHEN json_type({0}) IN ('UBIGINT', 'BIGINT', 'HUGEINT', 'DOUBLE') "
    "THEN try_cast({0}->>'$' AS DOUBLE) END"
)


def json_path(path: str) -> str:
    """`a.doors[]` -> `$."a"."doors"[*]`."""
    steps = []
    for step in path.split("."):
        name = step.rstrip("[]") if step.endswith("[]") else step
        lists = (len(step) - len(name)) // 2
        steps.append('."' + name.replace('"', '\\"') + '"' + "[*]" * lists)
    return "$" + "".join(steps)


def length_compares(node: m.LengthIs) -> Sql:
    """A condition on a row of `annotations`: the list has so many elements; NULL where there is no list."""
    return _length_compares(node, of="attributes")


def _length_compares(node: m.LengthIs, *, of: str) -> Sql:
    operator = "<>" if node.operator is Operator.UNEQUAL else node.operator
    path = json_path(node.path)
    # To DuckDB whatever is no list has length 0.
    compares = f"CASE WHEN json_type({of}, ?) = 'ARRAY' THEN json_array_length({of}, ?) {operator} ? END"
    return Sql(compares, (path, path, node.number))


def element_exists(node: m.ElementIs) -> Sql:
    """A condition on a row of `annotations`: some element of the list fulfils all of it."""
    condition = _of_element(node.inner)
    return Sql(
        f"len(list_filter(json_extract(attributes, ?), lambda e: {condition.text})) > 0",
        (json_path(node.path), *condition.values),
    )


def no_element(node: m.ElementIs) -> Sql:
    """A condition on a row of `annotations`: there is the list, and of each element it is known that it does not do."""
    condition = _of_element(node.inner)
    return Sql(
        "json_type(attributes, ?) = 'ARRAY' AND "
        f"len(list_filter(json_extract(attributes, ?), lambda e: ({condition.text}) IS NOT FALSE)) = 0",
        (json_path(node.path.partition("[]")[0]), json_path(node.path), *condition.values),
    )


def _of_element(node: m.Meaning) -> Sql:
    """A condition on the element e, NULL where nobody can say."""
    match node:
        case m.And(parts=parts) | m.Or(parts=parts):
            word = " AND " if isinstance(node, m.And) else " OR "
            return Sql("({})").filled(joined(word, [_of_element(part) for part in parts]))
        case m.Not(part=part):
            return Sql("(NOT ({}))").filled(_of_element(part))
        case m.HasAttribute(paths=paths):
            return _or([_some(path, TRUE) for path in paths])
        case m.LengthIs():
            return _length_compares(node, of="e")
    assert isinstance(node, m.AttributeIs)
    is_there = _or([_some(path, TRUE) for path in node.paths])
    verdicts = [(path, *_verdicts(node, path)) for path in node.paths]
    neither = Sql("(({}) IS NOT TRUE AND ({}) IS NOT TRUE)")
    holds = _or([_some(path, yes) for path, yes, _ in verdicts])
    denied = _or([_some(path, no) for path, _, no in verdicts])
    is_open = _or([_some(path, neither.filled(yes, no)) for path, yes, no in verdicts])
    match node.quantifier:
        case Quantifier.ALL:
            return _decided(_none_of(is_there, denied, is_open), denied)
        case Quantifier.NONE:
            return _decided(_none_of(is_there, holds, is_open), holds)
    return _decided(holds, _none_of(is_there, holds, is_open))


def _decided(yes: Sql, no: Sql) -> Sql:
    return Sql("CASE WHEN {} THEN true WHEN {} THEN false END").filled(yes, no)


def _none_of(is_there: Sql, *others: Sql) -> Sql:
    return Sql("({} AND NOT {})").filled(is_there, _or(others))


def _verdicts(node: m.AttributeIs, path: str) -> tuple[Sql, Sql]:
    """Conditions on one scalar v: it compares; it is known not to."""
    is_element = path.endswith("[]") and node.quantifier is None
    leaf = Leaf("(v->>'$')", f"({_NUMBER.format('v')})", str(is_element).lower())
    sort = Sort(has_wide_texts=node.sort.has_wide_texts)
    holds = leaf_compares(node.operator, node.values, leaf=leaf, sort=sort)
    return holds, leaf_denies(node.operator, node.values, leaf=leaf, sort=sort)


def _some(path: str, condition: Sql) -> Sql:
    """Some scalar at a path below the element e fulfils a condition on v."""
    found = "json_extract(e, ?)" if "[]" in path else "[json_extract(e, ?)]"
    is_leaf = "json_type(v) NOT IN ('OBJECT', 'ARRAY')"
    return Sql(
        f"len(list_filter({found}, lambda v: {is_leaf} AND {condition.text})) > 0",
        (json_path(path), *condition.values),
    )


def _or(pieces: Sequence[Sql]) -> Sql:
    return Sql("({})").filled(joined(" OR ", pieces))
