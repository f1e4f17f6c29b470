"""Proof that a generated catalog is as ingests would leave it: `datacat doctor`, and leaves made again from JSON."""

from __future__ import annotations

from collections import Counter, defaultdict

from datacat.catalog import Catalog
from datacat.ingest.attributes import Leaves

_DOCUMENTS = """
    SELECT annotation, attributes FROM annotations
    WHERE annotation IN (SELECT annotation FROM annotations ORDER BY hash(annotation, 1) LIMIT 5000)
"""


def prove(catalog: Catalog, *, with_doctor: bool = True) -> str:
    """A sentence that says what was compared.

    Raises:
        SystemExit: something is wrong.
    """
    if with_doctor and (findings := list(catalog.doctor())):
        raise SystemExit(f"datacat doctor: {findings}")
    cursor = catalog.cursor()
    documents = cursor.execute(_DOCUMENTS).fetchall()
    made = Leaves()
    for annotation, attributes in documents:
        made.extract(attributes.encode(), annotation)
    wanted = Counter(zip(made.rows, made.paths, made.texts, made.numbers, strict=True))
    stored = Counter(
        cursor.execute(
            "SELECT annotation, path, text, number FROM attribute_values WHERE annotation IN (SELECT unnest(?))",
            [[annotation for annotation, _ in documents]],
        ).fetchall()
    )
    if wanted != stored:
        differing: dict[int, list[object]] = defaultdict(list)
        for annotation, *leaf in (wanted - stored) + (stored - wanted):
            differing[annotation].append(leaf)
        raise SystemExit(f"the index says other than the attributes: {dict(list(differing.items())[:3])}")
    doctor = "datacat doctor finds nothing; " if with_doctor else ""
    return f"{doctor}{len(made):,} leaves of {len(documents):,} annotations are as ingest makes them"
