//! One small shop on three engines, and one server in front of them.

use anyhow::Result;
use datachat_tests::stage::{own_postgres, reader_url, register, stage, text, unique};
use datachat_tests::{
    Answer, CANARY, ClickHouse, Client, MariaDb, MariaDbAuth, MariaDbOptions, MariaDbUser, Postgres,
};
use serde_json::{Value, json};
use tokio::sync::OnceCell;

pub const CHAT: &str = "/api/v1/chat";

pub async fn postgres() -> Result<&'static Postgres> {
    static SERVER: OnceCell<Postgres> = OnceCell::const_new();
    SERVER
        .get_or_try_init(|| async {
            let postgres = own_postgres()?;
            // While PostgreSQL compiles a statement's expressions, a cancel can get lost in it.
            postgres.psql(
                "alpha",
                "DROP TABLE whoami, orders;
                 CREATE TABLE customers (id integer PRIMARY KEY, name text NOT NULL, city text);
                 INSERT INTO customers SELECT n, 'c' || n, NULL FROM generate_series(1, 120) n;
                 CREATE TABLE \"Order Items\" (\"No\" integer PRIMARY KEY, note text);
                 INSERT INTO \"Order Items\" VALUES (1, 'first'), (2, NULL);
                 CREATE SCHEMA sales; CREATE SCHEMA stock;
                 CREATE TABLE sales.rates (rate numeric(6,3)); CREATE TABLE stock.rates (rate text);
                 ALTER ROLE reader SET jit = off;
                 GRANT USAGE ON SCHEMA sales, stock TO PUBLIC;
                 GRANT SELECT ON ALL TABLES IN SCHEMA public, sales, stock TO PUBLIC;",
            )?;
            anyhow::Ok(postgres)
        })
        .await
}

pub async fn mariadb() -> Result<&'static MariaDb> {
    static SERVER: OnceCell<MariaDb> = OnceCell::const_new();
    SERVER
        .get_or_try_init(|| async {
            // A role that may see several databases is shown the tables of all of them.
            let options = [
                ("reader", "shop"),
                ("reader_3", "market_3"),
                ("reader_4", "market_4"),
                ("reader_5", "market_5"),
            ]
            .into_iter()
            .fold(MariaDbOptions::default(), |options, (user, database)| {
                let user = MariaDbUser::new(user, CANARY, MariaDbAuth::Native);
                let grant = format!("SELECT ON {database}.*");
                options.database(database).user(user.grant(&grant))
            });
            let server = MariaDb::start(options)?;
            server.sql(
                "shop",
                "CREATE TABLE customers (id int PRIMARY KEY, name varchar(40) NOT NULL, city text);
                 INSERT INTO customers SELECT seq, CONCAT('c', seq), NULL FROM seq_1_to_120;
                 CREATE TABLE `Order Items` (`No` int PRIMARY KEY, note text);
                 INSERT INTO `Order Items` VALUES (1, 'first'), (2, NULL)",
            )?;
            anyhow::Ok(server)
        })
        .await
}

pub async fn clickhouse() -> Result<&'static ClickHouse> {
    static SERVER: OnceCell<ClickHouse> = OnceCell::const_new();
    SERVER
        .get_or_try_init(|| async {
            let server = ClickHouse::engine()?;
            server.create_database("shop")?;
            for sql in [
                "CREATE TABLE customers (id UInt32, name String, city Nullable(String)) \
                 ENGINE = MergeTree ORDER BY id",
                "INSERT INTO customers SELECT number + 1, concat('c', toString(number + 1)), NULL \
                 FROM system.numbers LIMIT 120",
                "CREATE TABLE `Order Items` (No UInt32, note Nullable(String)) \
                 ENGINE = MergeTree ORDER BY No",
                "INSERT INTO `Order Items` VALUES (1, 'first'), (2, NULL)",
            ] {
                server.sql_in("shop", sql)?;
            }
            anyhow::Ok(server)
        })
        .await
}

/// A client, and the id of a connection to the shop on PostgreSQL.
pub async fn shop() -> Result<(Client, String)> {
    let client = stage().await?.client();
    let id = register(&client, &reader_url(postgres().await?, "alpha")).await?;
    Ok((client, id))
}

/// A client, and the ids of connections to the shop on every engine, with their types.
pub async fn shops() -> Result<(Client, Vec<(&'static str, String)>)> {
    let (client, postgresql) = shop().await?;
    let mut shops = vec![("postgresql", postgresql)];
    for (database_type, url) in [
        ("mysql", mariadb().await?.url("reader", CANARY, "shop")),
        ("clickhouse", clickhouse().await?.url("shop")),
    ] {
        let body = json!({
            "name": unique(database_type), "database_url": url, "database_type": database_type,
        });
        let connection = client.post("/api/v1/databases", &body).await?.expect(201)?;
        shops.push((database_type, text(&connection["connection_id"])?));
    }
    Ok((client, shops))
}

/// Asks, with more members for the request.
pub async fn ask_with(client: &Client, id: &str, message: &str, more: Value) -> Result<Answer> {
    let mut body = json!({"message": message, "target_database": id});
    if let (Some(body), Value::Object(more)) = (body.as_object_mut(), more) {
        body.extend(more);
    }
    client.post(CHAT, &body).await
}

pub async fn ask(client: &Client, id: &str, message: &str) -> Result<Value> {
    ask_with(client, id, message, json!({})).await?.expect(200)
}
