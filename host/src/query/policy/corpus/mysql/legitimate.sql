-- Statements that must pass. Each begins at a line `--!`.
-- They run on MariaDB 10.11 with the objects of setup.sql, unless the header says `; mysql`: those only MySQL 8
-- knows.
--!
SELECT 1
--!
SELECT 1;
--!
  select 1  ;  -- with a comment
--!
/* first */ SELECT /* second */ 1 # third
--!
SELECT 1 -- not the end: '
, 2
--!
SELECT 5--2
--!
(SELECT 1)
--!
((SELECT 1) UNION ALL (SELECT 2)) ORDER BY 1 LIMIT 1
--!
VALUES (1), (2)
--!; mysql
VALUES ROW(1, 2), ROW(3, 4) ORDER BY 1
--!; mysql
TABLE accounts ORDER BY id LIMIT 2
--!
SELECT 1 FROM DUAL WHERE 1
--!
SHOW TABLES
--!
SHOW FULL TABLES FROM app LIKE 'acc%'
--!
SHOW TABLES WHERE Tables_in_app LIKE 'a%' OR Tables_in_app = 'staging'
--!
SHOW COLUMNS FROM accounts FROM app
--!
SHOW INDEX FROM accounts
--!
SHOW CREATE TABLE app.accounts
--!
SHOW CREATE VIEW reading_view
--!
SHOW VARIABLES LIKE 'sql_mode'
--!
SHOW GLOBAL STATUS LIKE 'Uptime'
--!
SHOW PROCESSLIST
--!
SHOW WARNINGS LIMIT 5
--!
SHOW COUNT(*) WARNINGS
--!
SHOW TABLE STATUS FROM app
--!
SHOW ENGINES
--!
SHOW CHARACTER SET
--!
DESCRIBE accounts
--!
DESC app.accounts balance
--!
EXPLAIN accounts
--!
EXPLAIN SELECT * FROM accounts
--!
EXPLAIN FORMAT=JSON SELECT * FROM accounts WHERE id = 1
--!; mysql
EXPLAIN ANALYZE SELECT 1
--!
ANALYZE FORMAT=JSON SELECT COUNT(*) FROM accounts
--!
SELECT 'DELETE FROM accounts; DROP TABLE accounts' AS text
--!
SELECT 'a;b' AS `UPDATE`, '/*! DELETE */' AS `DELETE FROM`, '-- x', '# x'
--!
SELECT 'it''s', 'it\'s', "say ""so""", "it's"
--!
SELECT 'C:\\temp\\', 'a\nb', '\%'
--!
SELECT N'x', _utf8mb4'x' COLLATE utf8mb4_bin, X'1F', B'101', 0x1F, 0b101, 1e3, 1.5E-3, .5, 5.
--!
SELECT 1 AS `into`, 2 AS `load_file`, 'into outfile' AS `for update`
--!
SELECT ? + 1 AS next
--!
SELECT @a, @@sql_mode, @@global.max_connections, @`b`, @'c'
--!
SELECT a.id, b.* FROM accounts AS a LEFT JOIN app.staging b USING (id) WHERE a.balance BETWEEN 1 AND 200
--!
SELECT * FROM accounts a JOIN staging s ON a.id = s.id CROSS JOIN staging t STRAIGHT_JOIN (SELECT 1 AS b) u NATURAL JOIN (SELECT 1 AS b) v
--!
SELECT * FROM accounts a LEFT JOIN (staging s, staging t) ON a.id = s.id
--!
SELECT * FROM accounts USE INDEX (PRIMARY) WHERE id IN (1, 2, 3)
--!
SELECT * FROM accounts FORCE INDEX FOR ORDER BY (PRIMARY) ORDER BY id LIMIT 5, 10
--!
SELECT SQL_NO_CACHE SQL_CALC_FOUND_ROWS DISTINCT parent FROM accounts LIMIT 5
--!
SELECT HIGH_PRIORITY STRAIGHT_JOIN a.id FROM accounts a, staging s WHERE a.id = s.id
--!
SELECT parent, COUNT(*), GROUP_CONCAT(DISTINCT id ORDER BY id DESC SEPARATOR '; ') FROM accounts GROUP BY parent WITH ROLLUP HAVING COUNT(*) > 0
--!
SELECT DATE_ADD(NOW(), INTERVAL 1 DAY), NOW() - INTERVAL 2 HOUR, DATE_SUB(NOW(), INTERVAL '1:1' MINUTE_SECOND), NOW() + INTERVAL -1 YEAR_MONTH
--!
SELECT EXTRACT(YEAR_MONTH FROM NOW()), EXTRACT(DAY_HOUR FROM NOW()), TIMESTAMPDIFF(MINUTE, NOW(), NOW()), INTERVAL(5, 1, 10)
--!
SELECT CAST('1' AS SIGNED), CAST('1' AS UNSIGNED INTEGER), CAST(1 AS CHAR(10)), CAST(1 AS CHAR CHARACTER SET utf8mb4), CAST(1 AS DECIMAL(10, 2)), CONVERT('a' USING utf8mb4), CONVERT('2020-01-01', DATE), BINARY 'a'
--!
SELECT 7 DIV 2, 7 MOD 2, MOD(7, 2), 7 % 2, 1 XOR 0, 1 && 1, 1 || 0, !1, ~1, 6 ^ 3, 1 << 2, 4 >> 1, 6 & 3, 6 | 3
--!
SELECT 1 <=> NULL, 1 <> 2, 1 != 2, NOT 1, 'a' SOUNDS LIKE 'b', 'a' REGEXP '^a', 'a' NOT RLIKE 'b', 'a%' LIKE 'a|%' ESCAPE '|'
--!
SELECT CURRENT_TIMESTAMP, CURRENT_TIMESTAMP(6), CURRENT_DATE, CURRENT_USER, UTC_TIMESTAMP(), LOCALTIME, NOW(6), SYSDATE(), DATE '2020-01-01', TIMESTAMP '2020-01-01 10:00:00'
--!
SELECT TRIM(LEADING 'x' FROM 'xa'), TRIM(BOTH FROM ' a '), SUBSTRING('abc' FROM 1 FOR 2), POSITION('a' IN 'ba'), CHAR(77, 121 USING utf8mb4), INSERT('abc', 1, 1, 'x'), REPLACE('a', 'a', 'b'), LEFT('ab', 1)
--!
SELECT CASE parent WHEN 1 THEN 'x' ELSE 'y' END, IF(id > 1, 'a', NULL), IFNULL(parent, 0), NULLIF(id, 1), COALESCE(parent, id) FROM accounts
--!
SELECT (1, 2) = (1, 2), ROW(1, 2) IN ((1, 2), (3, 4)), 1 > ALL (SELECT 0), 1 = ANY (SELECT 1), EXISTS (SELECT 1), NOT EXISTS (SELECT 1)
--!
SELECT id, SUM(balance) OVER (PARTITION BY parent ORDER BY id ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW), LAG(id) OVER w FROM accounts WINDOW w AS (ORDER BY id)
--!
SELECT PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY balance) OVER (PARTITION BY parent), MEDIAN(balance) OVER (PARTITION BY parent) FROM accounts
--!
WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 10) SELECT * FROM n
--!
WITH a (x, y) AS (SELECT 1, 2), b AS (SELECT * FROM a) SELECT * FROM a, b
--!
SELECT 1 INTERSECT SELECT 1 EXCEPT SELECT 2
--!
SELECT id FROM accounts UNION (SELECT id FROM staging ORDER BY id LIMIT 1) ORDER BY id
--!
SELECT JSON_EXTRACT('{"a": 1}', '$.a'), JSON_VALUE('{"a": 1}', '$.a'), JSON_ARRAYAGG(id), JSON_OBJECTAGG(id, parent) FROM accounts
--!; mysql
SELECT tags->'$.a', tags->>'$.a', 1 MEMBER OF('[1]') FROM accounts
--!
SELECT j.* FROM JSON_TABLE('[{"a": 1}]', '$[*]' COLUMNS (n FOR ORDINALITY, a INT PATH '$.a' DEFAULT '0' ON EMPTY)) AS j
--!
SELECT id, MATCH (tags) AGAINST ('tag' IN BOOLEAN MODE) AS score FROM accounts WHERE MATCH (tags) AGAINST ('tag')
--!; mysql
SELECT * FROM (SELECT 1 AS a) AS x, LATERAL (SELECT x.a AS b) AS y
--!
SELECT * FROM accounts WHERE (id, parent) IN (SELECT id, id FROM staging) OR id = (SELECT MAX(id) FROM staging)
--!
SELECT COUNT(DISTINCT id, parent), AVG(DISTINCT balance), STD(balance), BIT_OR(id), VAR_POP(balance) FROM accounts
--!
SELECT SLEEP(0), BENCHMARK(10, MD5('a')), UUID(), UUID_SHORT(), LAST_INSERT_ID(), ROW_COUNT(), FOUND_ROWS(), CONNECTION_ID(), DATABASE(), USER(), VERSION()
--!
SELECT IS_FREE_LOCK('x'), IS_USED_LOCK('x'), CRC32('a'), SHA2('a', 256), FORMAT(1234.5, 2), ELT(1, 'a'), FIELD('a', 'b')
--!
SELECT seq FROM seq_1_to_10 WHERE seq MOD 2 = 0
--!
SELECT id FROM accounts ORDER BY id LIMIT 5 ROWS EXAMINED 1000
--!
SELECT id FROM accounts ORDER BY id OFFSET 1 ROWS FETCH FIRST 2 ROWS ONLY
--!
SELECT name FROM mysql.help_topic LIMIT 1
--!
SELECT table_name, table_rows FROM information_schema.tables WHERE table_schema = DATABASE()
--!
SELECT * FROM information_schema.processlist
--!
SELECT größe FROM (SELECT 1 AS größe) AS maße
--!
SELECT x.1a, x.`2b` FROM (SELECT 1 AS 1a, 2 AS `2b`) AS x
--!; mysql
SELECT /*+ NO_MERGE(x) JOIN_ORDER(x, a) */ * FROM accounts a JOIN (SELECT 1 AS id) AS x ON a.id = x.id
--!
SELECT ST_AsText(POINT(1, 2)), ST_Distance(POINT(0, 0), POINT(3, 4)), ST_GeomFromText('POINT(1 1)')
--!
SELECT LASTVAL(numbers_of_orders)
--!
SELECT a.id AS 'the id', a.parent "the parent", balance b FROM accounts a
--!
SELECT 'a' 'b' "c", 'x' = 'X' COLLATE utf8mb4_bin
