-- Statements that pass the policy by design, because their harm is not in their text.
-- Each begins at a line `--! layer`, with what stops it.
-- They need objects that a test makes first: the function `writes()` that deletes from `accounts`, the
-- function `reads_file()` that calls pg_read_file, the view `writing_view` over `writes()`, the operator
-- `<!>` and the cast to `touchy` that call `writes()`.
--! read_only_transaction
SELECT writes()
--! read_only_transaction
SELECT * FROM writing_view
--! read_only_transaction
SELECT 1 <!> 2
--! read_only_transaction
SELECT 1::touchy
--! role_rights
SELECT reads_file()
--! statement_timeout
SELECT pg_sleep(3600)
--! statement_timeout
SELECT count(*) FROM generate_series(1, 10000000000)
--! row_limit
SELECT * FROM generate_series(1, 10000000000)
