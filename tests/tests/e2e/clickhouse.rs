//! ClickHouse through the same door: today's engine behind its HTTP interface, and an old server that is real.

use std::io::Cursor;

use anyhow::{Context, Result, ensure};
use arrow_ipc::reader::StreamReader;
use datachat_tests::{Answer, Authority, ClickHouse, Client, tls_front};
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use crate::stage::{query, question, scalar, stage, text, tool, unique};

const SETUP: [&str; 3] = [
    "CREATE TABLE customers (id UInt32, name String, mood Enum8('sad' = 1, 'ok' = 2)) \
     ENGINE = MergeTree ORDER BY id",
    "INSERT INTO customers SELECT number + 1, concat('c', toString(number + 1)), 'sad' \
     FROM system.numbers LIMIT 120",
    "CREATE VIEW happy AS SELECT id FROM customers WHERE mood = 'ok'",
];

fn set_up(server: ClickHouse) -> Result<ClickHouse> {
    server.create_database("shop")?;
    for sql in SETUP {
        server.sql_in("shop", sql)?;
    }
    Ok(server)
}

async fn engine() -> Result<&'static ClickHouse> {
    static SERVER: OnceCell<ClickHouse> = OnceCell::const_new();
    SERVER
        .get_or_try_init(|| async { set_up(ClickHouse::engine()?) })
        .await
}

async fn old() -> Result<&'static ClickHouse> {
    static SERVER: OnceCell<ClickHouse> = OnceCell::const_new();
    SERVER
        .get_or_try_init(|| async { set_up(ClickHouse::old()?) })
        .await
}

/// Registers a URL and gives what the server says of the connection.
async fn registered(client: &Client, url: &str) -> Result<Value> {
    register(client, url).await?.expect(201)
}

async fn register(client: &Client, url: &str) -> Result<Answer> {
    let body =
        json!({"name": unique("clickhouse"), "database_url": url, "database_type": "clickhouse"});
    client.post("/api/v1/databases", &body).await
}

/// A client, and the id of a connection.
async fn shop(server: &ClickHouse) -> Result<(Client, String)> {
    let client = stage().await?.client();
    let connection = registered(&client, &server.url("shop")).await?;
    Ok((client, text(&connection["connection_id"])?))
}

#[tokio::test]
async fn a_database_is_registered_by_any_of_its_schemes() -> Result<()> {
    let client = stage().await?.client();
    for server in [engine().await?, old().await?] {
        let url = server.url("shop");
        for scheme in ["clickhouse", "http"] {
            let url = url.replace("clickhouse://", &format!("{scheme}://"));
            let connection = registered(&client, &url).await?;
            assert_eq!(connection["database_type"], "clickhouse", "{connection}");
        }
        register(&client, &url.replace(server.password(), "not-it"))
            .await?
            .problem(400, "authentication_failed")?;
        register(&client, &format!("{url}?compression=rar"))
            .await?
            .problem(400, "invalid_database_url")?;
    }
    // A scheme that stands for TLS gets none from a server without.
    let encrypted = engine()
        .await?
        .url("shop")
        .replace("clickhouse://", "https://");
    register(&client, &encrypted)
        .await?
        .problem(400, "tls_failed")?;
    Ok(())
}

#[tokio::test]
async fn the_same_values_come_in_every_format() -> Result<()> {
    let (client, id) = shop(engine().await?).await?;
    let sql = "SELECT toUInt64(18446744073709551615) AS big, toDecimal64('1.10', 2) AS price, \
        toDateTime('2024-02-29 12:30:00', 'Europe/Berlin') AS at, mood, toIPv4('1.2.3.4') AS ip, \
        toInt128('-170141183460469231731687303715884105728') AS wide, map('a', 1) AS m, \
        CAST(NULL AS Nullable(String)) AS nothing FROM customers WHERE id = 1";
    let body = query(&client, &id, sql).await?.expect(200)?;
    let row = &body["rows"][0];
    assert_eq!(row[0], json!(u64::MAX));
    assert_eq!(row[1], "1.10");
    assert!(
        row[2]
            .as_str()
            .is_some_and(|at| at.starts_with("2024-02-29T")),
        "{row}"
    );
    assert_eq!((&row[3], &row[4]), (&json!("sad"), &json!("1.2.3.4")));
    assert_eq!(row[5], "-170141183460469231731687303715884105728");
    assert_eq!(row[7], Value::Null);
    assert_eq!(body["columns"][2]["db_type"], "DateTime('Europe/Berlin')");
    for format in ["csv", "ndjson", "arrow", "parquet"] {
        let mut body = question(sql, id.as_str());
        body["format"] = json!(format);
        let answer = client.post("/api/v1/query", &body).await?;
        assert_eq!(answer.status, 200, "{format}");
    }
    Ok(())
}

#[tokio::test]
async fn parameters_are_bound_and_results_of_many_batches_are_whole() -> Result<()> {
    let (client, id) = shop(engine().await?).await?;
    let mut body = question(
        "SELECT name FROM customers WHERE id = {id:UInt32} AND name = {name:String}",
        id.as_str(),
    );
    body["params"] = json!({"id": 7, "name": "c7"});
    let answer = client.post("/api/v1/query", &body).await?.expect(200)?;
    assert_eq!(answer["rows"], json!([["c7"]]));
    let mut body = question(
        "SELECT a.id, b.name, c.mood FROM customers a, customers b, customers c",
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
async fn errors_are_problems_with_the_server_s_number_and_nothing_is_written() -> Result<()> {
    for server in [engine().await?, old().await?] {
        let (client, id) = shop(server).await?;
        let problem = query(&client, &id, "SELECT missing FROM customers").await?;
        ensure!(problem.status.is_client_error(), "{}", problem.status);
        assert!(String::from_utf8_lossy(&problem.body).contains("47"));
        for writing in [
            "INSERT INTO customers VALUES (1, 'x', 'ok')",
            "SELECT * FROM customers INTO OUTFILE '/tmp/stolen'",
            "SELECT 1 FORMAT TSV",
            "SELECT 1 SETTINGS readonly = 0",
            "SELECT * FROM url('http://169.254.169.254/', TSV, 'a String')",
        ] {
            let answer = query(&client, &id, writing).await?;
            ensure!(
                answer.status.is_client_error(),
                "{writing}: {}",
                answer.status
            );
        }
        assert_eq!(
            scalar(&client, &id, "SELECT count() FROM customers").await?,
            120
        );
    }
    Ok(())
}

#[tokio::test]
async fn the_tools_work_as_on_any_database() -> Result<()> {
    for server in [engine().await?, old().await?] {
        let (client, id) = shop(server).await?;
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
        assert_eq!(names, ["customers", "happy"]);
        let columns = call("list_columns", json!({"table": "CUSTOMERS"})).await?;
        assert_eq!(
            columns["columns"][0],
            json!({"name": "id", "type": "UInt32", "nullable": false})
        );
        let sample = call("get_table_sample", json!({"table": "customers"})).await?;
        assert!(sample.to_string().contains("c1"), "{sample}");
        let ran = call(
            "run_sql",
            json!({"query": "SELECT count() AS n FROM customers"}),
        )
        .await?;
        assert!(ran.to_string().contains("120"), "{ran}");
    }
    Ok(())
}

#[tokio::test]
async fn https_is_spoken_with_servers_whose_certificate_holds() -> Result<()> {
    let server = engine().await?;
    let stage = stage().await?;
    let client = stage.client();
    let (own, other) = (Authority::new()?, Authority::new()?);
    let port = tls_front(server.port(), &own.server(&["localhost"])?).await?;
    let roots = |name: &str, authority: &Authority| -> Result<String> {
        let file = stage.server.folder().join(name);
        std::fs::write(&file, authority.pem())?;
        Ok(file.display().to_string())
    };
    let own = roots("clickhouse-own.pem", &own)?;
    let other = roots("clickhouse-other.pem", &other)?;
    for (scheme, host, options, works) in [
        ("https", "localhost", format!("sslrootcert={own}"), true),
        (
            "clickhouses",
            "localhost",
            format!("sslrootcert={own}"),
            true,
        ),
        ("https", "127.0.0.1", format!("sslrootcert={own}"), false),
        (
            "https",
            "127.0.0.1",
            format!("sslmode=verify-ca&sslrootcert={own}"),
            true,
        ),
        ("https", "localhost", format!("sslrootcert={other}"), false),
        (
            "https",
            "localhost",
            format!("sslmode=require&sslrootcert={other}"),
            false,
        ),
        ("https", "127.0.0.1", "sslmode=require".to_owned(), true),
        (
            "https",
            "localhost",
            "sslmode=verify-full".to_owned(),
            false,
        ),
        ("https", "localhost", "sslmode=disable".to_owned(), false),
        ("http", "localhost", String::new(), false),
    ] {
        let url = format!(
            "{scheme}://{}:{}@{host}:{port}/{}?{options}",
            server.user(),
            server.password(),
            server.name_of("shop")
        );
        let answer = register(&client, &url).await?;
        ensure!(
            answer.status.is_success() == works,
            "{scheme}://{host}?{options}: {} {}",
            answer.status,
            String::from_utf8_lossy(&answer.body)
        );
        if works {
            let id = text(&answer.expect(201)?["connection_id"])?;
            assert_eq!(
                scalar(&client, &id, "SELECT count() FROM customers").await?,
                120
            );
        }
    }
    Ok(())
}
