//! The README's examples, run as printed against what `cargo xtask demo` sets up.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use datachat_tests::{
    Auth, CANARY, Options, Postgres, Role, ServerOptions, TestServer, shows_canary,
};
use serde_json::{Value, json};

const PRINTED: &str = "http://127.0.0.1:8000";

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// The `curl` commands of the section "Try it".
fn commands(readme: &str) -> Vec<String> {
    let section = readme
        .split("\n## ")
        .find(|section| section.starts_with("Try it"))
        .unwrap_or_default();
    section
        .split("```sh\n")
        .skip(1)
        .filter_map(|block| block.split("```").next())
        .flat_map(|block| {
            block
                .replace("\\\n", " ")
                .lines()
                .map(str::to_owned)
                .collect::<Vec<_>>()
        })
        .filter(|line| line.starts_with("curl "))
        .collect()
}

/// Runs a printed command against another address, in a folder of its own.
fn run(command: &str, base: &str, folder: &Path) -> Result<String> {
    let output = Command::new("/bin/sh")
        .args(["-c", &command.replace(PRINTED, base)])
        .current_dir(folder)
        .output()?;
    if !output.status.success() {
        bail!("{command}: {}", String::from_utf8_lossy(&output.stderr));
    }
    assert!(
        !shows_canary(&output.stdout),
        "{command} shows a credential"
    );
    Ok(String::from_utf8(output.stdout)?)
}

/// A member of a JSON answer.
fn member(answer: &str, name: &str) -> Result<Value> {
    let answer: Value = serde_json::from_str(answer).with_context(|| answer.to_owned())?;
    Ok(answer[name].clone())
}

#[tokio::test]
async fn every_command_answers_as_the_text_around_it_says() -> Result<()> {
    let postgres = Postgres::start(
        Options::new(CANARY)
            .role(Role::new("reader", CANARY, Auth::Scram))
            .database("fintech_bank")
            .database("grocery_store"),
    )?;
    postgres.psql("postgres", "GRANT pg_read_all_data TO reader")?;
    for database in ["fintech_bank", "grocery_store"] {
        for file in ["schema.sql", "data.sql"] {
            let examples = root().join("datapoints/examples");
            postgres.psql_file(database, &examples.join(database).join(file))?;
        }
    }
    let server = TestServer::start(ServerOptions::new("readme")).await?;
    let url = |database| postgres.url("reader", CANARY, database);
    let bank = server
        .register_with(
            "Fintech bank",
            &url("fintech_bank"),
            json!({"is_default": true}),
        )
        .await?;
    server
        .register("Grocery store", &url("grocery_store"))
        .await?;

    for (bundle, scope) in [
        (
            "examples/fintech_bank",
            &["--connection-id", bank.as_str()][..],
        ),
        ("shared", &["--global-scope"]),
    ] {
        let mut sync = server.command()?;
        sync.args(["dp", "sync", "--datapoints-dir"])
            .arg(root().join("datapoints").join(bundle))
            .args(scope);
        let synced = sync.output()?;
        if !synced.status.success() {
            bail!("{bundle}: {}", String::from_utf8_lossy(&synced.stderr));
        }
    }

    let readme = fs::read_to_string(root().join("README.md"))?;
    let folder = tempfile::tempdir()?;
    let answers = commands(&readme)
        .iter()
        .map(|command| run(command, &server.base(), folder.path()))
        .collect::<Result<Vec<_>>>()?;
    let [
        segments,
        csv,
        parquet,
        columns,
        asked,
        planned,
        defined,
        quoted,
        refused,
        databases,
        tools,
    ] = answers.as_slice()
    else {
        bail!("{} commands", answers.len());
    };

    assert_eq!(
        member(segments, "rows")?,
        json!([["business", 1384], ["premium", 2654], ["retail", 7962]])
    );
    assert_eq!(member(segments, "database")?["name"], "Fintech bank");
    assert_eq!(csv.lines().count(), 4);
    assert_eq!(csv.lines().next(), Some("customer_id,full_name,country"));
    assert!(
        csv.lines().skip(1).all(|line| line.ends_with(",AT")),
        "{csv}"
    );
    assert_eq!(parquet, "");
    let file = fs::read(folder.path().join("transactions.parquet"))?;
    assert!(file.starts_with(b"PAR1") && file.ends_with(b"PAR1"));
    let columns = member(columns, "result")?["columns"].clone();
    assert_eq!(columns[1]["name"], "customerId");
    assert_eq!(member(asked, "answer")?, "Table `loans` has 4000 row(s).");
    let begin = "Number of loans by customers.segment, the highest 2: 2 row(s). First: retail, ";
    let planned = member(planned, "answer")?;
    assert!(
        planned.as_str().is_some_and(|text| text.starts_with(begin)),
        "{planned}"
    );
    let sources = member(defined, "sources")?;
    assert_eq!(sources[0]["datapoint_id"], "metric_default_rate_001");
    let quoted = member(quoted, "result")?;
    assert_eq!(quoted["evidence"][0]["datapoint_id"], "term_churn_001");
    assert_eq!(member(refused, "code")?, "read_only_violation");
    let databases: Value = serde_json::from_str(databases)?;
    let names: Vec<&Value> = databases
        .as_array()
        .context("an array")?
        .iter()
        .map(|database| &database["name"])
        .collect();
    assert_eq!(names, ["Grocery store", "Fintech bank"]);
    assert!(tools.contains("\"run_sql\""), "{tools}");
    assert_eq!(
        postgres.psql("fintech_bank", "SELECT count(*) FROM loans")?,
        "4000"
    );
    Ok(())
}

#[test]
fn commands_are_read_with_their_continuation_lines() {
    let readme = "# x\n\n## Try it\n\n```sh\ncurl a \\\n  -d b\n```\n\n```json\n{}\n```\n\n```sh\ncurl c\n# no\n```\n## Next\n```sh\ncurl d\n```\n";
    assert_eq!(commands(readme), ["curl a    -d b", "curl c"]);
}
