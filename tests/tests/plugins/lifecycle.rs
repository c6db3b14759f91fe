//! From the first request that a plugin serves to the last.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use datachat_tests::{Auth, CANARY, Client, Options, Postgres, Role};
use serde_json::{Value, json};

use crate::{
    DATABASES, PLUGINS, built, fixture, id_of, install, plugin, register, server, stored, variant,
};

const NEIGHBOUR: &str = "neighbour://127.0.0.1:1/";

#[tokio::test]
async fn a_connector_serves_right_after_it_was_installed_and_no_longer_once_it_was_removed()
-> Result<()> {
    let server = server("plugin-life").await?;
    let client = server.client();
    let unknown = register(client, "neighbour", NEIGHBOUR).await?;
    unknown.problem(422, "unsupported_database_type")?;

    let wasm = fixture("neighbour")?;
    let installed = install(client, wasm.clone(), "", &[]).await?.expect(201)?;
    assert_eq!(installed["name"], "neighbour");
    assert_eq!(installed["state"], "ready");
    assert_eq!(installed["origin"], "installed");
    assert_eq!(installed["contract"], "0.1.0");
    assert_eq!(installed["signer"], Value::Null);
    assert_eq!(installed["folders"], json!({}));
    let imports = installed["imports"].as_array().context("no imports")?;
    assert!(!imports.is_empty());
    assert_eq!(plugin(client, "neighbour").await?, installed);

    let id = id_of(&register(client, "neighbour", NEIGHBOUR).await?)?;
    let connection = format!("{DATABASES}/{id}");
    let health = format!("{connection}/health");
    let healthy = client.get(&health).await?.expect(200)?;
    assert_eq!(healthy["status"], "healthy");

    // The same bytes again are an upgrade to themselves.
    install(client, wasm.clone(), "", &[]).await?.expect(200)?;
    assert_eq!(stored(&server)?.len(), 1);

    let path = format!("{PLUGINS}/neighbour");
    client.delete(&path).await?.expect(204)?;
    assert_eq!(stored(&server)?.len(), 0);
    assert_eq!(plugin(client, "neighbour").await?, Value::Null);
    let orphan = client.get(&connection).await?.expect(200)?;
    assert_eq!(orphan["status"], "connector_missing");
    let query = json!({"sql": "x", "target_database": id});
    let answer = client.post("/api/v1/query", &query).await?;
    answer.problem(503, "connector_unavailable")?;
    let again = client.delete(&path).await?;
    again.problem(404, "plugin_not_found")?;

    install(client, wasm, "", &[]).await?.expect(201)?;
    let back = client.get(&connection).await?.expect(200)?;
    assert_eq!(back["status"], "ok");
    Ok(())
}

#[tokio::test]
async fn tools_are_offered_and_called_as_their_plugin_comes_and_goes() -> Result<()> {
    let server = server("plugin-tools").await?;
    let client = server.client();
    install(client, fixture("neighbour")?, "", &[])
        .await?
        .expect(201)?;
    let id = id_of(&register(client, "neighbour", NEIGHBOUR).await?)?;
    let offered = async || -> Result<bool> {
        let tools = client.get("/api/v1/tools").await?.expect(200)?;
        let tools = tools.as_array().context("no list")?;
        Ok(tools.iter().any(|tool| tool["name"] == "echo"))
    };
    let call = json!({"name": "echo", "arguments": {"a": 1}, "target_database": id});
    let execute = async || client.post("/api/v1/tools/execute", &call).await;
    assert!(!offered().await?);
    execute().await?.problem(404, "unknown_tool")?;

    let wasm = fixture("tool_lists")?;
    let installed = install(client, wasm.clone(), "name=lists", &[]).await?;
    let installed = installed.expect(201)?;
    assert_eq!(
        (&installed["name"], &installed["kind"]),
        (&json!("lists"), &json!("tool"))
    );
    assert!(offered().await?);
    assert_eq!(execute().await?.expect(200)?["result"], json!({"a": 1}));

    // Its tools are taken, whatever the second one calls itself.
    let rival = install(client, variant(&wasm, "rival"), "name=rival", &[]).await?;
    let rival = rival.problem(422, "plugin_refused")?;
    assert_eq!(rival["reason"], "already_served");
    assert!(
        rival["detail"]
            .as_str()
            .is_some_and(|text| text.contains("the tool echo"))
    );

    client
        .delete(&format!("{PLUGINS}/lists"))
        .await?
        .expect(204)?;
    assert!(!offered().await?);
    execute().await?.problem(404, "unknown_tool")?;
    Ok(())
}

#[tokio::test]
async fn what_comes_with_the_server_is_neither_removed_nor_granted_anything() -> Result<()> {
    let server = server("plugin-shipped").await?;
    let client = server.client();
    for name in ["postgres", "sql-tools"] {
        let path = format!("{PLUGINS}/{name}");
        client.delete(&path).await?.problem(409, "plugin_shipped")?;
        let grants = json!({"folders": {"tmp": "/tmp"}});
        let granted = client.put(&format!("{path}/grants"), &grants).await?;
        granted.problem(409, "plugin_shipped")?;
        assert_eq!(plugin(client, name).await?["origin"], "shipped");
    }
    Ok(())
}

/// Clients that query until they are told to stop.
struct Crowd {
    stop: Arc<AtomicBool>,
    answered: Arc<AtomicU32>,
    clients: Vec<tokio::task::JoinHandle<Result<()>>>,
}

impl Crowd {
    fn start(client: &Client, id: &str) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let answered = Arc::new(AtomicU32::new(0));
        let clients = (0..32).map(|number| {
            let client = client.clone();
            let body = json!({
                "sql": "SELECT count(*) + $1 FROM generate_series(1, 1000)",
                "params": [number], "target_database": id,
            });
            let (stop, answered) = (Arc::clone(&stop), Arc::clone(&answered));
            tokio::spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    let answer = client.post("/api/v1/query", &body).await?.expect(200)?;
                    assert_eq!(answer["rows"], json!([[1000 + number]]));
                    answered.fetch_add(1, Ordering::Relaxed);
                }
                Ok(())
            })
        });
        Self {
            clients: clients.collect(),
            stop,
            answered,
        }
    }

    /// Waits until every client can have been answered anew.
    async fn go_on(&self) {
        let wanted = self.answered.load(Ordering::Relaxed) + 64;
        let end = Instant::now() + Duration::from_mins(1);
        while self.answered.load(Ordering::Relaxed) < wanted && Instant::now() < end {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    async fn end(self) -> Result<u32> {
        self.stop.store(true, Ordering::Relaxed);
        for client in self.clients {
            client.await??;
        }
        Ok(self.answered.load(Ordering::Relaxed))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_driver_is_upgraded_broken_and_rolled_back_while_32_clients_use_it() -> Result<()> {
    let postgres =
        Postgres::start(Options::new(CANARY).role(Role::new("reader", CANARY, Auth::Scram)))?;
    let server = server("plugin-upgrade").await?;
    let client = server.client();
    let url = postgres.url("reader", CANARY, "postgres");
    let id = id_of(&register(client, "postgresql", &url).await?)?;
    let crowd = Crowd::start(client, &id);
    crowd.go_on().await;

    let shipped = std::fs::read(built("plugins/postgres.wasm")?)?;
    let mut digests = vec![plugin(client, "postgres").await?["digest"].clone()];
    for mark in ["one", "two", "three"] {
        // It runs on the old version and is answered by it.
        let body =
            json!({"sql": format!("SELECT '{mark}' FROM pg_sleep(1)"), "target_database": id});
        let slow = {
            let client = client.clone();
            tokio::spawn(async move { client.post("/api/v1/query", &body).await })
        };
        tokio::time::sleep(Duration::from_millis(200)).await;
        let status = if mark == "one" { 201 } else { 200 };
        let view = install(client, variant(&shipped, mark), "", &[])
            .await?
            .expect(status)?;
        assert_eq!(view["state"], "ready");
        digests.push(view["digest"].clone());
        crowd.go_on().await;
        assert_eq!(slow.await??.expect(200)?["rows"], json!([[mark]]));

        // An upgrade that is none changes nothing.
        let mut broken = variant(&shipped, "broken");
        let middle = broken.len() / 2;
        broken.truncate(middle);
        let refused = install(client, broken, "", &[]).await?;
        refused.problem(422, "plugin_refused")?;
        assert_eq!(plugin(client, "postgres").await?, view);
        assert_eq!(stored(&server)?.len(), 1);
        crowd.go_on().await;
    }
    client
        .delete(&format!("{PLUGINS}/postgres"))
        .await?
        .expect(204)?;
    crowd.go_on().await;
    let back = plugin(client, "postgres").await?;
    assert_eq!(back["origin"], "shipped");
    assert_eq!(back["digest"], digests[0]);
    digests.sort_by_key(ToString::to_string);
    digests.dedup();
    assert_eq!(digests.len(), 4, "every version was another one");
    let answered = crowd.end().await?;
    eprintln!("{answered} requests over 5 versions, none failed");
    assert!(answered > 64 * 8, "{answered} requests");
    Ok(())
}

#[tokio::test]
async fn idle_sessions_of_a_replaced_version_are_closed() -> Result<()> {
    let postgres =
        Postgres::start(Options::new(CANARY).role(Role::new("reader", CANARY, Auth::Scram)))?;
    let server = server("plugin-idle").await?;
    let client = server.client();
    let url = postgres.url("reader", CANARY, "postgres");
    let id = id_of(&register(client, "postgresql", &url).await?)?;
    let query = json!({"sql": "SELECT 1", "target_database": id});
    client.post("/api/v1/query", &query).await?.expect(200)?;
    let open = || -> Result<String> {
        let sql = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'reader'";
        Ok(postgres.psql("postgres", sql)?.trim().to_owned())
    };
    assert_eq!(open()?, "1");
    let shipped = std::fs::read(built("plugins/postgres.wasm")?)?;
    install(client, variant(&shipped, "idle"), "", &[])
        .await?
        .expect(201)?;
    let end = Instant::now() + Duration::from_secs(10);
    while open()? != "0" {
        assert!(Instant::now() < end, "the old session stays open");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}
