"""How `snapshot create` is told to make one training set of several teams' labels, and says what that did."""

from __future__ import annotations

import functools
import re
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import click

from datacat.catalog import text_of
from datacat.cli.output import Output, counted
from datacat.model.joining import CLASSES_BY, OVERLAPS, Joining, JoiningChoice

F = TypeVar("F", bound=Callable[..., Any])

_PLAIN = re.compile(r"[^\W_]\w*(-\w+)*")
_NAMED = 3  # classes, or pairs of them, that a note names
_OPTIONS = (
    click.option(
        "--classes-by",
        type=click.Choice(CLASSES_BY),
        show_default="team, or as in the version before",
        help="Call classes as their team writes them, or as the concept that they belong to.",
    ),
    click.option(
        "--class-map",
        type=click.Path(exists=True, dir_okay=False),
        help="YAML or JSON, {new: [class, …]} or {class: new}; it goes before concepts. TEAM:CLASS speaks of one team, "
        'and the new name "" leaves a class out.',
    ),
    click.option(
        "--map-class",
        multiple=True,
        metavar="CLASS=NEW",
        help="The same for one class; may be given again and again.",
    ),
    click.option(
        "--overlap",
        type=click.Choice(OVERLAPS),
        show_default="keep, or as in the version before",
        help="Of an object that several label sets labelled, keep all labels or one.",
    ),
    click.option(
        "--prefer",
        metavar="TEAM,…",
        help="Whose label that is: teams or label sets, the best first, others behind. Means --overlap one.",
    ),
)


def joining_options(command: F) -> F:
    """`--classes-by`, `--class-map`, `--map-class`, `--overlap` and `--prefer`; hands the command a `JoiningChoice`."""

    @functools.wraps(command)
    def told(
        *arguments: Any,
        classes_by: str | None,
        class_map: str | None,
        map_class: Sequence[str],
        overlap: str | None,
        prefer: str | None,
        **others: Any,
    ) -> Any:
        choice = JoiningChoice()
        if classes_by is not None:
            choice["classes_by"] = classes_by
        if class_map is not None and map_class:
            raise click.UsageError("Give --class-map or --map-class, not both.")
        if class_map is not None or map_class:
            choice["class_map"] = class_map if class_map is not None else _pairs(map_class)
        if overlap is not None:
            choice["overlap"] = overlap
        if prefer is not None:
            choice["prefer"] = [name.strip() for name in prefer.split(",")]
        return command(*arguments, joining=choice, **others)

    wrapped: Any = told
    for option in reversed(_OPTIONS):
        wrapped = option(wrapped)
    return wrapped  # type: ignore[no-any-return]  # click's decorators keep what they are given


def _pairs(given: Sequence[str]) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for text in given:
        said, sign, name = text.rpartition("=")
        if not sign or not said:
            raise click.UsageError(f"{text!r} is no pair of classes. Write --map-class Dach=roof.")
        if said in pairs:
            raise click.UsageError(f"The class {said!r} is mapped twice.")
        pairs[said] = name
    return pairs


def readably(summary: Mapping[str, Any]) -> dict[str, Any]:
    """The summary of a snapshot for people: of its joining a line for each thing that there is."""
    found: dict[str, Any] = {}
    for name, value in summary.items():
        if name == "joining":
            found |= _rule(value)
        elif name == "joined":
            found |= {key: ", ".join(texts) for key, texts in _done(value)}
        elif name == "unlooked":
            if value:
                found[name] = _few(value)
        elif value or name not in ("missing", "unreadable"):
            found[name] = value
    return found


def _rule(said: Mapping[str, Any]) -> dict[str, str]:
    found = {}
    if said["classes_by"] != "team":
        found["classes_by"] = said["classes_by"]
    if said["class_map"]:
        entries = [(_named(item["team"], item["said"]), item["name"]) for item in said["class_map"]]
        found["class_map"] = ", ".join(f"{one} → {name or '(left out)'}" for one, name in entries)
    if said["overlap"] != "keep":
        found["overlap"] = f"one label an object, of {', '.join([*said['prefer'], 'others by name'])}"
    return found


def _done(said: Mapping[str, Any]) -> Iterator[tuple[str, list[str]]]:
    for key in ("mapped", "left_out", "duplicates", "same"):
        if items := said.get(key):
            heading = {"duplicates": "duplicates_merged", "same": "same_object"}.get(key, key)
            yield (
                heading,
                [
                    f"{_named(item['team'], item['class'])}"
                    + (f" → {item['name']}" if "name" in item else "")
                    + f" {item['annotations']:,}"
                    for item in items
                ],
            )
    if items := said.get("shared"):
        yield "several_labels", [f"{item['class']} {item['objects']:,}" for item in items]
    if items := said.get("coinciding"):
        yield "two_classes", [f"{item['class']} and {item['other']} {item['pairs']:,}" for item in items]


def _named(team: str, said: str) -> str:
    return f"{team}:{said}" if team else said


def _few(counts: Mapping[str, int]) -> str:
    """The first of some counts by name."""
    more = f", and {len(counts) - _NAMED} more" if len(counts) > _NAMED else ""
    return ", ".join(f"{name} {count:,}" for name, count in list(counts.items())[:_NAMED]) + more


def _unlooked(summary: Mapping[str, Any]) -> str:
    counts, assets = summary["unlooked"], summary["assets"]
    named = [f"`{name}` on {count:,}" for name, count in list(counts.items())[:_NAMED]]
    more = (
        f", and {counted(len(counts) - _NAMED, 'more class', many='more classes')}"
        if len(counts) > _NAMED
        else ""
    )
    said = (
        f"nobody looked for {', for '.join(named)} of {counted(assets, 'asset')}{more}: "
        "an export says that there is none"
    )
    asked = [*filter(None, (_asked(name, summary["joining"]) for name in list(counts)[:_NAMED]))]
    if not asked:
        return said
    query = " AND ".join(["(…)", *(f"NOT ?{one}" for one in asked)])
    return f"{said}; without those assets: --query {shlex.quote(query)}"


def _asked(name: str, joining: Mapping[str, Any]) -> str:
    """How a query asks for a class of a snapshot; "": it cannot, as a map made it of others."""
    if any(name == item["name"] for item in joining["class_map"]):
        return ""
    if joining["classes_by"] == "concept" and _PLAIN.fullmatch(name.replace(" ", "-")):
        return text_of({"version": 1, "query": {"words": [name.replace(" ", "-")]}})
    value = name if _PLAIN.fullmatch(name) else {"exactly": name}
    return text_of({"version": 1, "query": {"field": "class", "operator": "=", "value": value}})


def advise(output: Output, summary: Mapping[str, Any], *, choice: JoiningChoice) -> None:
    """Tells what a training set would trip over, and what to do about it."""
    done = summary["joined"]
    unseen = [f"{summary[name]:,} {name}" for name in ("missing", "unreadable") if summary[name]]
    if unseen:
        output.note(
            f"{' and '.join(unseen)} of {counted(summary['assets'], 'asset')}: torch leaves out what is missing, and "
            "raises at what cannot be read; without them: --query '(…) AND NOT is:missing AND NOT is:unreadable'"
        )
    if summary["unlooked"]:
        output.note(_unlooked(summary))
    if not choice and summary["joining"] != Joining().to_document():
        output.note("classes and overlap as in the version before")
    if summary["joining"]["classes_by"] == "concept" and "mapped" not in done:
        output.note("no class got the name of a concept: datacat concepts list")
    objects = sum(item["objects"] for item in done.get("shared", ()))
    if objects:
        output.note(
            f"{counted(objects, 'object')} with several labels of one class; for one each: --prefer TEAM,TEAM"
        )
    pairs = done.get("coinciding", ())
    if pairs:
        named = [f"{item['class']} and {item['other']} {item['pairs']:,}" for item in pairs[:_NAMED]]
        more = f", and {len(pairs) - _NAMED} more" if len(pairs) > _NAMED else ""
        is_by_concept = summary["joining"]["classes_by"] == "concept"  # then no concept has both
        ways = "datacat concepts add CONCEPT CLASS CLASS" if is_by_concept else "--classes-by concept"
        output.note(
            f"boxes of two classes coincide: {', '.join(named)}{more}; if these are one class: {ways}, "
            "or --class-map FILE"
        )
