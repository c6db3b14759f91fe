//! The server's own files: shared, damaged, gone.

use anyhow::{Context, Result};
use datachat_tests::{ServerOptions, TestServer};
use serde_json::json;

use crate::door::{Door, assert_answered};
use crate::stage::{ENVIRONMENT_ID, listed_names, reader_url, register, registration, stage};

const DATABASES: &str = "/api/v1/databases";

#[tokio::test]
async fn two_servers_that_start_at_once_over_a_new_data_folder_share_it() -> Result<()> {
    let stage = stage().await?;
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("data").display().to_string();
    let options = |name| ServerOptions::new(name).variable("DATACHAT_DATA_DIR", &data);
    let (one, two) = tokio::join!(
        TestServer::start(options("folder-one")),
        TestServer::start(options("folder-two"))
    );
    let (one, two) = (one?, two?);
    for (first, second, database) in [(&one, &two, "alpha"), (&two, &one, "beta")] {
        let id = register(first.client(), &reader_url(&stage.postgres, database)).await?;
        for server in [first, second] {
            for door in Door::ALL {
                let answer = door.ask(server.client(), Some(json!(id))).await?;
                assert_answered(door, &answer, database, &id, "explicit");
            }
        }
    }
    // Writers of both at the same time wait for each other.
    let url = reader_url(&stage.postgres, "alpha");
    let bodies: Vec<_> = (0..12).map(|_| registration(&url)).collect();
    let writes = bodies.iter().enumerate().map(|(number, body)| {
        let server = if number % 2 == 0 { &one } else { &two };
        server.client().post(DATABASES, body)
    });
    for answer in futures_util::future::join_all(writes).await {
        answer?.expect(201)?;
    }
    for server in [&one, &two] {
        assert_eq!(listed_names(server.client()).await?.len(), 14);
    }
    Ok(())
}

#[tokio::test]
async fn a_damaged_file_makes_the_registry_unavailable_and_nothing_else() -> Result<()> {
    let stage = stage().await?;
    let url = reader_url(&stage.postgres, "alpha");
    let mut server =
        TestServer::start(ServerOptions::new("damaged").variable("DATABASE_URL", &url)).await?;
    let row = register(server.client(), &reader_url(&stage.postgres, "beta")).await?;
    for name in ["datachat.db", "credentials.key"] {
        server.stop()?;
        let file = server.data_folder().join(name);
        let whole = std::fs::read(&file).context(name)?;
        std::fs::write(&file, b"this is not what it was, and far too short")?;
        server.launch().await?;
        let client = server.client();
        for door in Door::ALL {
            let answer = door.ask(client, Some(json!(row))).await?;
            let problem = answer.problem(503, "registry_unavailable").context(name)?;
            assert!(problem["hint"].is_string(), "{problem}");
            let answer = door.ask(client, Some(json!(ENVIRONMENT_ID))).await?;
            assert_answered(door, &answer, "alpha", ENVIRONMENT_ID, "explicit");
        }
        let answer = client.post(DATABASES, &registration(&url)).await?;
        answer.problem(503, "registry_unavailable").context(name)?;
        let ready = client.get("/ready").await?.expect(503)?;
        assert_eq!(ready["checks"]["registry"]["status"], "failed", "{name}");

        // Put back, it is as before.
        server.stop()?;
        for beside in ["datachat.db-wal", "datachat.db-shm"] {
            let _ = std::fs::remove_file(server.data_folder().join(beside));
        }
        std::fs::write(&file, whole)?;
        server.launch().await?;
        let answer = Door::Query.ask(server.client(), Some(json!(row))).await?;
        assert_answered(Door::Query, &answer, "beta", &row, "explicit");
    }
    Ok(())
}

#[tokio::test]
async fn a_kept_data_folder_brings_everything_back() -> Result<()> {
    let stage = stage().await?;
    let mut server = TestServer::start(ServerOptions::new("kept")).await?;
    let alpha = register(server.client(), &reader_url(&stage.postgres, "alpha")).await?;
    let default = format!("{DATABASES}/{alpha}/default");
    server
        .client()
        .put(&default, &json!({}))
        .await?
        .expect(204)?;
    let before = server.client().get(DATABASES).await?.expect(200)?;
    for killed in [false, true] {
        if killed {
            server.kill_9()?;
        } else {
            server.stop()?;
        }
        server.launch().await?;
        let after = server.client().get(DATABASES).await?.expect(200)?;
        assert_eq!(after, before);
        for door in Door::ALL {
            let answer = door.ask(server.client(), None).await?;
            assert_answered(door, &answer, "alpha", &alpha, "default");
        }
    }
    Ok(())
}

#[tokio::test]
async fn after_a_stop_two_files_are_a_whole_backup() -> Result<()> {
    let stage = stage().await?;
    let mut server = TestServer::start(ServerOptions::new("original")).await?;
    let alpha = register(server.client(), &reader_url(&stage.postgres, "alpha")).await?;
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("data");
    std::fs::create_dir(&data)?;
    server.stop()?;
    for name in ["datachat.db", "credentials.key"] {
        std::fs::copy(server.data_folder().join(name), data.join(name)).context(name)?;
    }
    let data = data.display().to_string();
    let copy =
        TestServer::start(ServerOptions::new("copy").variable("DATACHAT_DATA_DIR", &data)).await?;
    let answer = Door::Query.ask(copy.client(), Some(json!(alpha))).await?;
    assert_answered(Door::Query, &answer, "alpha", &alpha, "explicit");
    Ok(())
}
