//! The harness itself: TLS as the server side of these tests offers it.

use std::process::Command;

use anyhow::Result;
use datachat_tests::{Auth, Authority, CANARY, Options, Postgres, Role};

#[test]
fn a_server_with_tls_shows_a_certificate_of_its_authority() -> Result<()> {
    let authority = Authority::new()?;
    let other = Authority::new()?;
    let server = Postgres::start(
        Options::new(CANARY)
            .role(Role::new("guarded", CANARY, Auth::Scram).tls_only())
            .tls(authority.server(&["127.0.0.1", "db.example"])?),
    )?;
    let folder = tempfile::tempdir()?;
    let connects = |authority: &Authority, mode: &str| -> Result<bool> {
        let roots = folder.path().join("roots.pem");
        std::fs::write(&roots, authority.pem())?;
        let url = server.url("guarded", CANARY, "postgres");
        let status = Command::new("psql")
            .args(["-X", "-c", "SELECT 1", "-d"])
            .arg(format!(
                "{url}?sslmode={mode}&sslrootcert={}",
                roots.display()
            ))
            .output()?
            .status;
        Ok(status.success())
    };
    assert!(connects(&authority, "verify-full")?);
    assert!(!connects(&other, "verify-ca")?);
    assert!(!connects(&authority, "disable")?);
    Ok(())
}
