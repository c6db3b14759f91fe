//! What goes wrong is said in the same words wherever it went wrong, and the exit code tells whose fault it is.

use std::time::{Duration, Instant};

use anyhow::Result;
use datachat_tests::{CANARY, ServerOptions, TestServer};

use crate::run::{WAYS, Way, command, registered, run};

#[tokio::test]
async fn a_failure_is_told_in_the_same_words_here_and_over_http() -> Result<()> {
    let (postgres, server) = registered(ServerOptions::new("failures")).await?;
    let unknown = "7b9f2f3e-3b5c-4b43-8b52-1b2ad5a0b0f1";
    let url = postgres.superuser_url("postgres");
    let closed = format!("postgresql://reader:{CANARY}@127.0.0.1:1/x");
    let metadata = format!("postgresql://reader:{CANARY}@169.254.169.254/x");
    let malformed = format!("postgresql://reader:{CANARY}@[::1/x");
    for (arguments, code, words) in [
        (&["query", "SELECT 1/0"][..], 1, &["(data_exception)"][..]),
        (
            &["query", "DROP TABLE orders"],
            1,
            &["(read_only_violation)"],
        ),
        (&["query", "SELECT nothing"], 1, &["(undefined_object)"]),
        (&["query", ""], 1, &["(empty_sql)"]),
        (
            &["query", "SELECT 1", "--target-database", unknown],
            1,
            &[unknown, "(connection_not_found)"],
        ),
        (
            &["query", "SELECT 1", "--target-database", "yours"],
            1,
            &[
                "no connection of the name \"yours\"",
                "hint: `datachat databases list`",
            ],
        ),
        (
            &[
                "query",
                "SELECT 1",
                "--row-limit",
                "10000001",
                "--timeout-ms",
                "600001",
            ],
            1,
            &["error: limits.max_rows: ", "\nlimits.timeout_ms: "],
        ),
        (
            &["query", "SELECT $1", "--param", "[1]"],
            1,
            &["error: params[0]: ", "(validation_failed)"],
        ),
        (
            &["databases", "add", &url, "--name", "MINE"],
            1,
            &["(duplicate_name)"],
        ),
        (
            &["databases", "add", &closed, "--name", "New"],
            1,
            &["(connection_refused)"],
        ),
        (
            &["databases", "test", &metadata],
            1,
            &["(address_not_allowed)"],
        ),
        (
            &["databases", "test", &malformed],
            1,
            &["(invalid_database_url)"],
        ),
        (
            &["databases", "test", &url, "--type", "bigtable"],
            1,
            &["(unsupported_database_type)"],
        ),
        (
            &["databases", "test", unknown],
            1,
            &["(connection_not_found)"],
        ),
        (
            &["databases", "remove", unknown],
            1,
            &["(connection_not_found)"],
        ),
        (&["databases", "remove", "yours"], 1, &["\"yours\""]),
        (
            &["databases", "set-default", unknown],
            1,
            &["(connection_not_found)"],
        ),
        (
            &["tools", "run", "no_such_tool"],
            1,
            &["(unknown_tool)\nfield: name\n"],
        ),
        (
            &["tools", "run", "list_columns"],
            1,
            &["error: arguments.table: ", "(validation_failed)"],
        ),
        (
            &[
                "tools",
                "run",
                "list_columns",
                "--arg",
                "table=no_such_table",
            ],
            1,
            &["(table_not_found)\nfield: arguments.table\n"],
        ),
        (
            &["tools", "run", "list_columns", "--arg", "table"],
            2,
            &["NAME=VALUE"],
        ),
        (&["tools", "approve", "not-an-id"], 2, &["not-an-id"]),
        (&["databases", "add", "-"], 2, &["--name"]),
        (&["databases", "frobnicate"], 2, &["frobnicate"]),
        (
            &["query", "SELECT 1", "--row-limit", "0"],
            2,
            &["--row-limit"],
        ),
        (&["query", "SELECT 1", "--format", "xml"], 2, &["parquet"]),
        (&["--output", "yaml", "databases", "list"], 2, &["csv"]),
        (&[], 2, &["Usage"]),
    ] {
        let mut told = Vec::new();
        for way in WAYS {
            let ran = run(command(&server, way)?, arguments)?;
            let place = format!("{way:?} {arguments:?}: {}", ran.err);
            assert_eq!(ran.code, Some(code), "{place}");
            assert_eq!(ran.text(), "", "{place}");
            for words in words {
                assert!(ran.err.contains(words), "{words} in {place}");
            }
            told.push(ran.err);
        }
        assert_eq!(told[0], told[1], "{arguments:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_statement_ends_with_its_time() -> Result<()> {
    let (_postgres, server) = registered(ServerOptions::new("time")).await?;
    for way in WAYS {
        let start = Instant::now();
        let ran = run(
            command(&server, way)?,
            &["query", "SELECT pg_sleep(60)", "--timeout-ms", "300"],
        )?;
        assert_eq!(ran.code, Some(1), "{way:?} {ran:?}");
        assert!(ran.err.contains("(timeout)"), "{way:?} {ran:?}");
        assert!(start.elapsed() < Duration::from_secs(30), "{way:?}");
    }
    Ok(())
}

#[tokio::test]
async fn without_a_database_the_remedy_is_a_command() -> Result<()> {
    let server = TestServer::start(ServerOptions::new("nothing")).await?;
    for way in WAYS {
        for arguments in [&["query", "SELECT 1"][..], &["tools", "run", "list_tables"]] {
            let ran = run(command(&server, way)?, arguments)?;
            assert_eq!(ran.code, Some(1), "{way:?} {ran:?}");
            assert!(
                ran.err
                    .contains("hint: `datachat databases add URL --name NAME --default`"),
                "{way:?} {ran:?}"
            );
        }
    }
    Ok(())
}

#[tokio::test]
async fn an_unhealthy_database_is_shown_and_fails_the_command() -> Result<()> {
    let (postgres, server) = registered(ServerOptions::new("unhealthy")).await?;
    drop(postgres);
    for way in WAYS {
        let ran = run(
            command(&server, way)?,
            &["databases", "test", "mine", "--output", "json"],
        )?;
        assert_eq!(ran.code, Some(1), "{way:?} {ran:?}");
        assert_eq!(ran.json()?["status"], "unhealthy", "{way:?}");
        assert!(ran.err.contains("(connection_refused)"), "{way:?} {ran:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_scheme_that_nobody_takes_is_refused_with_what_to_do() -> Result<()> {
    let server = TestServer::start(ServerOptions::new("schemes")).await?;
    let url = format!("gopher://reader:{CANARY}@127.0.0.1/x");
    for (way, code, words) in [
        (Way::Here, 2, "`--type` names the database type"),
        (Way::There, 1, "(unsupported_database_type)"),
    ] {
        for arguments in [
            &["databases", "add", &url, "--name", "x"][..],
            &["databases", "test", &url],
        ] {
            let ran = run(command(&server, way)?, arguments)?;
            assert_eq!(ran.code, Some(code), "{way:?} {ran:?}");
            assert!(ran.err.contains(words), "{way:?} {ran:?}");
        }
    }
    Ok(())
}
