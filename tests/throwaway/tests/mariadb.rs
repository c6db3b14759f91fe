//! The MariaDB server itself: starts, authenticates, survives what tests do to it, leaves nothing behind.

use std::process::Command;

use anyhow::Result;
use datachat_throwaway::{MariaDb, MariaDbAuth, MariaDbOptions, MariaDbUser};

/// What the client says over TCP with a password.
fn over_tcp(server: &MariaDb, user: &str, password: &str) -> Result<(bool, String)> {
    let output = Command::new("mariadb")
        .args([
            "--no-defaults",
            "--host=127.0.0.1",
            "--batch",
            "--skip-column-names",
        ])
        .arg(format!("--port={}", server.port()))
        .arg(format!("--user={user}"))
        .arg(format!("--password={password}"))
        .args(["-e", "SELECT CURRENT_USER()"])
        .output()?;
    let text = [output.stdout, output.stderr].concat();
    Ok((
        output.status.success(),
        String::from_utf8_lossy(&text).trim().to_owned(),
    ))
}

#[test]
fn users_authenticate_and_data_survives_a_stop_and_a_kill_on_the_same_port() -> Result<()> {
    let mut server = MariaDb::start(
        MariaDbOptions::default()
            .database("quoted `name`")
            .user(MariaDbUser::new("it's", "p'w", MariaDbAuth::Native))
            .user(MariaDbUser::new("edward", "e", MariaDbAuth::Ed25519))
            .user(MariaDbUser::new("safe", "s", MariaDbAuth::Native).tls_only()),
    )?;
    assert_eq!(over_tcp(&server, "it's", "p'w")?, (true, "it's@%".into()));
    assert_eq!(over_tcp(&server, "edward", "e")?, (true, "edward@%".into()));
    assert!(!over_tcp(&server, "edward", "wrong")?.0);
    assert!(!over_tcp(&server, "safe", "s")?.0, "there is no TLS");

    let (port, folder) = (server.port(), server.data_folder());
    server.sql(
        "quoted `name`",
        "CREATE TABLE t (n int); INSERT INTO t VALUES (7)",
    )?;
    server.restart()?;
    assert_eq!(server.sql("quoted `name`", "SELECT n, 'ä' FROM t")?, "7\tä");
    server.kill_9()?;
    assert!(server.sql("", "SELECT 1").is_err());
    server.launch()?;
    assert_eq!(server.sql("quoted `name`", "SELECT n FROM t")?, "7");
    assert_eq!(server.port(), port);
    drop(server);
    assert!(!folder.exists());
    Ok(())
}
