-- What the corpus speaks of, for servers that run it: made in the database `app`, one statement at a time.

CREATE TABLE app.accounts (id UInt32, parent Nullable(UInt32), balance Decimal(12, 2) DEFAULT 100, tags Array(String), at DateTime DEFAULT now()) ENGINE = MergeTree ORDER BY id SAMPLE BY id;
INSERT INTO app.accounts (id, parent, tags) SELECT number + 1, number, ['a', toString(number)] FROM numbers(50);
CREATE TABLE app.staging (id UInt32) ENGINE = MergeTree ORDER BY id;
INSERT INTO app.staging VALUES (1), (2);
CREATE TABLE app.versions (id UInt32, version UInt32) ENGINE = ReplacingMergeTree(version) ORDER BY id;
INSERT INTO app.versions VALUES (1, 1), (1, 2);
CREATE VIEW app.reading_view AS SELECT id FROM app.accounts;

-- What a user's own objects may do behind a statement that only reads.
CREATE FUNCTION reads_a_file AS path -> file(path);
CREATE TABLE app.elsewhere (a String) ENGINE = URL('http://127.0.0.1:1/loot', 'RawBLOB');
CREATE VIEW app.view_of_elsewhere AS SELECT * FROM url('http://127.0.0.1:1/loot', 'RawBLOB', 'a String');
