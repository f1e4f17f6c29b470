"""Which assets are one picture under several addresses: the table `copies`, kept up in the commit that changes assets.

Two assets are copies of each other where their bytes have the same sha256. Of objects on S3 whose bytes could not be
read, the same ETag and size say so too; not across schemes, as an ETag says how an object was uploaded. What is
missing, of no bytes, or stands in a label file itself is nobody's copy.
"""

from __future__ import annotations

from datacat.tables.linking import Linking

_THERE = "NOT is_missing AND coalesce(size, 1) > 0 AND NOT contains(uri, '#task-')"
_TAG = "CASE WHEN starts_with(uri, 's3://') THEN size::VARCHAR || ' ' || etag END"
_COPIES = f"""
    WITH there AS (SELECT asset, digest, {_TAG} AS tag FROM ({{0}}) WHERE {_THERE}),
    -- What has no digest has that of an object with its ETag and size, unless these have several.
    tagged AS (SELECT tag, min(digest) AS digest FROM there WHERE tag IS NOT NULL GROUP BY tag
               HAVING bool_or(there.digest IS NULL) AND min(there.digest) IS NOT DISTINCT FROM max(there.digest)),
    keyed AS (SELECT asset, coalesce(there.digest, tagged.digest, there.tag) AS content_key
              FROM there LEFT JOIN tagged ON there.digest IS NULL AND there.tag = tagged.tag),
    firsts AS (SELECT content_key, min(asset) AS content FROM keyed WHERE content_key IS NOT NULL
               GROUP BY content_key HAVING count(*) > 1)
    SELECT asset, content FROM keyed JOIN firsts USING (content_key) WHERE asset <> content
"""  # noqa: S608 - our own words
# The assets as they are after a linking; those that become others as they were before it.
_AFTER = "SELECT * FROM coming UNION ALL BY NAME FROM assets WHERE asset NOT IN (FROM reshaped)"
_BEFORE = "SELECT * FROM coming UNION ALL BY NAME FROM assets WHERE asset IN (FROM reshaped)"
_TOUCHED = f"CREATE TEMP TABLE touched AS SELECT digest, {_TAG} AS tag FROM ({_BEFORE}) WHERE {_THERE}"  # noqa: S608
# Objects that are known by ETag and size alone, and those that have the same.
_BY_TAG = f"""
    CREATE TEMP TABLE by_tag AS
    WITH after AS ({_AFTER}),
    blind AS (SELECT DISTINCT {_TAG} AS tag FROM after WHERE digest IS NULL AND {_THERE}
              AND starts_with(uri, 's3://') AND etag IS NOT NULL),
    tagged AS (SELECT {_TAG} AS tag, digest FROM after WHERE {_THERE})
    SELECT DISTINCT tag, digest FROM tagged SEMI JOIN blind USING (tag)
    WHERE tag IN (SELECT tag FROM touched) OR digest IN (SELECT digest FROM touched)
"""  # noqa: S608 - our own words
_INVOLVED = f"""
    CREATE TEMP TABLE involved AS
    WITH after AS (SELECT asset, uri, digest, etag, size, is_missing FROM ({_AFTER}))
    FROM after WHERE digest IN (SELECT digest FROM touched UNION SELECT digest FROM by_tag)
    UNION ALL
    FROM after WHERE digest IS NULL AND {_TAG} IN (SELECT tag FROM touched UNION SELECT tag FROM by_tag)
"""  # noqa: S608 - our own words
_OTHERS = "(SELECT asset FROM involved UNION FROM reshaped)"
GOES = f"(asset IN {_OTHERS} OR content IN {_OTHERS})"
"""A condition on the rows of `copies` that `fresh_copies` replaces."""


def copies(assets: str) -> str:
    """A SELECT of asset and content: which of some assets, given as a SELECT of their rows, are copies of which.

    The least number stands for all, so that a copy that is found later takes nobody's place.
    """
    return _COPIES.format(assets)


def changed_copies(linking: Linking, *, coming: str) -> bool:
    """Makes the table `fresh_copies` of the rows of `copies` that come in place of those for which `GOES` holds.

    Args:
        linking: has `updated_assets` and `forgotten`.
        coming: a SELECT of the rows of `assets` that come, new ones and changed ones.

    Returns:
        Whether there are others than before.
    """
    linking.run(
        "CREATE TEMP TABLE reshaped AS SELECT asset FROM updated_assets UNION SELECT asset FROM forgotten"
    )
    linking.run(f"CREATE TEMP TABLE coming AS {coming}")
    linking.run(_TOUCHED)
    if not linking.count("touched WHERE digest IS NOT NULL OR tag IS NOT NULL"):
        return False
    linking.store.show(linking.cursor, linking.state, kinds=["copies"])
    linking.run(_BY_TAG)
    linking.run(_INVOLVED)
    linking.run(f"CREATE TEMP TABLE fresh_copies AS {copies('FROM involved')}")
    old = f"(SELECT asset, content FROM copies WHERE {GOES})"  # noqa: S608 - our own words
    differing = f"((FROM fresh_copies EXCEPT FROM {old}) UNION ALL (FROM {old} EXCEPT FROM fresh_copies))"
    return linking.count(differing) > 0


def may_be_copies(linking: Linking, *, assets: str) -> bool:
    """Whether some other assets, given as a SELECT of their rows, have bytes that come or go with a linking."""
    same = f"digest IN (SELECT digest FROM touched) OR {_TAG} IN (SELECT tag FROM touched)"  # noqa: S608
    return linking.count(f"({assets}) WHERE {same}") > 0
