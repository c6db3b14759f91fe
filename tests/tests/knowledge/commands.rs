//! `datachat dp`, on the system database and over HTTP.

use std::fs;
use std::path::Path;
use std::process::Output;

use anyhow::{Context, Result, ensure};
use datachat_tests::stage::stage;
use datachat_tests::{ServerOptions, TestServer};
use serde_json::{Value, json};

use crate::points::{all, ids, metric, of, pairs, shared, table, write};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// In the system database that the server uses as well.
    Here,
    /// At the server, by `DATA_CHAT_API_URL`.
    There,
}

const WAYS: [Way; 2] = [Way::Here, Way::There];

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

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn done(output: &Output) -> Result<String> {
    ensure!(output.status.code() == Some(0), "{output:?}");
    Ok(text(&output.stdout))
}

/// Standard error of a command that must have failed.
fn failed(output: &Output, code: i32) -> Result<String> {
    ensure!(output.status.code() == Some(code), "{output:?}");
    Ok(text(&output.stderr))
}

fn shown(path: &Path) -> Result<&str> {
    path.to_str().context("text")
}

async fn server(name: &str) -> Result<(TestServer, String)> {
    let stage = stage().await?;
    let server = TestServer::start(ServerOptions::new(name)).await?;
    let id = server
        .register("Shop", &stage.postgres.superuser_url("alpha"))
        .await?;
    Ok((server, id))
}

#[tokio::test]
async fn the_commands_for_a_database_and_for_all_do_what_they_say() -> Result<()> {
    for way in WAYS {
        let (server, id) = server("dp-commands").await?;
        let client = server.client();
        let folder = tempfile::tempdir()?;
        let root = folder.path().join("datapoints");
        let (orders, sales) = (
            table("table_orders", "orders"),
            metric("metric_sales", "Sales"),
        );
        write(
            &root,
            &[
                ("examples/shop/orders.json", &orders),
                ("shared/sales.json", &sales),
            ],
        )?;
        let (shop, common) = (root.join("examples/shop"), root.join("shared"));
        let sync = ["dp", "sync", "--datapoints-dir"];
        let first = [&sync[..], &[shown(&shop)?, "--connection-id", &id]].concat();
        let output = run(&server, way, &first)?;
        assert_eq!(
            done(&output)?,
            "1 written, 0 unchanged, 0 deleted, 0 skipped.\n",
            "{way:?}"
        );
        assert_eq!(text(&output.stderr), "", "no bar where nobody sees it");
        let second = [&sync[..], &[shown(&common)?, "--global-scope"]].concat();
        done(&run(&server, way, &second)?)?;
        let both = pairs(&[(&id, "table_orders"), ("global", "metric_sales")]);
        assert_eq!(ids(client, "").await?, both);
        let tiers: Vec<_> = all(client, "")
            .await?
            .iter()
            .map(|entry| (entry["source_tier"].clone(), entry["source_path"].clone()))
            .collect();
        let expected = [("custom", "sales.json"), ("examples", "orders.json")];
        assert_eq!(
            tiers,
            expected.map(|(tier, path)| (json!(tier), json!(path)))
        );

        // By name, and again: nothing is left to do.
        let again = [
            &sync[..],
            &[shown(&shop)?, "--connection-id", "shop", "--output", "json"],
        ]
        .concat();
        let status: Value = serde_json::from_str(&done(&run(&server, way, &again)?)?)?;
        assert_eq!(status["changes"]["unchanged"], 1, "{way:?}");

        let list: Value = serde_json::from_str(&done(&run(
            &server,
            way,
            &["dp", "list", "--connection-id", "shop", "--output", "json"],
        )?)?)?;
        assert_eq!(list.as_array().map(Vec::len), Some(1));
        let table = done(&run(&server, way, &["dp", "list", "--q", "sales"])?)?;
        assert!(
            table.contains("metric_sales") && !table.contains("table_orders"),
            "{table}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn a_command_that_makes_no_sense_is_not_understood() -> Result<()> {
    let (server, id) = server("dp-usage").await?;
    for arguments in [
        &[
            "dp",
            "sync",
            "--datapoints-dir",
            ".",
            "--connection-id",
            &id,
            "--global-scope",
        ][..],
        &[
            "dp",
            "sync",
            "--datapoints-dir",
            ".",
            "--conflict-mode",
            "best",
        ],
        &["dp", "sync"],
        &["dp", "add"],
        &["dp", "list", "--type", "Table"],
    ] {
        failed(&run(&server, Way::Here, arguments)?, 2)?;
    }
    let folder = tempfile::tempdir()?;
    write(folder.path(), &[("a.json", &table("table_a", "a"))])?;
    let nobody = "00000000-0000-4000-8000-000000000001";
    let arguments = [
        "dp",
        "sync",
        "--datapoints-dir",
        shown(folder.path())?,
        "--connection-id",
        nobody,
    ];
    for way in WAYS {
        let error = failed(&run(&server, way, &arguments)?, 1)?;
        assert!(error.contains("connection_not_found"), "{error}");
    }
    Ok(())
}

#[tokio::test]
async fn what_is_wrong_with_files_is_told_file_by_file() -> Result<()> {
    let (server, _) = server("dp-errors").await?;
    let folder = tempfile::tempdir()?;
    let mut wrong = table("table_a", "a");
    wrong["key_columns"][0]["colour"] = json!("red");
    let mut gap = table("table_b", "b");
    gap["metadata"]["grain"] = Value::Null;
    write(folder.path(), &[("x/a.json", &wrong)])?;
    fs::write(folder.path().join("b.json"), b"\xFF")?;
    let sync = ["dp", "sync", "--datapoints-dir", shown(folder.path())?];
    let lint = ["dp", "lint", "--datapoints-dir", shown(folder.path())?];
    for way in WAYS {
        for command in [&sync, &lint] {
            let error = failed(&run(&server, way, command)?, 1)?;
            assert!(
                error.contains("b.json:1: is not UTF-8 (invalid_utf8); save it as UTF-8"),
                "{error}"
            );
        }
    }
    fs::remove_file(folder.path().join("b.json"))?;
    for way in WAYS {
        for command in [&sync, &lint] {
            let error = failed(&run(&server, way, command)?, 1)?;
            let told = "x/a.json:24: key_columns[0].colour: is not a known field (unknown_field)";
            assert!(error.contains(told), "{error}");
        }
    }
    write(folder.path(), &[("x/a.json", &gap)])?;
    for way in WAYS {
        for command in [&sync, &lint] {
            let error = failed(&run(&server, way, command)?, 1)?;
            assert!(
                error.contains("x/a.json: metadata.grain: is missing (missing_grain)"),
                "{error}"
            );
            let lenient = [&command[..], &["--no-strict-contracts"]].concat();
            let output = run(&server, way, &lenient)?;
            done(&output)?;
            assert!(
                text(&output.stderr).starts_with("warning: x/a.json"),
                "{output:?}"
            );
            let strict = [&lenient[..], &["--fail-on-contract-warnings"]].concat();
            failed(&run(&server, way, &strict)?, 1)?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn what_is_exported_is_the_same_again_on_another_server() -> Result<()> {
    let (server, id) = server("dp-export").await?;
    let client = server.client();
    let folder = tempfile::tempdir()?;
    let one = folder.path().join("one.json");
    fs::write(&one, table("table_one", "one").to_string())?;
    for way in WAYS {
        let name = if way == Way::Here {
            "table_here"
        } else {
            "table_there"
        };
        let file = folder.path().join("new.json");
        fs::write(&file, table(name, name).to_string())?;
        done(&run(
            &server,
            way,
            &["dp", "add", shown(&file)?, "--connection-id", "Shop"],
        )?)?;
    }
    done(&run(
        &server,
        Way::Here,
        &["dp", "add", shown(&one)?, "--global-scope"],
    )?)?;
    done(&run(&server, Way::There, &["dp", "add", shown(&one)?])?)?;
    let again = run(&server, Way::There, &["dp", "add", shown(&one)?])?;
    assert!(failed(&again, 1)?.contains("datapoint_exists"));
    let own = folder.path().join("own.json");
    fs::write(&own, shared(table("table_own", "own")).to_string())?;
    failed(
        &run(
            &server,
            Way::Here,
            &["dp", "add", shown(&own)?, "--connection-id", &id],
        )?,
        2,
    )?;
    let before = all(client, "").await?;
    assert_eq!(before.len(), 4);

    let mut exports = Vec::new();
    for way in WAYS {
        let out = folder.path().join(format!("{way:?}"));
        let arguments = ["dp", "export", "--datapoints-dir", shown(&out)?];
        done(&run(&server, way, &arguments)?)?;
        let refused = failed(&run(&server, way, &arguments)?, 1)?;
        assert!(refused.contains("is not empty"), "{refused}");
        exports.push(out);
    }
    let file = format!("managed/connection-{id}/table_here.json");
    let texts = exports
        .iter()
        .map(|out| fs::read_to_string(out.join(&file)));
    let texts: Vec<String> = texts.collect::<Result<_, _>>()?;
    assert_eq!(texts[0], texts[1]);
    let exported: Value = serde_json::from_str(&texts[0])?;
    assert_eq!(exported["metadata"]["connection_id"], id);

    // All of it comes back, to its scopes.
    for entry in &before {
        let scope = match entry["connection_id"].as_str() {
            Some(id) => format!("connection_id={id}"),
            None => format!("scope={}", entry["scope"].as_str().unwrap_or_default()),
        };
        let id = entry["datapoint_id"].as_str().context("an id")?;
        client
            .delete(&format!("/api/v1/datapoints/{id}?{scope}"))
            .await?
            .expect(204)?;
    }
    let back = ["dp", "sync", "--datapoints-dir", shown(&exports[0])?];
    done(&run(&server, Way::Here, &back)?)?;
    let bodies = |all: Vec<Value>| -> Vec<Value> {
        all.into_iter()
            .map(|mut entry| entry["datapoint"].take())
            .collect()
    };
    let after = bodies(all(client, "").await?);
    let mut expected = bodies(before);
    assert_eq!(after.len(), expected.len());
    for point in &mut expected {
        assert!(after.contains(point), "{point}");
    }
    Ok(())
}

/// The `.json` files below a folder.
fn count(folder: &Path) -> Result<usize> {
    let mut count = 0;
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            count += self::count(&path)?;
        } else if path
            .extension()
            .is_some_and(|extension| extension == "json")
        {
            count += 1;
        }
    }
    Ok(count)
}

#[tokio::test]
async fn our_bundles_for_two_databases_and_the_shared_one_live_side_by_side() -> Result<()> {
    let (server, bank) = server("dp-bundles").await?;
    let stage = stage().await?;
    let store = server
        .register("Store", &stage.postgres.superuser_url("beta"))
        .await?;
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../datapoints"));
    let (fintech, grocery) = (
        root.join("examples/fintech_bank"),
        root.join("examples/grocery_store"),
    );
    let shared = root.join("shared");
    let client = server.client();
    for way in WAYS {
        for (folder, scope) in [
            (&fintech, &["--connection-id", bank.as_str()][..]),
            (&grocery, &["--connection-id", store.as_str()]),
            (&shared, &["--global-scope"]),
        ] {
            done(&run(
                &server,
                way,
                &["dp", "lint", "--datapoints-dir", shown(folder)?],
            )?)?;
            let sync = [&["dp", "sync", "--datapoints-dir", shown(folder)?], scope].concat();
            done(&run(&server, way, &sync)?)?;
        }
        for (filter, folder) in [
            (format!("connection_id={bank}"), &fintech),
            (format!("connection_id={store}"), &grocery),
            ("scope=global".to_owned(), &shared),
        ] {
            assert_eq!(
                ids(client, &filter).await?.len(),
                count(folder)?,
                "{way:?} {filter}"
            );
        }
        let tiers = all(client, &format!("connection_id={bank}")).await?;
        assert!(
            tiers.iter().all(|entry| entry["source_tier"] == "examples"),
            "{way:?}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn a_removed_connection_keeps_its_datapoints_only_if_that_is_asked_for() -> Result<()> {
    let (server, id) = server("dp-keep").await?;
    let point = of(&id, table("table_a", "a"));
    server
        .client()
        .post("/api/v1/datapoints", &point)
        .await?
        .expect(201)?;
    done(&run(
        &server,
        Way::Here,
        &["databases", "remove", "Shop", "--keep-datapoints"],
    )?)?;
    assert_eq!(ids(server.client(), "").await?, pairs(&[(&id, "table_a")]));
    Ok(())
}
