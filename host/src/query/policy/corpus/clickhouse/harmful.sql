-- Statements that must be refused before they reach ClickHouse.
-- Each begins at a line `--! reason; alone outcome`: the reason that the policy gives, and what the engine of
-- ClickHouse 26.9 makes of it with `readonly = 1`, for a user with the rights of one that has no administrator's,
-- when nothing has judged it. For the second layer does not stop all of it:
--   readonly   refused: the session only reads
--   rights     refused: the user may not
--   protocol   several statements: the HTTP interface takes one at a time
--   fails      another error: what it speaks of does not exist there, or it is not this version's grammar
--   reaches    it tried to connect, and only nobody answering stopped it
--   runs       it runs
--! statement; alone readonly
INSERT INTO accounts (id) VALUES (1)
--! statement; alone readonly
INSERT INTO staging SELECT 3
--! statement; alone readonly
INSERT INTO FUNCTION file('loot.csv', 'CSV', 'a UInt8') VALUES (1)
--! statement; alone readonly
ALTER TABLE accounts DELETE WHERE 1
--! statement; alone readonly
ALTER TABLE accounts UPDATE balance = 0 WHERE 1
--! statement; alone readonly
DELETE FROM accounts WHERE 1
--! statement; alone readonly
TRUNCATE TABLE accounts
--! statement; alone readonly
DROP TABLE accounts
--! statement; alone readonly
DETACH TABLE accounts
--! statement; alone readonly
RENAME TABLE accounts TO loot
--! statement; alone readonly
EXCHANGE TABLES accounts AND staging
--! statement; alone readonly
CREATE TABLE loot ENGINE = Memory AS SELECT * FROM accounts
--! statement; alone readonly
CREATE TEMPORARY TABLE loot (a UInt8)
--! statement; alone readonly
CREATE VIEW loot AS SELECT 1
--! statement; alone readonly
CREATE FUNCTION loot AS x -> x + 1
--! statement; alone rights
CREATE USER loot IDENTIFIED BY 'loot'
--! statement; alone rights
GRANT ALL ON *.* TO default
--! statement; alone readonly
OPTIMIZE TABLE accounts FINAL
--! statement; alone readonly
SYSTEM FLUSH LOGS
--! statement; alone runs
SYSTEM STOP MERGES
--! statement; alone fails
SYSTEM RELOAD CONFIG
--! statement; alone runs
KILL QUERY WHERE 1 = 0
--! statement; alone readonly
SET readonly = 0
--! statement; alone readonly
SET max_execution_time = 7
--! statement; alone runs
USE system
--! statement; alone fails
BACKUP TABLE accounts TO File('loot')
--! statement; alone readonly
RESTORE TABLE accounts FROM File('loot')
--! statement; alone runs
CHECK TABLE accounts
--! statement; alone fails
BEGIN TRANSACTION
--! statement; alone fails
WATCH loot
--! statement; alone readonly
WITH 1 AS x INSERT INTO staging SELECT x
--! statement; alone readonly
WITH s AS (SELECT 3) INSERT INTO staging SELECT * FROM s
--! statement; alone runs
EXPLAIN AST DROP TABLE accounts
--! statement; alone readonly
EXPLAIN PIPELINE INSERT INTO staging SELECT 1
--! statement; alone readonly
EXPLAIN TABLE OVERRIDE mysql('127.0.0.1:1', 'a', 'b', 'c', 'd') PARTITION BY x
--! statement; alone runs
EXPLAIN CURRENT TRANSACTION
--! statement; alone runs
SELECT * FROM accounts INTO OUTFILE 'loot.csv'
--! statement; alone runs
SELECT 1 INTO OUTFILE 'loot.csv' TRUNCATE FORMAT CSV
--! statement; alone runs
SELECT * FROM accounts FORMAT JSON
--! statement; alone runs
SELECT 1 FORMAT Null
--! statement; alone runs
SELECT 1 AS format FORMAT CSV;
--! statement; alone readonly
SELECT 1 SETTINGS max_execution_time = 7
--! statement; alone runs
SELECT * FROM (SELECT 1 SETTINGS max_threads = 7)
--! statement; alone readonly
SELECT 1 SETTINGS `max_threads` = 7, readonly = 0
--! statement; alone readonly
SELECT 1 FORMAT CSV SETTINGS max_threads = 7
--! statement; alone runs
SHOW TABLES FORMAT JSON
--! statement; alone runs
DESCRIBE TABLE accounts FORMAT CSV
--! statement; alone rights
SHOW CREATE USER default
--! statement; alone rights
SHOW ACCESS
--! statement; alone rights
SHOW USERS
--! statement; alone runs
SHOW GRANTS FOR default
--! multiple_statements; alone protocol
SELECT 1; DROP TABLE accounts
--! multiple_statements; alone protocol
SELECT 1; SELECT 2
--! multiple_statements; alone protocol
SELECT '\''; DROP TABLE accounts -- '
--! multiple_statements; alone protocol
SELECT 1 --x; '
; DROP TABLE accounts
--! multiple_statements; alone fails
SELECT 1 PARALLEL WITH SELECT 2
--! function; alone readonly
SELECT * FROM url('http://127.0.0.1:1/', 'CSV', 'a String')
--! function; alone readonly
SELECT * FROM remote('127.0.0.1:1', system.one)
--! function; alone readonly
SELECT * FROM remoteSecure('127.0.0.1:1', 'system.one')
--! function; alone readonly
SELECT * FROM s3('http://127.0.0.1:1/bucket/key', 'CSV', 'a String')
--! function; alone readonly
SELECT * FROM mysql('127.0.0.1:1', 'a', 'b', 'c', 'd')
--! function; alone readonly
SELECT * FROM postgresql('127.0.0.1:1', 'a', 'b', 'c', 'd')
--! function; alone readonly
SELECT * FROM mongodb('127.0.0.1:1', 'a', 'b', 'c', 'd', 'e String')
--! function; alone readonly
SELECT * FROM redis('127.0.0.1:1', 'k', 'k String, v String')
--! function; alone readonly
SELECT * FROM file('/etc/passwd', 'LineAsString')
--! function; alone readonly
SELECT * FROM `file`('/etc/passwd', 'LineAsString')
--! function; alone readonly
SELECT * FROM "file" ('/etc/passwd', 'LineAsString', 'line String')
--! function; alone readonly
SELECT count() FROM file/* */('/etc/passwd', 'LineAsString', 'line String')
--! function; alone readonly
SELECT * FROM sqlite('loot.sqlite', 'a')
--! function; alone readonly
SELECT * FROM executable('loot.sh', 'TSV', 'a String')
--! function; alone fails
SELECT * FROM input('a String')
--! function; alone runs
SELECT * FROM merge('system', 'one')
--! function; alone rights
SELECT * FROM merge('system', '^users$')
--! function; alone readonly
SELECT * FROM loop(system, users) LIMIT 1
--! function; alone fails
SELECT * FROM cluster('default', system.one)
--! function; alone fails
SELECT * FROM clusterAllReplicas('default', system, users)
--! function; alone readonly
SELECT * FROM dictionary('loot')
--! function; alone readonly
SELECT * FROM jdbc('a', 'b', 'c')
--! function; alone readonly
SELECT * FROM odbc('DSN=a', 'b', 'c')
--! function; alone readonly
SELECT * FROM hdfs('hdfs://127.0.0.1:1/a', 'CSV', 'a String')
--! function; alone readonly
SELECT * FROM icebergLocal('/loot')
--! function; alone fails
SELECT * FROM deltaLake('http://127.0.0.1:1/a')
--! function; alone readonly
SELECT * FROM azureBlobStorage('http://127.0.0.1:1/a', 'c', 'b', 'CSV')
--! function; alone fails
SELECT * FROM eval('SELECT 1')
--! function; alone fails
SELECT * FROM fuzzQuery('SELECT 1', 1, 1)
--! function; alone fails
SELECT * FROM a_function_of_the_next_version('x')
--! function; alone reaches
DESCRIBE TABLE url('http://127.0.0.1:1/', 'CSV')
--! function; alone reaches
DESC mysql('127.0.0.1:1', 'a', 'b', 'c', 'd')
--! function; alone reaches
DESCRIBE TABLE remote('127.0.0.1:1', 'system.one')
--! function; alone readonly
DESCRIBE (SELECT * FROM url('http://127.0.0.1:1/', 'CSV'))
--! function; alone fails
EXISTS url('http://127.0.0.1:1/', 'CSV')
--! function; alone readonly
EXPLAIN SELECT * FROM url('http://127.0.0.1:1/', 'CSV')
--! function; alone readonly
WITH x AS (SELECT * FROM url('http://127.0.0.1:1/', 'CSV', 'a String')) SELECT * FROM x
--! function; alone readonly
WITH (SELECT count() FROM url('http://127.0.0.1:1/', 'CSV', 'a String')) AS x SELECT x
--! function; alone readonly
SELECT 1 WHERE 'a' IN (SELECT * FROM url('http://127.0.0.1:1/', 'CSV', 'a String'))
--! function; alone readonly
SELECT * FROM accounts AS a JOIN url('http://127.0.0.1:1/', 'CSV', 'id UInt32') AS u USING (id)
--! function; alone readonly
SELECT * FROM view(SELECT * FROM url('http://127.0.0.1:1/', 'CSV', 'a String'))
--! function; alone readonly
FROM url('http://127.0.0.1:1/', 'CSV', 'a String') SELECT *
--! function; alone readonly
SELECT 1 UNION ALL SELECT a FROM url('http://127.0.0.1:1/', 'CSV', 'a UInt8')
--! function; alone runs
SELECT file('/etc/hostname')
--! function; alone runs
SELECT `file`('/etc/hostname')
--! function; alone runs
SELECT length(file('/etc/hostname')) FROM accounts
--! function; alone runs
SELECT arrayMap(p -> file(p), ['/etc/hostname'])
--! function; alone runs
SELECT arrayMap(file, ['/etc/hostname'])
--! function; alone runs
SELECT arrayMap(`file`, ['/etc/hostname'])
--! function; alone runs
SELECT arrayMap(((file)), ['/etc/hostname'])
--! function; alone runs
SELECT * APPLY(file) FROM (SELECT '/etc/hostname')
--! function; alone runs
SELECT * APPLY file FROM (SELECT '/etc/hostname')
--! function; alone runs
SELECT COLUMNS('p') APPLY(file) FROM (SELECT '/etc/hostname' AS p)
--! function; alone runs
WITH p -> file(p) AS f SELECT f('/etc/hostname')
--! function; alone runs
SELECT id FROM accounts ARRAY JOIN [file('/etc/hostname')] AS f PREWHERE id = 1
--! function; alone runs
SELECT id FROM accounts ORDER BY file('/etc/hostname') LIMIT 1 BY file('/etc/hostname')
--! function; alone fails
SELECT catboostEvaluate('/loot.bin', 1)
--! function; alone fails
SELECT reverseDNSQuery('127.0.0.1')
--! function; alone fails
SELECT generateSerialID('loot')
--! function; alone fails
SELECT getClientHTTPHeader('X-ClickHouse-Key')
--! function; alone runs
SELECT logTrace('loot')
--! function; alone fails
SELECT aiGenerate('loot', 'hello')
--! function; alone fails
SELECT hasColumnInTable('127.0.0.1:1', 'system', 'one', 'dummy')
--! relation; alone rights
SELECT * FROM system.users
--! relation; alone rights
SELECT name FROM `system`."users"
--! relation; alone runs
SELECT * FROM system . named_collections
--! relation; alone fails
SELECT * FROM system.zookeeper WHERE path = '/'
--! relation; alone rights
SELECT * FROM accounts WHERE toString(id) IN (SELECT name FROM system.users)
--! relation; alone fails
SELECT id FROM accounts WHERE toString(id) IN system.user_directories
--! relation; alone runs
SELECT * FROM system.stack_trace
--! relation; alone runs
DESCRIBE system.users
--! relation; alone fails
SELECT * FROM {t:Identifier}
--! relation; alone fails
SELECT * FROM {d:Identifier}.{t:Identifier}
--! relation; alone fails
SELECT * FROM 'loot.csv'
--! syntax; alone runs
SELECT `f\x69le`('/etc/hostname')
--! syntax; alone rights
SELECT name FROM system.`\x75sers`
--! syntax; alone runs
SELECT 1 /* /* */ , file('/etc/hostname') -- */
--! syntax; alone runs
SELECT ‘a’, 1
--! syntax; alone fails
SELECT $x, file('/etc/hostname'), $x
