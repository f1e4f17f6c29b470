"""What a label set covers after an ingest: what was declared, what the format says, else what follows from its files.

A label file that lists its images and its classes covers those classes on those images, where objects are
drawn. Where all of a label set's assets come out with the same classes, `label_sets.coverage` names them; else
it says "none", and `coverage` has a row for each class of each asset.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable
from dataclasses import replace

import pyarrow as pa

from datacat.errors import UsageError
from datacat.model.coverage import ClassCover, Coverage
from datacat.model.schemas import NO_LABEL_FILE
from datacat.tables.label_set_row import LabelSetRow
from datacat.tables.linking import Linking

# Geometries of things that are looked for; a text or a recording is labelled otherwise.
_DRAWN = ("box", "polygon", "polyline", "keypoints", "mask", "rotated", "other")
_GIVEN = """
    CREATE TEMP TABLE given_classes AS SELECT list, unnest(classes) AS "class" FROM class_lists
"""
# Which lists an asset is under: those of the files read now; of other files -1, what the label set covered before.
_COMBINATIONS = """
    SELECT DISTINCT lists FROM (
        SELECT asset, coalesce(list_sort(list(DISTINCT list) FILTER (list IS NOT NULL)), []) AS lists FROM (
            SELECT l.asset, f.list FROM listed l LEFT JOIN file_lists f USING (file)
            UNION ALL SELECT asset, -1 FROM label_set_assets
            WHERE label_set = ? AND source_file NOT IN (FROM replaced)
        ) GROUP BY asset)
"""
_SINGLE = """
    CREATE TEMP TABLE derived_coverage AS
    SELECT DISTINCT g."class", l.source_file, l.asset
    FROM listed l JOIN file_lists f USING (file) JOIN given_classes g USING (list)
    ANTI JOIN unlooked USING (source_file, asset)
    UNION ALL
    SELECT name, source_file, asset
    FROM label_set_assets ANTI JOIN (FROM coverage WHERE "class" IS NULL) USING (label_set, source_file, asset),
        (SELECT unnest(?::VARCHAR[]) AS name)
    WHERE label_set = ? AND source_file NOT IN (FROM replaced)
"""
# Listings at which nobody looked: of a picture without a label file, or of what a file says so of.
_UNLOOKED = f"""
    CREATE TEMP TABLE unlooked AS
    SELECT l.source_file, l.asset FROM listed l LEFT JOIN (
        SELECT DISTINCT file, key, true AS is_said FROM staged_coverage
        WHERE key IS NOT NULL AND "class" IS NULL AND answer = 'not_exhaustive') c ON c.file = l.file AND c.key = l.key
    WHERE l.place = 1
    GROUP BY ALL HAVING bool_and(l.position = '{NO_LABEL_FILE}' OR coalesce(c.is_said, false))
"""  # noqa: S608 - our own words
_OF_ASSETS = "staged_coverage WHERE key IS NOT NULL AND (\"class\" IS NOT NULL OR answer <> 'not_exhaustive')"
_NO_SINGLE = 'CREATE TEMP TABLE derived_coverage ("class" VARCHAR, source_file BIGINT, asset BIGINT)'


class Covering:
    """Works out the coverage after one linking.

    Afterwards the cursor has the table `derived_coverage` of single assets (class, source_file, asset), and `unlooked`
    of listings (source_file, asset) that cover no class.

    Attributes:
        coverage: of the label set.
        is_single: whether what is derived stands in rows of single assets.
    """

    def __init__(self, linking: Linking, known: LabelSetRow) -> None:
        self._linking = linking
        self._known = known
        self._claim = linking.source.claim
        self._check()
        self.coverage = Coverage()
        self.is_single = False

    def decide(self, *, is_drawn: bool) -> None:
        """Decides on the coverage.

        Args:
            is_drawn: whether people drew objects in the label set as it is now, or nobody labelled anything yet.
        """
        linking, before, claim = self._linking, self._known.coverage, self._claim
        linking.run(_UNLOOKED)
        self.coverage = replace(
            before,
            attributes=before.attributes if claim.attributes is None else claim.attributes,
            ontology=before.ontology if claim.ontology is None else claim.ontology or None,
        )
        if claim.classes not in (None, "auto"):
            self._cover(self._claimed(), origin="declared")
        elif before.origin == "declared" and claim.classes is None:
            self._cover(before.classes, origin="declared")
        elif linking.count(_OF_ASSETS) or (before.origin == "format" and self._known.has_other_files):
            self._cover("none", origin="format")
        elif is_drawn:
            self._derive()
            return
        else:
            self._cover("none", origin="derived")
        linking.run(_NO_SINGLE)

    def sentence(self) -> str:
        """What to tell people, and how to say otherwise."""
        covered, origin = self.coverage.classes, self.coverage.origin
        names = f"its {len(self._known.declared)} classes" if covered == "declared" else _listed(covered)
        if origin == "declared":
            return f"coverage: {names} labelled exhaustively on each asset, as declared"
        if origin == "format":
            return "coverage: as the label files say of single assets (else --covers)"
        if self.is_single:
            return "coverage: each label file's classes labelled exhaustively on its own assets (else --covers none)"
        if covered == "none":
            return "coverage: no class known to be labelled exhaustively (else --covers all or CLASS,…)"
        return f"coverage: {names} labelled exhaustively on each asset (else --covers none)"

    def unseen(self) -> str | None:
        """Which covered classes no label file names, and what they may be misspelt for; None: all are named.

        Who looked for cars and found none has no label that says so.
        """
        if not isinstance(self._claim.classes, tuple):
            return None
        known = self._used() | set(self._known.declared)
        unseen = [name for name in self._claim.classes if name not in known]
        if not unseen:
            return None
        near = [
            f"{name}: did you mean {' or '.join(found)}?"
            for name in unseen
            if (found := _nearest(name, known))
        ]
        said = f"--covers: no label file names {', '.join(unseen)}, so that none was found on any asset"
        return f"{said} ({'; '.join(near)})" if near else said

    def _covered_before(self) -> tuple[str, ...]:
        """What followed from files that are not read now, for all of the label set's assets."""
        before = self._known.coverage
        if before.origin != "derived" or before.classes == "none":
            return ()
        return self._known.declared_before if before.classes == "declared" else tuple(before.classes)

    @property
    def _was_single(self) -> bool:
        """Whether rows of single assets stand for files that are not read now."""
        derived = "coverage WHERE label_set = ? AND origin = 'derived' AND source_file NOT IN (FROM replaced)"
        return bool(self._linking.count(derived, [self._linking.label_set]))

    def _cover(self, classes: ClassCover, *, origin: str) -> None:
        self.coverage = replace(self.coverage, classes=classes, origin=origin)

    def _claimed(self) -> ClassCover:
        """What was claimed, which is something."""
        if isinstance(self._claim.classes, tuple):
            return self._claim.classes or "none"
        if self._claim.classes == "none":
            return "none"
        used = self._used()
        return (
            "declared"
            if used <= set(self._known.declared)
            else tuple(sorted(used | set(self._known.declared)))
        )

    def _derive(self) -> None:
        """Covers on each asset what its files list."""
        linking = self._linking
        lists = [tuple(sorted(set(classes))) for classes in linking.staged.exhaustive]
        self._show(lists)
        old = self._covered_before()
        held = {-1: set(old), **{number: set(classes) for number, classes in enumerate(lists)}}
        combinations = linking.cursor.execute(_COMBINATIONS, [linking.label_set]).fetchall()
        sets = {frozenset().union(*(held[number] for number in numbers)) for (numbers,) in combinations}
        self.is_single = len(sets) > 1 or self._was_single
        if self.is_single:
            self._cover("none", origin="derived")
            linking.run(_SINGLE, [sorted(old), linking.label_set])
            return
        same = set(next(iter(sets), frozenset()))
        names: ClassCover = tuple(sorted(same)) or "none"
        self._cover("declared" if same and same == set(self._known.declared) else names, origin="derived")
        linking.run(_NO_SINGLE)

    def _show(self, lists: list[tuple[str, ...]]) -> None:
        """Makes the tables `file_lists` and `given_classes` of what the staged files list."""
        numbered = [
            (file, n) for n, files in enumerate(self._linking.staged.exhaustive.values()) for file in files
        ]
        files, numbers = [file for file, _ in numbered], [number for _, number in numbered]
        tables = {
            "file_lists": pa.table(
                {"file": pa.array(files, pa.int32()), "list": pa.array(numbers, pa.int64())}
            ),
            "class_lists": pa.table(
                {
                    "list": pa.array(range(len(lists)), pa.int64()),
                    "classes": pa.array([list(classes) for classes in lists], pa.list_(pa.string())),
                }
            ),
        }
        for name, table in tables.items():
            self._linking.cursor.register(f"{name}_given", table)
            self._linking.run(f"CREATE TEMP TABLE {name} AS FROM {name}_given")
            self._linking.cursor.unregister(f"{name}_given")
        self._linking.run(_GIVEN)

    def _used(self) -> set[str]:
        """Classes that the label set has annotations of, or had before this."""
        linking = self._linking
        query = 'SELECT "class" FROM class_counts WHERE label_set = ? UNION SELECT "class" FROM pairs'
        return {
            name
            for (name,) in linking.cursor.execute(query, [linking.label_set]).fetchall()
            if name is not None
        }

    def _check(self) -> None:
        """Raises UsageError where a claim names attribute paths that the label set does not have."""
        linking = self._linking
        if self._claim.attributes:
            query = "SELECT path FROM path_counts WHERE label_set = ? UNION SELECT path FROM staged_leaves"
            paths = linking.cursor.execute(query, [linking.label_set]).fetchall()
            known = {path for (path,) in paths}
            _known_names(self._claim.attributes, known, what="attribute path", option="--covers-attributes")


def has_drawn(linking: Linking, *, annotations: str) -> bool:
    """Whether people drew objects, or nobody has labelled anything yet; a model's predictions are no labels."""
    query = f"""
        SELECT count(*), count(*) FILTER (kind = 'annotation' AND list_contains(?, geometry_type))
        FROM ({annotations})
    """  # noqa: S608 - our own SELECT
    row = linking.one(query, [list(_DRAWN)])
    assert row is not None
    return not row[0] or bool(row[1])


def _known_names(names: Iterable[str], known: Collection[str], *, what: str, option: str) -> None:
    unknown = [name for name in names if name not in known]
    if not unknown:
        return
    near = [match for name in unknown for match in _nearest(name, known)]
    meant = f"Did you mean {', '.join(dict.fromkeys(near))}?" if near else ""
    listed = ", ".join(sorted(known)[:8]) + (", …" if len(known) > 8 else "")
    raise UsageError(
        f"{option}: no {what} {', '.join(map(repr, unknown))} in this label set",
        hint=meant or (f"It has {listed}." if known else f"It has no {what}."),
    )


def _nearest(name: str, known: Collection[str]) -> list[str]:
    folded = {other.casefold(): other for other in known}
    return [folded[match] for match in difflib.get_close_matches(name.casefold(), sorted(folded), n=3)]


def _listed(classes: ClassCover) -> str:
    if isinstance(classes, str):
        return "no class"
    return ", ".join(classes) if len(classes) <= 8 else f"{len(classes)} classes"
