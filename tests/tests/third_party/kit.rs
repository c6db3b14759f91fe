//! The conformance kit on our own connectors, and on one that does not conform.

use anyhow::{Context, Result};
use datachat_tests::components::built;
use datachat_tests::{
    Auth, CANARY, ClickHouse, MariaDb, MariaDbAuth, MariaDbOptions, MariaDbUser, Options, Postgres,
    Role, ServerOptions, TestServer, literal,
};
use serde_json::{Value, json};

use crate::{run, run_json};

fn file(place: &str) -> Result<String> {
    Ok(built(place)?
        .to_str()
        .context("a path in UTF-8")?
        .to_owned())
}

/// The findings of one outcome, as `title: detail`.
fn findings(report: &Value, outcome: &str) -> Vec<String> {
    let all = report["findings"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    all.iter()
        .filter(|finding| finding["outcome"] == outcome)
        .map(|finding| format!("{}: {}", finding["title"], finding["detail"]))
        .collect()
}

/// Every check passes, and those that do not apply are named, each by a part of what is said of it.
fn conforms(server: &TestServer, component: &str, url: &str, apart: &[&str]) -> Result<()> {
    let component = file(component)?;
    let report = run_json(server, &["plugin", "test", &component, "--url", url], 0)
        .inspect_err(|error| eprintln!("{error:#}"))?;
    for finding in report["findings"].as_array().into_iter().flatten() {
        eprintln!(
            "{} ({} ms): {} {}",
            finding["title"], finding["elapsed_ms"], finding["outcome"], finding["detail"]
        );
    }
    assert_eq!(findings(&report, "failed"), Vec::<String>::new());
    let found = findings(&report, "not_applicable");
    assert_eq!(found.len(), apart.len(), "{found:?}");
    for (found, part) in found.iter().zip(apart) {
        assert!(found.contains(part), "{found}, not {part}");
    }
    assert_eq!(report["passed"], true);
    assert!(
        report["totals"]["passed"].as_u64().is_some_and(|n| n > 25),
        "{}",
        report["totals"]
    );
    Ok(())
}

#[tokio::test]
async fn the_postgresql_connector_conforms() -> Result<()> {
    let postgres = Postgres::start(
        Options::new(CANARY)
            .role(Role::new("reader", CANARY, Auth::Scram))
            .database("shop"),
    )?;
    postgres.psql(
        "shop",
        &format!(
            "CREATE TABLE customers (id integer PRIMARY KEY, name text);
             CREATE TABLE \"Order Items\" (id bigint, customer integer REFERENCES customers, note text);
             INSERT INTO customers VALUES (1, {});
             GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader",
            literal("it's")
        ),
    )?;
    let server = TestServer::start(ServerOptions::new("kit-postgres")).await?;
    let url = postgres.url("reader", CANARY, "shop");
    conforms(&server, "plugins/postgres.wasm", &url, &[])
}

#[tokio::test]
async fn the_mysql_connector_conforms() -> Result<()> {
    let mariadb =
        MariaDb::named_or_start(MariaDbOptions::default().database("shop").user(
            MariaDbUser::new("reader", CANARY, MariaDbAuth::Ed25519).grant("SELECT ON shop.*"),
        ))?;
    mariadb.sql(
        "shop",
        "CREATE TABLE customers (id int PRIMARY KEY, name text);
         CREATE TABLE `Order Items` (id bigint, customer int REFERENCES customers (id), note text);
         INSERT INTO customers VALUES (1, 'it''s')",
    )?;
    let server = TestServer::start(ServerOptions::new("kit-mysql")).await?;
    let url = mariadb.url("reader", CANARY, "shop");
    conforms(
        &server,
        "plugins/mysql.wasm",
        &url,
        &["the dialect has no position"],
    )
}

/// A server with tables, a row and a text in them.
fn shop(server: &ClickHouse) -> Result<()> {
    server.create_database("shop")?;
    for sql in [
        "CREATE TABLE customers (id UInt32, name String) ENGINE = MergeTree ORDER BY id",
        "CREATE TABLE `Order Items` (id UInt64, customer UInt32, note String) \
         ENGINE = MergeTree ORDER BY id",
        "INSERT INTO customers VALUES (1, 'it\\'s')",
    ] {
        server.sql_in("shop", sql)?;
    }
    Ok(())
}

/// HTTP has no session that could keep anything.
const OF_CLICKHOUSE: [&str; 2] = [
    "the dialect has no position",
    "the dialect has no setting that outlives a statement",
];

#[tokio::test]
async fn the_clickhouse_connector_conforms() -> Result<()> {
    let clickhouse = ClickHouse::engine()?;
    shop(&clickhouse)?;
    let server = TestServer::start(ServerOptions::new("kit-clickhouse")).await?;
    let url = clickhouse.url("shop");
    conforms(&server, "plugins/clickhouse.wasm", &url, &OF_CLICKHOUSE)
}

#[tokio::test]
async fn the_clickhouse_connector_conforms_on_a_server_without_parameters() -> Result<()> {
    let clickhouse = ClickHouse::old()?;
    shop(&clickhouse)?;
    let server = TestServer::start(ServerOptions::new("kit-old-clickhouse")).await?;
    let none = "has no parameters";
    let [position, setting] = OF_CLICKHOUSE;
    let apart = [none, none, position, none, setting];
    let url = clickhouse.url("shop");
    conforms(&server, "plugins/clickhouse.wasm", &url, &apart)
}

#[tokio::test]
async fn the_example_conforms_and_what_does_not_apply_says_why() -> Result<()> {
    let server = TestServer::start(ServerOptions::new("kit-example")).await?;
    let folder = server.folder().join("files");
    std::fs::create_dir_all(&folder)?;
    std::fs::write(folder.join("orders.csv"), "id,note\n1,a\n2,b\n3,\n")?;
    let read = format!("shop={}", folder.display());
    let component = file("plugins-examples/csv.wasm")?;
    let arguments = [
        "plugin",
        "test",
        &component,
        "--url",
        "csv://shop",
        "--read",
        &read,
    ];
    let report = run_json(&server, &arguments, 0)?;
    assert_eq!(findings(&report, "failed"), Vec::<String>::new());
    let apart = findings(&report, "not_applicable");
    assert!(
        apart.iter().all(|finding| !finding.ends_with("null")),
        "{apart:?}"
    );
    assert!(
        apart
            .iter()
            .any(|finding| finding.contains("it has no connection")),
        "{apart:?}"
    );
    assert!(
        report["totals"]["passed"].as_u64().is_some_and(|n| n > 15),
        "{}",
        report["totals"]
    );
    let text = run(&server, &arguments, 0)?;
    assert!(
        text.contains("  ✓ ") && text.contains("  – ") && !text.contains('✗'),
        "{text}"
    );
    Ok(())
}

#[tokio::test]
async fn a_connector_that_does_not_conform_fails_with_what_was_seen() -> Result<()> {
    let server = TestServer::start(ServerOptions::new("kit-fails")).await?;
    let component = file("plugins-hostile/neighbour.wasm")?;
    let url = "neighbour://127.0.0.1";
    let report = run_json(&server, &["plugin", "test", &component, "--url", url], 1)?;
    assert_eq!(report["passed"], false);
    let failed = findings(&report, "failed");
    assert!(
        failed.iter().any(|finding| finding.contains("help")),
        "{failed:?}"
    );
    // Its answer is no Arrow stream.
    assert!(
        failed.iter().any(|finding| finding.contains("malformed")),
        "{failed:?}"
    );
    assert_eq!(report["totals"]["failed"], json!(failed.len()));

    run(
        &server,
        &["plugin", "test", &component, "--url", "csv://x"],
        1,
    )?;
    run(
        &server,
        &["plugin", "test", "/nowhere.wasm", "--url", url],
        1,
    )?;
    let tool = file("plugins/sql-tools.wasm")?;
    run(&server, &["plugin", "test", &tool, "--url", url], 1)?;
    Ok(())
}
