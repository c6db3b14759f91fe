//! The ClickHouse servers themselves: survive what tests do to them, leave nothing behind.

use std::path::{Path, PathBuf};

use anyhow::Result;
use datachat_throwaway::ClickHouse;

#[test]
fn the_engine_keeps_its_data_in_the_folder_that_goes_with_it() -> Result<()> {
    if std::env::var_os("CLICKHOUSE_TEST_URL").is_some() {
        return Ok(());
    }
    let server = ClickHouse::engine()?;
    let data = server.sql("SELECT path FROM system.disks WHERE name = 'default'")?;
    let folder: PathBuf = Path::new(&data)
        .ancestors()
        .find(|folder| {
            folder
                .file_name()
                .is_some_and(|name| name.to_string_lossy().starts_with("datachat-che-"))
        })
        .unwrap_or_else(|| panic!("{data} is in no folder of ours"))
        .to_owned();
    assert!(folder.exists());
    drop(server);
    assert!(!folder.exists(), "{} is left", folder.display());
    Ok(())
}

#[test]
fn the_old_server_s_data_survive_a_stop_and_a_kill_on_the_same_port() -> Result<()> {
    let mut server = ClickHouse::old()?;
    let port = server.port();
    server.sql("CREATE TABLE kept (n UInt8) ENGINE = Log")?;
    server.sql("INSERT INTO kept VALUES (42)")?;
    server.stop()?;
    assert!(server.sql("SELECT 1").is_err());
    server.launch()?;
    assert_eq!(server.sql("SELECT n FROM kept")?, "42");
    server.kill_9()?;
    assert!(server.sql("SELECT 1").is_err());
    server.launch()?;
    assert_eq!(server.sql("SELECT n FROM kept")?, "42");
    assert_eq!(server.port(), port);
    Ok(())
}
