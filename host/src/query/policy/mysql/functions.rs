//! Which functions MySQL and MariaDB may call for a reader, and which relations they may not show.
//!
//! All functions are allowed unless listed: the built-in ones compute or look, but for a few, and those of
//! users and plugins can't be known. What an unknown stored function does is bounded by the engine: in a
//! read-only transaction it can't write a table. A loadable function is bounded by nothing but who may
//! install it, so the known ones that act are listed too.
//!
//! The server looks its own functions up by a collation that takes `à` for `a`, so a name that is not ASCII
//! may not be called at all. Quotes don't matter to it, nor does case.
//!
//! Waiting and burning time (`sleep`, `benchmark`) is allowed, the time limit bounds it.

/// Functions by what they do.
const REFUSED: &[(&str, &[&str])] = &[
    (
        "reads files of the server",
        &[
            "load_file",
            "gen_dictionary",
            "gen_dictionary_load",
            "gen_dictionary_drop",
        ],
    ),
    (
        "takes or gives back locks",
        &[
            "get_lock",
            "release_all_locks",
            "release_lock",
            "service_get_read_locks",
            "service_get_write_locks",
            "service_release_locks",
        ],
    ),
    ("changes a sequence", &["nextval", "setval"]),
    (
        "waits for replication",
        &[
            "master_gtid_wait",
            "master_pos_wait",
            "source_pos_wait",
            "wait_for_executed_gtid_set",
            "wait_until_sql_thread_after_gtids",
            "wsrep_sync_wait_upto_gtid",
        ],
    ),
    (
        "runs programs or changes the server's environment",
        &[
            "do_system",
            "lib_mysqludf_sys_info",
            "sys_bineval",
            "sys_eval",
            "sys_exec",
            "sys_get",
            "sys_set",
        ],
    ),
    (
        "reaches other servers",
        &[
            "amqp_sendjson",
            "amqp_sendstring",
            "http_delete",
            "http_get",
            "http_post",
            "http_put",
            "spider_bg_direct_sql",
            "spider_copy_tables",
            "spider_direct_sql",
            "spider_flush_table_mon_cache",
            "spider_ping_table",
        ],
    ),
    (
        "changes the server",
        &[
            "audit_api_message_emit_udf",
            "flush_rewrite_rules",
            "load_rewrite_rules",
            "mysql_firewall_flush_status",
            "read_firewall_group_allowlist",
            "read_firewall_groups",
            "read_firewall_users",
            "read_firewall_whitelist",
            "set_firewall_group_mode",
            "set_firewall_mode",
        ],
    ),
];

/// Families of loadable functions that act.
const REFUSED_PREFIXES: &[(&str, &str)] = &[
    ("changes the audit log", "audit_log_"),
    ("changes replication", "asynchronous_connection_failover_"),
    ("changes replication", "group_replication_"),
    ("handles keys", "keyring_"),
    ("is the server's own", "internal_"),
    ("changes the server", "masking_dictionary"),
    ("changes the server", "version_tokens_"),
];

/// Judges a call by the function's name without its qualifiers.
pub fn refuse_call(name: &str) -> Option<&'static str> {
    if !name.is_ascii() {
        return Some("has a name that the server may take for another one");
    }
    let name = name.to_ascii_lowercase();
    let by_name = REFUSED
        .iter()
        .find(|(_, names)| names.contains(&name.as_str()));
    let by_family = || {
        let family = REFUSED_PREFIXES
            .iter()
            .find(|(_, prefix)| name.starts_with(prefix));
        family.map(|(what, _)| *what)
    };
    by_name.map(|(what, _)| *what).or_else(by_family)
}

/// The schema of the server's own tables: credentials, logs, replication.
pub const SYSTEM_SCHEMA: &str = "mysql";

/// Relations in it that hold nothing secret; and families of such.
const SHOWN: &[&str] = &[
    "column_stats",
    "component",
    "engine_cost",
    "func",
    "index_stats",
    "innodb_index_stats",
    "innodb_table_stats",
    "plugin",
    "server_cost",
    "table_stats",
];
const SHOWN_PREFIXES: &[&str] = &["help_", "time_zone"];

/// Whether a relation must not be read.
pub fn is_hidden(schema: &str, relation: &str) -> bool {
    let relation = relation.to_ascii_lowercase();
    schema.eq_ignore_ascii_case(SYSTEM_SCHEMA)
        && !SHOWN.contains(&relation.as_str())
        && !SHOWN_PREFIXES
            .iter()
            .any(|prefix| relation.starts_with(prefix))
}
