"""What can only be asked of an annotation's document: elements of lists and their number, as SQL on `attributes`."""

from __future__ import annotations

from datacat.query import meaning as m
from datacat.query.compare import Leaf, Sql, joined, leaf_compares
from datacat.query.tree import Operator

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
    """A condition on a row of `annotations`: the list has so many elements."""
    operator = "<>" if node.operator is Operator.UNEQUAL else node.operator
    return Sql(f"json_array_length(attributes, ?) {operator} ?", (json_path(node.path), node.number))


def element_exists(node: m.ElementIs) -> Sql:
    """A condition on a row of `annotations`: some element of the list fulfils all of it."""
    condition = _of_element(node.inner)
    return Sql(
        f"len(list_filter(json_extract(attributes, ?), lambda e: {condition.text})) > 0",
        (json_path(node.path), *condition.values),
    )


def _of_element(node: m.Meaning) -> Sql:
    match node:
        case m.And(parts=parts) | m.Or(parts=parts):
            word = " AND " if isinstance(node, m.And) else " OR "
            return Sql("({})").filled(joined(word, [_of_element(part) for part in parts]))
        case m.Not(part=part):
            return Sql("({}) IS NOT TRUE").filled(_of_element(part))
    assert isinstance(node, m.LeafIs)
    path = json_path(node.path)
    if "[*]" in path:
        leaf = Leaf("(v->>'$')", f"({_NUMBER.format('v')})", "true")
        condition = leaf_compares(node.operator, node.values, leaf=leaf)
        return Sql(
            f"len(list_filter(json_extract(e, ?), lambda v: {condition.text})) > 0", (path, *condition.values)
        )
    # Bound once as v, so that the path need not be repeated.
    leaf = Leaf("(v->>'$')", f"({_NUMBER.format('v')})", "false")
    condition = leaf_compares(node.operator, node.values, leaf=leaf)
    return Sql(
        f"len(list_filter([json_extract(e, ?)], lambda v: {condition.text})) > 0", (path, *condition.values)
    )
