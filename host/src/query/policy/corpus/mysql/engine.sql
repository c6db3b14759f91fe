-- Statements that pass the policy by design, because their harm is not in their text.
-- Each begins at a line `--! layer`, with what stops or undoes it. They need the objects of setup.sql.
--   read_only_transaction  the server refuses it
--   reset                  it runs, and what it leaves in the session is gone before the session's next use
--   role_rights            an ordinary role may not; a superuser may, and nothing but his rights would stop him
--   statement_timeout      it is stopped when its time is up
--   row_limit              it is stopped when enough rows have come
--! read_only_transaction
SELECT writes()
--! read_only_transaction
SELECT writes_plainly()
--! read_only_transaction
SELECT * FROM writing_view
--! read_only_transaction
SELECT * FROM accounts WHERE writes() > 0
--! read_only_transaction
SELECT * FROM accounts ORDER BY writes()
--! read_only_transaction
SELECT SUM(writes()) OVER (ORDER BY id) FROM accounts
--! read_only_transaction
ANALYZE SELECT writes()
--! read_only_transaction
SELECT advances_a_sequence()
--! reset
SELECT sets_for_the_session()
--! reset
SELECT locks()
--! role_rights
SELECT reads_file()
--! role_rights
SELECT writes_file()
--! statement_timeout
SELECT SLEEP(3600)
--! statement_timeout
SELECT BENCHMARK(1000000000000, MD5('a'))
--! statement_timeout
SELECT COUNT(*) FROM seq_1_to_1000000 a, seq_1_to_1000000 b
--! row_limit
SELECT a.seq FROM seq_1_to_1000000 a, seq_1_to_1000000 b
