//! The harmful corpus with nothing before the engine: sent through the connector component's own read-only
//! session, as an ordinary role.
//!
//! Each statement's header says after `alone` what became of it, and this test keeps that true:
//!
//! - `transaction`: refused because the transaction is read-only, or may not be left
//! - `rights`: refused because the role may not
//! - `protocol`: refused because the extended protocol takes one statement at a time
//! - `fails`: an error of another kind; what it speaks of does not exist here, say
//! - `runs`: it runs, and leaves nothing but a number spent: its transaction is rolled back, its session reset
//! - `lasts`: it runs, and the server is not what it was

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use datachat::limits::Limits;
use datachat::plugins::{
    Admission, Components, ConnectionKey, Connector, EgressPolicy, Parameters, PluginError,
    PluginOptions, Plugins, Statement, Target, Tls, TlsMode,
};
use datachat::secret::Secret;
use datachat_tests::{CANARY, Postgres, skipped};
use uuid::Uuid;

use crate::inspection::{Inspector, connect, difference, is_spent, major_version};
use crate::scene::{self, READER};
use crate::{complain, corpus};

#[tokio::test]
async fn what_the_engine_makes_of_harmful_statements_by_itself_is_in_the_corpus() -> Result<()> {
    let postgres = scene::postgres()?;
    let version = major_version(&connect(&postgres, "app").await?).await?;
    if version != 15 {
        skipped(
            "what the engine makes of harmful statements by itself",
            &format!("the corpus speaks of PostgreSQL 15, and this is {version}"),
        );
        return Ok(());
    }
    let plugins = load().await?;
    let connector = plugins.connector("postgresql").context("no connector")?;
    let target = target(&postgres);
    let inspector = Inspector::start(&postgres).await?;
    // The first session looks things up that stay in the server's caches.
    run(&connector, &target, "SELECT 1").await?;
    let tables = inspector.inspect().await?;
    let mut before = inspector.inspect_outside().await?;
    let mut wrong = Vec::new();
    for sample in corpus::harmful() {
        let outcome = match run(&connector, &target, sample.sql).await {
            Ok(()) => {
                let after = inspector.inspect_outside().await?;
                let lasting: Vec<_> = difference(&before, &after)
                    .into_iter()
                    .filter(|line| !is_spent(line))
                    .collect();
                before = after;
                if lasting.is_empty() { "runs" } else { "lasts" }
            }
            Err(PluginError::Database(error)) => {
                match error.vendor_code.as_deref().unwrap_or_default() {
                    "25006" | "25001" | "2D000" => "transaction",
                    "42501" => "rights",
                    "42601" if error.message.contains("multiple commands") => "protocol",
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
    postgres.psql("app", "ROLLBACK PREPARED 'loot'")?;
    let mut changed = difference(&tables, &inspector.inspect().await?);
    changed.retain(|line| line.starts_with("relation"));
    complain("changed", &changed);
    Ok(())
}

async fn load() -> Result<Plugins> {
    let program = std::env::current_exe()?;
    let component = program
        .ancestors()
        .map(|folder| folder.join("plugins/postgres.wasm"))
        .find(|file| file.is_file())
        .context("the component is not built; run `cargo xtask plugins`")?;
    let limits = Limits {
        sessions_per_connection: 1,
        ..Limits::default()
    };
    Ok(Plugins::load(PluginOptions {
        limits,
        data_dir: data_dir()?,
        egress: EgressPolicy::default(),
        components: Components::Files(vec![component]),
        admission: Admission::default(),
    })
    .await?)
}

/// Compiled once for all runs.
fn data_dir() -> Result<PathBuf> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("read-only");
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}

fn target(postgres: &Postgres) -> Target {
    Target {
        host: "127.0.0.1".to_owned(),
        port: postgres.port(),
        database: Some("app".to_owned()),
        user: Some(READER.to_owned()),
        password: Some(Secret::new(CANARY.to_owned())),
        options: Vec::new(),
        tls: Tls {
            mode: TlsMode::Disable,
            roots: None,
        },
    }
}

async fn run(connector: &Connector, target: &Target, sql: &str) -> Result<(), PluginError> {
    let key = ConnectionKey {
        id: Uuid::from_u128(1),
        revision: 1,
    };
    let statement = Statement {
        sql: sql.to_owned(),
        params: Parameters::Positional(Vec::new()),
        read_only: true,
        max_rows: Some(1000),
        max_bytes: None,
        timeout_ms: 2000,
    };
    let session = connector.session(key, target).await?;
    let deadline = Instant::now() + Duration::from_secs(5);
    let mut cursor = session.query(statement, deadline).await?;
    while cursor.read().await?.is_some() {}
    Ok(())
}
