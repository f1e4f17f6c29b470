"""`about:"red tiles"`: ranks by what labels say and by likeness together, by reciprocal rank fusion.

The first thousand of each ranking count. An asset's score is the sum over both of 1 / (60 + its place); equals share a
place. (Cormack, Clarke and Büttcher: Reciprocal rank fusion outperforms Condorcet and individual rank learning methods,
SIGIR 2009, which has the 60.)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb
import pyarrow as pa

from datacat.query.compare import TRUE, Sql, joined, of_class, one_of
from datacat.query.plurals import comparable
from datacat.query.run import rows
from datacat.query.scope import is_filler
from datacat.query.vocabulary import Vocabulary
from datacat.query.words import class_meant

DEPTH = 1_000
_DAMPING = 60
_PUNCTUATION = ".,;:?!()'\""
_BEGINNING = r"(?:^|[^\pL\pM\pN_])"  # of a word; to RE2, \b knows ASCII alone
_SHOWN = 3  # labels that a reason names


@dataclass(frozen=True, slots=True)
class Fused:
    """Assets with their scores, best first, and what put each there."""

    ranked: tuple[tuple[int, float], ...]
    reasons: Mapping[int, str]


def fused(
    text: str,
    *,
    cursor: duckdb.DuckDBPyConnection,
    vocabulary: Vocabulary,
    allowed: Sql | None,
    alike: pa.Table | None,
) -> Fused:
    """Fuses both rankings.

    Args:
        text: what is asked for.
        cursor: shows one state.
        vocabulary: of that state.
        allowed: a table of the assets that may be found; None: all.
        alike: the assets most alike, best first: asset, score; None where nothing was embedded.
    """
    scores: dict[int, float] = {}
    reasons: dict[int, list[str]] = {}
    for place, asset, labels in said(text, cursor=cursor, vocabulary=vocabulary, allowed=allowed):
        scores[asset] = scores.get(asset, 0) + 1 / (_DAMPING + place)
        reasons.setdefault(asset, []).append(f"labels say {', '.join(labels[:_SHOWN])} (place {place})")
    likeness = [] if alike is None else alike.to_pylist()[:DEPTH]
    place, before = 0, None
    for number, row in enumerate(likeness, start=1):
        place, before = (place, before) if row["score"] == before else (number, row["score"])
        scores[row["asset"]] = scores.get(row["asset"], 0) + 1 / (_DAMPING + place)
        reasons.setdefault(row["asset"], []).append(f"looks like it {row['score']:.2f} (place {place})")
    ranked = sorted(scores.items(), key=lambda item: (-item[1], item[0]))
    return Fused(tuple(ranked), {asset: "; ".join(parts) for asset, parts in reasons.items()})


def said(
    text: str, *, cursor: duckdb.DuckDBPyConnection, vocabulary: Vocabulary, allowed: Sql | None
) -> list[tuple[int, int, list[str]]]:
    """Place, asset and labels of the assets whose labels have most of the words; equally many share a place.

    Words are looked for in class names, captions, values of attributes and of metadata, and in texts that are assets
    and stand in their label files.
    """
    words = dict.fromkeys(word.strip(_PUNCTUATION) for word in text.split())
    chosen = [word for word in words if word and not is_filler(word, vocabulary)]
    pieces = [piece for number, word in enumerate(chosen) for piece in _of_word(number, word, vocabulary)]
    if not pieces:
        return []
    within = TRUE if allowed is None else Sql("asset IN (FROM {})").filled(allowed)
    query = Sql(
        "SELECT rank() OVER (ORDER BY n DESC), asset, labels FROM (SELECT asset, count(DISTINCT word) AS n, "
        "list_sort(list(DISTINCT label)) AS labels FROM ({}) WHERE {} GROUP BY asset) ORDER BY n DESC, asset LIMIT ?",
        (DEPTH,),
    )
    return rows(cursor, query.filled(joined(" UNION ALL ", pieces), within))


def _of_word(number: int, word: str, vocabulary: Vocabulary) -> Sequence[Sql]:
    name = comparable(word)
    classes = {item.name for item in vocabulary.classes if name in comparable(item.name).split()}
    asked = [one_of("class", sorted(classes))] if classes else []
    if vocabulary.knows(name):
        asked.append(of_class(class_meant(word, vocabulary).members))
    forms = {form for one in (word, name) for form in (one.lower(), one.capitalize(), one.upper(), one)}
    is_value = one_of("text", sorted(forms))
    start = f"SELECT asset, {number} AS word, "
    pieces = [
        Sql(start + f"path || '=' || text AS label FROM {table} WHERE {{}}").filled(is_value)
        for table in ("attribute_values", "metadata_values")
    ]
    within = f"{_BEGINNING}{_escaped(word)}"
    caption = Sql(
        start + "'a text' AS label FROM annotations WHERE text IS NOT NULL AND regexp_matches(text, ?, 'i')",
        (within,),
    )
    # Tools keep a text that is no file of its own among the metadata of its asset.
    of_texts = "metadata_values SEMI JOIN (FROM assets WHERE media = 'text') USING (asset)"
    content = Sql(
        f"{start}'its text' AS label FROM {of_texts} WHERE number IS NULL AND regexp_matches(text, ?, 'i')",
        (within,),
    )
    if asked:
        labelled = Sql(start + "class AS label FROM annotations WHERE {}")
        pieces.append(labelled.filled(joined(" OR ", [Sql("({})").filled(piece) for piece in asked])))
    return [*pieces, caption, content]


def _escaped(word: str) -> str:
    """For RE2, which takes a backslash only before ASCII."""
    return "".join(letter if letter.isalnum() or not letter.isascii() else f"\\{letter}" for letter in word)
