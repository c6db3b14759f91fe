//! Several processes on one data folder, and the command line beside a server or over its API.

use std::process::Output;

use anyhow::{Context, Result};
use datachat_tests::{ServerOptions, TestServer};
use serde_json::{Value, json};

use crate::{NOTICED, built, fixture, install, plugin, server, stored, until, variant};

fn run(server: &TestServer, over_api: bool, arguments: &[&str]) -> Result<Output> {
    let mut command = server.command()?;
    command.env("DATACHAT_LOG", "error").args(arguments);
    if over_api {
        command
            .env("DATA_CHAT_API_URL", server.base())
            .env("DATA_CHAT_API_KEY", "root-key");
        // What it says must not come from the folder.
        command.env("DATACHAT_DATA_DIR", server.folder().join("elsewhere"));
    }
    Ok(command.output()?)
}

fn json_of(output: &Output) -> Result<Value> {
    anyhow::ensure!(output.status.code() == Some(0), "{output:?}");
    serde_json::from_slice(&output.stdout).context("no JSON")
}

fn ready(plugin: &Value) -> bool {
    plugin["state"] == "ready"
}

#[tokio::test]
async fn every_server_on_a_folder_follows_what_any_of_them_installs_or_removes() -> Result<()> {
    let left = server("plugin-left").await?;
    let folder = left.data_folder();
    let folder = folder.to_str().context("text")?;
    let options = ServerOptions::new("plugin-right").variable("DATACHAT_DATA_DIR", folder);
    let mut right = TestServer::start(options).await?;
    let (one, two) = (left.client().clone(), right.client().clone());
    let wasm = fixture("neighbour")?;
    let view = install(&one, wasm.clone(), "", &[]).await?.expect(201)?;
    assert_eq!(until(&two, "neighbour", ready).await?, view);
    let view = install(&two, variant(&wasm, "two"), "", &[])
        .await?
        .expect(200)?;
    let digest = view["digest"].clone();
    until(&one, "neighbour", |plugin| plugin["digest"] == digest).await?;

    // Both at once: whoever comes second sees what the first has done.
    let (a, b) = (variant(&wasm, "a"), variant(&wasm, "b"));
    let (a, b) = tokio::join!(install(&one, a, "", &[]), install(&two, b, "", &[]));
    let digests = [
        a?.expect(200)?["digest"].clone(),
        b?.expect(200)?["digest"].clone(),
    ];
    let end = std::time::Instant::now() + NOTICED;
    loop {
        let (left, right) = (
            plugin(&one, "neighbour").await?,
            plugin(&two, "neighbour").await?,
        );
        if left == right {
            assert!(digests.contains(&left["digest"]), "{left}");
            break;
        }
        anyhow::ensure!(std::time::Instant::now() < end, "{left} {right}");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(stored(&left)?.len(), 1);

    right.kill_9()?;
    one.delete("/api/v1/plugins/neighbour").await?.expect(204)?;
    right.launch().await?;
    assert_eq!(plugin(&two, "neighbour").await?, Value::Null);
    Ok(())
}

#[tokio::test]
async fn the_command_line_works_on_the_folder_of_a_running_server_and_over_its_api() -> Result<()> {
    let options = ServerOptions::new("plugin-cli")
        .variable("DATACHAT_API_KEYS", "ann:user:ann-key,root:admin:root-key");
    let server = TestServer::start(options).await?;
    let client = server.client().with_key("root-key");
    let file = built("plugins-hostile/files.wasm")?;
    let file = file.to_str().context("text")?;
    let sales = server.folder().join("sales");
    std::fs::create_dir(&sales)?;
    let sales = format!("sales={}", sales.canonicalize()?.display());

    for over_api in [false, true] {
        let json = |arguments: &[&str]| -> Result<Value> {
            let mut all = vec!["--output", "json", "plugin"];
            all.extend(arguments);
            json_of(&run(&server, over_api, &all)?)
        };
        let installed = json(&["install", file])?;
        assert_eq!(installed["name"], "files");
        assert_eq!(until(&client, "files", ready).await?, installed);
        let digest = installed["digest"].as_str().context("no digest")?;
        json(&["install", file, "--digest", digest])?;

        let granted = json(&["grant", "files", "--read", &sales])?;
        assert!(granted["folders"]["sales"].is_string());
        let folders = |plugin: &Value| plugin["folders"] == granted["folders"];
        until(&client, "files", folders).await?;
        let list = json(&["list"])?;
        let files = list.as_array().context("no list")?.iter();
        let files = files.filter(|plugin| plugin["name"] == "files").count();
        assert_eq!(files, 1, "{list}");
        let off = json(&["grant", "files", "--revoke", "sales", "--disable"])?;
        assert_eq!(
            (&off["folders"], &off["state"]),
            (&json!({}), &json!("disabled"))
        );

        let csv = run(&server, over_api, &["--output", "csv", "plugins", "list"])?;
        let csv = String::from_utf8(csv.stdout)?;
        let head = "name,version,kind,state,origin,digest,signer,folders,detail\r\n";
        assert!(csv.starts_with(head) && csv.contains("files,"), "{csv}");

        let removed = run(&server, over_api, &["plugin", "remove", "files"])?;
        assert_eq!(removed.status.code(), Some(0), "{removed:?}");
        until(&client, "files", Value::is_null).await?;

        let zeros = format!("sha256:{}", "0".repeat(64));
        for (arguments, code, said) in [
            (
                vec!["install", file, "--digest", &zeros],
                1,
                "plugin_refused",
            ),
            (vec!["install", "/no/such.wasm"], 1, "can't be read"),
            (vec!["remove", "files"], 1, "plugin_not_found"),
            (vec!["remove", "postgres"], 1, "plugin_shipped"),
            (vec!["grant", "files"], 2, "nothing is granted"),
            (vec!["grant", "files", "--read", "sales"], 2, "NAME=PATH"),
            (vec!["install"], 2, "FILE"),
        ] {
            let mut all = vec!["plugin"];
            all.extend(&arguments);
            let output = run(&server, over_api, &all)?;
            let error = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(output.status.code(), Some(code), "{arguments:?}: {error}");
            assert!(error.contains(said), "{arguments:?}: {error}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_signature_beside_the_file_is_taken_along() -> Result<()> {
    let server = server("plugin-minisig").await?;
    let file = server.folder().join("neighbour.wasm");
    std::fs::copy(built("plugins-hostile/neighbour.wasm")?, &file)?;
    std::fs::write(file.with_extension("wasm.minisig"), "no signature\n")?;
    let path = file.to_str().context("text")?;
    for over_api in [false, true] {
        let refused = run(&server, over_api, &["plugin", "install", path])?;
        let error = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert_eq!(refused.status.code(), Some(1), "{error}");
        assert!(error.contains("no minisign signature"), "{error}");
    }
    Ok(())
}

#[tokio::test]
async fn a_server_that_could_trust_nobody_does_not_start() -> Result<()> {
    for (name, value, said) in [
        ("DATACHAT_PLUGIN_POLICY", "signed", "DATACHAT_PLUGIN_TRUST"),
        ("DATACHAT_PLUGIN_POLICY", "maybe", "any, digest and signed"),
        (
            "DATACHAT_PLUGIN_TRUST",
            "/no/such/keys",
            "DATACHAT_PLUGIN_TRUST",
        ),
    ] {
        let folder = tempfile::tempdir()?;
        let output = TestServer::program()?
            .env("DATACHAT_DATA_DIR", folder.path())
            .env(name, value)
            .args(["serve", "--port", "0"])
            .output()?;
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{error}");
        assert!(error.contains(said), "{error}");
    }
    Ok(())
}
