//! Who may call: keys and roles, a server without keys, what the server refuses to start with, and tools
//! whose policy asks for more.

use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use datachat_tests::{CANARY, Client, ServerOptions, TestServer};
use hyper::Method;
use serde_json::{Value, json};

use crate::stage::{query, reader_url, registration, stage, text, tool};

const DATABASES: &str = "/api/v1/databases";

/// Every key holds the canary.
fn key(name: &str) -> String {
    format!("{CANARY}-{name}")
}

fn keys() -> String {
    ["ann:user", "ben:user", "root:admin"]
        .map(|entry| {
            format!(
                "{entry}:{}",
                key(entry.split(':').next().unwrap_or_default())
            )
        })
        .join(",")
}

async fn with_header(client: &Client, name: &str, value: &str) -> Result<u16> {
    let request = client.request(Method::GET, DATABASES, &[(name, value)], None)?;
    let answer = client.answer(request).await?;
    if !answer.status.is_success() {
        let code = text(&answer.json()["code"])?;
        answer.problem(answer.status.as_u16(), &code)?;
    }
    Ok(answer.status.as_u16())
}

#[tokio::test]
async fn with_keys_everything_but_health_needs_one_and_changes_need_an_admin() -> Result<()> {
    let stage = stage().await?;
    let server =
        TestServer::start(ServerOptions::new("keys").variable("DATACHAT_API_KEYS", &keys()))
            .await?;
    let nobody = server.client();
    let ann = nobody.with_key(&key("ann"));
    let root = nobody.with_key(&key("root"));
    let body = registration(&reader_url(&stage.postgres, "alpha"));

    nobody.get("/health").await?.expect(200)?;
    for path in [
        "/ready",
        "/metrics",
        "/openapi.json",
        "/api/v1/tools",
        "/api/v1/system/status",
        "/nothing",
    ] {
        let answer = nobody.get(path).await?;
        answer.problem(401, "unauthorized").context(path)?;
        assert_eq!(answer.header("www-authenticate"), "Bearer");
    }
    for wrong in [
        "",
        "x",
        &key("ann")[1..],
        &format!("{}x", key("ann")),
        &key("ann").to_uppercase(),
    ] {
        let answer = nobody.with_key(wrong).get(DATABASES).await?;
        answer.problem(401, "unauthorized")?;
    }
    assert_eq!(
        with_header(nobody, "authorization", &format!("Basic {}", key("ann"))).await?,
        401
    );
    nobody
        .post(DATABASES, &body)
        .await?
        .problem(401, "unauthorized")?;

    ann.post(DATABASES, &body)
        .await?
        .problem(403, "forbidden")?;
    let stored = root.post(DATABASES, &body).await?.expect(201)?;
    let id = text(&stored["connection_id"])?;
    let path = format!("{DATABASES}/{id}");
    ann.patch(&path, &json!({"name": "ann's"}))
        .await?
        .problem(403, "forbidden")?;
    ann.put(&format!("{path}/default"), &json!({}))
        .await?
        .problem(403, "forbidden")?;
    ann.delete(&path).await?.problem(403, "forbidden")?;
    ann.post(&format!("{DATABASES}/test"), &body)
        .await?
        .problem(403, "forbidden")?;
    ann.get("/api/v1/plugins")
        .await?
        .problem(403, "forbidden")?;
    root.get("/api/v1/plugins").await?.expect(200)?;

    ann.get(DATABASES).await?.expect(200)?;
    ann.get(&path).await?.expect(200)?;
    let answer = query(&ann, &id, "SELECT marker FROM whoami").await?;
    assert_eq!(answer.expect(200)?["rows"][0][0], "alpha");
    tool(&ann, &id, "list_tables", json!({}))
        .await?
        .expect(200)?;
    root.delete(&path).await?.expect(204)?;
    Ok(())
}

#[tokio::test]
async fn the_policy_of_tools_is_held_by_the_server() -> Result<()> {
    let stage = stage().await?;
    let folder = tempfile::tempdir()?;
    let policy = folder.path().join("policy.json");
    std::fs::write(
        &policy,
        json!({"tools": {
            "list_tables": {"approval": "confirm"},
            "run_sql": {"approval": "operator"},
            "get_table_sample": {"enabled": false},
            "list_columns": {"allowed_users": ["ann"]},
        }})
        .to_string(),
    )?;
    let server = TestServer::start(
        ServerOptions::new("policy")
            .variable("DATACHAT_API_KEYS", &keys())
            .variable("TOOLS_POLICY_FILE", &policy.display().to_string()),
    )
    .await?;
    let ann = server.client().with_key(&key("ann"));
    let ben = server.client().with_key(&key("ben"));
    let root = server.client().with_key(&key("root"));
    let stored = root
        .post(
            DATABASES,
            &registration(&reader_url(&stage.postgres, "alpha")),
        )
        .await?
        .expect(201)?;
    let id = text(&stored["connection_id"])?;
    let call = async |client: &Client, name: &str, arguments: Value, approved: bool| {
        let body = json!({
            "name": name, "arguments": arguments, "target_database": id, "approved": approved,
        });
        client.post("/api/v1/tools/execute", &body).await
    };

    let listed = ann.get("/api/v1/tools").await?.expect(200)?;
    let listed: Vec<(Value, Value, Value)> = listed
        .as_array()
        .context("no array")?
        .iter()
        .map(|tool| {
            (
                tool["name"].clone(),
                tool["enabled"].clone(),
                tool["requires_approval"].clone(),
            )
        })
        .collect();
    assert!(
        listed.contains(&(json!("get_table_sample"), json!(false), json!(false))),
        "{listed:?}"
    );
    assert!(
        listed.contains(&(json!("list_tables"), json!(true), json!(true))),
        "{listed:?}"
    );

    let none = json!({});
    call(&ann, "list_tables", none.clone(), false)
        .await?
        .problem(403, "approval_required")?;
    call(&ann, "list_tables", none.clone(), true)
        .await?
        .expect(200)?;
    let sample = json!({"table": "orders"});
    call(&root, "get_table_sample", sample.clone(), true)
        .await?
        .problem(403, "tool_disabled")?;
    call(&ann, "list_columns", sample.clone(), false)
        .await?
        .expect(200)?;
    call(&ben, "list_columns", sample.clone(), true)
        .await?
        .problem(403, "user_not_allowed")?;
    // The policy comes before the arguments.
    call(&ben, "list_columns", json!({"x": 1}), true)
        .await?
        .problem(403, "user_not_allowed")?;

    // Saying yes oneself is not enough; an administrator grants that very call, once.
    let sql = json!({"query": "SELECT marker FROM whoami"});
    let problem = call(&ann, "run_sql", sql.clone(), true)
        .await?
        .problem(403, "approval_required")?;
    let approval = text(&problem["approval_id"])?;
    let grant = format!("/api/v1/tools/approvals/{approval}");
    ann.post(&grant, &json!({}))
        .await?
        .problem(403, "forbidden")?;
    let answer = root.post(&grant, &json!({})).await?;
    assert!(answer.status.is_success(), "{}", answer.text());
    let other = json!({"query": "SELECT 2"});
    call(&ann, "run_sql", other, true)
        .await?
        .problem(403, "approval_required")?;
    call(&ben, "run_sql", sql.clone(), true)
        .await?
        .problem(403, "approval_required")?;
    let granted = call(&ann, "run_sql", sql.clone(), true)
        .await?
        .expect(200)?;
    assert_eq!(granted["result"]["data"], json!({"marker": ["alpha"]}));
    call(&ann, "run_sql", sql, true)
        .await?
        .problem(403, "approval_required")?;
    root.post("/api/v1/tools/approvals/nonsense", &json!({}))
        .await
        .map(|answer| {
            assert!(answer.status.is_client_error(), "{}", answer.text());
        })?;
    Ok(())
}

#[tokio::test]
async fn without_keys_a_foreign_host_or_origin_is_refused() -> Result<()> {
    let stage = stage().await?;
    let client = stage.client();
    let port = stage.server.port();
    for (name, value, status) in [
        ("host", format!("127.0.0.1:{port}"), 200),
        ("host", format!("localhost:{port}"), 200),
        ("host", "localhost".to_owned(), 200),
        ("host", format!("evil.example:{port}"), 403),
        ("host", "localhost.evil.example".to_owned(), 403),
        ("host", "192.0.2.1".to_owned(), 403),
        ("origin", "http://localhost:3000".to_owned(), 200),
        ("origin", "https://evil.example".to_owned(), 403),
        ("origin", "http://localhost.evil.example".to_owned(), 403),
        ("origin", "null".to_owned(), 403),
    ] {
        assert_eq!(
            with_header(&client, name, &value).await?,
            status,
            "{name}: {value}"
        );
    }
    Ok(())
}

/// How the server ends when it refuses to start: its exit code and what it says.
fn refused_start(change: impl FnOnce(&mut Command)) -> Result<(i32, String)> {
    let folder = tempfile::tempdir()?;
    let mut command = TestServer::program()?;
    command
        .arg("serve")
        .env("DATACHAT_PORT", "0")
        .env("HOME", folder.path())
        .current_dir(folder.path());
    change(&mut command);
    let mut child = command
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()?;
    let end = std::time::Instant::now() + Duration::from_secs(30);
    while child.try_wait()?.is_none() {
        if std::time::Instant::now() > end {
            child.kill()?;
            anyhow::bail!("it started");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let output = child.wait_with_output()?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned()
        + &String::from_utf8_lossy(&output.stdout);
    assert!(
        !datachat_tests::shows_canary(said.as_bytes()),
        "it shows a credential"
    );
    Ok((output.status.code().unwrap_or(-1), said))
}

#[test]
fn without_keys_the_server_refuses_to_listen_beyond_loopback() -> Result<()> {
    for host in ["0.0.0.0", "::"] {
        let (code, said) = refused_start(|command| {
            command.args(["--host", host]);
        })?;
        assert_ne!(code, 0);
        assert!(said.contains("DATACHAT_API_KEYS"), "{said}");
    }
    Ok(())
}

#[test]
fn settings_that_are_unknown_or_wrong_are_refused_by_name() -> Result<()> {
    for (name, value, says) in [
        ("DATACHAT_PROT", "8000", "DATACHAT_PORT"),
        ("DATA_CHAT_KEYS", CANARY, "DATA_CHAT_KEYS"),
        ("DATACHAT_PORT", "many", "DATACHAT_PORT"),
        ("DATACHAT_QUERY_MAX_ROWS", "0", "DATACHAT_QUERY_MAX_ROWS"),
        ("DATACHAT_LOG_FORMAT", "xml", "DATACHAT_LOG_FORMAT"),
        ("DATACHAT_API_KEYS", CANARY, "DATACHAT_API_KEYS"),
        ("DATACHAT_API_KEYS", "ann:king:x", "DATACHAT_API_KEYS"),
        (
            "DATACHAT_EGRESS_DENY",
            "not a network",
            "DATACHAT_EGRESS_DENY",
        ),
        (
            "TOOLS_POLICY_FILE",
            "/nowhere/policy.json",
            "TOOLS_POLICY_FILE",
        ),
    ] {
        let (code, said) = refused_start(|command| {
            command.env(name, value);
        })
        .context(name)?;
        assert_ne!(code, 0, "{name}");
        assert!(said.contains(says), "{name}: {said}");
    }
    Ok(())
}

#[test]
fn an_unknown_key_of_the_env_file_is_refused_and_its_value_not_shown() -> Result<()> {
    let (code, said) = refused_start(|command| {
        let folder = command.get_current_dir().map(std::path::Path::to_path_buf);
        if let Some(folder) = folder {
            let line = format!("DATABASE_URI=postgresql://u:{CANARY}@h/d\n");
            let _ = std::fs::write(folder.join(".env"), line);
        }
    })?;
    assert_ne!(code, 0);
    assert!(
        said.contains("DATABASE_URI") && said.contains("DATABASE_URL"),
        "{said}"
    );
    Ok(())
}

#[tokio::test]
async fn networks_that_the_operator_denies_can_t_be_reached() -> Result<()> {
    let stage = stage().await?;
    let server = TestServer::start(
        ServerOptions::new("denied")
            .variable("DATACHAT_EGRESS_DENY", "127.0.0.0/8, ::1/128")
            .variable("DATABASE_URL", &reader_url(&stage.postgres, "alpha")),
    )
    .await?;
    let client = server.client();
    for host in ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "[::1]"] {
        let url = format!(
            "postgresql://reader:{CANARY}@{host}:{}/alpha",
            stage.postgres.port()
        );
        let answer = client.post(DATABASES, &registration(&url)).await?;
        answer.problem(403, "address_not_allowed").context(host)?;
    }
    // The environment database is no exception.
    let answer = client
        .post("/api/v1/query", &json!({"sql": "SELECT 1"}))
        .await?;
    answer.problem(403, "address_not_allowed")?;
    Ok(())
}

#[tokio::test]
async fn pages_of_the_origins_that_the_operator_named_may_call() -> Result<()> {
    let server = TestServer::start(
        ServerOptions::new("origins")
            .variable("DATACHAT_API_KEYS", &keys())
            .variable("CORS_ORIGINS", "https://app.example"),
    )
    .await?;
    let client = server.client();
    for (origin, allowed) in [
        ("https://app.example", true),
        ("https://evil.example", false),
    ] {
        // A browser asks first, and without the key.
        let headers = [
            ("origin", origin),
            ("access-control-request-method", "POST"),
            (
                "access-control-request-headers",
                "authorization,content-type",
            ),
        ];
        let request = client.request(Method::OPTIONS, "/api/v1/query", &headers, None)?;
        let answer = client.answer(request).await?;
        let named = answer.header("access-control-allow-origin") == origin;
        assert_eq!(named, allowed, "{origin}: {answer:?}");
        if allowed {
            assert!(answer.status.is_success());
            let headers = answer.header("access-control-allow-headers").to_lowercase();
            assert!(headers.contains("authorization"), "{headers}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn where_the_operator_allows_networks_no_others_can_be_reached() -> Result<()> {
    let stage = stage().await?;
    let server = TestServer::start(
        ServerOptions::new("allowed").variable("DATACHAT_EGRESS_ALLOW", "127.0.0.1/32, 10.0.0.0/8"),
    )
    .await?;
    let client = server.client();
    let port = stage.postgres.port();
    for host in [
        "127.0.0.2",
        "192.168.1.1",
        "8.8.8.8",
        "[::1]",
        "169.254.169.254",
    ] {
        let url = format!("postgresql://reader:{CANARY}@{host}:{port}/alpha");
        let answer = client.post(DATABASES, &registration(&url)).await?;
        answer.problem(403, "address_not_allowed").context(host)?;
    }
    let url = reader_url(&stage.postgres, "alpha");
    client
        .post(DATABASES, &registration(&url))
        .await?
        .expect(201)?;
    Ok(())
}
