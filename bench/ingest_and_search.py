"""Ingest and search against plain DuckDB, as ratios in one run.

    python bench/ingest_and_search.py [--annotations 1000000] [--images 143000] [--out bench/out]

Prints three tables:

1. Ingest: the wall time of `datacat ingest` for all teams' label files against the time DuckDB's `read_json` needs to
   parse the same files into tables (both whole processes), aim: within 4 times.
2. Memory: the peak of the whole process tree while ingesting a label file, and one 20 times larger; aim: flat.
3. Queries: warm medians of `Catalog.search` against the same question in DuckDB over one Parquet file with a JSON
   column, sorted by class; once only the count, once the count and the first 50 names with their matching
   annotations. Both sides have the same threads; the answers are compared. Aim: the nested ones at
   least 5 times faster.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path

import duckdb
from generate import Team, generate, write_coco
from measure import Run, median_s, run

import datacat
from datacat.catalog import Catalog

_PAGE = 50

# Name, query, condition of the same question in SQL over a row per annotation with a JSON column.
QUERIES = (
    ("class", "class_003", "class = 'class_003'"),
    (
        "two nested keys",
        "[condition.score>0.9 condition.inspector.name=insp7]",
        "(attributes->>'$.condition.score')::DOUBLE > 0.9 AND (attributes->>'$.condition.inspector.name') = 'insp7'",
    ),
    (
        "class and two nested keys",
        "class_000[material=slate condition.score>0.8]",
        "class = 'class_000' AND (attributes->>'$.material') = 'slate'"
        " AND (attributes->>'$.condition.score')::DOUBLE > 0.8",
    ),
    ("rare key", "has:survey.flag", "json_exists(attributes, '$.survey.flag')"),
)
FACET_PATH = "material"


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--annotations", type=int, default=1_000_000)
    parser.add_argument("--images", type=int, default=143_000)
    parser.add_argument("--teams", type=int, default=12)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "out")
    parser.add_argument("--only", choices=["ingest", "queries", "memory"], help="Only that part.")
    chosen = parser.parse_args()
    corpus = chosen.out / f"corpus-{chosen.annotations}"
    teams = generate(corpus, annotations=chosen.annotations, images=chosen.images, teams=chosen.teams)
    catalog = chosen.out / "catalog"
    if chosen.only in (None, "ingest"):
        _ingest(teams, catalog=catalog)
    if chosen.only not in ("queries", "ingest"):
        _memory(chosen.out, annotations=chosen.annotations * 5 // 12)
    if chosen.only != "memory":  # of the catalog that this run or the last one made
        _queries(teams, catalog=catalog, out=chosen.out)


def _ingest(teams: list[Team], *, catalog: Path) -> None:
    shutil.rmtree(catalog, ignore_errors=True)
    datacat.init(str(catalog))
    ours = [_ingested(team.path, catalog=catalog, team=team.name) for team in teams]
    theirs = [
        run([sys.executable, __file__.replace("ingest_and_search", "parse"), str(team.path)])
        for team in teams
    ]
    megabytes = sum(team.path.stat().st_size for team in teams) / 1e6
    ours_s, theirs_s = sum(r.wall_s for r in ours), sum(r.wall_s for r in theirs)
    print(f"\nINGEST  {megabytes:,.0f} MB of COCO in {len(teams)} files, whole processes")
    print(f"  datacat ingest        {ours_s:7.1f} s")
    print(f"  duckdb read_json      {theirs_s:7.1f} s")
    print(f"  ratio                 {ours_s / theirs_s:7.2f}   (aim: at most 4)")


def _ingested(path: Path, *, catalog: Path, team: str) -> Run:
    command = [sys.executable, "-m", "datacat", "ingest", str(path), "--team", team, "--name", "bench"]
    return run([*command, "--catalog", str(catalog)])


def _memory(out: Path, *, annotations: int) -> None:
    peaks = []
    for factor in (1, 20):
        folder = out / f"memory-{annotations}-{factor}"
        path = folder / "instances.json"
        if not path.exists():
            write_coco(
                path, annotations=annotations * factor, images=annotations * factor // 7, schema=0, seed=1
            )
        catalog = folder / "catalog"
        shutil.rmtree(catalog, ignore_errors=True)
        datacat.init(str(catalog))
        peaks.append((path.stat().st_size / 1e6, _ingested(path, catalog=catalog, team="memory").peak_mb))
        shutil.rmtree(catalog)
    print("\nMEMORY  peak of the process tree")
    for megabytes, peak_mb in peaks:
        print(f"  a file of {megabytes:7.1f} MB   {peak_mb:7.0f} MB")
    print(
        f"  ratio                 {peaks[1][1] / peaks[0][1]:7.2f}   (aim: flat, for a file 20 times larger)"
    )


def _queries(teams: list[Team], *, catalog: Path, out: Path) -> None:
    cat = datacat.open(str(catalog))
    connection = duckdb.connect()
    connection.execute("SET threads = " + str(cat.settings.thread_count))
    parquet = _json_parquet(connection, teams, out=out)
    print(f"\nQUERIES  warm median, {cat.settings.thread_count} threads, ms")
    print(f"  {'':36}{'datacat':>9}{'JSON column':>13}{'ratio':>8}{'assets':>10}")
    for name, query, condition in QUERIES:
        source = f"FROM read_parquet('{parquet}') WHERE {condition}"
        count = f"SELECT count(DISTINCT asset) {source}"
        found, expected = cat.search(query, limit=1).count(), connection.execute(count).fetchone()
        assert expected is not None
        if found != expected[0]:
            raise SystemExit(f"{query}: {found} assets, but the JSON column says {expected[0]}")
        _row(
            f"{name}, counted",
            median_s(lambda query=query: cat.search(query).count()),
            median_s(lambda count=count: connection.execute(count).fetchone()),
            found,
        )
        _row(
            f"{name}, a page with matches",
            median_s(lambda query=query: _page_and_count(cat, query)),
            median_s(lambda source=source, count=count: _their_page(connection, source, count)),
            found,
        )
    _facet(cat, connection, parquet=parquet)


def _facet(cat: Catalog, connection: duckdb.DuckDBPyConnection, *, parquet: Path) -> None:
    facet = (
        f"SELECT (attributes->>'$.{FACET_PATH}') AS value, count(*) AS n FROM read_parquet('{parquet}') "
        "WHERE value IS NOT NULL GROUP BY value ORDER BY n DESC, value LIMIT 20"
    )
    ours_s = median_s(lambda: cat.values(FACET_PATH, limit=20))
    theirs_s = median_s(lambda: connection.execute(facet).fetchall())
    ours = [(row["value"], row["annotations"]) for row in cat.values(FACET_PATH, limit=20).to_pylist()]
    if ours != connection.execute(facet).fetchall():
        raise SystemExit("the facets differ")
    _row(f"facet of {FACET_PATH}", ours_s, theirs_s, len(ours))


def _row(name: str, ours_s: float, theirs_s: float, found: int) -> None:
    print(f"  {name:36}{ours_s * 1e3:9.1f}{theirs_s * 1e3:13.1f}{theirs_s / ours_s:7.1f}x{found:10,}")


def _their_page(connection: duckdb.DuckDBPyConnection, source: str, count: str) -> None:
    connection.execute(count).fetchone()
    page = f"SELECT DISTINCT asset {source} ORDER BY asset LIMIT {_PAGE}"
    names = [name for (name,) in connection.execute(page).fetchall()]
    listed = ", ".join(f"'{name}'" for name in names)
    connection.execute(f"SELECT asset, class {source} AND asset IN ({listed})").fetchall()


def _page_and_count(cat: Catalog, query: str) -> None:
    hits = cat.search(query, limit=_PAGE)
    list(hits)
    hits.count()


def _json_parquet(connection: duckdb.DuckDBPyConnection, teams: list[Team], *, out: Path) -> Path:
    """What one would write without datacat: a row an annotation, its attributes as JSON, sorted by class."""
    path = out / "json.parquet"
    parts = " UNION ALL BY NAME ".join(
        f"""SELECT i.file_name AS asset, c.name AS class, a.attributes::JSON AS attributes
            FROM (SELECT unnest(annotations) AS a, '{team.path}' AS f FROM read_json('{team.path}', {_BIG})) AS x
            JOIN (SELECT unnest(images) AS i FROM read_json('{team.path}', {_BIG})) ON i.id = a.image_id
            JOIN (SELECT unnest(categories) AS c FROM read_json('{team.path}', {_BIG})) ON c.id = a.category_id"""
        for team in teams
    )
    connection.execute(f"COPY ({parts} ORDER BY class, asset) TO '{path}' (FORMAT parquet, COMPRESSION zstd)")
    return path


_BIG = (
    "maximum_object_size=2000000000, columns={images: 'STRUCT(id BIGINT, file_name VARCHAR)[]', "
    "categories: 'STRUCT(id BIGINT, name VARCHAR)[]', "
    "annotations: 'STRUCT(image_id BIGINT, category_id BIGINT, attributes JSON)[]'}"
)

if __name__ == "__main__":
    main()
