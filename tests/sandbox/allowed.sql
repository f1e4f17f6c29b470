SELECT 1
FROM annotations
TABLE assets
VALUES (1, 'a'), (2, 'b')
SELECT count(*), count(DISTINCT class) FILTER (WHERE w > 1) FROM main.annotations GROUP BY ALL ORDER BY ALL
SELECT * EXCLUDE (x) REPLACE (w AS h) FROM annotations AS a (b) WHERE b BETWEEN 1 AND 2 AND NOT (class LIKE 'r%' OR w IN (1, 2))
SELECT COLUMNS('w|h'), COLUMNS(c -> c LIKE 'x%') FROM annotations LIMIT 10% OFFSET 3
WITH a AS MATERIALIZED (SELECT 1 AS x), b(y) AS (FROM a) SELECT * FROM b JOIN a ON x = y LEFT JOIN assets USING (asset)
WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 10) SELECT * FROM r
SELECT * FROM (WITH q AS (SELECT 1) FROM q) s, LATERAL (SELECT s.*), range(3), unnest([1, 2]), json_each('{}')
SELECT row_number() OVER w, lag(w, 1, 0) OVER (ORDER BY h ROWS BETWEEN 3 PRECEDING AND CURRENT ROW EXCLUDE TIES), sum(w) OVER (RANGE BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING), ntile(4) OVER w, nth_value(w, 2) OVER w, cume_dist() OVER w FROM annotations WINDOW w AS (PARTITION BY class ORDER BY w)
FROM annotations SELECT class QUALIFY rank() OVER (ORDER BY w) = 1
SELECT attributes->>'$.a.b', attributes->'$.a', json_extract_string(attributes, '$.a'), attributes::JSON FROM annotations
SELECT [x * 2 FOR x IN [1, 2] IF x > 1], list_transform([1], lambda x: x + 1), {'a': 1}.a, MAP {'k': 1}['k'], [1, 2][1:2], (1, 2)
SELECT CASE class WHEN 'a' THEN 1 ELSE 2 END, CAST(x AS INTEGER), TRY_CAST('a' AS INT), x::DECIMAL(10, 2)[], x::STRUCT(a INT, b VARCHAR), x::ENUM('a', 'b'), coalesce(x, 1), x IS NULL, x IS NOT DISTINCT FROM 1, nullif(x, 1), TRY(x) FROM annotations
SELECT INTERVAL 1 DAY, DATE '2026-01-01', TIMESTAMPTZ '2026-01-01 00:00:00Z', created AT TIME ZONE 'UTC', extract(year FROM created), 'x'::BLOB, 1.5, 1e300, NULL, true, -5, $$text$$, 170141183460469231731687303715884105727 FROM annotations
SELECT * FROM annotations UNION ALL BY NAME SELECT * FROM annotations INTERSECT SELECT * FROM annotations EXCEPT ALL FROM annotations
SELECT class, w FROM annotations GROUP BY GROUPING SETS ((class), (class, w), ()), CUBE (h) HAVING grouping(class) = 0
SELECT DISTINCT ON (class) * FROM annotations TABLESAMPLE reservoir(10 ROWS) REPEATABLE (3)
SELECT * FROM annotations WHERE asset IN (SELECT asset FROM assets) AND EXISTS (SELECT 1) AND w > ALL (SELECT 2) AND (x, y) IN (SELECT 1, 2)
SELECT string_agg(DISTINCT class, ',' ORDER BY class DESC NULLS LAST), quantile_cont(w, [0.1, 0.5]), mode() WITHIN GROUP (ORDER BY w), first(w IGNORE NULLS) OVER () FROM annotations
UNPIVOT annotations ON x, y INTO NAME name VALUE v
FROM annotations PIVOT (sum(w) AS s FOR class IN ('a' AS aa, 'b') GROUP BY kind)
SELECT a.class.upper(), 'a' ~ 'b', 'a' NOT ILIKE 'b' ESCAPE 'c', class COLLATE nocase, 5!, x ** y, @x FROM annotations a ASOF JOIN annotations b ON a.x >= b.x
SELECT current_date, now(), today(), uuid(), position('a' IN class), substring(class FROM 1 FOR 2), trim(BOTH 'x' FROM class) FROM annotations SEMI JOIN assets USING (asset) NATURAL JOIN assets POSITIONAL JOIN assets CROSS JOIN assets
