SELECT 1; SELECT 2
SELECT 1; COPY assets TO 'x'
COPY assets TO '/tmp/datacat-escaped'
COPY (SELECT 1) TO '/tmp/datacat-escaped'
COPY assets FROM '/tmp/datacat-escaped'
WITH a AS (COPY (SELECT 1) TO '/tmp/datacat-escaped') SELECT 1
WITH a AS (INSERT INTO assets VALUES (1) RETURNING *) FROM a
WITH a AS (DELETE FROM assets RETURNING *) FROM a
INSERT INTO assets VALUES (1)
UPDATE assets SET width = 1
DELETE FROM assets
TRUNCATE assets
CREATE TABLE t AS SELECT 1
CREATE MACRO m(x) AS x
CREATE SECRET (TYPE s3)
CREATE OR REPLACE VIEW assets AS SELECT 1
DROP VIEW assets
ALTER TABLE assets RENAME TO t
ATTACH '/tmp/datacat-escaped.db'
DETACH memory
USE memory
EXPORT DATABASE '/tmp/datacat-escaped'
IMPORT DATABASE '/tmp/datacat-escaped'
INSTALL httpfs
LOAD httpfs
SET threads = 1
SET allowed_paths = ['/etc/passwd']
RESET enable_external_access
SET VARIABLE x = 1
PRAGMA database_list
PRAGMA enable_profiling
CALL pragma_version()
CHECKPOINT
VACUUM
EXPLAIN SELECT 1
EXPLAIN ANALYZE SELECT 1
DESCRIBE assets
SHOW TABLES
SUMMARIZE assets
FROM (DESCRIBE assets)
FROM (SHOW ALL TABLES)
FROM (SUMMARIZE '/etc/passwd')
PREPARE q AS SELECT 1
EXECUTE q
BEGIN
FROM '/etc/passwd'
FROM 'data.csv'
FROM "s3://bucket/x.parquet"
FROM 'https://example.com/x.csv'
SELECT * FROM assets, '/etc/passwd'
SELECT * FROM assets WHERE asset IN (FROM 'x.parquet')
SELECT (SELECT word FROM 'x.csv')
SELECT CASE WHEN true THEN (SELECT 1 FROM 'x.csv') END
SELECT sum(1) OVER (ORDER BY (SELECT 1 FROM 'x.csv'))
SELECT 1 ORDER BY (FROM 'x.csv')
SELECT 1 LIMIT (SELECT 1 FROM 'x.csv')
SELECT list_transform([1], lambda x: (SELECT 1 FROM 'x.csv'))
WITH "x.csv" AS (SELECT 1) SELECT * FROM "x.csv"
SELECT * FROM (WITH q AS (SELECT 1) FROM q), q
WITH a AS (FROM b), b AS (SELECT 1) FROM a
WITH a AS (FROM a) FROM a
FROM read_csv('/etc/passwd')
FROM read_text('/etc/passwd')
FROM read_blob('/etc/passwd')
FROM read_parquet('/tmp/datacat-escaped')
FROM parquet_metadata('/tmp/datacat-escaped')
FROM read_json('/tmp/datacat-escaped')
FROM read_ndjson_objects('/tmp/datacat-escaped')
FROM sniff_csv('/etc/passwd')
FROM glob('/*')
FROM read_duckdb('/tmp/datacat-escaped')
FROM sqlite_scan('x', 'y')
FROM arrow_scan(1, 2, 3)
FROM python_map_function(1)
FROM query('SELECT 1')
FROM query_table('assets')
FROM json_execute_serialized_sql('{}')
FROM duckdb_settings()
FROM duckdb_settings
FROM duckdb_secrets()
FROM duckdb_logs
FROM which_secret('s3://x', 's3')
FROM pragma_table_info('assets')
FROM pragma_database_size()
FROM enable_logging()
FROM checkpoint()
FROM information_schema.tables
FROM pg_catalog.pg_tables
FROM sqlite_master
FROM stored.assets
FROM system.main.assets
FROM temp.assets
FROM ASSETS.annotations
SELECT getenv('HOME')
SELECT current_setting('temp_directory')
SELECT getvariable('x')
SELECT json_serialize_sql('SELECT 1')
SELECT json_execute_serialized_sql('x')
SELECT write_log('x')
SELECT pg_sleep(1)
SELECT sleep_ms(10)
SELECT nextval('s')
SELECT setseed(0.5)
SELECT current_query()
SELECT version()
SELECT main.getenv('HOME')
SELECT a.getenv() FROM assets a
SELECT read_text('/etc/passwd')
SELECT getenv('X') OVER () FROM assets
SELECT 1 FROM assets AT (VERSION => 1)
SELECT ?
SELECT $a
PIVOT assets ON media USING count(*)
