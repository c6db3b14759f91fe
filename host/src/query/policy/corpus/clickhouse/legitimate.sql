-- Statements that must pass. Each begins at a line `--!`.
-- They run on ClickHouse 26.9 with the objects of setup.sql, unless the header says `; parameters`, or
-- `; engine` where the engine's own read-only mode is stricter than it need be.
--!
SELECT 1
--!
SELECT 1;
--!
  select 1  ;  -- with a comment
--!
/* first */ SELECT /* second */ 1 // third
--!
SELECT 1 # comment
--!
(SELECT 1)
--!
SELECT 1 UNION ALL SELECT 2 UNION DISTINCT SELECT 3
--!
(SELECT 1 UNION ALL SELECT 2) INTERSECT SELECT 1 EXCEPT SELECT 2
--!
FROM accounts SELECT id LIMIT 1
--!
WITH 1 AS x SELECT x
--!
WITH 1 AS a, (SELECT max(id) FROM accounts) AS m, t AS (SELECT a AS b) SELECT b, m FROM t
--!
WITH x -> x + 1 AS f SELECT f(1)
--!
WITH RECURSIVE t AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM t WHERE n < 3) SELECT * FROM t
--!
SELECT 'DROP TABLE accounts; FORMAT JSON SETTINGS x = 1' AS text
--!
SELECT 'a;b' AS `INTO OUTFILE`, 'it''s', 'it\'s', "text" FROM (SELECT 1 AS text)
--!
SELECT $tag$it's; fine -- $tag$, $$url('x')$$
--!
SELECT 1 AS `a``b`, 2 AS "c""d", 3 AS `file`, 4 AS settings
--!
SELECT format, settings FROM (SELECT 1 AS format, 2 AS settings) ORDER BY 1 DESC
--!
SELECT format('{} {}', 'a', 'b'), formatDateTime(now(), '%Y')
--!
SELECT * FROM numbers(3)
--!
SELECT * FROM numbers_mt(3) AS a, numbers(2) AS z
--! ; engine
SELECT * FROM numbers_mt(3) AS a, zeros(2) AS z
--!
SELECT * FROM generate_series(1, 3) AS g JOIN generateSeries(1, 3) AS h USING (generate_series)
--!
SELECT * FROM generateRandom('a UInt8, b String') LIMIT 2
--!
SELECT * FROM values('a UInt8, b String', (1, 'x'), (2, 'y'))
--!
SELECT * FROM VALUES('a UInt8', 1, 2)
--!
SELECT * FROM null('a UInt8')
--!
SELECT * FROM view(SELECT 1 AS a)
--!
SELECT id FROM accounts SAMPLE 1 / 2 OFFSET 1 / 10 PREWHERE id > 1 WHERE balance > 0
--!
SELECT * FROM versions FINAL
--!
SELECT v.id FROM versions AS v FINAL WHERE v.id = 1
--!
SELECT id, tag, n FROM accounts ARRAY JOIN tags AS tag, arrayEnumerate(tags) AS n WHERE id < 3
--!
SELECT id, tag FROM accounts LEFT ARRAY JOIN tags AS tag PREWHERE id = 1
--!
SELECT id FROM accounts ORDER BY id LIMIT 1 BY parent LIMIT 5
--!
SELECT id FROM accounts LIMIT 1 OFFSET 1 BY parent
--!
SELECT id FROM accounts ORDER BY id LIMIT 2 WITH TIES
--!
SELECT id FROM accounts ORDER BY id LIMIT 5, 10
--!
SELECT id FROM accounts ORDER BY id OFFSET 2 ROWS FETCH NEXT 2 ROWS ONLY
--!
SELECT DISTINCT ON (parent) id FROM accounts
--!
SELECT TOP 1 id FROM accounts
--!
SELECT parent, count() FROM accounts GROUP BY parent WITH TOTALS
--!
SELECT parent, count() FROM accounts GROUP BY parent WITH ROLLUP HAVING count() > 0
--!
SELECT parent, grouping(parent) FROM accounts GROUP BY GROUPING SETS ((parent), ())
--!
SELECT parent FROM accounts GROUP BY ALL ORDER BY ALL
--!
SELECT number FROM numbers(3) ORDER BY number WITH FILL FROM 0 TO 10 STEP 2
--!
SELECT number, number AS x FROM numbers(3) ORDER BY number WITH FILL TO 6 INTERPOLATE (x AS x + 1)
--!
SELECT * FROM accounts AS a GLOBAL ANY LEFT JOIN staging AS b USING (id)
--!
SELECT a.id FROM accounts AS a ASOF LEFT JOIN staging AS b ON a.parent = b.id AND a.id >= b.id
--!
SELECT a.id FROM accounts AS a LEFT SEMI JOIN staging AS b ON a.id = b.id
--!
SELECT a.id FROM accounts AS a LEFT ANTI JOIN staging AS b ON a.id = b.id
--!
SELECT a.id FROM accounts a INNER ANY JOIN staging b ON a.id = b.id CROSS JOIN numbers(2) AS n
--!
SELECT COLUMNS('b') APPLY(sum) FROM accounts
--!
SELECT COLUMNS('a') EXCEPT (parent) FROM accounts
--!
SELECT * EXCEPT (tags, at) REPLACE (id + 1 AS id) FROM accounts
--!
SELECT * EXCEPT tags APPLY toString FROM accounts
--!
SELECT * APPLY(x -> toString(x)) FROM staging
--!
SELECT id FROM accounts QUALIFY row_number() OVER (ORDER BY id) < 3
--!
SELECT id, sum(balance) OVER (PARTITION BY parent ORDER BY id ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW), lagInFrame(id) OVER w FROM accounts WINDOW w AS (ORDER BY id)
--!
SELECT quantile(0.9)(id), quantiles(0.5, 0.9)(id), sumIf(id, id > 1), argMax(id, balance), uniqExact(id, parent), groupArray(3)(id) FROM accounts
--!
SELECT count(), count(*), count(DISTINCT parent), sum(id) FILTER (WHERE id > 1), any(parent) RESPECT NULLS FROM accounts
--!
SELECT CAST(1 AS Nullable(UInt8)), 1::Int32, '1'::Decimal(10, 2), CAST('a', 'String'), [1, 2]::Array(UInt8), CAST('x' AS Enum8('x' = 1)), map('a', 1)::Map(String, UInt64)
--!
SELECT now() - INTERVAL 1 DAY, INTERVAL '1 day', toDate('2020-01-01') + INTERVAL 1 MONTH, toStartOfInterval(now(), INTERVAL 5 MINUTE)
--!
SELECT EXTRACT(YEAR FROM now()), trim(BOTH 'a' FROM 'aba'), substring('abc' FROM 1 FOR 2), position('a' IN 'ba'), DATE '2020-01-01', TIMESTAMP '2020-01-01 00:00:00'
--!
SELECT map('a', 1)['a'], tuple(1, 'a') AS t, t.1, (1, 2).2, [(1, 2)][1].2
--!
SELECT arrayMap(x -> x + 1, [1, 2]), arrayFilter((x, y) -> x > y, [1, 2], [2, 1]), arrayExists(x -> (x = 1), [1]), arrayFold((acc, x) -> acc + x, [1, 2], toUInt64(0)), arrayMap(toString, [1])
--!
SELECT id IN (1, 2), id NOT IN (SELECT 1), id GLOBAL IN (SELECT 1), id IN staging, (id, id) IN ((1, 2), (3, 4)), id IN [1, 2] FROM accounts
--!
SELECT 'a' LIKE 'b', 'a' NOT ILIKE 'c', NOT 1, - 1, 1 == 1, 1 <> 2, 1 <=> 1, 'a' || 'b', 5 % 2, 5 DIV 2, 5 MOD 2, 1 BETWEEN 0 AND 2, NULL IS NULL, 1 IS DISTINCT FROM 2
--!
SELECT id > 1 ? 'a' : 'b', if(id > 1, 'a', 'b'), multiIf(id > 1, 'a', id > 0, 'b', 'c'), CASE WHEN id > 1 THEN 'a' ELSE 'b' END FROM accounts
--!
SELECT sum(id AS x), (1 AS y) + y FROM accounts
--!
SELECT 1e3, 0x1F, 0b11, .5, 5., 1_000, inf, nan, NULL, true, x'41', b'01'
--!
SELECT toTypeName(1), sleep(0), hostName(), version(), currentUser(), getSetting('max_threads'), currentDatabase(), generateUUIDv4()
--!
SELECT dateDiff('day', now(), now()), date_trunc('month', now()), dateAdd(DAY, 1, now())
--!
SELECT name, engine FROM system.tables AS t WHERE database = currentDatabase()
--!
SELECT c.name FROM system.columns c JOIN system.databases d ON c.database = d.name LIMIT 1
--!
SELECT query_id FROM system.processes
--!
SELECT table_name FROM information_schema.tables LIMIT 1
--!
SELECT (SELECT max(id) FROM accounts) AS m, EXISTS (SELECT 1), id FROM reading_view WHERE id > (SELECT 1)
--!
SHOW TABLES
--!
SHOW TABLES FROM app LIKE 'a%' LIMIT 1
--!
SHOW DATABASES
--!
SHOW CREATE TABLE app.accounts
--!
SHOW COLUMNS FROM accounts FROM app
--!
SHOW PROCESSLIST
--!
SHOW FUNCTIONS LIKE 'array%'
--!
SHOW SETTINGS ILIKE '%threads%'
--!
DESCRIBE TABLE app.accounts
--!
DESC accounts
--!
DESCRIBE (SELECT 1 AS x)
--!
DESCRIBE TABLE numbers(3)
--!
EXISTS TABLE app.accounts
--!
EXISTS accounts
--!
EXPLAIN SELECT count() FROM accounts
--!
EXPLAIN AST SELECT 1
--!
EXPLAIN PLAN header = 1, actions = 1 SELECT 1
--!
EXPLAIN PIPELINE graph = 1 SELECT 1
--!
EXPLAIN indexes = 1 WITH 1 AS x SELECT x
--!; parameters
SELECT {a:UInt8} + 1, {b:Array(String)}, {c:DateTime64(3, 'UTC')}
