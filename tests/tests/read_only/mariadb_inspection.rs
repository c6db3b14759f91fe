//! What a MariaDB server is like, in so much detail that whatever a statement leaves behind shows.

use std::path::Path;
use std::time::Duration;

use anyhow::{Result, ensure};
use datachat_tests::MariaDb;

use crate::inspection::Facts;

/// What concerns the whole server: a name, and a query of rows of (what, value).
const SERVER: &[(&str, &str)] = &[
    ("setting", "SELECT variable_name, variable_value FROM information_schema.global_variables"),
    ("plugin", "SELECT plugin_name, plugin_status FROM information_schema.plugins"),
    ("database", "SELECT schema_name, default_collation_name FROM information_schema.schemata"),
    ("routine", "SELECT CONCAT(routine_schema, '.', routine_name), MD5(routine_definition) FROM information_schema.routines"),
    ("trigger", "SELECT CONCAT(trigger_schema, '.', trigger_name), '' FROM information_schema.triggers"),
    ("view", "SELECT CONCAT(table_schema, '.', table_name), MD5(view_definition) FROM information_schema.views"),
    (
        "column",
        "SELECT CONCAT_WS('.', table_schema, table_name, column_name), column_type FROM information_schema.columns
         WHERE table_schema NOT IN ('information_schema', 'performance_schema', 'sys')",
    ),
    ("sequence", "SELECT 'app', CONCAT_WS('|', next_not_cached_value, cycle_count) FROM app.numbers_of_orders"),
    ("lock", "SELECT 'loot', IS_USED_LOCK('loot')"),
];

/// Who runs something or holds a lock. Sessions are cleaned after an answer, so this may take a moment.
const BUSY: &str =
    "SELECT COUNT(*) + (IS_USED_LOCK('loot') IS NOT NULL) FROM information_schema.processlist
    WHERE command NOT IN ('Sleep', 'Daemon') AND id <> CONNECTION_ID()";

/// Statistics that the server writes when it pleases.
const RESTLESS: &[&str] = &["innodb_index_stats", "innodb_table_stats"];

/// All facts, once nothing runs any more.
pub async fn inspect(server: &MariaDb, marker: &str) -> Result<Facts> {
    for _ in 0..50 {
        if server.sql("", BUSY)? == "0" {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let mut facts = Facts::new();
    for (name, sql) in SERVER {
        for line in server.sql("", sql)?.lines() {
            let (what, value) = line.split_once('\t').unwrap_or((line, ""));
            facts.insert(format!("{name} {what}"), value.to_owned());
        }
    }
    tables(server, &mut facts)?;
    files(&server.data_folder(), &server.data_folder(), &mut facts)?;
    for entry in std::fs::read_dir("/tmp")? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.starts_with(marker) {
            facts.insert(format!("file /tmp/{name}"), "there".to_owned());
        }
    }
    Ok(facts)
}

fn tables(server: &MariaDb, facts: &mut Facts) -> Result<()> {
    let names = server.sql(
        "",
        "SELECT CONCAT('`', table_schema, '`.`', table_name, '`') FROM information_schema.tables
         WHERE table_type = 'BASE TABLE' AND table_schema NOT IN ('information_schema', 'performance_schema', 'sys')",
    )?;
    let names: Vec<&str> = names
        .lines()
        .filter(|name| !RESTLESS.iter().any(|restless| name.contains(restless)))
        .collect();
    ensure!(names.len() > 20, "where are the tables?");
    let sums = server.sql("", &format!("CHECKSUM TABLE {} EXTENDED", names.join(", ")))?;
    for line in sums.lines() {
        let (table, sum) = line.split_once('\t').unwrap_or((line, ""));
        facts.insert(format!("table {table}"), sum.to_owned());
    }
    Ok(())
}

/// The names of all files.
fn files(root: &Path, folder: &Path, facts: &mut Facts) -> Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.strip_prefix(root)?.display().to_string();
        if path.is_dir() {
            files(root, &path, facts)?;
        }
        facts.insert(format!("file {name}"), String::new());
    }
    Ok(())
}
