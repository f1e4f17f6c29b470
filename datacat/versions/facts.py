"""Does a definition say of its rows what they are?

A definition comes with the snapshot, so whoever sends one may have written anything into it; the digest covers the rows
alone. What can be reckoned from the rows is reckoned here and compared: counts, the split by its rule and seed,
classes, label sets, and what was called otherwise. For the rest (who, when, the question, the state, merged copies,
where nobody looked, what label sets say of themselves) a definition is believed; docs/explanation/snapshots.md lists
it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from datacat.errors import SnapshotDamaged
from datacat.model.snapshot import COUNTED_BESIDE, MANIFEST, UNLOOKED, Definition
from datacat.versions.manifest import batches
from datacat.versions.split import starts
from datacat.versions.verify import check_manifest

_SHOWN = 5  # differences that an error names
_SPLITS = """
    WITH placed AS (
        SELECT uri, split, left(sha256(encode(?) || encode(coalesce(digest, uri, ''))), 16) AS place FROM asset_rows
    )
    SELECT split, due, count(*), min(uri)
    FROM placed ASOF LEFT JOIN (SELECT unnest(?::VARCHAR[]) AS start, unnest(?::VARCHAR[]) AS due) ON place >= start
    GROUP BY ALL ORDER BY ALL
"""
_LABEL_SETS = "SELECT DISTINCT unnest(label_sets) FROM asset_rows"
_TWICE = "SELECT uri FROM asset_rows GROUP BY uri HAVING count(*) > 1 ORDER BY ALL LIMIT 1"
_MISSING = "SELECT count(*) FILTER (is_missing) FROM asset_rows"
_STRANGERS = "SELECT min(uri), count(*) FROM annotation_rows ANTI JOIN asset_rows USING (uri)"
_CLASSES = """
    SELECT split_part(label_set, '/', 1) AS team, class, said_class, count(*)
    FROM annotation_rows GROUP BY ALL ORDER BY ALL
"""


@dataclass(frozen=True, slots=True)
class _Rows:
    """What the rows of a manifest say.

    Attributes:
        splits: how many assets are in each split.
        misplaced: how many assets are not where the split rule puts them, and one of them.
        label_sets: that speak of assets.
        twice: an asset that stands there twice.
        missing: how many assets were missing.
        strangers: how many annotations are of no asset that stands there.
        classes: how many annotations there are by team, class and the team's own word (None: the class).
    """

    splits: Mapping[str | None, int]
    misplaced: tuple[int, str]
    label_sets: frozenset[str]
    twice: str | None
    strangers: int
    missing: int = 0
    classes: Mapping[tuple[str, str | None, str | None], int] = field(default_factory=dict)

    def named(self) -> Counter[str]:
        """How many annotations have each class."""
        found: Counter[str] = Counter()
        for (_, name, _), count in self.classes.items():
            if name is not None:
                found[name] += count
        return found


def check_snapshot(folder: Path, definition: Definition) -> None:
    """Compares the manifest in `folder` with its digest, and what the definition says with its rows.

    Raises:
        SnapshotDamaged: they differ, or a file cannot be read.
    """
    check_manifest(folder, definition)
    check_facts(folder, definition)


def check_facts(folder: Path, definition: Definition) -> None:
    """Compares what a definition says with the rows of its manifest.

    Args:
        folder: of the manifest.
        definition: said to be of it.

    Raises:
        SnapshotDamaged: it says something else than the rows, with what differs; or these cannot be read.
    """
    found = list(differences(_reckoned(folder, definition), definition))
    if found:
        more = f"; and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        raise SnapshotDamaged(
            f"its definition.json does not say what its rows are: {'; '.join(found[:_SHOWN])}{more}",
            where=str(definition.snapshot),
            hint="It was not frozen so. Ask who froze it, or freeze it anew.",
        )


def differences(found: _Rows, definition: Definition) -> Iterator[str]:
    """What a definition says otherwise than its rows, in words."""
    yield from _of_counts(found, definition)
    yield from _of_unlooked(found, definition)
    number, uri = found.misplaced
    if number:
        yield f"{number:,} assets are in another split than {definition.split} with its seed gives, as {uri}"
    if found.twice is not None:
        yield f"an asset stands there twice: {found.twice}"
    if found.strangers:
        yield f"{found.strangers:,} annotations are of assets that are not in it"
    said = definition.label_sets.keys()
    if said and said != found.label_sets:
        yield f"label sets {_listed(said)}, which are {_listed(found.label_sets)}"
    yield from _of_classes(found, definition)
    yield from _of_names(found, definition)
    yield from _of_overlap(found, definition)


def _of_counts(found: _Rows, definition: Definition) -> Iterator[str]:
    splits = {f"split:{name}": count for name, count in found.splits.items()}
    reckoned = {
        "assets": sum(splits.values()),
        "annotations": sum(found.classes.values()),
        **splits,
    }
    counts = {
        name: count
        for name, count in definition.counts.items()
        if name not in COUNTED_BESIDE and not name.startswith(UNLOOKED)
    }
    missing = definition.counts.get("missing", 0)  # older definitions do not say it
    if "missing" in definition.counts and missing != found.missing:
        yield f"missing {missing:,}, which are {found.missing:,}"
    for name in sorted(counts.keys() | reckoned.keys()):
        if name not in reckoned and not name.startswith("split:"):
            yield f"a count of {name}, of which nobody knows"
        elif counts.get(name, 0) != reckoned.get(name, 0):
            yield f"{name} {counts.get(name, 0):,}, which are {reckoned.get(name, 0):,}"
    limit = definition.question.limit
    if limit is not None and reckoned["assets"] > limit:
        yield f"limit {limit:,} of {reckoned['assets']:,} assets"


def _of_unlooked(found: _Rows, definition: Definition) -> Iterator[str]:
    """The rows do not tell where nobody looked, only what such counts cannot be."""
    named, assets = found.named(), sum(found.splits.values())
    for name, count in definition.unlooked.items():
        if name not in named and name not in definition.classes:
            yield f"assets on which nobody looked for {name}, which is no class of it"
        elif not 0 <= count <= assets:
            yield f"nobody looked for {name} on {count:,} of {assets:,} assets"


def _of_classes(found: _Rows, definition: Definition) -> Iterator[str]:
    classes, named = definition.classes, found.named()
    if classes and (missing := named.keys() - set(classes)):
        yield f"classes without {_listed(missing)}, which annotations have"
    if len(set(classes)) < len(classes):
        twice = [name for name, count in Counter(classes).items() if count > 1]
        yield f"classes with {_listed(twice)} twice"


def _of_names(found: _Rows, definition: Definition) -> Iterator[str]:
    """How often classes were called otherwise, and by which rule."""
    rule, done = definition.joining, definition.joined
    gone: Counter[tuple[str, str]] = Counter()
    for item in (*done.duplicates, *done.same):
        gone[str(item["team"]), str(item["class"])] += int(item["annotations"])
    there: Counter[tuple[str, str, str]] = Counter()
    for (team, name, own), count in found.classes.items():
        if own is not None:
            there[team, own, str(name)] += count
    told: Counter[tuple[str, str, str]] = Counter()
    for item in done.mapped:
        told[str(item["team"]), str(item["class"]), str(item["name"])] += int(item["annotations"])
    for team, own, name in sorted(there.keys() | told.keys()):
        least, said = there[team, own, name], told[team, own, name]
        if not least <= said <= least + gone[team, name]:
            yield f"{team}:{own} called {name} {said:,} times, which are {least:,}"
    mapped = {(item.team, item.said): item.name for item in rule.class_map}
    for team, called, said_class in found.classes:
        own_word = called if said_class is None else said_class
        if own_word is None:
            continue
        due = mapped.get((team, own_word), mapped.get(("", own_word)))
        if due is None and rule.classes_by == "team":
            due = own_word
        if due not in (None, called):
            yield f"a rule by which {team}:{own_word} is called {due or 'nothing'}, which is called {called}"


def _of_overlap(found: _Rows, definition: Definition) -> Iterator[str]:
    """What became of objects with several labels, as far as the labels that are left can tell."""
    rule, done, named = definition.joining, definition.joined, found.named()
    for shared in done.shared:
        objects, labels, there = shared["objects"], int(shared["annotations"]), named[str(shared["class"])]
        if not int(objects) <= labels <= there:
            yield f"{objects:,} objects with {labels:,} labels {shared['class']}, which are {there:,}"
    for pair in done.coinciding:
        if missing := {str(pair["class"]), str(pair["other"])} - named.keys():
            yield f"boxes of {_listed(missing)}, which no annotation is"
    if rule.overlap == "one" and done.shared:
        yield "one label an object, and objects with several"
    if rule.overlap == "keep" and (done.same or rule.prefer):
        yield "all labels kept, and some left out as the same object"


def _listed(names: Any) -> str:
    texts = sorted(map(str, names))
    more = f" and {len(texts) - _SHOWN} more" if len(texts) > _SHOWN else ""
    return (", ".join(texts[:_SHOWN]) or "none") + more


def _reckoned(folder: Path, definition: Definition) -> _Rows:
    """What the rows say; each statement reads only the columns that it names.

    Raises:
        SnapshotDamaged: they cannot be read.
    """
    begins = starts(definition.split)
    with duckdb.connect(config={"enable_external_access": "false"}) as base:

        def asked(
            sql: str, values: tuple[Any, ...] = (), **columns: tuple[str, ...]
        ) -> list[tuple[Any, ...]]:
            for table, names in columns.items():
                schema = pa.schema([MANIFEST[table].field(name) for name in names])
                reader = pa.RecordBatchReader.from_batches(schema, batches(folder, table, columns=names))
                base.register(f"{table.removesuffix('s')}_rows", reader)
            return base.execute(sql, values).fetchall()

        try:
            seeded = f"{definition.split.seed}\0"
            given = (seeded, [start for start, _ in begins], [name for _, name in begins])
            placed = asked(_SPLITS, given, assets=("uri", "split", "digest"))
            twice = asked(_TWICE, assets=("uri",))
            ((missing,),) = asked(_MISSING, assets=("is_missing",))
            sets = asked(_LABEL_SETS, assets=("label_sets",))
            ((_, strangers),) = asked(_STRANGERS, assets=("uri",), annotations=("uri",))
            classes = asked(_CLASSES, annotations=("label_set", "class", "said_class"))
        except duckdb.Error as error:
            raise SnapshotDamaged(
                "its rows cannot be compared with its definition", where=str(folder)
            ) from error
    splits: Counter[str | None] = Counter()
    for split, _, count, _ in placed:
        splits[split] += count
    wrong = [(count, uri) for split, due, count, uri in placed if split != due]
    return _Rows(
        splits=splits,
        misplaced=(sum(count for count, _ in wrong), min((uri or "" for _, uri in wrong), default="")),
        label_sets=frozenset(name for (name,) in sets),
        twice=twice[0][0] if twice else None,
        strangers=strangers,
        missing=missing,
        classes={(team, name, said): count for team, name, said, count in classes},
    )
