//! The databases of a house, on those engines that have no other maker of them.

use anyhow::Result;

use crate::stage::READER;
use crate::{CANARY, ClickHouse, MariaDb, MariaDbAuth, MariaDbOptions, MariaDbUser};

/// The numbers up to 256, for MySQL and MariaDB alike; MySQL makes a thousand such rows at most.
pub(super) const NUMBERS: &str =
    "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 256)";

/// The databases, and the column that only one of them has.
const DATABASES: [(&str, &str); 2] = [("alpha", "price"), ("beta", "colour")];

/// MariaDB with the databases, or the server that somebody named.
pub(super) fn mariadb() -> Result<MariaDb> {
    let mut reader = MariaDbUser::new(READER, CANARY, MariaDbAuth::Ed25519);
    // Large values are packets, too.
    let mut options = MariaDbOptions::default().setting("max-allowed-packet=1G");
    for (database, _) in DATABASES {
        reader = reader.grant(&format!("SELECT, EXECUTE ON {database}.*"));
        options = options.database(database);
    }
    let server = MariaDb::named_or_start(options.user(reader))?;
    for (database, own_column) in DATABASES {
        server.sql(
            database,
            &format!(
                "CREATE TABLE whoami (marker varchar(9) NOT NULL);
                 INSERT INTO whoami VALUES ('{database}');
                 CREATE TABLE orders (id int PRIMARY KEY, marker varchar(9) NOT NULL, {own_column} varchar(9));
                 INSERT INTO orders (id, marker) {NUMBERS} SELECT n, '{database}' FROM numbers WHERE n <= 50;
                 ANALYZE TABLE orders"
            ),
        )?;
    }
    Ok(server)
}

/// Makes the databases on a server.
pub(super) fn clickhouse(server: ClickHouse) -> Result<ClickHouse> {
    for (database, own_column) in DATABASES {
        server.create_database(database)?;
        for sql in [
            "CREATE TABLE whoami (marker String) ENGINE = Log".to_owned(),
            format!("INSERT INTO whoami VALUES ('{database}')"),
            format!(
                "CREATE TABLE orders (id UInt32, marker String, {own_column} String) \
                 ENGINE = MergeTree ORDER BY id"
            ),
            format!(
                "INSERT INTO orders SELECT number + 1, '{database}', '' FROM system.numbers LIMIT 50"
            ),
        ] {
            server.sql_in(database, &sql)?;
        }
    }
    Ok(server)
}
