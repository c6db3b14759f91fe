//! What a PostgreSQL server is like, in so much detail that whatever a statement leaves behind shows.
//!
//! Facts are named by what they are about. Two inspections of a server that nobody has changed are equal:
//! autovacuum must be off, and every database vacuumed, since reading a page may tidy it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use datachat_tests::{Postgres, literal, quoted, skipped};
use futures_util::StreamExt;
use tokio_postgres::{AsyncMessage, Client, NoTls};

/// The first version with pg_walinspect.
const WAL_INSPECTED: u32 = 15;

/// Facts by name.
pub type Facts = BTreeMap<String, String>;

/// Looks at one server, and listens to it all the time.
pub struct Inspector<'a> {
    postgres: &'a Postgres,
    /// Who waits for notifications.
    _listener: Client,
    notifications: Arc<Mutex<Vec<String>>>,
    /// How the files in /tmp are called that are looked for.
    marker: String,
    /// Where the server's write-ahead log ended at the start.
    log_start: String,
}

/// What concerns the whole server: a name, and a query of rows of (what, value).
const SERVER: &[(&str, &str)] = &[
    (
        "setting",
        "SELECT name, concat_ws('|', setting, source, sourcefile, reset_val, pending_restart) FROM pg_settings",
    ),
    (
        "setting in a file",
        "SELECT sourcefile || ':' || sourceline, concat_ws('|', name, setting, error) FROM pg_file_settings",
    ),
    (
        "access rule",
        "SELECT line_number::text, h::text FROM pg_hba_file_rules h",
    ),
    ("configuration", "SELECT 'loaded', pg_conf_load_time()::text"),
    (
        "replication slot",
        "SELECT slot_name, concat_ws('|', slot_type, restart_lsn, confirmed_flush_lsn) FROM pg_replication_slots",
    ),
    (
        "replication origin",
        "SELECT local_id::text, o::text FROM pg_replication_origin_status o",
    ),
    (
        "prepared transaction",
        "SELECT gid, database FROM pg_prepared_xacts",
    ),
    // Transaction ids are given to whoever writes, even if all is undone afterwards.
    (
        "transaction id",
        "SELECT 'next', pg_snapshot_xmax(pg_current_snapshot())::text",
    ),
    ("server", "SELECT 'started', pg_postmaster_start_time()::text"),
    (
        "server",
        "SELECT 'recovery', pg_is_in_recovery()::text || (pg_control_checkpoint()).timeline_id",
    ),
    (
        "statistics",
        "SELECT 'of database ' || coalesce(datname, 'none'), stats_reset::text FROM pg_stat_database
         UNION ALL SELECT 'of slru ' || name, stats_reset::text FROM pg_stat_slru
         UNION ALL SELECT 'of wal', stats_reset::text FROM pg_stat_wal
         UNION ALL SELECT 'of archiver', stats_reset::text FROM pg_stat_archiver
         UNION ALL SELECT 'of bgwriter', stats_reset::text FROM pg_stat_bgwriter",
    ),
    (
        "background process",
        "SELECT backend_type, count(*)::text FROM pg_stat_activity WHERE backend_type <> 'client backend' GROUP BY 1",
    ),
];

/// What others hold while they run a statement, and must not hold when they don't.
const BUSY: &[(&str, &str)] = &[
    (
        "session at work",
        "SELECT pid::text, concat_ws('|', usename, state, query) FROM pg_stat_activity
         WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
           AND (state <> 'idle' OR xact_start IS NOT NULL)",
    ),
    (
        "lock",
        "SELECT row_number() OVER ()::text, l::text FROM pg_locks l WHERE pid <> pg_backend_pid()",
    ),
    (
        "parallel process",
        "SELECT pid::text, backend_type FROM pg_stat_activity WHERE backend_type = 'parallel worker'",
    ),
];

impl<'a> Inspector<'a> {
    pub async fn start(postgres: &'a Postgres) -> Result<Self> {
        Self::looking_for(postgres, "loot").await
    }

    /// With files in /tmp of another name than those of the corpus: all tests share that folder.
    pub async fn looking_for(postgres: &'a Postgres, marker: &str) -> Result<Self> {
        let (listener, mut connection) =
            tokio_postgres::connect(&postgres.superuser_url("app"), NoTls).await?;
        let notifications = Arc::<Mutex<Vec<String>>>::default();
        let heard = Arc::clone(&notifications);
        tokio::spawn(async move {
            let mut messages = futures_util::stream::poll_fn(move |cx| connection.poll_message(cx));
            while let Some(Ok(message)) = messages.next().await {
                if let AsyncMessage::Notification(notification) = message
                    && let Ok(mut heard) = heard.lock()
                {
                    heard.push(notification.channel().to_owned());
                }
            }
        });
        listener.batch_execute("LISTEN channel; LISTEN c").await?;
        let server = connect(postgres, "postgres").await?;
        if major_version(&server).await? < WAL_INSPECTED {
            skipped(
                "what statements leave in the write-ahead log",
                "pg_walinspect came with PostgreSQL 15",
            );
        } else {
            server
                .batch_execute("CREATE EXTENSION IF NOT EXISTS pg_walinspect")
                .await?;
        }
        let end = "SELECT pg_current_wal_insert_lsn()::text";
        let log_start = server.query_one(end, &[]).await?.get(0);
        // A first record, since the function fails where there is none.
        let first = "SELECT pg_logical_emit_message(false, 'first', '')::text";
        server.query_one(first, &[]).await?;
        Ok(Self {
            postgres,
            _listener: listener,
            notifications,
            marker: marker.to_owned(),
            log_start,
        })
    }

    /// All facts, once nothing runs any more.
    pub async fn inspect(&self) -> Result<Facts> {
        let mut facts = self.inspect_outside().await?;
        let server = connect(self.postgres, "postgres").await?;
        let databases = server
            .query(
                "SELECT datname::text FROM pg_database WHERE datallowconn",
                &[],
            )
            .await?;
        for row in databases {
            let database: String = row.get(0);
            let client = connect(self.postgres, &database).await?;
            relations(&client, &database, &mut facts).await?;
        }
        Ok(facts)
    }

    /// The facts that are not in tables. Whether a transaction that changed one was committed is among them.
    pub async fn inspect_outside(&self) -> Result<Facts> {
        let mut facts = Facts::new();
        let server = connect(self.postgres, "postgres").await?;
        self.wait_for_quiet(&server, &mut facts).await?;
        for (name, sql) in SERVER {
            collect(&server, name, sql, &mut facts).await?;
        }
        // Only what has been written out can be read. The background writer says now and then which
        // transactions run, and who reads a page may tidy it.
        server.batch_execute("CHECKPOINT").await?;
        let version = major_version(&server).await?;
        let records = if version == WAL_INSPECTED {
            "pg_get_wal_records_info_till_end_of_wal($1)"
        } else {
            "pg_get_wal_records_info($1, 'FFFFFFFF/FFFFFFFF')"
        };
        let log = format!(
            "SELECT resource_manager || ' ' || record_type, count(*)::text FROM {}
             WHERE resource_manager <> 'Standby' AND record_type !~ '^(CHECKPOINT|PRUNE)' GROUP BY 1",
            records.replace("$1", &literal(&self.log_start))
        );
        if version >= WAL_INSPECTED {
            collect(&server, "log record", &log, &mut facts).await?;
        }
        files(
            &self.postgres.data_folder(),
            &self.postgres.data_folder(),
            &mut facts,
        )?;
        for entry in std::fs::read_dir("/tmp")? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            if name.starts_with(&self.marker) {
                facts.insert(format!("file /tmp/{name}"), "there".to_owned());
            }
        }
        if let Ok(heard) = self.notifications.lock() {
            facts.insert("notifications".to_owned(), heard.join(" "));
        }
        Ok(facts)
    }

    /// Sessions are cleaned after an answer, so this may take a moment. What stays is a fact.
    async fn wait_for_quiet(&self, server: &Client, facts: &mut Facts) -> Result<()> {
        for attempt in 0..50 {
            let mut busy = Facts::new();
            for (name, sql) in BUSY {
                collect(server, name, sql, &mut busy).await?;
            }
            if busy.is_empty() {
                return Ok(());
            }
            if attempt == 49 {
                facts.extend(busy);
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Ok(())
    }
}

pub async fn connect(postgres: &Postgres, database: &str) -> Result<Client> {
    let (client, connection) =
        tokio_postgres::connect(&postgres.superuser_url(database), NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

pub async fn major_version(server: &Client) -> Result<u32> {
    let number: String = server
        .query_one("SHOW server_version_num", &[])
        .await?
        .get(0);
    Ok(number.parse::<u32>()? / 10_000)
}

async fn collect(client: &Client, name: &str, sql: &str, facts: &mut Facts) -> Result<()> {
    for row in client.query(sql, &[]).await.context(name.to_owned())? {
        let what: Option<String> = row.get(0);
        let value: Option<String> = row.get(1);
        facts.insert(
            format!("{name} {}", what.unwrap_or_default()),
            value.unwrap_or_default(),
        );
    }
    Ok(())
}

/// Every row of every table, materialised view and sequence, the system's catalogues and large objects
/// included.
async fn relations(client: &Client, database: &str, facts: &mut Facts) -> Result<()> {
    let relations = client
        .query(
            "SELECT nspname::text, relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
             WHERE relkind IN ('r', 'm', 'S', 'p') AND relpersistence <> 't' ORDER BY 1, 2",
            &[],
        )
        .await?;
    ensure!(relations.len() > 60, "where are the catalogues?");
    for relation in relations {
        let (schema, name): (String, String) = (relation.get(0), relation.get(1));
        let sql = format!(
            "SELECT count(*) || ' rows ' || coalesce(md5(string_agg(h, '' ORDER BY h COLLATE \"C\")), '')
             FROM (SELECT md5(t::text) AS h FROM (SELECT * FROM ONLY {}.{}) t) x",
            quoted(&schema),
            quoted(&name)
        );
        let row = client.query_one(&sql, &[]).await.context(sql.clone())?;
        facts.insert(format!("relation {database}.{schema}.{name}"), row.get(0));
    }
    Ok(())
}

/// The names of all files, and what is in those that are not the storage of tables or of the log.
fn files(root: &Path, folder: &Path, facts: &mut Facts) -> Result<()> {
    for entry in std::fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        let name = path.strip_prefix(root)?.display().to_string();
        // The log's end is a fact by itself; the cached catalogues come and go with sessions.
        if name.starts_with("pg_wal/") || name.ends_with("pg_internal.init") {
            continue;
        }
        if path.is_dir() {
            // Made for the first temporary file, and kept; a file in it would show.
            if name != "base/pgsql_tmp" {
                facts.insert(format!("folder {name}"), String::new());
            }
            files(root, &path, facts)?;
            continue;
        }
        let is_content = path
            .extension()
            .is_some_and(|extension| extension == "conf")
            || name.starts_with("pg_replslot")
            || name.starts_with("pg_twophase")
            || name.starts_with("pg_snapshots");
        let content = if is_content {
            String::from_utf8_lossy(&std::fs::read(&path)?).into_owned()
        } else {
            String::new()
        };
        facts.insert(format!("file {name}"), content);
    }
    Ok(())
}

/// What differs, one line a fact.
pub fn difference(before: &Facts, after: &Facts) -> Vec<String> {
    let mut lines = Vec::new();
    for (name, value) in before {
        match after.get(name) {
            None => lines.push(format!("{name}: gone (was {value:.200})")),
            Some(now) if now != value => {
                lines.push(format!("{name}: {now:.200} (was {value:.200})"));
            }
            Some(_) => {}
        }
    }
    lines.extend(
        after
            .iter()
            .filter(|(name, _)| !before.contains_key(*name))
            .map(|(name, value)| format!("{name}: new ({value:.200})")),
    );
    lines
}

/// What a transaction uses up that is rolled back: its number, and room in the log.
pub fn is_spent(line: &str) -> bool {
    line.starts_with("transaction id")
        || (line.starts_with("log record")
            && !line.starts_with("log record LogicalMessage")
            && !line.starts_with("log record Transaction COMMIT"))
}
