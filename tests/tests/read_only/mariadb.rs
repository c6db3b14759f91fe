//! The corpus of MySQL against a MariaDB that is inspected before and after, as a role that may do everything
//! and as one that may only read.

use anyhow::{Context, Result, ensure};
use datachat::plugins::PluginError;
use datachat_tests::{Answer, CANARY, MariaDb, MariaDbAuth, MariaDbOptions, MariaDbUser, skipped};

use crate::corpus::{MYSQL, Sample};
use crate::inspection::{Facts, difference};
use crate::mariadb_inspection::inspect;
use crate::scene::Scene;
use crate::{all_are_answered, all_are_refused, alone, complain};

/// A role with all rights.
const BOSS: &str = "boss";
const READER: &str = "reader";

/// How the files in /tmp are called that the corpus writes.
const MARKER: &str = "loot";

/// A MariaDB with everything that the corpus speaks of, that logs every statement.
fn server() -> Result<MariaDb> {
    let server = MariaDb::start(
        MariaDbOptions::default()
            .database("app")
            .user(
                MariaDbUser::new(READER, CANARY, MariaDbAuth::Native)
                    .grant("SELECT, EXECUTE, SHOW VIEW ON app.*")
                    .grant("SELECT ON mysql.help_topic"),
            )
            .user(
                MariaDbUser::new(BOSS, CANARY, MariaDbAuth::Native).grant("ALL PRIVILEGES ON *.*"),
            )
            .setting("general-log=1")
            .setting("general-log-file=general.log")
            .setting("secure-file-priv=")
            .setting("innodb-stats-auto-recalc=OFF"),
    )?;
    server.sql("app", MYSQL.setup)?;
    Ok(server)
}

async fn scene(server: &MariaDb, role: &str) -> Result<Scene> {
    Scene::start(&server.url(role, CANARY, "app")).await
}

/// What the pooled session has that others would not see.
async fn session(scene: &Scene) -> Result<Facts> {
    scene
        .facts(&[
            (
                "setting",
                "SELECT variable_name, variable_value FROM information_schema.session_variables
                 WHERE variable_name NOT IN ('TIMESTAMP', 'RAND_SEED1', 'RAND_SEED2', 'PSEUDO_THREAD_ID', 'IN_TRANSACTION',
                     'MAX_STATEMENT_TIME', 'SQL_SELECT_LIMIT', 'LAST_GTID', 'WARNING_COUNT', 'ERROR_COUNT')",
            ),
            ("variable", "SELECT 'loot', @loot"),
            ("lock", "SELECT 'loot', IS_USED_LOCK('loot')"),
        ])
        .await
}

fn log(server: &MariaDb) -> Result<String> {
    let file = server.data_folder().join("general.log");
    let log = std::fs::read(&file).with_context(|| file.display().to_string())?;
    Ok(String::from_utf8_lossy(&log).into_owned())
}

#[tokio::test]
async fn harmful_statements_are_refused_and_never_reach_mariadb() -> Result<()> {
    let server = server()?;
    let mut scene = scene(&server, BOSS).await?;
    let before_session = session(&scene).await?;
    let before = inspect(&server, MARKER).await?;
    let logged = log(&server)?.len();

    all_are_refused(&scene, &MYSQL.harmful()).await?;
    let log = log(&server)?;
    let said: Vec<_> = log[logged..]
        .lines()
        // The probe of the registration takes its leave when it likes.
        .filter(|line| !line.trim_end().ends_with("Quit"))
        .collect();
    ensure!(said.iter().all(|line| line.trim().is_empty()), "{said:?}");

    complain(
        "changed",
        &difference(&before, &inspect(&server, MARKER).await?),
    );
    complain(
        "changed",
        &difference(&before_session, &session(&scene).await?),
    );
    scene.server.stop()?;
    complain(
        "changed",
        &difference(&before, &inspect(&server, MARKER).await?),
    );
    Ok(())
}

#[tokio::test]
async fn legitimate_statements_are_answered_by_mariadb_and_change_nothing() -> Result<()> {
    let server = server()?;
    for role in [BOSS, READER] {
        let scene = scene(&server, role).await?;
        let before_session = session(&scene).await?;
        let before = inspect(&server, MARKER).await?;
        all_are_answered(&scene, &MYSQL.legitimate()).await?;
        complain(
            "changed",
            &difference(&before, &inspect(&server, MARKER).await?),
        );
        complain(
            "changed",
            &difference(&before_session, &session(&scene).await?),
        );
    }
    Ok(())
}

#[tokio::test]
async fn what_passes_the_policy_is_stopped_or_undone_by_mariadb() -> Result<()> {
    let server = server()?;
    for role in [BOSS, READER] {
        let mut scene = scene(&server, role).await?;
        let before_session = session(&scene).await?;
        let before = inspect(&server, MARKER).await?;
        let mut wrong = Vec::new();
        for sample in MYSQL.engine() {
            if role == BOSS && sample.reason == "role_rights" {
                continue;
            }
            let answer = scene.query(sample.sql).await?;
            if !is_stopped(&sample, &answer) {
                wrong.push(format!("{role}: {}\n  {}", sample.sql, answer.text()));
            }
            for line in difference(&before_session, &session(&scene).await?) {
                wrong.push(format!("{role}: {}\n  {line}", sample.sql));
            }
        }
        complain("not stopped, or changed", &wrong);
        scene.server.stop()?;
        complain(
            "changed",
            &difference(&before, &inspect(&server, MARKER).await?),
        );
    }
    Ok(())
}

/// There is no looking at such a server from outside: what is in the database is compared.
#[tokio::test]
async fn the_corpus_holds_on_a_server_that_somebody_named() -> Result<()> {
    if std::env::var_os("MYSQL_TEST_URL").is_none() {
        return Ok(());
    }
    let server = MariaDb::named_or_start(MariaDbOptions::default().database("app"))?;
    server.sql("app", MYSQL.setup)?;
    let contents = || -> Result<Vec<String>> {
        let tables = server.sql("app", "SHOW FULL TABLES")?;
        let mut contents = vec![tables.clone()];
        for (table, _) in tables.lines().filter_map(|line| line.split_once("\tBASE")) {
            contents.push(server.sql("app", &format!("CHECKSUM TABLE `{table}`"))?);
        }
        Ok(contents)
    };
    let before = contents()?;
    ensure!(before.len() > 3, "{before:?}");
    let scene = scene(&server, READER).await?;
    all_are_refused(&scene, &MYSQL.harmful()).await?;
    let mut legitimate = MYSQL.legitimate();
    // The database has another name here.
    legitimate.retain(|sample| {
        ["app.", " app", "_app"]
            .iter()
            .all(|name| !sample.sql.contains(name))
    });
    all_are_answered(&scene, &legitimate).await?;
    ensure!(contents()? == before, "{before:?}");
    Ok(())
}

/// Whether an answer is that of the layer which the corpus names.
fn is_stopped(sample: &Sample, answer: &Answer) -> bool {
    let body = answer.json();
    match sample.reason {
        "read_only_transaction" => answer.problem(403, "read_only_violation").is_ok(),
        "reset" => answer.status == 200,
        // A file that may not be read is NULL.
        "role_rights" => {
            answer.problem(403, "permission_denied").is_ok()
                || answer.status == 200 && body["rows"][0][0].is_null()
        }
        // BENCHMARK ends at the limit, too, but as if it were done.
        "statement_timeout" => {
            answer.problem(504, "timeout").is_ok()
                || answer.status == 200 && body["elapsed_ms"].as_u64().is_some_and(|ms| ms < 10_000)
        }
        "row_limit" => answer.status == 200 && body["truncated"] == true,
        _ => false,
    }
}

#[tokio::test]
async fn what_mariadb_makes_of_harmful_statements_by_itself_is_in_the_corpus() -> Result<()> {
    let server = server()?;
    let version = server.sql("", "SELECT VERSION()")?;
    if !version.starts_with("10.11.") {
        skipped(
            "what MariaDB makes of harmful statements by itself",
            &format!("the corpus speaks of MariaDB 10.11, and this is {version}"),
        );
        return Ok(());
    }
    let plugins = alone::load("mysql").await?;
    let connector = plugins.connector("mysql").context("no connector")?;
    let target = alone::target(server.port());
    alone::run(&connector, &target, "SELECT 1").await?;
    let mut before = inspect(&server, MARKER).await?;
    let mut wrong = Vec::new();
    for sample in MYSQL.harmful() {
        let outcome = match alone::run(&connector, &target, sample.sql).await {
            Ok(()) => {
                // There is one session: whoever has it next has waited until it was reset.
                alone::run(&connector, &target, "SELECT 1").await?;
                let after = inspect(&server, MARKER).await?;
                let lasting = difference(&before, &after);
                before = after;
                if lasting.is_empty() { "runs" } else { "lasts" }
            }
            Err(PluginError::Database(error)) => {
                match error.vendor_code.as_deref().unwrap_or_default() {
                    "1064" if sample.reason == "multiple_statements" => "protocol",
                    // Not to be prepared.
                    "1295" => "protocol",
                    "1792" | "1568" | "1179" => "transaction",
                    "1044" | "1045" | "1142" | "1143" | "1227" | "1370" => "rights",
                    _ => "fails",
                }
            }
            Err(_) => "fails",
        };
        if outcome != sample.alone {
            wrong.push(format!(
                "--! {}; alone {outcome}\n{}",
                sample.reason, sample.sql
            ));
        }
    }
    complain("not as the corpus says", &wrong);
    complain(
        "changed",
        &difference(&before, &inspect(&server, MARKER).await?),
    );
    Ok(())
}

#[tokio::test]
async fn the_inspection_of_mariadb_sees_every_kind_of_change() -> Result<()> {
    let server = server()?;
    let marker = format!("planted-{}", std::process::id());
    let mut before = inspect(&server, &marker).await?;
    complain(
        "changed by itself",
        &difference(&before, &inspect(&server, &marker).await?),
    );
    for (kind, sql) in [
        (
            "table app.accounts",
            "UPDATE accounts SET balance = 0 WHERE id = 1",
        ),
        ("column app.planted.a", "CREATE TABLE planted (a int)"),
        ("sequence app", "SELECT NEXTVAL(numbers_of_orders)"),
        ("table mysql.global_priv", "CREATE USER planted"),
        ("table mysql.db", "GRANT INSERT ON app.* TO planted"),
        ("setting GENERAL_LOG", "SET GLOBAL general_log = 0"),
        (
            "routine app.planted",
            "CREATE FUNCTION planted() RETURNS int RETURN 1",
        ),
        (
            "view app.planted_view",
            "CREATE VIEW planted_view AS SELECT 1",
        ),
        (
            "trigger app.planted",
            "CREATE TRIGGER planted BEFORE INSERT ON accounts FOR EACH ROW SET @a = 1",
        ),
        ("database planted", "CREATE DATABASE planted"),
        (
            "file /tmp/planted",
            &format!("SELECT 1 INTO OUTFILE '/tmp/{marker}'"),
        ),
    ] {
        server.sql("app", sql)?;
        let after = inspect(&server, &marker).await?;
        let seen = difference(&before, &after);
        ensure!(
            seen.iter().any(|line| line.starts_with(kind)),
            "{sql}: {seen:?}"
        );
        before = after;
    }
    std::fs::remove_file(format!("/tmp/{marker}"))?;
    Ok(())
}
