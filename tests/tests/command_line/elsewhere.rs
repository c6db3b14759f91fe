//! A server elsewhere: keys, TLS, consent, and addresses where no server of ours is.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener};

use anyhow::{Context, Result};
use datachat_tests::{Authority, CANARY, ServerOptions, TestServer, tls_front};
use serde_json::json;

use crate::run::{Way, command, registered, run};

#[tokio::test]
async fn a_key_is_presented_to_its_own_server_and_shown_nowhere() -> Result<()> {
    let (user, admin) = (format!("{CANARY}-user"), format!("{CANARY}-admin"));
    let keys = format!("ann:user:{user},bob:admin:{admin}");
    let server =
        TestServer::start(ServerOptions::new("keys").variable("DATACHAT_API_KEYS", &keys)).await?;
    let wrong = format!("{CANARY}-wrong");
    let unusable = format!("{CANARY}\u{1}");
    let closed = format!("postgresql://reader:{CANARY}@127.0.0.1:1/x");
    for (key, arguments, code, words) in [
        // The environment has the server's keys, too: none of them is sent elsewhere.
        (
            None,
            &["databases", "list"][..],
            1,
            "needs an API key. (unauthorized)\nhint: DATA_CHAT_API_KEY",
        ),
        (
            Some(&wrong),
            &["databases", "list"],
            1,
            "is not valid. (unauthorized)",
        ),
        (
            Some(&unusable),
            &["databases", "list"],
            1,
            "the API key has characters",
        ),
        (Some(&user), &["databases", "list"], 0, ""),
        (Some(&user), &["plugins", "list"], 1, "(forbidden)"),
        (Some(&admin), &["plugins", "list"], 0, ""),
        (
            Some(&admin),
            &["databases", "test", &closed],
            1,
            "(connection_refused)",
        ),
    ] {
        for level in ["error", "trace"] {
            let mut command = command(&server, Way::There)?;
            command.env("DATACHAT_LOG", level);
            if let Some(key) = key {
                command.env("DATA_CHAT_API_KEY", key);
            }
            // Looks for the canary.
            let ran = run(command, arguments)?;
            assert_eq!(ran.code, Some(code), "{arguments:?} {}", ran.err);
            assert!(ran.err.contains(words), "{arguments:?} {}", ran.err);
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_call_waits_for_consent_which_a_command_gives() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let policy = folder.path().join("policy.json");
    std::fs::write(
        &policy,
        r#"{"tools": {"run_sql": {"approval": "operator"}, "list_tables": {"approval": "confirm"}}}"#,
    )?;
    let options =
        ServerOptions::new("consent").variable("TOOLS_POLICY_FILE", &policy.display().to_string());
    let (_postgres, server) = registered(options).await?;
    let call = [
        "tools",
        "run",
        "run_sql",
        "--arg",
        "query=SELECT 42 AS answer",
    ];
    let run_at = |way, arguments: &[&str]| run(command(&server, way)?, arguments);

    // Who may open the system database is an administrator.
    let refused = run_at(Way::Here, &call)?;
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(
        refused
            .err
            .contains("(approval_required)\nhint: `--approve` agrees."),
        "{refused:?}"
    );
    let agreed = run_at(Way::Here, &[&call[..], &["--approve"]].concat())?;
    assert_eq!(
        (agreed.code, agreed.text().contains("42")),
        (Some(0), true),
        "{agreed:?}"
    );

    let confirm = run_at(Way::There, &["tools", "run", "list_tables"])?;
    assert!(
        confirm.err.contains("hint: `--approve` agrees."),
        "{confirm:?}"
    );
    let confirmed = run_at(Way::There, &["tools", "run", "list_tables", "--approve"])?;
    assert_eq!(confirmed.code, Some(0), "{confirmed:?}");

    let port = server.port().to_string();
    for way in ["DATA_CHAT_API_URL", "DATACHAT_PORT"] {
        let refused = run_at(Way::There, &[&call[..], &["--approve"]].concat())?;
        assert_eq!(refused.code, Some(1), "{refused:?}");
        let id = refused
            .err
            .split("`datachat tools approve ")
            .nth(1)
            .and_then(|rest| rest.split('`').next())
            .context(refused.err.clone())?;
        let mut approve = command(&server, Way::Here)?;
        match way {
            "DATACHAT_PORT" => approve.env(way, &port),
            _ => approve.env(way, server.base()),
        };
        let granted = run(approve, &["tools", "approve", id, "--output", "json"])?;
        assert_eq!(granted.code, Some(0), "{granted:?}");
        assert_eq!(
            granted.json()?,
            json!({ "approval_id": id, "tool": "run_sql", "granted": true })
        );
        let done = run_at(Way::There, &call)?;
        assert_eq!(
            (done.code, done.text().contains("42")),
            (Some(0), true),
            "{done:?}"
        );
    }
    let unknown = run_at(
        Way::There,
        &["tools", "approve", "7b9f2f3e-3b5c-4b43-8b52-1b2ad5a0b0f1"],
    )?;
    assert_eq!(unknown.code, Some(1), "{unknown:?}");
    assert!(
        unknown
            .err
            .contains("No tool call waits under this id. (not_found)"),
        "{unknown:?}"
    );
    Ok(())
}

/// Answers every request with the same bytes, for as long as the test lives.
fn stranger(answer: &'static str) -> Result<String> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = format!("http://{}", listener.local_addr()?);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut stream = stream;
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    Ok(address)
}

#[tokio::test]
async fn an_address_without_our_server_is_an_error_that_says_so() -> Result<()> {
    let server = TestServer::start(ServerOptions::new("addresses")).await?;
    let closed = {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        format!("http://{}", listener.local_addr()?)
    };
    let page = stranger("HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\n<html>")?;
    let gateway = stranger("HTTP/1.1 502 Bad Gateway\r\ncontent-length: 6\r\n\r\n<html>")?;
    let moved = stranger("HTTP/1.1 302 Found\r\nlocation: /x\r\ncontent-length: 0\r\n\r\n")?;
    let silent = stranger("")?;
    let short = stranger("HTTP/1.1 200 OK\r\ncontent-length: 60\r\n\r\n[")?;
    let scheme = server.base().replace("http://", "");
    let secret = format!("http://ann:{CANARY}@127.0.0.1:1");
    let prefix = format!("{}/prefix/", server.base());
    for (url, words) in [
        (
            &closed,
            "error: there is no server to speak to at http://127.0.0.1:",
        ),
        (
            &closed,
            "Connection refused (os error 111)\nhint: DATA_CHAT_API_URL says where",
        ),
        (
            &"http://no-such-host.invalid".to_owned(),
            "no-such-host.invalid: ",
        ),
        (&silent, "error: there was no answer from http://127.0.0.1:"),
        (
            &page,
            "the answer is not one of DataChat\nhint: Is DATA_CHAT_API_URL",
        ),
        (
            &gateway,
            "the answer is 502 Bad Gateway, and not one of DataChat\nhint: ",
        ),
        (&moved, "the answer is 302 Found"),
        (&short, "the server's answer broke off"),
        (
            &scheme,
            "DATA_CHAT_API_URL: not an address such as http://127.0.0.1:8000",
        ),
        (&secret, "DATA_CHAT_API_URL: takes no user and no password"),
        (&prefix, "There is nothing at this path. (not_found)"),
    ] {
        let mut command = command(&server, Way::There)?;
        command.env("DATA_CHAT_API_URL", url);
        let ran = run(command, &["databases", "list"])?;
        assert_eq!(ran.code, Some(1), "{url} {ran:?}");
        assert_eq!(ran.text(), "", "{url}");
        assert!(ran.err.contains(words), "{url} {ran:?}");
    }
    let mut approve = command(&server, Way::Here)?;
    approve.env("DATACHAT_PORT", "1");
    let ran = run(
        approve,
        &["tools", "approve", "7b9f2f3e-3b5c-4b43-8b52-1b2ad5a0b0f1"],
    )?;
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(
        ran.err.contains("http://127.0.0.1:1: ") && ran.err.contains("hint: Set DATACHAT_HOST"),
        "{ran:?}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn https_is_spoken_with_servers_whose_certificate_holds() -> Result<()> {
    let (_postgres, server) = registered(ServerOptions::new("https")).await?;
    let (own, other) = (Authority::new()?, Authority::new()?);
    let port = tls_front(server.port(), &own.server(&["localhost"])?).await?;
    for (host, authority, code) in [
        ("localhost", &own, 0),
        ("127.0.0.1", &own, 1),
        ("localhost", &other, 1),
    ] {
        let roots = server.folder().join("roots.pem");
        std::fs::write(&roots, authority.pem())?;
        let mut command = command(&server, Way::There)?;
        command
            .env("SSL_CERT_FILE", &roots)
            .env("DATA_CHAT_API_URL", format!("https://{host}:{port}"));
        let ran = run(command, &["query", "SELECT 7 AS seven", "--format", "csv"])?;
        assert_eq!(ran.code, Some(code), "{host} {ran:?}");
        if code == 0 {
            assert_eq!(ran.text(), "seven\r\n7\r\n");
            assert!(ran.err.starts_with("1 row(s) from Mine"), "{ran:?}");
        } else {
            assert!(
                ran.err.contains("invalid peer certificate"),
                "{host} {ran:?}"
            );
        }
    }
    Ok(())
}
