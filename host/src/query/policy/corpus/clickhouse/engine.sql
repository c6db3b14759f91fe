-- Statements that pass the policy by design, because their harm is not in their text.
-- Each begins at a line `--! layer`, with what stops it. They need the objects of setup.sql.
--   role_rights        only the role's rights and the server's configuration stop it
--   statement_timeout  it is stopped when its time is up
--   row_limit          it is stopped when enough rows have come
--! role_rights
SELECT reads_a_file('/etc/hostname')
--! role_rights
SELECT * FROM elsewhere
--! role_rights
SELECT * FROM view_of_elsewhere
--! statement_timeout
SELECT count() FROM numbers(1000000000000) WHERE NOT ignore(sipHash64(number))
--! statement_timeout
SELECT sleepEachRow(3) FROM numbers(100)
--! row_limit
SELECT number FROM numbers(1000000000000)
