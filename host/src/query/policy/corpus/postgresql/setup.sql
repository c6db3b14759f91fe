-- What the corpus speaks of, for servers that run it: made by a superuser in the database `app`.
-- A file that a statement would write is called /tmp/loot and something.

CREATE TABLE accounts (id serial PRIMARY KEY, parent int, balance numeric NOT NULL DEFAULT 100, tags text[]);
INSERT INTO accounts (parent, tags) SELECT n - 1, ARRAY['a', n::text] FROM generate_series(1, 50) n;
CREATE TABLE staging (id int PRIMARY KEY);
INSERT INTO staging VALUES (1), (2);
CREATE INDEX i ON accounts USING gin (tags);
CREATE MATERIALIZED VIEW totals AS SELECT sum(balance) FROM accounts;
CREATE PROCEDURE pay_everyone() LANGUAGE sql AS 'UPDATE accounts SET balance = balance + 1';
SELECT lo_from_bytea(424242, 'a large object');

-- What a user's own code may do behind a statement that only reads.
CREATE FUNCTION writes() RETURNS int LANGUAGE plpgsql AS $$ BEGIN DELETE FROM accounts; RETURN 1; END $$;
CREATE FUNCTION writes(int, int) RETURNS bool LANGUAGE sql AS 'SELECT writes() > 0';
CREATE FUNCTION writes_at_planning() RETURNS int IMMUTABLE LANGUAGE plpgsql AS
    $$ BEGIN RETURN writes(); END $$;
CREATE FUNCTION advances_a_sequence() RETURNS bigint LANGUAGE sql AS $$ SELECT nextval('accounts_id_seq') $$;
CREATE FUNCTION makes_a_table() RETURNS int LANGUAGE plpgsql AS
    $$ BEGIN CREATE TEMP TABLE loot (a int); RETURN 1; END $$;
CREATE FUNCTION turns_writing_on() RETURNS int LANGUAGE plpgsql AS
    $$ BEGIN SET TRANSACTION READ WRITE; DELETE FROM accounts; RETURN 1; END $$;
CREATE FUNCTION sets_read_only_off() RETURNS int LANGUAGE plpgsql AS
    $$ BEGIN PERFORM set_config('transaction_read_only', 'off', false); DELETE FROM accounts; RETURN 1; END $$;
CREATE FUNCTION commits() RETURNS int LANGUAGE plpgsql AS
    $$ BEGIN COMMIT; DELETE FROM accounts; RETURN 1; END $$;
CREATE FUNCTION makes_a_large_object() RETURNS oid LANGUAGE sql AS 'SELECT lo_create(424200)';
CREATE FUNCTION notifies() RETURNS void LANGUAGE sql AS $$ SELECT pg_notify('channel', 'payload') $$;
CREATE FUNCTION listens() RETURNS int LANGUAGE plpgsql AS $$ BEGIN LISTEN channel; RETURN 1; END $$;
CREATE FUNCTION locks() RETURNS void LANGUAGE sql AS 'SELECT pg_advisory_lock(1)';
CREATE FUNCTION sets_for_the_session() RETURNS text LANGUAGE sql AS
    $$ SELECT set_config('default_transaction_read_only', 'off', false) || set_config('work_mem', '1MB', false) $$;
CREATE FUNCTION prepares() RETURNS int LANGUAGE plpgsql AS
    $$ BEGIN EXECUTE 'PREPARE loot AS DELETE FROM accounts'; RETURN 1; END $$;
CREATE FUNCTION reads_file() RETURNS text LANGUAGE sql AS $$ SELECT pg_read_file('/etc/passwd') $$;
CREATE FUNCTION writes_file() RETURNS int LANGUAGE plpgsql AS
    $$ BEGIN COPY (SELECT 1) TO '/tmp/loot_written'; RETURN 1; END $$;
CREATE FUNCTION runs_program() RETURNS int LANGUAGE plpgsql AS
    $$ BEGIN COPY (SELECT 1) TO PROGRAM 'cat > /tmp/loot_run'; RETURN 1; END $$;
CREATE VIEW writing_view AS SELECT writes();
CREATE OPERATOR <!> (LEFTARG = int, RIGHTARG = int, FUNCTION = writes);
CREATE FUNCTION is_fine(int) RETURNS bool LANGUAGE sql AS 'SELECT writes() > $1';
CREATE DOMAIN touchy AS int CHECK (is_fine(VALUE));
CREATE FUNCTION adds(int, int) RETURNS int LANGUAGE sql AS 'SELECT writes()';
CREATE AGGREGATE writing_sum(int) (SFUNC = adds, STYPE = int, INITCOND = '0');
CREATE TABLE guarded (id int);
INSERT INTO guarded VALUES (1);
ALTER TABLE guarded ENABLE ROW LEVEL SECURITY;
CREATE POLICY p ON guarded USING (writes() > 0);

GRANT SELECT ON ALL TABLES IN SCHEMA public TO PUBLIC;
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO PUBLIC;

-- Functions that the corpus calls by name, as far as this server has their extensions.
DO $$
DECLARE extension text;
BEGIN
    FOR extension IN
        SELECT name FROM pg_available_extensions
        WHERE name IN ('adminpack', 'amcheck', 'dblink', 'hstore', 'pageinspect', 'pg_buffercache', 'pg_prewarm',
                       'pg_surgery', 'pg_trgm', 'pg_visibility', 'pg_walinspect', 'postgres_fdw', 'tablefunc', 'xml2')
    LOOP
        EXECUTE format('CREATE EXTENSION %I', extension);
    END LOOP;
END $$;
