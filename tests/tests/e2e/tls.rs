//! The five values of `sslmode`, against a server with TLS and one without.
//!
//! The server's certificate is for `localhost` only, and 127.0.0.1 leads to the same server: a wrong name.

use anyhow::Result;
use datachat_tests::{Auth, Authority, CANARY, Client, Options, Postgres, Role};
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use crate::stage::{READER, Stage, postgres_with, register, registration, scalar, stage};

/// A URL of the TLS server; `options` after the question mark.
fn url(stage: &Stage, role: &str, host: &str, options: &str) -> String {
    let port = stage.postgres.port();
    format!("postgresql://{role}:{CANARY}@{host}:{port}/alpha?{options}")
}

/// Whether a session of such a URL is encrypted, as the server sees it.
async fn is_encrypted(client: &Client, url: &str) -> Result<Value> {
    let id = register(client, url).await?;
    let sql = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    scalar(client, &id, sql).await
}

async fn refusal(client: &Client, url: &str) -> Result<(Value, String)> {
    let answer = client.post("/api/v1/databases", &registration(url)).await?;
    let code = answer.json()["code"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    let problem = answer.problem(400, &code)?;
    let detail = problem["detail"].as_str().unwrap_or_default().to_owned();
    assert!(
        detail.starts_with("Failed to connect to database: "),
        "{detail}"
    );
    Ok((problem["code"].clone(), detail))
}

/// The server without TLS.
async fn bare() -> Result<&'static Postgres> {
    static BARE: OnceCell<Postgres> = OnceCell::const_new();
    BARE.get_or_try_init(|| async {
        postgres_with(
            Options::new(CANARY)
                .role(Role::new(READER, CANARY, Auth::Scram))
                .role(Role::new("clear", CANARY, Auth::Cleartext)),
        )
    })
    .await
}

fn roots(stage: &Stage) -> String {
    stage
        .server
        .folder()
        .join("roots.pem")
        .display()
        .to_string()
}

#[tokio::test]
async fn disable_never_encrypts_and_the_other_modes_do() -> Result<()> {
    let stage = stage().await?;
    let client = stage.client();
    let roots = roots(stage);
    for (options, encrypted) in [
        ("sslmode=disable".to_owned(), false),
        ("sslmode=prefer".to_owned(), true),
        (String::new(), true),
        ("sslmode=require".to_owned(), true),
        (format!("sslmode=require&sslrootcert={roots}"), true),
        (format!("sslmode=verify-ca&sslrootcert={roots}"), true),
        (format!("sslmode=verify-full&sslrootcert={roots}"), true),
    ] {
        let url = url(stage, READER, "localhost", &options);
        assert_eq!(is_encrypted(&client, &url).await?, encrypted, "{options}");
    }
    Ok(())
}

#[tokio::test]
async fn a_role_that_needs_tls_is_refused_without() -> Result<()> {
    let stage = stage().await?;
    let client = stage.client();
    let with = url(stage, "encrypted", "localhost", "sslmode=require");
    assert_eq!(is_encrypted(&client, &with).await?, true);
    let without = url(stage, "encrypted", "localhost", "sslmode=disable");
    let (code, _) = refusal(&client, &without).await?;
    assert_eq!(code, "authentication_failed");
    Ok(())
}

#[tokio::test]
async fn another_authority_is_refused_wherever_the_mode_verifies() -> Result<()> {
    let stage = stage().await?;
    let client = stage.client();
    let other = stage.server.folder().join("other.pem");
    std::fs::write(&other, Authority::new()?.pem())?;
    let other = other.display();
    for options in [
        format!("sslmode=verify-ca&sslrootcert={other}"),
        format!("sslmode=verify-full&sslrootcert={other}"),
        // A root file makes `require` verify the chain, as with libpq.
        format!("sslmode=require&sslrootcert={other}"),
        // The system's authorities have never heard of this server.
        "sslmode=verify-ca".to_owned(),
        "sslmode=verify-full".to_owned(),
    ] {
        let (code, detail) = refusal(&client, &url(stage, READER, "localhost", &options)).await?;
        assert_eq!(code, "tls_failed", "{options}: {detail}");
    }
    Ok(())
}

#[tokio::test]
async fn a_wrong_name_is_refused_by_verify_full_alone() -> Result<()> {
    let stage = stage().await?;
    let client = stage.client();
    let roots = roots(stage);
    let wrong_name = |options: &str| url(stage, READER, "127.0.0.1", options);
    let full = format!("sslmode=verify-full&sslrootcert={roots}");
    let (code, detail) = refusal(&client, &wrong_name(&full)).await?;
    assert_eq!(code, "tls_failed", "{detail}");
    for mode in ["require", "verify-ca"] {
        let options = format!("sslmode={mode}&sslrootcert={roots}");
        assert_eq!(
            is_encrypted(&client, &wrong_name(&options)).await?,
            true,
            "{mode}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn without_tls_on_the_server_prefer_falls_back_and_require_fails() -> Result<()> {
    let stage = stage().await?;
    let client = stage.client();
    let port = bare().await?.port();
    let roots = roots(stage);
    let url =
        |options: &str| format!("postgresql://{READER}:{CANARY}@127.0.0.1:{port}/beta?{options}");
    for options in ["sslmode=disable", "sslmode=prefer", ""] {
        assert_eq!(
            is_encrypted(&client, &url(options)).await?,
            false,
            "{options}"
        );
    }
    for options in [
        "sslmode=require".to_owned(),
        format!("sslmode=verify-ca&sslrootcert={roots}"),
        format!("sslmode=verify-full&sslrootcert={roots}"),
    ] {
        let (code, detail) = refusal(&client, &url(&options)).await?;
        assert_eq!(code, "tls_failed", "{options}: {detail}");
    }
    Ok(())
}

#[tokio::test]
async fn prefer_does_not_fall_back_from_a_handshake_that_fails() -> Result<()> {
    let stage = stage().await?;
    let client = stage.client();
    // Says yes to TLS, then closes: someone in between who hopes for the plain text.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let port = listener.local_addr()?.port();
    let seen = tokio::spawn(async move {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let mut plain = Vec::new();
        for _ in 0..2 {
            let patience = std::time::Duration::from_secs(5);
            let Ok(Ok((mut peer, _))) = tokio::time::timeout(patience, listener.accept()).await
            else {
                break;
            };
            let mut first = [0; 8];
            peer.read_exact(&mut first).await?;
            plain.push(first);
            peer.write_all(b"S").await?;
            let mut rest = [0; 16];
            let _ = peer.read(&mut rest).await?;
        }
        anyhow::Ok(plain)
    });
    let url = format!("postgresql://{READER}:{CANARY}@127.0.0.1:{port}/alpha?sslmode=prefer");
    let (code, _) = refusal(&client, &url).await?;
    assert_eq!(code, "tls_failed");
    // The code of SSLRequest, every time.
    for first in seen.await?? {
        assert_eq!(first, [0, 0, 0, 8, 4, 210, 22, 47]);
    }
    Ok(())
}

#[tokio::test]
async fn a_password_in_clear_text_crosses_only_an_encrypted_connection() -> Result<()> {
    let stage = stage().await?;
    let client = stage.client();
    let encrypted = url(stage, "clear", "localhost", "sslmode=require");
    assert_eq!(is_encrypted(&client, &encrypted).await?, true);
    let port = bare().await?.port();
    for options in ["sslmode=disable", "sslmode=prefer"] {
        let url = format!("postgresql://clear:{CANARY}@127.0.0.1:{port}/beta?{options}");
        let (code, detail) = refusal(&client, &url).await?;
        assert_eq!(code, "authentication_failed", "{detail}");
        assert!(detail.to_lowercase().contains("tls"), "{detail}");
    }
    Ok(())
}

#[tokio::test]
async fn channel_binding_can_be_required_over_tls_and_fails_without() -> Result<()> {
    let stage = stage().await?;
    let client = stage.client();
    let bound = "sslmode=require&channel_binding=require";
    assert_eq!(
        is_encrypted(&client, &url(stage, READER, "localhost", bound)).await?,
        true
    );
    for (role, options) in [
        // Nothing to bind to.
        (READER, "sslmode=disable&channel_binding=require"),
        // Methods that bind nothing.
        ("digest", bound),
        ("clear", bound),
        ("trusted", bound),
    ] {
        let (code, detail) = refusal(&client, &url(stage, role, "localhost", options)).await?;
        assert_eq!(code, "authentication_failed", "{role} {options}: {detail}");
        assert!(detail.contains("channel_binding"), "{detail}");
    }
    Ok(())
}

#[tokio::test]
async fn an_sslmode_that_does_not_exist_is_a_bad_url() -> Result<()> {
    let client = stage().await?.client();
    for options in [
        "sslmode=maybe",
        "sslmode=",
        "sslmode=require&sslmode=disable",
    ] {
        let url = format!("postgresql://{READER}:{CANARY}@127.0.0.1:1/alpha?{options}");
        let answer = client
            .post("/api/v1/databases", &registration(&url))
            .await?;
        let problem = answer.problem(400, "invalid_database_url")?;
        assert!(
            problem["detail"]
                .as_str()
                .unwrap_or_default()
                .contains("sslmode"),
            "{problem}"
        );
    }
    let test =
        json!({"database_url": "postgresql://h/d?sslmode=no", "database_type": "postgresql"});
    let answer = client.post("/api/v1/databases/test", &test).await?;
    answer.problem(400, "invalid_database_url")?;
    Ok(())
}
