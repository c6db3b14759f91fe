//! Settings: what keeps the program from starting, and which of several values is in force.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::Result;
use datachat_tests::{CANARY, Options, Postgres, ServerOptions, TestServer};

use crate::run::{Way, command, run};

#[tokio::test]
async fn a_misspelt_setting_and_an_open_door_stop_the_server_before_it_starts() -> Result<()> {
    let server = TestServer::start(ServerOptions::new("settings")).await?;
    for (name, value, arguments, words) in [
        (
            "DATACHAT_PROT",
            "1",
            vec!["limits"],
            "did you mean DATACHAT_PORT?",
        ),
        (
            "DATACHAT_HOST",
            "0.0.0.0",
            vec!["serve"],
            "is not a loopback address",
        ),
        (
            "DATACHAT_TOOL_TIMEOUT_MS",
            "soon",
            vec!["serve"],
            "is not a whole number",
        ),
        (
            "DATACHAT_EGRESS_DENY",
            "10.0.0.0/99",
            vec!["plugins", "list"],
            "DATACHAT_EGRESS_DENY",
        ),
        (
            "TOOLS_POLICY_FILE",
            "/nowhere",
            vec!["tools", "list"],
            "can't be read",
        ),
    ] {
        let output = server
            .command()?
            .env(name, value)
            .args(&arguments)
            .output()?;
        assert_eq!(output.status.code(), Some(1), "{name}");
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(text.contains(words), "{name}: {text}");
    }
    fs::write(server.folder().join(".env"), "DATABASE_URI=x\n")?;
    let output = server.command()?.arg("limits").output()?;
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("DATABASE_URL?"),
        "{output:?}"
    );
    Ok(())
}

/// How many of nine rows a query gives.
fn rows(command: Command, arguments: &[&str]) -> Result<usize> {
    let query = [
        "query",
        "SELECT n FROM generate_series(1, 9) AS n",
        "--format",
        "ndjson",
    ];
    let ran = run(command, &[&query, arguments].concat())?;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    Ok(ran
        .text()
        .lines()
        .filter(|line| line.starts_with('['))
        .count())
}

#[tokio::test]
async fn a_flag_beats_the_environment_which_beats_the_file_in_what_is_done() -> Result<()> {
    const ROWS: &str = "DATACHAT_QUERY_DEFAULT_ROWS";
    let postgres = Postgres::start(Options::new(CANARY))?;
    let server = TestServer::start(ServerOptions::new("precedence")).await?;
    let url = postgres.superuser_url("postgres");
    let with_rows = |value: &str| -> Result<Command> {
        let mut command = command(&server, Way::Here)?;
        command.env(ROWS, value);
        Ok(command)
    };
    // The database, too, is the file's.
    fs::write(
        server.folder().join(".env"),
        format!("DATABASE_URL='{url}'\n{ROWS}=3\n"),
    )?;
    assert_eq!(rows(command(&server, Way::Here)?, &[])?, 3);
    assert_eq!(rows(with_rows("5")?, &[])?, 5);
    assert_eq!(rows(with_rows("5")?, &["--row-limit", "7"])?, 7);
    // Empty means not set, of the file's value as well.
    assert_eq!(rows(with_rows("")?, &[])?, 9);
    let limits = run(command(&server, Way::Here)?, &["limits", "--output", "csv"])?;
    assert!(
        limits.text().contains("\nquery_default_rows,3,rows,"),
        "{limits:?}"
    );
    Ok(())
}

/// The folders of `parent` that hold a registry.
fn used(parent: &Path) -> Result<BTreeSet<String>> {
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(parent)? {
        let path = entry?.path();
        if path.join("datachat.db").exists() {
            found.extend(
                path.file_name()
                    .map(|name| name.to_string_lossy().into_owned()),
            );
        }
    }
    Ok(found)
}

#[tokio::test]
async fn the_data_folder_is_the_flags_else_the_environments_else_the_files() -> Result<()> {
    const FOLDER: &str = "DATACHAT_DATA_DIR";
    let server = TestServer::start(ServerOptions::new("folders")).await?;
    let parent = server.folder().join("folders");
    // With the compiled components, for time's sake.
    for name in ["file", "environment", "flag"] {
        let folder = parent.join(name);
        fs::create_dir_all(folder.join("cache"))?;
        fs::copy(
            server.data_folder().join("cache.key"),
            folder.join("cache.key"),
        )?;
        for artifact in fs::read_dir(server.data_folder().join("cache"))? {
            let artifact = artifact?;
            fs::copy(
                artifact.path(),
                folder.join("cache").join(artifact.file_name()),
            )?;
        }
    }
    fs::write(
        server.folder().join(".env"),
        format!("{FOLDER}={}\n", parent.join("file").display()),
    )?;
    let list = |environment: Option<&str>, flag: Option<&str>| -> Result<BTreeSet<String>> {
        let mut command = command(&server, Way::Here)?;
        command.env_remove(FOLDER).args(["databases", "list"]);
        if let Some(name) = environment {
            command.env(FOLDER, parent.join(name));
        }
        if let Some(name) = flag {
            command.arg("--data-dir").arg(parent.join(name));
        }
        let ran = run(command, &[])?;
        assert_eq!(ran.code, Some(0), "{ran:?}");
        used(&parent)
    };
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(list(None, None)?, names(&["file"]));
    fs::remove_file(parent.join("file/datachat.db"))?;
    assert_eq!(list(Some("environment"), None)?, names(&["environment"]));
    fs::remove_file(parent.join("environment/datachat.db"))?;
    assert_eq!(list(Some("environment"), Some("flag"))?, names(&["flag"]));
    Ok(())
}
