//! The server itself: starts, authenticates, survives what tests do to it, leaves nothing behind.

use std::process::Command;

use anyhow::Result;
use datachat_throwaway::{Auth, Installation, Options, Postgres, Role};

/// What psql says over TCP with a password.
fn over_tcp(server: &Postgres, role: &str, password: &str) -> Result<(bool, String)> {
    let output = Command::new(Installation::find()?.program("psql"))
        .args(["-X", "-At", "-d"])
        .arg(server.url(role, password, "postgres"))
        .args(["-c", "SELECT current_user"])
        .env("PGCONNECT_TIMEOUT", "10")
        .output()?;
    let text = [output.stdout, output.stderr].concat();
    Ok((
        output.status.success(),
        String::from_utf8_lossy(&text).trim().to_owned(),
    ))
}

#[test]
fn roles_authenticate_as_their_rule_says() -> Result<()> {
    let server = Postgres::start(
        Options::new("root's")
            .role(Role::new("with md5", "m", Auth::Md5))
            .role(Role::new("trusted", "t", Auth::Trust))
            .role(Role::new("tls", "t", Auth::Cleartext).tls_only())
            .database("Quoted \"name\""),
    )?;
    assert_eq!(
        over_tcp(&server, "postgres", "root's")?,
        (true, "postgres".into())
    );
    assert!(!over_tcp(&server, "postgres", "wrong")?.0);
    assert_eq!(
        over_tcp(&server, "with%20md5", "m")?,
        (true, "with md5".into())
    );
    assert!(!over_tcp(&server, "with%20md5", "n")?.0);
    assert_eq!(
        over_tcp(&server, "trusted", "any")?,
        (true, "trusted".into())
    );
    assert!(
        over_tcp(&server, "tls", "t")?.1.contains("no encryption")
            || over_tcp(&server, "tls", "t")?.1.contains("rejects")
    );
    assert_eq!(
        server.psql("Quoted \"name\"", "SELECT current_database()")?,
        "Quoted \"name\""
    );
    Ok(())
}

#[test]
fn data_survives_a_stop_and_a_kill_on_the_same_port_and_nothing_is_left_afterwards() -> Result<()> {
    let mut server = Postgres::start(Options::new("secret"))?;
    let (port, folder) = (server.port(), server.socket_folder().to_path_buf());
    server.psql("postgres", "CREATE TABLE kept AS SELECT 42 AS n")?;
    server.restart()?;
    assert_eq!(server.psql("postgres", "SELECT n FROM kept")?, "42");
    server.kill_9()?;
    assert!(server.psql("postgres", "SELECT 1").is_err());
    server.launch()?;
    assert_eq!(server.psql("postgres", "SELECT n FROM kept")?, "42");
    assert_eq!(server.port(), port);
    drop(server);
    assert!(!folder.exists());
    std::net::TcpListener::bind(("127.0.0.1", port))?;
    Ok(())
}
