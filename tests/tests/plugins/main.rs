//! Plugins come and go while a server runs: installed, upgraded, refused, granted folders and removed, over the
//! API and by the command line.
//!
//! Each test has a server of its own. The components are the hostile fixtures that attack nothing.

mod admission;
mod folders;
mod lifecycle;
mod processes;
mod versions;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use datachat_tests::components::{built, install, variant};
use datachat_tests::{Answer, Client, ServerOptions, TestServer};
use serde_json::{Value, json};

const PLUGINS: &str = "/api/v1/plugins";
const DATABASES: &str = "/api/v1/databases";

/// How long a running server may take to notice a change of its folder.
const NOTICED: Duration = Duration::from_secs(20);

async fn server(name: &str) -> Result<TestServer> {
    TestServer::start(ServerOptions::new(name)).await
}

/// The bytes of a fixture.
fn fixture(name: &str) -> Result<Vec<u8>> {
    Ok(std::fs::read(built(&format!(
        "plugins-hostile/{name}.wasm"
    ))?)?)
}

/// A plugin as it is listed; null if it is not.
async fn plugin(client: &Client, name: &str) -> Result<Value> {
    let mut list = client.get(PLUGINS).await?.expect(200)?;
    let list = list["plugins"].as_array_mut().context("no list")?;
    let found = list.iter_mut().find(|plugin| plugin["name"] == name);
    Ok(found.map(Value::take).unwrap_or_default())
}

/// Waits until a plugin is as wanted, and gives it.
async fn until(client: &Client, name: &str, wanted: impl Fn(&Value) -> bool) -> Result<Value> {
    let end = Instant::now() + NOTICED;
    loop {
        let found = plugin(client, name).await?;
        if wanted(&found) {
            return Ok(found);
        }
        if Instant::now() > end {
            bail!("{name} stays {found}");
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Registers a connection of a fixture's type and gives its id.
async fn register(client: &Client, database_type: &str, url: &str) -> Result<Answer> {
    let body = json!({
        "name": format!("{database_type} {}", uuid::Uuid::new_v4()),
        "database_type": database_type,
        "database_url": url,
    });
    client.post(DATABASES, &body).await
}

/// The id of a connection that was just registered.
fn id_of(answer: &Answer) -> Result<String> {
    let body = answer.expect(201)?;
    let id = body["connection_id"].as_str().context("no id")?;
    Ok(id.to_owned())
}

/// The components that lie in a server's folder.
fn stored(server: &TestServer) -> Result<Vec<PathBuf>> {
    components_in(&server.data_folder().join("plugins"))
}

/// The `.wasm` files of a folder; none if it does not exist.
fn components_in(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "wasm")
        {
            found.push(path);
        }
    }
    Ok(found)
}
