-- Statements that pass the policy by design, because their harm is not in their text.
-- Each begins at a line `--! layer`, with what stops or undoes it. They need the objects of setup.sql.
--   read_only_transaction  the server refuses it
--   rollback               it runs, and the end of its transaction undoes it, but for a transaction number
--   reset                  it runs, and what it leaves in the session is gone before the session's next use
--   role_rights            an ordinary role may not; a superuser may, and nothing but his rights would stop him
--   statement_timeout      it is stopped when its time is up
--   row_limit              it is stopped when enough rows have come
--! read_only_transaction
SELECT writes()
--! read_only_transaction
SELECT * FROM writing_view
--! read_only_transaction
SELECT 1 <!> 2
--! read_only_transaction
SELECT 1::touchy
--! read_only_transaction
SELECT CAST(balance::int AS touchy) FROM accounts
--! read_only_transaction
SELECT writes_at_planning()
--! read_only_transaction
EXPLAIN SELECT writes_at_planning()
--! read_only_transaction
EXPLAIN ANALYZE SELECT writes()
--! read_only_transaction
SELECT query_to_xml('SELECT writes()', true, true, '')
--! read_only_transaction
SELECT writing_sum(id) FROM accounts
--! read_only_transaction
SELECT writing_sum(id) FILTER (WHERE id > 1) OVER (ORDER BY id) FROM accounts
--! read_only_transaction
SELECT * FROM accounts ORDER BY writes()
--! read_only_transaction
WITH w AS MATERIALIZED (SELECT writes() AS n) SELECT n FROM w
--! read_only_transaction
SELECT * FROM accounts TABLESAMPLE BERNOULLI (writes())
--! read_only_transaction
SELECT * FROM accounts, LATERAL writes() AS w
--! read_only_transaction
SELECT advances_a_sequence()
--! read_only_transaction
SELECT makes_a_table()
--! read_only_transaction
SELECT turns_writing_on()
--! read_only_transaction
SELECT sets_read_only_off()
--! read_only_transaction
SELECT commits()
--! rollback
SELECT makes_a_large_object()
--! rollback
SELECT notifies()
--! rollback
SELECT listens()
--! rollback
SELECT sets_for_the_session()
--! reset
SELECT locks()
--! reset
SELECT prepares()
--! role_rights
SELECT reads_file()
--! role_rights
SELECT writes_file()
--! role_rights
SELECT runs_program()
--! statement_timeout
SELECT pg_sleep(3600)
--! statement_timeout
SELECT count(*) FROM generate_series(1, 10000000000)
--! statement_timeout
SELECT * FROM generate_series(1, 10000000000)
--! row_limit
SELECT generate_series(1, 10000000000)
