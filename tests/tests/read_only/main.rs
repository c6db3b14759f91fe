//! Read-only, tried: the policy's whole corpus against a server that is inspected before and after; here
//! PostgreSQL, in `mariadb` MariaDB, in `clickhouse` ClickHouse.
//!
//! The connection logs in as a superuser, so that nothing but the two layers stands between a statement and
//! the server. `alone` tries what the second layer does without the first.

mod alone;
mod clickhouse;
mod corpus;
mod functions;
mod inspection;
mod mariadb;
mod mariadb_inspection;
mod scene;

use anyhow::{Result, ensure};
use datachat_tests::Answer;

use corpus::Sample;
use inspection::{Inspector, difference, is_spent};
use scene::{READER, Scene};

const SUPERUSER: &str = "postgres";

/// The problem that a reason of the policy becomes.
fn problem_of(reason: &str) -> (u16, &str) {
    match reason {
        "empty_sql" | "multiple_statements" | "syntax" => (400, reason),
        _ => (403, "read_only_violation"),
    }
}

fn complain(what: &str, wrong: &[String]) {
    assert!(wrong.is_empty(), "{what}:\n{}", wrong.join("\n"));
}

async fn all_are_refused(scene: &Scene, samples: &[Sample]) -> Result<()> {
    ensure!(samples.len() >= 60, "{}", samples.len());
    let mut wrong = Vec::new();
    for sample in samples {
        let (status, code) = problem_of(sample.reason);
        let answer = scene.query(sample.sql).await?;
        match answer.problem(status, code) {
            Ok(problem) if status != 403 || problem["reason"] == sample.reason => {}
            _ => wrong.push(format!("{}\n  {}", sample.sql, answer.text())),
        }
    }
    complain("not refused", &wrong);
    Ok(())
}

async fn all_are_answered(scene: &Scene, samples: &[Sample]) -> Result<()> {
    ensure!(samples.len() >= 60, "{}", samples.len());
    let mut wrong = Vec::new();
    for sample in samples {
        let answer = scene.query(sample.sql).await?;
        if answer.status != 200 {
            wrong.push(format!("{}\n  {}", sample.sql, answer.text()));
        }
    }
    complain("not answered", &wrong);
    Ok(())
}

#[tokio::test]
async fn harmful_statements_are_refused_and_never_reach_the_server() -> Result<()> {
    let postgres = scene::postgres()?;
    let mut scene = Scene::of_postgres(&postgres, SUPERUSER).await?;
    let inspector = Inspector::start(&postgres).await?;
    let session = scene.session_of_postgres().await?;
    let before = inspector.inspect().await?;
    let logged = postgres.log().len();

    all_are_refused(&scene, &corpus::POSTGRESQL.harmful()).await?;
    // The server was not even asked.
    let log = postgres.log();
    ensure!(!log[logged..].contains("LOG:"), "{}", &log[logged..]);

    complain("changed", &difference(&before, &inspector.inspect().await?));
    complain(
        "changed",
        &difference(&session, &scene.session_of_postgres().await?),
    );
    scene.server.stop()?;
    complain("changed", &difference(&before, &inspector.inspect().await?));
    Ok(())
}

#[tokio::test]
async fn legitimate_statements_are_answered_and_change_nothing() -> Result<()> {
    let postgres = scene::postgres()?;
    for role in [SUPERUSER, READER] {
        let scene = Scene::of_postgres(&postgres, role).await?;
        let inspector = Inspector::start(&postgres).await?;
        let session = scene.session_of_postgres().await?;
        let before = inspector.inspect().await?;

        all_are_answered(&scene, &corpus::POSTGRESQL.legitimate()).await?;
        complain("changed", &difference(&before, &inspector.inspect().await?));
        complain(
            "changed",
            &difference(&session, &scene.session_of_postgres().await?),
        );
    }
    Ok(())
}

#[tokio::test]
async fn what_passes_the_policy_is_stopped_or_undone_by_the_engine() -> Result<()> {
    let postgres = scene::postgres()?;
    for role in [SUPERUSER, READER] {
        let mut scene = Scene::of_postgres(&postgres, role).await?;
        let inspector = Inspector::start(&postgres).await?;
        let session = scene.session_of_postgres().await?;
        let before = inspector.inspect().await?;
        let mut wrong = Vec::new();
        for sample in corpus::POSTGRESQL.engine() {
            if role == SUPERUSER && sample.reason == "role_rights" {
                continue;
            }
            let answer = scene.query(sample.sql).await?;
            if !is_stopped(&sample, &answer) {
                wrong.push(format!("{role}: {}\n  {}", sample.sql, answer.text()));
            }
            for line in difference(&session, &scene.session_of_postgres().await?) {
                wrong.push(format!("{role}: {}\n  {line}", sample.sql));
            }
        }
        complain("not stopped, or changed", &wrong);
        scene.server.stop()?;
        let mut changed = difference(&before, &inspector.inspect().await?);
        changed.retain(|line| !is_spent(line));
        complain("changed", &changed);
    }
    Ok(())
}

/// Whether an answer is that of the layer which the corpus names.
fn is_stopped(sample: &Sample, answer: &Answer) -> bool {
    let body = answer.json();
    match sample.reason {
        "read_only_transaction" => {
            // 25006: it writes. The others: it tries to leave the transaction or to make it one that writes.
            let state = body["sqlstate"].as_str().unwrap_or_default();
            answer.status != 200 && ["25006", "25001", "2D000"].contains(&state)
        }
        "rollback" | "reset" => answer.status == 200,
        "role_rights" => answer.problem(403, "permission_denied").is_ok(),
        "statement_timeout" => answer.problem(504, "timeout").is_ok(),
        "row_limit" => answer.status == 200 && body["truncated"] == true,
        _ => false,
    }
}

#[tokio::test]
async fn the_inspection_sees_every_kind_of_change() -> Result<()> {
    let postgres = scene::postgres()?;
    let marker = format!("planted-{}", std::process::id());
    let inspector = Inspector::looking_for(&postgres, &marker).await?;
    let mut before = inspector.inspect().await?;
    let again = inspector.inspect().await?;
    complain("changed by itself", &difference(&before, &again));
    for (kind, database, sql) in [
        (
            "relation app.public.accounts",
            "app",
            "UPDATE accounts SET balance = 0 WHERE id = 1",
        ),
        (
            "relation other.pg_catalog.pg_class",
            "other",
            "CREATE TABLE new (a int)",
        ),
        (
            "relation app.public.accounts_id_seq",
            "app",
            "SELECT nextval('accounts_id_seq')",
        ),
        (
            "relation app.pg_catalog.pg_largeobject_metadata",
            "app",
            "SELECT lo_create(1)",
        ),
        (
            "relation app.pg_catalog.pg_largeobject",
            "app",
            "SELECT lo_put(424242, 0, 'b')",
        ),
        (
            "relation postgres.pg_catalog.pg_authid",
            "postgres",
            "CREATE ROLE new",
        ),
        (
            "relation app.pg_catalog.pg_publication",
            "app",
            "CREATE PUBLICATION new",
        ),
        (
            "relation app.pg_catalog.pg_db_role_setting",
            "app",
            "ALTER ROLE reader SET work_mem = '1MB'",
        ),
        (
            "setting in a file",
            "postgres",
            "ALTER SYSTEM SET work_mem = '1MB'",
        ),
        (
            "configuration loaded",
            "postgres",
            "SELECT pg_reload_conf()",
        ),
        (
            "replication slot",
            "postgres",
            "SELECT pg_create_physical_replication_slot('new')",
        ),
        (
            "prepared transaction",
            "app",
            "BEGIN; PREPARE TRANSACTION 'new'",
        ),
        ("notifications", "app", "NOTIFY channel"),
        ("transaction id", "app", "SELECT txid_current()"),
        (
            "log record",
            "app",
            "SELECT pg_logical_emit_message(false, 'a', 'b')",
        ),
        (
            "statistics of database app",
            "app",
            "SELECT pg_stat_reset()",
        ),
        (
            &format!("file /tmp/{marker}"),
            "app",
            &format!("COPY (SELECT 1) TO '/tmp/{marker}'"),
        ),
        ("file new", "app", "COPY (SELECT 1) TO PROGRAM 'cat > new'"),
    ] {
        postgres.psql(database, sql)?;
        let after = inspector.inspect().await?;
        let seen = difference(&before, &after);
        ensure!(
            seen.iter().any(|line| line.starts_with(kind)),
            "{sql}: {seen:?}"
        );
        before = after;
    }
    postgres.psql(
        "app",
        &format!("COPY (SELECT 1) TO PROGRAM 'cat; rm -f /tmp/{marker}'"),
    )?;
    // A lock and an open transaction of somebody else.
    let other = inspection::connect(&postgres, "app").await?;
    other
        .batch_execute("SELECT pg_advisory_lock(1); BEGIN")
        .await?;
    let seen = difference(&before, &inspector.inspect().await?);
    for kind in ["lock", "session at work"] {
        ensure!(seen.iter().any(|line| line.starts_with(kind)), "{seen:?}");
    }
    Ok(())
}
