//! Folders that are granted and taken back while a server runs.

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::{DATABASES, PLUGINS, fixture, id_of, install, plugin, register, server, variant};

const GRANTS: &str = "/api/v1/plugins/files/grants";

#[tokio::test]
async fn a_url_names_a_granted_folder_or_is_refused_with_the_command_that_grants_it() -> Result<()>
{
    let mut server = server("plugin-folders").await?;
    let client = server.client().clone();
    let wasm = fixture("files")?;
    install(&client, wasm.clone(), "", &[]).await?.expect(201)?;
    let sales = server.folder().join("sales");
    std::fs::create_dir(&sales)?;
    let sales = sales.canonicalize()?;

    let refused = register(&client, "files", "files://sales/").await?;
    let refused = refused.problem(403, "address_not_allowed")?;
    assert_eq!(refused["reason"], "folder_not_granted");
    let detail = refused["detail"].as_str().context("no detail")?;
    assert!(
        detail.contains("datachat plugin grant files --read sales="),
        "{detail}"
    );

    let granted = json!({"folders": {"sales": sales}});
    let view = client.put(GRANTS, &granted).await?.expect(200)?;
    assert_eq!(view["folders"], granted["folders"]);
    let id = id_of(&register(&client, "files", "files://sales/").await?)?;
    let health = format!("{DATABASES}/{id}/health");
    let status =
        async || -> Result<Value> { Ok(client.get(&health).await?.expect(200)?["status"].clone()) };
    assert_eq!(status().await?, "healthy");

    // An upgrade and a restart keep it.
    let upgraded = install(&client, variant(&wasm, "two"), "", &[])
        .await?
        .expect(200)?;
    assert_eq!(upgraded["folders"], granted["folders"]);
    server.kill_9()?;
    server.launch().await?;
    assert_eq!(plugin(&client, "files").await?, upgraded);
    assert_eq!(status().await?, "healthy");

    // The folders' paths are for administrators; everybody may see that the server is ready.
    let ready = client.get("/ready").await?.expect(200)?.to_string();
    assert!(!ready.contains(sales.to_str().context("text")?), "{ready}");

    let none = json!({"folders": {}});
    client.put(GRANTS, &none).await?.expect(200)?;
    assert_eq!(status().await?, "unhealthy");
    let refused = client.get(&format!("{DATABASES}/{id}/schema")).await?;
    refused.problem(403, "address_not_allowed")?;
    Ok(())
}

#[tokio::test]
async fn what_is_no_folder_for_this_is_not_granted() -> Result<()> {
    let server = server("plugin-grants").await?;
    let client = server.client();
    install(client, fixture("files")?, "", &[])
        .await?
        .expect(201)?;
    install(client, fixture("neighbour")?, "", &[])
        .await?
        .expect(201)?;
    let before = plugin(client, "files").await?;
    let file = server.folder().join("file");
    std::fs::write(&file, "")?;
    for folders in [
        json!({"Sales": "/tmp"}),
        json!({"10": "/tmp"}),
        json!({"sales": "tmp"}),
        json!({"sales": "/no/such/folder"}),
        json!({"sales": file}),
        json!({"sales": server.data_folder()}),
        json!({"sales": "/"}),
        json!({"sales": 1}),
        json!(["/tmp"]),
    ] {
        let refused = client.put(GRANTS, &json!({"folders": folders})).await?;
        let refused = refused.problem(422, "validation_failed")?;
        assert_eq!(refused["field"], "folders", "{folders}");
    }
    let typo = client.put(GRANTS, &json!({"folder": {}})).await?;
    typo.problem(422, "unknown_field")?;
    assert_eq!(plugin(client, "files").await?, before);

    let path = format!("{PLUGINS}/neighbour/grants");
    let useless = client
        .put(&path, &json!({"folders": {"tmp": "/tmp"}}))
        .await?;
    let useless = useless.problem(422, "validation_failed")?;
    let detail = useless["detail"].as_str().context("no detail")?;
    assert!(detail.contains("reads no folders"), "{detail}");
    let unknown = client
        .put(&format!("{PLUGINS}/nobody/grants"), &json!({}))
        .await?;
    unknown.problem(404, "plugin_not_found")?;
    Ok(())
}

#[tokio::test]
async fn a_plugin_that_is_switched_off_stays_installed_and_serves_nothing() -> Result<()> {
    let server = server("plugin-disabled").await?;
    let client = server.client();
    let url = "neighbour://127.0.0.1:1/";
    install(client, fixture("neighbour")?, "", &[])
        .await?
        .expect(201)?;
    let path = format!("{PLUGINS}/neighbour/grants");
    let off = client
        .put(&path, &json!({"enabled": false}))
        .await?
        .expect(200)?;
    assert_eq!(
        (&off["state"], &off["detail"]),
        (&json!("disabled"), &Value::Null)
    );
    let refused = register(client, "neighbour", url).await?;
    refused.problem(422, "unsupported_database_type")?;
    let ready = client.get("/ready").await?.expect(200)?;
    assert_eq!(ready["checks"]["plugins"]["status"], "ok");
    client
        .put(&path, &json!({"enabled": true}))
        .await?
        .expect(200)?;
    id_of(&register(client, "neighbour", url).await?)?;
    Ok(())
}
