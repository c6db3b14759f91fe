//! The corpus of ClickHouse against today's engine, or a server that somebody named, inspected before and after.

use anyhow::{Result, ensure};
use datachat_tests::{Answer, ClickHouse, skipped};

use crate::corpus::{CLICKHOUSE, Sample};
use crate::inspection::{Facts, difference};
use crate::scene::Scene;
use crate::{all_are_answered, all_are_refused, complain};

/// What concerns the whole server: a name, and a query of rows of (what, value).
const SERVER: &[(&str, &str)] = &[
    (
        "column",
        "SELECT concat(database, '.', table, '.', name), type FROM system.columns WHERE database != 'system'",
    ),
    (
        "table",
        "SELECT concat(database, '.', name), create_table_query FROM system.tables WHERE database != 'system'",
    ),
    ("database", "SELECT name, engine FROM system.databases"),
    (
        "function",
        "SELECT name, create_query FROM system.functions WHERE origin != 'System'",
    ),
    (
        "setting",
        "SELECT name, value FROM system.settings WHERE changed",
    ),
];

/// A ClickHouse with everything that the corpus speaks of. `None`: there is none on this machine.
fn server() -> Result<Option<ClickHouse>> {
    let named = std::env::var_os("CLICKHOUSE_TEST_URL").is_some();
    if !named && ClickHouse::engine_python().is_none() {
        skipped("the corpus of ClickHouse", "its engine is not installed");
        return Ok(None);
    }
    let server = ClickHouse::engine()?;
    server.create_database("app")?;
    let app = format!("{}.", server.name_of("app"));
    for statement in CLICKHOUSE.setup.split(";\n").map(str::trim) {
        // A function would be the whole server's.
        let is_ours = !server.is_named() || !statement.contains("CREATE FUNCTION");
        if !statement.is_empty() && is_ours {
            server.sql_in("app", &statement.replace("app.", &app))?;
        }
    }
    Ok(Some(server))
}

/// Without those that speak of the database by a name that it does not have here.
fn samples(server: &ClickHouse, mut all: Vec<Sample>) -> Vec<Sample> {
    all.retain(|sample| {
        let names_it = ["app.", " app "]
            .iter()
            .any(|name| sample.sql.contains(name));
        !server.is_named() || !names_it
    });
    all
}

fn inspect(server: &ClickHouse) -> Result<Facts> {
    let mut facts = Facts::new();
    for (name, sql) in SERVER {
        for line in server.sql(sql)?.lines() {
            let (what, value) = line.split_once('\t').unwrap_or((line, ""));
            facts.insert(format!("{name} {what}"), value.to_owned());
        }
    }
    if server.is_named() {
        let app = server.name_of("app");
        facts.retain(|what, _| what.contains(&app));
    }
    for table in ["accounts", "staging", "versions"] {
        let sum = format!("SELECT count(), groupBitXor(cityHash64(*)) FROM {table}");
        facts.insert(format!("rows of {table}"), server.sql_in("app", &sum)?);
    }
    for entry in std::fs::read_dir("/tmp")? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.starts_with("loot") {
            facts.insert(format!("file /tmp/{name}"), "there".to_owned());
        }
    }
    Ok(facts)
}

/// How many statements the engine has run.
fn asked(server: &ClickHouse) -> Result<u64> {
    let count = server.sql("SELECT value FROM system.events WHERE event = 'Query'")?;
    Ok(count.parse()?)
}

#[tokio::test]
async fn harmful_statements_are_refused_and_never_reach_clickhouse() -> Result<()> {
    let Some(server) = server()? else {
        return Ok(());
    };
    let mut scene = Scene::start(&server.url("app")).await?;
    scene.query("SELECT 1").await?.expect(200)?;
    let before = inspect(&server)?;
    let (first, second) = (asked(&server)?, asked(&server)?);

    all_are_refused(&scene, &CLICKHOUSE.harmful()).await?;
    let third = asked(&server)?;
    // Others ask a server that is not ours.
    ensure!(
        third - second == second - first || server.is_named(),
        "{first} {second} {third}"
    );

    complain("changed", &difference(&before, &inspect(&server)?));
    scene.server.stop()?;
    complain("changed", &difference(&before, &inspect(&server)?));
    Ok(())
}

#[tokio::test]
async fn legitimate_statements_are_answered_by_clickhouse_and_change_nothing() -> Result<()> {
    let Some(server) = server()? else {
        return Ok(());
    };
    let scene = Scene::start(&server.url("app")).await?;
    let before = inspect(&server)?;
    all_are_answered(&scene, &samples(&server, CLICKHOUSE.legitimate())).await?;
    complain("changed", &difference(&before, &inspect(&server)?));
    Ok(())
}

/// With nothing before the engine but the mode that the connector asks for.
#[test]
fn of_harmful_statements_none_changes_a_clickhouse_that_is_in_its_read_only_mode() -> Result<()> {
    let Some(server) = server()? else {
        return Ok(());
    };
    let before = inspect(&server)?;
    let settings = format!(
        "&database={}&max_execution_time=5&max_result_rows=1000&result_overflow_mode=break&readonly=1",
        server.name_of("app")
    );
    let mut refused = 0;
    for sample in CLICKHOUSE.harmful() {
        refused += usize::from(server.fetch(sample.sql, "Null", &settings).is_err());
    }
    ensure!(refused > 40, "only {refused} are refused");
    complain("changed", &difference(&before, &inspect(&server)?));
    Ok(())
}

#[tokio::test]
async fn what_passes_the_policy_is_stopped_by_clickhouse() -> Result<()> {
    let Some(server) = server()? else {
        return Ok(());
    };
    let scene = Scene::start(&server.url("app")).await?;
    let before = inspect(&server)?;
    let mut wrong = Vec::new();
    for sample in CLICKHOUSE.engine() {
        // Who may do that is for the server's operator to say, and the engine has one user, who may all.
        if sample.reason == "role_rights" {
            continue;
        }
        let answer = scene.query(sample.sql).await?;
        if !is_stopped(&sample, &answer) {
            wrong.push(format!("{}\n  {}", sample.sql, answer.text()));
        }
    }
    complain("not stopped", &wrong);
    complain("changed", &difference(&before, &inspect(&server)?));
    Ok(())
}

/// Whether an answer is that of the layer which the corpus names.
fn is_stopped(sample: &Sample, answer: &Answer) -> bool {
    match sample.reason {
        "statement_timeout" => answer.problem(504, "timeout").is_ok(),
        "row_limit" => answer.status == 200 && answer.json()["truncated"] == true,
        _ => false,
    }
}
