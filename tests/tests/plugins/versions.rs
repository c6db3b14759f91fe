//! Components that were built for an earlier version of the contract are served as they were built.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use datachat::plugins::contract::SERVED;
use datachat_tests::Client;
use datachat_tests::stage::{own_postgres, reader_url, tool};
use serde_json::{Value, json};

use crate::{components_in, id_of, install, register, server};

/// The components that were built for a version, each named as it is installed.
fn prebuilt(version: &str) -> Result<Vec<(String, PathBuf)>> {
    let folder = format!("{}/fixtures/wit-{version}", env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    for file in components_in(Path::new(&folder))? {
        let name = file.file_stem().and_then(|stem| stem.to_str());
        found.push((name.context("a name in UTF-8")?.to_owned(), file));
    }
    ensure!(!found.is_empty(), "{folder} holds no component");
    Ok(found)
}

#[tokio::test]
async fn prebuilt_components_of_every_served_version_are_installed_and_answer_calls() -> Result<()>
{
    let postgres = own_postgres()?;
    let server = server("plugin-versions").await?;
    let client = server.client();
    let url = reader_url(&postgres, "alpha");
    let id = id_of(&register(client, "postgresql", &url).await?)?;
    for version in SERVED {
        for (name, file) in prebuilt(version)? {
            let wasm = std::fs::read(&file)?;
            let installed = install(client, wasm, &format!("name={name}"), &[])
                .await?
                .expect(201)?;
            assert_eq!(installed["state"], "ready", "{installed}");
            assert_eq!(installed["contract"], *version, "{installed}");
            let page = file.with_file_name("README.md");
            let page =
                std::fs::read_to_string(&page).with_context(|| page.display().to_string())?;
            let digest = installed["digest"].as_str().context("a digest")?;
            let digest = digest.rsplit(':').next().unwrap_or(digest);
            ensure!(page.contains(digest), "the README does not name {digest}");
            match name.as_str() {
                "column-stats" => counts_a_column(client, &id).await?,
                other => anyhow::bail!("nobody says how {other} is called"),
            }
            client
                .delete(&format!("{}/{name}", crate::PLUGINS))
                .await?
                .expect(204)?;
        }
    }
    Ok(())
}

/// The exports, all imports that a tool has, and an error: what the contract is made of for a tool.
async fn counts_a_column(client: &Client, id: &str) -> Result<()> {
    let arguments = json!({"table": "Orders", "column": "ID", "buckets": 5});
    let answer = tool(client, id, "column_stats", arguments).await?;
    let answer = answer.expect(200)?["result"].take();
    assert_eq!(answer["table"], "public.orders");
    assert_eq!(
        (&answer["rows"], &answer["nulls"], &answer["distinct"]),
        (&json!(50), &json!(0), &json!(50))
    );
    assert_eq!((&answer["min"], &answer["max"]), (&json!(1), &json!(50)));
    let counts: Vec<&Value> = answer["histogram"]
        .as_array()
        .context("a histogram")?
        .iter()
        .map(|bucket| &bucket["count"])
        .collect();
    assert_eq!(counts, [&json!(10); 5]);
    let arguments = json!({"table": "nowhere", "column": "id"});
    tool(client, id, "column_stats", arguments)
        .await?
        .problem(404, "table_not_found")?;
    Ok(())
}
