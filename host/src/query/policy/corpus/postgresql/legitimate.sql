-- Statements that must pass. Each begins at a line `--!`.
-- They run on any PostgreSQL from 14 on without tables of their own, unless a note says otherwise.
--!
SELECT 1
--!
SELECT 1;
--!
  select 1  ;  -- with a comment
--!
/* first */ SELECT /* second */ 1 -- third
--!
(SELECT 1)
--!
((SELECT 1) UNION ALL (SELECT 2)) ORDER BY 1 LIMIT 1
--!
VALUES (1), (2)
--!
VALUES (1, 'a'), (2, 'b') ORDER BY 1 DESC LIMIT 1
--!
TABLE pg_catalog.pg_class
--!
SELECT
--!
SHOW server_version
--!
SHOW ALL
--!
SHOW TIME ZONE
--!
EXPLAIN SELECT 1
--!
EXPLAIN (ANALYZE) SELECT 1
--!
EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) SELECT count(*) FROM pg_class
--!
EXPLAIN VERBOSE VALUES (1)
--!
SELECT 'DELETE FROM accounts; DROP TABLE accounts' AS text
--!
SELECT 'a;b' AS "UPDATE", $$; DROP TABLE x; $$ AS "DELETE FROM"
--!
SELECT $tag$it's; fine$tag$
--!
SELECT 'it''s', E'a\nb', U&'\0041', B'101', X'1F'
--!
SELECT 'C:\temp\new' AS path
--!
SELECT 1 AS "lo_create", 2 AS "nextval"
--!
SELECT count(*) FROM pg_class WHERE relname ~ '^pg_\d+' OR relname LIKE 'pg\_%'
--!
SELECT $1::int + 1 AS next
--!
SELECT relname, count(*) OVER (PARTITION BY relkind ORDER BY relname ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM pg_class
--!
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY relpages) FROM pg_class
--!
SELECT mode() WITHIN GROUP (ORDER BY relkind), count(*) FILTER (WHERE relkind = 'r') FROM pg_class
--!
SELECT relkind, count(*) FROM pg_class GROUP BY ROLLUP (relkind) HAVING count(*) > 0
--!
SELECT relkind, relpersistence, grouping(relkind), count(*) FROM pg_class GROUP BY GROUPING SETS ((relkind), (relpersistence), ())
--!
SELECT rank() OVER w, lag(relname) OVER w FROM pg_class WINDOW w AS (ORDER BY relname)
--!
SELECT DISTINCT ON (relkind) relkind, relname FROM pg_class ORDER BY relkind, relname
--!
WITH a AS (SELECT 1 AS n), b AS MATERIALIZED (SELECT n + 1 AS n FROM a) SELECT * FROM a JOIN b USING (n)
--!
WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 5) SELECT sum(n) FROM r
--!
WITH RECURSIVE t(a, b) AS (VALUES (1, 2) UNION ALL SELECT b, a FROM t WHERE a < 2) CYCLE a, b SET is_cycle USING path SELECT * FROM t
--!
WITH RECURSIVE t(n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM t WHERE n < 3) SEARCH DEPTH FIRST BY n SET o SELECT * FROM t ORDER BY o
--!
SELECT 1 UNION SELECT 2 INTERSECT SELECT 2 EXCEPT ALL SELECT 3
--!
SELECT * FROM pg_class c LEFT JOIN pg_namespace n ON n.oid = c.relnamespace CROSS JOIN LATERAL (SELECT c.relname || '!' AS x) l LIMIT 1
--!
SELECT * FROM (VALUES (1, 'a')) AS t(id, name) NATURAL JOIN (VALUES (1, true)) AS u(id, ok)
--!
SELECT * FROM generate_series(1, 3) WITH ORDINALITY AS g(n, ord)
--!
SELECT * FROM ROWS FROM (generate_series(1, 2), unnest(ARRAY['a', 'b'])) AS t(n, s)
--!
SELECT * FROM json_to_recordset('[{"a": 1, "b": "x"}]') AS t(a int, b text)
--!
SELECT * FROM pg_class TABLESAMPLE BERNOULLI (10) REPEATABLE (42)
--!
SELECT * FROM ONLY pg_class LIMIT 1
--!
SELECT CASE relkind WHEN 'r' THEN 'table' ELSE 'other' END FROM pg_class LIMIT 1
--!
SELECT coalesce(NULL, 1), nullif(1, 2), greatest(1, 2), least(1, 2)
--!
SELECT 1 IN (1, 2), 1 BETWEEN 0 AND 2, 1 = ANY (ARRAY[1, 2]), 'a' SIMILAR TO 'a|b', 'A' ILIKE 'a'
--!
SELECT NULL IS NULL, true IS NOT FALSE, 1 IS DISTINCT FROM 2, (1, 2) < (1, 3)
--!
SELECT EXISTS (SELECT 1), ARRAY(SELECT 1), (SELECT 1), 1 IN (SELECT 1), 1 < ALL (SELECT 2)
--!
SELECT (ARRAY[1, 2, 3])[2], (ARRAY[1, 2, 3])[1:2], ARRAY[[1, 2], [3, 4]]
--!
SELECT ('{"a": {"b": 1}}'::jsonb)['a']['b'], '{"a": 1}'::json ->> 'a', '{"a": 1}'::jsonb @> '{}'
--!
SELECT (ROW(1, 'a')).f1, (pg_identify_object('pg_class'::regclass, 'pg_class'::regclass, 0)).*
--!
SELECT now(), current_date, current_timestamp(3), localtime, current_user, session_user, current_schema, current_catalog
--!
SELECT extract(epoch FROM now()), date_trunc('month', now()), now() AT TIME ZONE 'UTC', now() - interval '1 day'
--!
SELECT (DATE '2024-01-01', DATE '2024-02-01') OVERLAPS (DATE '2024-01-15', DATE '2024-03-01')
--!
SELECT substring('abc' FROM 2 FOR 1), position('b' IN 'abc'), trim(BOTH 'x' FROM 'xax'), overlay('abc' PLACING 'X' FROM 2)
--!
SELECT cast('1' AS numeric(10, 2)), '{1}'::int[], 'a' COLLATE "C", int '1'
--!
SELECT string_agg(relname, ', ' ORDER BY relname), array_agg(DISTINCT relkind), jsonb_object_agg(relname, relkind) FROM pg_class
--!
SELECT xmlelement(name a, xmlattributes(1 AS b), 'c'), xmlforest(1 AS d)
--!
SELECT * FROM xmltable('/r/x' PASSING '<r><x>1</x></r>' COLUMNS n int PATH '.')
--!
SELECT make_interval(days => 1), format('%s', 1), format('%s', VARIADIC ARRAY['x'])
--!
SELECT random(), setseed(0.5), gen_random_uuid(), clock_timestamp()
--!
SELECT pg_sleep(0)
--!
SELECT pg_size_pretty(pg_total_relation_size('pg_class')), pg_database_size(current_database())
--!
SELECT pg_typeof(1), pg_get_viewdef('pg_views'::regclass), pg_get_userbyid(10), pg_table_is_visible('pg_class'::regclass)
--!
SELECT pid, state, query FROM pg_stat_activity
--!
SELECT * FROM pg_locks
--!
SELECT name, setting FROM pg_settings WHERE name = current_setting('server_version')
--!
SELECT table_schema, table_name FROM information_schema.tables ORDER BY 1, 2
--!
SELECT has_table_privilege('pg_class', 'SELECT'), obj_description('pg_class'::regclass), to_regclass('nope')
--!
SELECT relname FROM pg_class WHERE oid = 'pg_class'::regclass
--!
SELECT to_tsvector('english', 'a fat cat') @@ to_tsquery('cat & fat'), ts_headline('a fat cat', 'cat'::tsquery), ts_rewrite('a'::tsquery, 'a'::tsquery, 'b'::tsquery)
--!
SELECT query_to_xml('SELECT relname FROM pg_class LIMIT 1', true, false, '')
--!
SELECT word FROM ts_stat($$SELECT to_tsvector('a fat cat')$$) ORDER BY nentry DESC
--!
SELECT 1 OPERATOR(pg_catalog.+) 2
--!
SELECT regexp_matches('a1b2', '\d', 'g'), regexp_replace('a', 'a', '\\'), split_part('a,b', ',', 2)
--!
SELECT width_bucket(5, 0, 10, 5), round(1.5), power(2, 10), sqrt(2), 10 % 3, 2 ^ 3, |/ 4, @ -1
--!
SELECT int4range(1, 10) && int4range(5, 15), '[1,2)'::int4range @> 1, point(1, 2) <-> point(3, 4)
--!
SELECT inet '192.168.0.1' << inet '192.168.0.0/16', macaddr '08:00:2b:01:02:03'
--!
SELECT lastval FROM (VALUES (1)) AS t(lastval)
--!
SELECT t.pg_rating, t.lo_custkey, t.crosstab_count FROM (VALUES (1, 2, 3)) AS t(pg_rating, lo_custkey, crosstab_count)
--!
SELECT "Order Items"."Unit Price" AS "Unit Price" FROM (VALUES (1)) AS "Order Items"("Unit Price")
--!
SELECT * FROM pg_class ORDER BY relname COLLATE "C" DESC NULLS LAST OFFSET 1 ROW FETCH FIRST 2 ROWS WITH TIES
--!
SELECT c.*, c::text FROM pg_class c ORDER BY c.relname USING > LIMIT 1
--!
SELECT count(*) AS "text; DROP TABLE x" FROM pg_class AS "INSERT INTO"
--!
SELECT 1 AS é, '日本語' AS "ключ", '😀'
--!
SELECT t.http_status, t.http_method, t.read_only FROM (VALUES (200, 'GET', true)) AS t(http_status, http_method, read_only)
--!
SELECT http, set_limit FROM (VALUES (1, 2)) AS t(http, set_limit)
--!
SELECT relname, n_live_tup, last_analyze FROM pg_stat_user_tables
--!
SELECT TREAT('2024-01-01' AS date), COLLATION FOR ('a' COLLATE "C")
--!
SELECT pg_get_functiondef('pg_sleep'::regproc), pg_get_expr(NULL, 0), pg_get_serial_sequence('pg_class', 'oid')
--!
SELECT 'DELETE', "delete" FROM (VALUES (1)) AS "update"("delete")
--!
SELECT json_agg(x), row_to_json(ROW(1, 2)), jsonb_path_query('[1]', '$[*]') FROM (VALUES (1)) t(x)
--!
SELECT * FROM generate_series(timestamp '2024-01-01', '2024-01-02', '1 hour') AS g LIMIT 3
--!
EXPLAIN (COSTS OFF) WITH x AS MATERIALIZED (SELECT 1) TABLE x
--!
SELECT c.relname FROM pg_class c WHERE c.relname IN (SELECT table_name FROM information_schema.tables) FETCH FIRST ROW ONLY
