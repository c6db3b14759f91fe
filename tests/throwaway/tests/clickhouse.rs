//! The ClickHouse servers themselves: survive what tests do to them, leave nothing behind.

use std::path::{Path, PathBuf};
use std::time::Duration;

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
fn data_survive_a_stop_and_a_kill_on_the_same_port() -> Result<()> {
    survives(ClickHouse::old()?)?;
    if std::env::var_os("CLICKHOUSE_TEST_URL").is_none() {
        survives(ClickHouse::engine()?)?;
    }
    Ok(())
}

fn survives(mut server: ClickHouse) -> Result<()> {
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

#[test]
fn the_engine_runs_statements_beside_each_other_and_ends_one_by_its_name() -> Result<()> {
    let server = ClickHouse::engine()?;
    std::thread::scope(|scope| {
        let sleeper = scope.spawn(|| {
            server.fetch(
                "SELECT sum(sleepEachRow(1)), 'a sleeper' FROM numbers(60) SETTINGS max_block_size = 1",
                "TabSeparated",
                "&query_id=sleeper-1",
            )
        });
        let seen = || {
            server.sql(
                "SELECT query_id FROM system.processes \
                 WHERE query LIKE '%a sleeper%' AND query NOT LIKE '%system.processes%'",
            )
        };
        while seen()?.is_empty() {
            std::thread::sleep(Duration::from_millis(10));
        }
        assert_eq!(seen()?, "sleeper-1");
        server.sql("KILL QUERY WHERE startsWith(query_id, 'sleeper-') SYNC")?;
        assert_eq!(seen()?, "");
        let ended = sleeper.join().expect("no panic").expect_err("it was ended");
        assert!(ended.to_string().contains("394"), "{ended}");
        Ok(())
    })
}

#[test]
fn the_engine_forgets_what_a_request_has_set() -> Result<()> {
    let server = ClickHouse::engine()?;
    let closed = server.fetch(
        "CREATE TABLE refused (n UInt8) ENGINE = Log",
        "TabSeparated",
        "&readonly=1&param_p=x",
    );
    assert!(closed.expect_err("refused").to_string().contains("164"));
    assert_eq!(server.sql("SELECT getSetting('readonly')")?, "0");
    let unbound = server.sql("SELECT {p:String}");
    assert!(unbound.expect_err("not bound").to_string().contains("456"));
    Ok(())
}
