//! MariaDB through the same door: registered, queried, cancelled, asked by the same tools as PostgreSQL.

use std::io::Cursor;

use anyhow::{Context, Result, ensure};
use arrow_array::cast::AsArray;
use arrow_array::types::Int32Type;
use arrow_ipc::reader::StreamReader;
use datachat_tests::{Answer, CANARY, Client, MariaDb, MariaDbAuth, MariaDbOptions, MariaDbUser};
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use crate::stage::{query, question, scalar, stage, text, tool, unique};

const SETUP: &str = "
    CREATE TABLE customers (id int PRIMARY KEY, name varchar(40) NOT NULL, mood enum('sad','ok'));
    INSERT INTO customers SELECT seq, CONCAT('c', seq), IF(seq % 2, 'sad', NULL) FROM seq_1_to_120;
    CREATE TABLE `Order Items` (`No` int NOT NULL PRIMARY KEY, note text);
    INSERT INTO `Order Items` VALUES (1, 'first'), (2, NULL);
    ANALYZE TABLE customers, `Order Items`";

async fn mariadb() -> Result<&'static MariaDb> {
    static SERVER: OnceCell<MariaDb> = OnceCell::const_new();
    SERVER
        .get_or_try_init(|| async {
            let server = MariaDb::start(
                MariaDbOptions::default()
                    .database("shop")
                    .user(
                        MariaDbUser::new("reader", CANARY, MariaDbAuth::Ed25519)
                            .grant("SELECT ON shop.*"),
                    )
                    .user(
                        MariaDbUser::new("boss", CANARY, MariaDbAuth::Native)
                            .grant("ALL PRIVILEGES ON *.*"),
                    ),
            )?;
            server.sql("shop", SETUP)?;
            anyhow::Ok(server)
        })
        .await
}

/// Registers a URL and gives what the server says of the connection.
async fn registered(client: &Client, url: &str) -> Result<Value> {
    let scheme = url.split(':').next();
    let body = json!({"name": unique("mariadb"), "database_url": url, "database_type": scheme});
    client.post("/api/v1/databases", &body).await?.expect(201)
}

/// A client, and the id of a connection of the reader.
async fn shop() -> Result<(Client, String)> {
    let client = stage().await?.client();
    let url = mariadb().await?.url("reader", CANARY, "shop");
    let connection = registered(&client, &url).await?;
    Ok((client, text(&connection["connection_id"])?))
}

async fn in_format(client: &Client, id: &str, sql: &str, format: &str) -> Result<Answer> {
    let mut body = question(sql, id);
    body["format"] = json!(format);
    client.post("/api/v1/query", &body).await
}

#[tokio::test]
async fn a_database_is_registered_by_its_url_and_a_user_that_may_write_is_warned_of() -> Result<()>
{
    let client = stage().await?.client();
    let server = mariadb().await?;
    let mut url = server.url("reader", CANARY, "shop");
    url.push_str("?ssl-mode=preferred");
    let reader = registered(&client, &url).await?;
    assert_eq!(reader["database_type"], "mysql");
    assert!(!reader.to_string().contains("may write"), "{reader}");
    let boss = registered(&client, &server.url("boss", CANARY, "shop")).await?;
    assert!(boss.to_string().contains("has all privileges"), "{boss}");
    // Under its other name, and without a database.
    let url = server
        .url("reader", CANARY, "")
        .replace("mysql://", "mariadb://");
    let id = text(&registered(&client, &url).await?["connection_id"])?;
    assert_eq!(
        scalar(&client, &id, "SELECT COUNT(*) FROM shop.customers").await?,
        120
    );
    let wrong = json!({
        "name": unique("mariadb"),
        "database_type": "mysql",
        "database_url": server.url("reader", "not-it", "shop"),
    });
    let refused = client.post("/api/v1/databases", &wrong).await?;
    ensure!(!refused.status.is_success(), "a wrong password was taken");
    Ok(())
}

const TYPES: &str = "SELECT 1 AS id, CAST(1.10 AS DECIMAL(12,2)) AS price, \
    CAST('2024-02-29 12:30:00.5' AS DATETIME(1)) AS at, CAST('-838:59:59' AS TIME) AS span, \
    X'00FF' AS raw, 18446744073709551615 AS big, mood, JSON_OBJECT('n', 1.10) AS doc, NULL AS nothing \
    FROM customers WHERE id IN (1, 2) ORDER BY customers.id";

#[tokio::test]
async fn the_same_values_come_in_every_format() -> Result<()> {
    let (client, id) = shop().await?;
    let body = query(&client, &id, TYPES).await?.expect(200)?;
    let first = json!([
        1, "1.10", "2024-02-29T12:30:00.5", "-838:59:59", "AP8=", u64::MAX, "sad", {"n": 1.10}, null
    ]);
    assert_eq!(body["rows"][0], first);
    assert_eq!(body["rows"][1][6], Value::Null);
    let types: Vec<_> = body["columns"]
        .as_array()
        .context("columns")?
        .iter()
        .map(|column| column["db_type"].as_str().unwrap_or_default())
        .collect();
    assert_eq!(
        types,
        [
            "int",
            "decimal(12,2)",
            "datetime(1)",
            "time(0)",
            "varbinary(2)",
            "bigint unsigned",
            "enum",
            "json",
            "null"
        ]
    );
    let csv = in_format(&client, &id, TYPES, "csv").await?;
    let csv = String::from_utf8(csv.body.to_vec())?;
    let line = csv.lines().nth(1).context("a row")?;
    assert_eq!(
        line,
        "1,1.10,2024-02-29T12:30:00.5,-838:59:59,AP8=,18446744073709551615,sad,\"{\"\"n\"\": 1.10}\","
    );
    let arrow = in_format(&client, &id, TYPES, "arrow").await?;
    let batch = StreamReader::try_new(Cursor::new(arrow.body), None)?
        .next()
        .context("a batch")??;
    assert_eq!(batch.num_rows(), 2);
    let moods = batch.column(6).as_dictionary::<Int32Type>();
    assert_eq!(moods.values().as_string::<i32>().value(0), "sad");
    let parquet = in_format(&client, &id, TYPES, "parquet").await?;
    ensure!(parquet.status == 200 && parquet.body.starts_with(b"PAR1"));
    Ok(())
}

#[tokio::test]
async fn parameters_are_bound_and_results_of_many_batches_are_whole() -> Result<()> {
    let (client, id) = shop().await?;
    let mut body = question(
        "SELECT name FROM customers WHERE id = ? AND name = ?",
        id.as_str(),
    );
    body["params"] = json!([7, "c7"]);
    let answer = client.post("/api/v1/query", &body).await?.expect(200)?;
    assert_eq!(answer["rows"], json!([["c7"]]));
    let mut body = question(
        "SELECT a.id * 1000 + b.id AS n FROM customers a, customers b, customers c ORDER BY a.id, b.id, c.id",
        id.as_str(),
    );
    body["format"] = json!("arrow");
    body["limits"] = json!({"max_rows": 2_000_000});
    let answer = client.post("/api/v1/query", &body).await?;
    let mut rows = 0;
    for batch in StreamReader::try_new(Cursor::new(answer.body), None)? {
        rows += batch?.num_rows();
    }
    assert_eq!(rows, 120 * 120 * 120);
    Ok(())
}

#[tokio::test]
async fn errors_are_problems_with_the_server_s_number() -> Result<()> {
    let (client, id) = shop().await?;
    let problem = query(&client, &id, "SELECT missing FROM customers").await?;
    ensure!(problem.status.is_client_error(), "{}", problem.status);
    assert!(String::from_utf8_lossy(&problem.body).contains("1054"));
    for writing in [
        "DELETE FROM customers",
        "SELECT * FROM customers INTO OUTFILE '/tmp/stolen'",
        "SELECT 1; DROP TABLE customers",
        "SELECT /*! SLEEP(1), */ 1; SELECT 2",
    ] {
        let answer = query(&client, &id, writing).await?;
        ensure!(
            answer.status.is_client_error(),
            "{writing}: {}",
            answer.status
        );
    }
    assert_eq!(
        scalar(&client, &id, "SELECT COUNT(*) FROM customers").await?,
        120
    );
    Ok(())
}

#[tokio::test]
async fn the_tools_work_as_on_any_database() -> Result<()> {
    let (client, id) = shop().await?;
    let call = async |name: &str, arguments: Value| -> Result<Value> {
        let mut body = tool(&client, &id, name, arguments).await?.expect(200)?;
        Ok(body["result"].take())
    };
    let tables = call("list_tables", json!({})).await?;
    let names: Vec<_> = tables["tables"]
        .as_array()
        .context("tables")?
        .iter()
        .map(|table| table["table"].clone())
        .collect();
    assert_eq!(names, ["Order Items", "customers"]);
    assert_eq!(tables["tables"][1]["row_count"], 120);
    let columns = call("list_columns", json!({"table": "order items"})).await?;
    assert_eq!(
        columns["columns"][0],
        json!({"name": "No", "type": "int(11)", "nullable": false})
    );
    let sample = call("get_table_sample", json!({"table": "Order Items"})).await?;
    assert!(sample.to_string().contains("first"), "{sample}");
    let ran = call(
        "run_sql",
        json!({"query": "SELECT COUNT(*) AS n FROM `Order Items`"}),
    )
    .await?;
    assert!(ran.to_string().contains('2'), "{ran}");
    Ok(())
}
