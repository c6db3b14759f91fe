//! Tables to profile, the same on every engine.
//!
//! `purchases` has 500 rows, of which every second has no note; the amounts are 1.50 times the id, the quantities
//! repeat five values, and a minute passes from one to the next. `customers` has 20. `Odd Name` has a name and a column
//! that must be quoted; `nothing` has no rows.

use anyhow::Result;
use datachat_tests::engines::{Engine, House};
use tokio::sync::OnceCell;

/// The server of an engine, with the tables in its database `alpha`, beside those that it has anyway.
pub async fn shop(engine: Engine) -> Result<&'static House> {
    static MADE: [OnceCell<()>; 4] = [const { OnceCell::const_new() }; 4];
    let house = engine.house().await?;
    let make = || async move {
        // ClickHouse takes one at a time.
        let mut all = statements(engine).iter();
        all.try_for_each(|sql| house.sql("alpha", sql).map(drop))
    };
    MADE[engine as usize].get_or_try_init(make).await?;
    Ok(house)
}

/// The schema that they are in.
pub fn schema(engine: Engine) -> &'static str {
    match engine {
        Engine::PostgreSql => "public",
        Engine::MariaDb | Engine::ClickHouse | Engine::NewClickHouse => "alpha",
    }
}

fn statements(engine: Engine) -> &'static [&'static str] {
    match engine {
        Engine::PostgreSql => &[r#"
            CREATE TABLE customers (id integer PRIMARY KEY, email text NOT NULL, joined_on date NOT NULL);
            COMMENT ON TABLE customers IS 'Everybody who has an account';
            INSERT INTO customers
              SELECT n, 'c' || n || '@example.com', date '2026-01-01' + n FROM generate_series(1, 20) n;
            CREATE TABLE purchases (
              id integer PRIMARY KEY, customer_id integer NOT NULL REFERENCES customers (id),
              amount_eur numeric(10,2) NOT NULL, quantity integer NOT NULL, note text, created_at timestamp NOT NULL);
            INSERT INTO purchases
              SELECT n, 1 + n % 20, n * 1.50, n % 5, CASE WHEN n % 2 = 0 THEN 'note ' || n END,
                     timestamp '2026-01-01' + n * interval '1 minute' FROM generate_series(1, 500) n;
            CREATE TABLE "Odd Name" ("order" integer, "from" text);
            INSERT INTO "Odd Name" VALUES (1, 'a'), (1, 'b');
            CREATE TABLE nothing (id integer PRIMARY KEY, since date);
            GRANT SELECT ON ALL TABLES IN SCHEMA public TO PUBLIC;
            ANALYZE"#],
        Engine::MariaDb => &[
            "CREATE TABLE customers (id int PRIMARY KEY, email varchar(50) NOT NULL, joined_on date NOT NULL)
               COMMENT 'Everybody who has an account';
             INSERT INTO customers
               SELECT seq, CONCAT('c', seq, '@example.com'), DATE '2026-01-01' + INTERVAL seq DAY FROM seq_1_to_20;
             CREATE TABLE purchases (
               id int PRIMARY KEY, customer_id int NOT NULL, amount_eur decimal(10,2) NOT NULL, quantity int NOT NULL,
               note varchar(50), created_at datetime NOT NULL, FOREIGN KEY (customer_id) REFERENCES customers (id));
             INSERT INTO purchases
               SELECT seq, 1 + seq % 20, seq * 1.50, seq % 5, IF(seq % 2 = 0, CONCAT('note ', seq), NULL),
                      TIMESTAMP '2026-01-01 00:00:00' + INTERVAL seq MINUTE FROM seq_1_to_500;
             CREATE TABLE `Odd Name` (`order` int, `from` varchar(9));
             INSERT INTO `Odd Name` VALUES (1, 'a'), (1, 'b');
             CREATE TABLE nothing (id int PRIMARY KEY, since date);
             ANALYZE TABLE customers, purchases, `Odd Name`, nothing",
        ],
        Engine::ClickHouse | Engine::NewClickHouse => &[
            "CREATE TABLE alpha.customers (id Int32, email String, joined_on Date) ENGINE = MergeTree ORDER BY id",
            "INSERT INTO alpha.customers
               SELECT number + 1, concat('c', toString(number + 1), '@example.com'),
                      toDate('2026-01-01') + number + 1 FROM system.numbers LIMIT 20",
            "CREATE TABLE alpha.purchases (
               id Int32, customer_id Int32, amount_eur Decimal(10, 2), quantity Int32, note Nullable(String),
               created_at DateTime('UTC')) ENGINE = MergeTree ORDER BY id",
            "INSERT INTO alpha.purchases
               SELECT number + 1, 1 + (number + 1) % 20, toDecimal64((number + 1) * 3, 2) / 2, (number + 1) % 5,
                      if((number + 1) % 2 = 0, concat('note ', toString(number + 1)), NULL),
                      toDateTime('2026-01-01 00:00:00', 'UTC') + (number + 1) * 60 FROM system.numbers LIMIT 500",
            "CREATE TABLE alpha.`Odd Name` (`order` Int32, `from` String) ENGINE = MergeTree ORDER BY `order`",
            "INSERT INTO alpha.`Odd Name` VALUES (1, 'a'), (1, 'b')",
            "CREATE TABLE alpha.nothing (id Int32, since Date) ENGINE = MergeTree ORDER BY id",
        ],
    }
}
