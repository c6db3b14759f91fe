//! Folders that nobody would want to sync: clear errors, and nothing lost.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use datachat_tests::{ServerOptions, TestServer};
use serde_json::{Value, json};

use crate::points::{all, codes, completed, sync, table, write};

async fn server(name: &str, folder: &Path) -> Result<TestServer> {
    let options =
        ServerOptions::new(name).variable("DATAPOINTS_DIR", folder.to_str().context("text")?);
    TestServer::start(options).await
}

#[tokio::test]
async fn files_that_can_not_be_read_are_all_named_and_change_nothing() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let root = folder.path();
    let orders = table("table_orders", "orders");
    write(root, &[("orders.json", &orders)])?;
    let server = server("files-hostile", root).await?;
    let client = server.client();
    completed(client, &json!({})).await?;
    let before = all(client, "").await?;

    // A hole: 100 MB that take no place.
    fs::File::create(root.join("large.json"))?.set_len(100_000_000)?;
    fs::write(root.join("latin.json"), b"{\"name\": \"\xE4\"}")?;
    fs::write(root.join("broken.json"), b"{\n\"name\": \n}")?;
    let mut wrong = table("table_items", "items");
    wrong["owner"] = json!("nobody");
    write(root, &[("deep/er/wrong.json", &wrong)])?;
    symlink("/etc/hostname", root.join("out.json"))?;
    symlink("/etc", root.join("etc"))?;
    symlink("gone.json", root.join("dangling.json"))?;
    let status = sync(client, &json!({})).await?;
    assert_eq!(status["status"], "failed");
    let mut found = codes(&status["errors"]);
    found.sort();
    let unreadable = [
        ("dangling.json", "vanished"),
        ("etc", "link"),
        ("large.json", "too_large"),
        ("latin.json", "invalid_utf8"),
        ("out.json", "link"),
    ];
    let expected = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
        let pairs = pairs.iter();
        pairs
            .map(|(path, code)| ((*path).to_owned(), (*code).to_owned()))
            .collect()
    };
    assert_eq!(found, expected(&unreadable));
    assert_eq!(all(client, "").await?, before);

    for (name, _) in unreadable {
        fs::remove_file(root.join(name))?;
    }
    let status = sync(client, &json!({})).await?;
    let mut found = codes(&status["errors"]);
    found.sort();
    let wrong = [
        ("broken.json", "invalid_json"),
        ("deep/er/wrong.json", "value"),
    ];
    assert_eq!(found, expected(&wrong));
    let lines: Vec<&Value> = status["errors"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|error| &error["line"])
        .collect();
    assert!(
        lines.iter().all(|line| line.as_u64() > Some(1)),
        "{lines:?}"
    );
    assert_eq!(all(client, "").await?, before);

    fs::remove_file(root.join("orders.json"))?;
    fs::remove_file(root.join("broken.json"))?;
    fs::remove_file(root.join("deep/er/wrong.json"))?;
    let status = sync(client, &json!({})).await?;
    assert_eq!(status["errors"][0]["code"], "empty");
    assert_eq!(all(client, "").await?, before);
    Ok(())
}

#[tokio::test]
async fn ten_thousand_files_are_one_sync() -> Result<()> {
    let folder = tempfile::tempdir()?;
    for n in 0..10_000 {
        let point = table(&format!("table_{n}"), &format!("t{n}"));
        let path = format!("{}/{n}.json", n % 100);
        write(folder.path(), &[(&path, &point)])?;
    }
    let server = server("files-many", folder.path()).await?;
    let client = server.client();
    let status = completed(client, &json!({"scope": "global"})).await?;
    assert_eq!(status["total_datapoints"], 10_000);
    assert_eq!(status["processed_datapoints"], 10_000);
    assert_eq!(all(client, "scope=global").await?.len(), 10_000);
    let again = completed(client, &json!({"scope": "global"})).await?;
    assert_eq!(
        again["changes"],
        json!({"written": 0, "deleted": 0, "unchanged": 10_000})
    );
    Ok(())
}

#[tokio::test]
async fn files_that_come_and_go_meanwhile_are_taken_or_told_and_never_half() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let root = folder.path().to_owned();
    for n in 0..50 {
        let point = table(&format!("table_{n}"), &format!("t{n}"));
        write(&root, &[(&format!("{n}.json"), &point)])?;
    }
    let server = server("files-vanish", &root).await?;
    let client = server.client();
    completed(client, &json!({})).await?;
    let stop = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let restless = std::thread::spawn({
        let (stop, root) = (stop.clone(), root.clone());
        move || -> Result<()> {
            let text = serde_json::to_vec(&table("table_restless", "restless"))?;
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                // Never half there.
                fs::write(root.join("restless.part"), &text)?;
                fs::rename(root.join("restless.part"), root.join("restless.json"))?;
                std::thread::sleep(Duration::from_micros(300));
                fs::remove_file(root.join("restless.json"))?;
            }
            Ok(())
        }
    });
    for _ in 0..30 {
        let status = sync(client, &json!({})).await?;
        if status["status"] == "failed" {
            let expected = [("restless.json".to_owned(), "vanished".to_owned())];
            assert_eq!(codes(&status["errors"]), expected);
        }
        let count = all(client, "").await?.len();
        assert!((50..=51).contains(&count), "{count}");
    }
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    restless
        .join()
        .map_err(|_| anyhow::anyhow!("the thread broke"))??;
    Ok(())
}
