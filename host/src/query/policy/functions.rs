//! Which functions PostgreSQL may call for a reader.
//!
//! The names of the server's own functions that act on the server, rather than on data, begin with `pg_`.
//! They are allowed by list ([`SAFE_SYSTEM`] and a few families), so one that a new version adds is refused
//! until somebody has looked at it. All other functions are allowed unless listed in [`REFUSED`]: most are
//! harmless, and those of users and extensions can't be known. What an unknown one does is bounded by the
//! engine: in a read-only transaction it can't write a table.
//!
//! Waiting (`pg_sleep`) is allowed, the time limit bounds it. Functions that run SQL text are allowed where
//! the text is a literal, which is then judged like the statement itself ([`sql_arguments`]); those that
//! splice names, run cursors or reach other servers (`connectby`, `cursor_to_xml`, `dblink`) are refused.
//! `setseed` is allowed: it changes nothing but the session's next random numbers.

/// Server functions of the `pg_` family that only look.
const SAFE_SYSTEM: &[&str] = &[
    "pg_available_extension_versions",
    "pg_available_extensions",
    "pg_backend_pid",
    "pg_basetype",
    "pg_blocking_pids",
    "pg_buffercache_pages",
    "pg_buffercache_summary",
    "pg_buffercache_usage_counts",
    "pg_char_to_encoding",
    "pg_client_encoding",
    "pg_collation_actual_version",
    "pg_collation_for",
    "pg_column_compression",
    "pg_column_is_updatable",
    "pg_column_size",
    "pg_column_toast_chunk_id",
    "pg_conf_load_time",
    "pg_config",
    "pg_control_checkpoint",
    "pg_control_init",
    "pg_control_recovery",
    "pg_control_system",
    "pg_current_snapshot",
    "pg_current_wal_flush_lsn",
    "pg_current_wal_insert_lsn",
    "pg_current_wal_lsn",
    "pg_current_xact_id_if_assigned",
    "pg_cursor",
    "pg_database_collation_actual_version",
    "pg_database_size",
    "pg_describe_object",
    "pg_encoding_max_length",
    "pg_encoding_to_char",
    "pg_extension_update_paths",
    "pg_filenode_relation",
    "pg_freespace",
    "pg_has_role",
    "pg_identify_object",
    "pg_identify_object_as_address",
    "pg_index_column_has_property",
    "pg_index_has_property",
    "pg_indexam_has_property",
    "pg_indexam_progress_phasename",
    "pg_indexes_size",
    "pg_input_error_info",
    "pg_input_is_valid",
    "pg_is_in_recovery",
    "pg_is_other_temp_schema",
    "pg_is_wal_replay_paused",
    "pg_jit_available",
    "pg_last_committed_xact",
    "pg_last_wal_receive_lsn",
    "pg_last_wal_replay_lsn",
    "pg_last_xact_replay_timestamp",
    "pg_listening_channels",
    "pg_lock_status",
    "pg_lsn",
    "pg_mcv_list_items",
    "pg_my_temp_schema",
    "pg_notification_queue_usage",
    "pg_numa_available",
    "pg_options_to_table",
    "pg_partition_ancestors",
    "pg_partition_root",
    "pg_partition_tree",
    "pg_postmaster_start_time",
    "pg_prepared_statement",
    "pg_prepared_xact",
    "pg_relation_filenode",
    "pg_relation_filepath",
    "pg_relation_is_publishable",
    "pg_relation_is_updatable",
    "pg_relation_size",
    "pg_relpages",
    "pg_safe_snapshot_blocking_pids",
    "pg_sequence_last_value",
    "pg_sequence_parameters",
    "pg_settings_get_flags",
    "pg_show_all_settings",
    "pg_show_replication_origin_status",
    "pg_size_bytes",
    "pg_size_pretty",
    "pg_sleep",
    "pg_sleep_for",
    "pg_sleep_until",
    "pg_snapshot_xip",
    "pg_snapshot_xmax",
    "pg_snapshot_xmin",
    "pg_split_walfile_name",
    "pg_stat_have_stats",
    "pg_stat_statements",
    "pg_stat_statements_info",
    "pg_table_size",
    "pg_tablespace_databases",
    "pg_tablespace_location",
    "pg_tablespace_size",
    "pg_timezone_abbrevs",
    "pg_timezone_names",
    "pg_total_relation_size",
    "pg_trigger_depth",
    "pg_typeof",
    "pg_visibility",
    "pg_visibility_map",
    "pg_visibility_map_summary",
    "pg_visible_in_snapshot",
    "pg_wal_lsn_diff",
    "pg_walfile_name",
    "pg_walfile_name_offset",
    "pg_xact_commit_timestamp",
    "pg_xact_commit_timestamp_origin",
    "pg_xact_status",
];

/// Server functions of the `pg_` family that take one argument or none that matters and do more than look.
/// They can be called as if they were a column of their argument: `f.pg_ls_dir`. A column may be called
/// `pg_rating`, so in that position only these names count.
const ACTING_SYSTEM: &[&str] = &[
    "pg_advisory_lock",
    "pg_advisory_lock_shared",
    "pg_advisory_unlock",
    "pg_advisory_unlock_shared",
    "pg_advisory_xact_lock",
    "pg_advisory_xact_lock_shared",
    "pg_background_detach",
    "pg_background_launch",
    "pg_background_result",
    "pg_backup_start",
    "pg_backup_stop",
    "pg_buffercache_evict",
    "pg_buffercache_evict_relation",
    "pg_cancel_backend",
    "pg_clear_attribute_stats",
    "pg_clear_relation_stats",
    "pg_copy_logical_replication_slot",
    "pg_copy_physical_replication_slot",
    "pg_create_logical_replication_slot",
    "pg_create_physical_replication_slot",
    "pg_create_restore_point",
    "pg_current_logfile",
    "pg_drop_replication_slot",
    "pg_export_snapshot",
    "pg_extension_config_dump",
    "pg_file_read",
    "pg_file_rename",
    "pg_file_sync",
    "pg_file_unlink",
    "pg_file_write",
    "pg_import_system_collations",
    "pg_log_backend_memory_contexts",
    "pg_log_standby_snapshot",
    "pg_logdir_ls",
    "pg_logical_emit_message",
    "pg_logical_slot_get_changes",
    "pg_logical_slot_peek_changes",
    "pg_logical_slot_get_binary_changes",
    "pg_logical_slot_peek_binary_changes",
    "pg_ls_archive_statusdir",
    "pg_ls_dir",
    "pg_ls_logdir",
    "pg_ls_logicalmapdir",
    "pg_ls_logicalsnapdir",
    "pg_ls_replslotdir",
    "pg_ls_summariesdir",
    "pg_ls_tmpdir",
    "pg_ls_waldir",
    "pg_nextoid",
    "pg_notify",
    "pg_prewarm",
    "pg_promote",
    "pg_read_binary_file",
    "pg_read_file",
    "pg_read_file_old",
    "pg_reload_conf",
    "pg_replication_origin_advance",
    "pg_replication_origin_create",
    "pg_replication_origin_drop",
    "pg_replication_origin_session_setup",
    "pg_replication_origin_xact_setup",
    "pg_replication_slot_advance",
    "pg_restore_attribute_stats",
    "pg_restore_relation_stats",
    "pg_rotate_logfile",
    "pg_rotate_logfile_old",
    "pg_start_backup",
    "pg_stat_file",
    "pg_stat_force_next_flush",
    "pg_stat_reset",
    "pg_stat_reset_backend_stats",
    "pg_stat_reset_replication_slot",
    "pg_stat_reset_shared",
    "pg_stat_reset_single_function_counters",
    "pg_stat_reset_single_table_counters",
    "pg_stat_reset_slru",
    "pg_stat_reset_subscription_stats",
    "pg_stat_statements_reset",
    "pg_stop_backup",
    "pg_switch_wal",
    "pg_switch_xlog",
    "pg_sync_replication_slots",
    "pg_terminate_backend",
    "pg_truncate_visibility_map",
    "pg_try_advisory_lock",
    "pg_try_advisory_lock_shared",
    "pg_try_advisory_xact_lock",
    "pg_try_advisory_xact_lock_shared",
    "pg_wal_replay_pause",
    "pg_wal_replay_resume",
];

/// Other functions, by what they do.
const REFUSED: &[(&str, &[&str])] = &[
    ("changes a sequence", &["nextval", "setval"]),
    ("changes a setting", &["set_config", "set_limit"]),
    (
        "changes the role",
        &["reset_user", "set_session_auth", "set_user"],
    ),
    ("uses up a transaction number", &["txid_current"]),
    (
        "handles large objects",
        &[
            "lo_close",
            "lo_creat",
            "lo_create",
            "lo_export",
            "lo_from_bytea",
            "lo_get",
            "lo_import",
            "lo_lseek",
            "lo_lseek64",
            "lo_manage",
            "lo_open",
            "lo_put",
            "lo_tell",
            "lo_tell64",
            "lo_truncate",
            "lo_truncate64",
            "lo_unlink",
            "loread",
            "lowrite",
        ],
    ),
    (
        "runs SQL text or a cursor that is not judged",
        &[
            "connectby",
            "crosstabn",
            "cursor_to_xml",
            "cursor_to_xmlschema",
            "database_to_xml",
            "database_to_xml_and_xmlschema",
            "database_to_xmlschema",
            "schema_to_xml",
            "schema_to_xml_and_xmlschema",
            "schema_to_xmlschema",
            "table_to_xml",
            "table_to_xml_and_xmlschema",
            "table_to_xmlschema",
            "xpath_table",
        ],
    ),
    (
        "changes storage",
        &[
            "autoprewarm_dump_now",
            "autoprewarm_start_worker",
            "brin_desummarize_range",
            "brin_summarize_new_values",
            "brin_summarize_range",
            "bt_index_parent_check",
            "gin_clean_pending_list",
            "heap_force_freeze",
            "heap_force_kill",
        ],
    ),
    (
        "reaches outside the database",
        &[
            "clickhouse_raw_query",
            "clickhousedb_raw_query",
            "delta_scan",
            "http",
            "http_delete",
            "http_get",
            "http_head",
            "http_patch",
            "http_post",
            "http_put",
            "iceberg_scan",
            "master_run_on_worker",
            "oracle_close_connections",
            "oracle_diag",
            "oracle_execute",
            "postgres_fdw_disconnect",
            "postgres_fdw_disconnect_all",
            "read_csv",
            "read_json",
            "read_parquet",
            "xslt_process",
        ],
    ),
    // Of pageinspect: it shows pg_authid like any other table.
    ("shows the bytes of any table", &["get_raw_page"]),
];

/// Families that are refused wherever they stand.
const REFUSED_PREFIXES: &[(&str, &str)] = &[
    ("reaches another database", "dblink"),
    ("is for upgrades of the server", "binary_upgrade_"),
    ("runs SQL text that is not judged", "pgr_"),
    ("runs commands on other servers", "run_command_on_"),
];

/// A family whose names columns have too: refused as calls, while after a dot only those of [`REFUSED`] are.
const REFUSED_CALLS: &str = "http_";

/// Schemas of extensions that reach outside the database or act later, in another session.
const REFUSED_SCHEMAS: &[&str] = &[
    "aws_lambda",
    "aws_s3",
    "azure_ai",
    "azure_cognitive",
    "azure_ml",
    "azure_openai",
    "azure_storage",
    "cron",
    "dbms_alert",
    "dbms_pipe",
    "duckdb",
    "google_ml",
    "net",
    "pgagent",
    "utl_file",
];

/// Judges a call. `path` is the name with its qualifiers; what it does, if it may not be called.
pub fn refuse_call(path: &[&str]) -> Option<&'static str> {
    let (name, qualifiers) = path.split_last()?;
    if let Some(schema) = qualifiers.last()
        && REFUSED_SCHEMAS.contains(schema)
    {
        return Some("belongs to an extension that reaches outside the database");
    }
    if let Some(what) = refuse_listed(name) {
        return Some(what);
    }
    if name.starts_with(REFUSED_CALLS) {
        return Some("reaches outside the database");
    }
    (name.starts_with("pg_") && !is_safe_system(name))
        .then_some("acts on the server, or is not known to only look")
}

/// Which arguments of a call hold SQL text that the function will run; `None`: it runs none.
pub fn sql_arguments(path: &[&str], arguments: usize) -> Option<&'static [usize]> {
    match *path.last()? {
        // The second argument may also be a number.
        "crosstab" => Some(&[0, 1]),
        "crosstab2"
        | "crosstab3"
        | "crosstab4"
        | "query_to_xml"
        | "query_to_xmlschema"
        | "query_to_xml_and_xmlschema"
        | "ts_stat" => Some(&[0]),
        "ts_rewrite" if arguments == 2 => Some(&[1]),
        _ => None,
    }
}

/// Of `pg_walinspect`: the write-ahead log has the contents of every table.
const SHOWS_THE_LOG: &str = "pg_get_wal_";

/// Functions of one argument that run it.
const RUNS_ITS_ARGUMENT: &[&str] = &["crosstab", "crosstab2", "crosstab3", "crosstab4", "ts_stat"];

/// Judges a name after a dot, which may be a column or a function of one argument.
pub fn refuse_attribute(name: &str) -> Option<&'static str> {
    if ACTING_SYSTEM.contains(&name) || name.starts_with(SHOWS_THE_LOG) {
        return Some("acts on the server");
    }
    if RUNS_ITS_ARGUMENT.contains(&name) {
        return Some("runs SQL text that is not judged");
    }
    refuse_listed(name)
}

fn refuse_listed(name: &str) -> Option<&'static str> {
    let by_name = REFUSED.iter().find(|(_, names)| names.contains(&name));
    let by_family = || {
        let family = REFUSED_PREFIXES
            .iter()
            .find(|(_, prefix)| name.starts_with(prefix));
        family.map(|(what, _)| *what)
    };
    by_name.map(|(what, _)| *what).or_else(by_family)
}

fn is_safe_system(name: &str) -> bool {
    SAFE_SYSTEM.contains(&name)
        || name.ends_with("_is_visible")
        || name.starts_with("pg_stat_get_")
        // The definition of anything; those that ask another backend to write or show the server's log are
        // not among them.
        || (name.starts_with("pg_get_")
            && name != "pg_get_process_memory_contexts"
            && !name.starts_with(SHOWS_THE_LOG))
}

/// Relations of the system catalogue that hold credentials or show files of the server. The statistics are
/// among them, since those of `pg_authid` quote passwords' hashes.
const HIDDEN_RELATIONS: &[&str] = &[
    "pg_authid",
    "pg_dist_authinfo",
    "pg_file_settings",
    "pg_hba_file_rules",
    "pg_ident_file_mappings",
    "pg_shadow",
    "pg_statistic",
    "pg_stats",
    "pg_subscription",
    "pg_user_mapping",
    "pg_user_mappings",
    "user_mapping_options",
    "_pg_user_mappings",
];

/// Whether a relation must not be read. One of a user's own schema may be called anything.
pub fn is_hidden(schema: &str, relation: &str) -> bool {
    let of_the_system = matches!(schema, "" | "pg_catalog" | "information_schema");
    // Where long values of hidden relations are kept.
    schema == "pg_toast" || of_the_system && HIDDEN_RELATIONS.contains(&relation)
}
