//! `datachat profile`, `dp generate` and `dp pending`, on the system database and over HTTP.

use std::fs;
use std::process::Output;

use anyhow::{Context, Result, ensure};
use datachat_tests::stage::stage;
use datachat_tests::{ServerOptions, TestServer};
use serde_json::{Value, json};

use crate::jobs::stored;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// In the system database that the server uses as well.
    Here,
    /// At the server, by `DATA_CHAT_API_URL`.
    There,
}

fn run(server: &TestServer, way: Way, arguments: &[&str]) -> Result<Output> {
    let mut command = server.command()?;
    command.env("DATACHAT_LOG", "error").args(arguments);
    if way == Way::There {
        command
            .env("DATA_CHAT_API_URL", server.base())
            .env("DATACHAT_DATA_DIR", server.folder().join("unused"));
    }
    Ok(command.output()?)
}

fn done(output: &Output) -> Result<String> {
    ensure!(output.status.code() == Some(0), "{output:?}");
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Standard error of a command that must have failed.
fn failed(output: &Output, code: i32) -> Result<String> {
    ensure!(output.status.code() == Some(code), "{output:?}");
    Ok(String::from_utf8_lossy(&output.stderr).into_owned())
}

#[tokio::test]
async fn tables_are_profiled_proposed_and_approved_by_commands() -> Result<()> {
    let stage = stage().await?;
    for way in [Way::Here, Way::There] {
        let server = TestServer::start(ServerOptions::new("profile-commands")).await?;
        let id = server
            .register("Shop", &stage.postgres.superuser_url("alpha"))
            .await?;
        let client = server.client();
        let run = |arguments: &[&str]| run(&server, way, arguments);
        let json = |arguments: &[&str]| -> Result<Value> {
            let text = done(&run(&[arguments, &["--output", "json"]].concat())?)?;
            Ok(serde_json::from_str(&text)?)
        };

        let never = failed(&run(&["profile", "status", "--connection-id", "shop"])?, 1)?;
        assert!(never.contains("shop was never profiled"), "{never}");
        let told = done(&run(&["profile", "start", "--connection-id", "shop"])?)?;
        assert!(
            told.starts_with("completed: 2 of 2 tables profiled, 0 failed, 0 skipped. Profile "),
            "{way:?}: {told}"
        );
        let job = json(&["profile", "status", "--connection-id", &id])?;
        assert_eq!(job["status"], "completed");
        let job = json(&[
            "profile",
            "status",
            job["job_id"].as_str().context("a job")?,
        ])?;
        let profile = job["profile_id"].as_str().context("a profile")?;

        let told = done(&run(&[
            "dp",
            "generate",
            "--profile-id",
            profile,
            "--depth",
            "schema_only",
        ])?)?;
        assert!(
            told.starts_with("completed: proposals of 2 of 2 tables"),
            "{told}"
        );
        let job = json(&[
            "dp",
            "generate",
            "--connection-id",
            "shop",
            "--max-tables",
            "all",
        ])?;
        let status = json(&[
            "dp",
            "generate-status",
            job["job_id"].as_str().context("a job")?,
        ])?;
        assert_eq!(status, job);
        let no_model = run(&[
            "dp",
            "generate",
            "--profile-id",
            profile,
            "--depth",
            "metrics_full",
        ])?;
        assert!(failed(&no_model, 1)?.contains("llm_not_configured"));

        let list = json(&["dp", "pending", "list", "--connection-id", "shop"])?;
        let list = list.as_array().context("a list")?;
        assert_eq!(list.len(), 3, "{way:?}");
        let find = |datapoint: &str| -> Result<&Value> {
            list.iter()
                .find(|proposal| proposal["datapoint"]["datapoint_id"] == datapoint)
                .context("a proposal")
        };
        let id_of = |proposal: &Value| {
            proposal["pending_id"]
                .as_str()
                .unwrap_or_default()
                .to_owned()
        };
        let orders = find("table_public_orders")?;
        let mut edited = orders["datapoint"].clone();
        edited["name"] = json!("Orders of the shop");
        let file = server.folder().join("orders.json");
        fs::write(&file, edited.to_string())?;
        let file = file.to_str().context("text")?;
        let told = done(&run(&[
            "dp",
            "pending",
            "approve",
            &id_of(orders),
            "--datapoint",
            file,
            "--note",
            "renamed",
        ])?)?;
        assert_eq!(told, "table_public_orders: approved.\n");
        let whoami = id_of(find("table_public_whoami")?);
        let told = done(&run(&[
            "dp", "pending", "reject", &whoami, "--note", "a test's",
        ])?)?;
        assert_eq!(told, "table_public_whoami: rejected.\n");
        let again = failed(&run(&["dp", "pending", "approve", &whoami])?, 1)?;
        assert!(again.contains("already_reviewed"), "{again}");
        let told = done(&run(&[
            "dp",
            "pending",
            "approve-all",
            "--connection-id",
            "shop",
        ])?)?;
        assert_eq!(told, "1 approved.\n");
        assert_eq!(
            stored(client, &id).await?,
            ["metric_public_orders_average_price", "table_public_orders"]
        );
        let csv = done(&run(&[
            "dp", "pending", "list", "--status", "rejected", "--output", "csv",
        ])?)?;
        let rows: Vec<&str> = csv.lines().collect();
        assert_eq!(
            rows[0],
            "pending_id,datapoint_id,type,name,confidence,status"
        );
        assert!(
            rows[1].contains("table_public_whoami,Schema,whoami,0.55,rejected"),
            "{csv}"
        );

        failed(&run(&["profile", "start"])?, 2)?;
        failed(
            &run(&[
                "profile",
                "start",
                "--connection-id",
                "shop",
                "--max-tables",
                "few",
            ])?,
            2,
        )?;
        let failing = run(&[
            "profile",
            "start",
            "--connection-id",
            "shop",
            "--table",
            "x",
        ])?;
        assert!(
            failed(&failing, 1)?.contains("the profiling is failed: tables: the database has no x")
        );
    }
    Ok(())
}
