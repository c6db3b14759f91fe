//! Every limit and timeout of the server, declared once: name, environment variable, default, unit, why.
//!
//! The table is the documentation: `datachat limits` and `docs/limits.md` print it. Modules take a
//! [`Limits`] and never hold a number of their own.

/// One row of the table.
#[derive(Debug, Clone, Copy)]
pub struct Limit {
    /// The field of [`Limits`] and the name in messages.
    pub name: &'static str,
    /// The environment variable that changes it.
    pub variable: &'static str,
    pub default: u64,
    pub unit: &'static str,
    pub why: &'static str,
}

/// A value that is not a positive whole number.
#[derive(Debug, thiserror::Error)]
#[error("{variable}: {value:?} is not a whole number of {unit} from 1 to {max}", max = i64::MAX)]
pub struct InvalidLimit {
    pub variable: &'static str,
    pub value: String,
    pub unit: &'static str,
}

macro_rules! limits {
    ($($(#[doc = $doc:literal])* $name:ident: $variable:literal = $default:literal $unit:literal, $why:literal;)*) => {
        /// The limits in force.
        #[derive(Debug, Clone)]
        pub struct Limits {
            $(#[doc = $why] #[doc = concat!("\n\nUnit: ", $unit, ".")] pub $name: u64,)*
        }

        /// The table, in the order in which people read it.
        pub const TABLE: &[Limit] = &[
            $(Limit { name: stringify!($name), variable: $variable, default: $default, unit: $unit, why: $why },)*
        ];

        impl Default for Limits {
            fn default() -> Self {
                Self { $($name: $default,)* }
            }
        }

        impl Limits {
            /// The values in force, in the order of [`TABLE`].
            pub fn values(&self) -> Vec<(&'static str, u64)> {
                vec![$((stringify!($name), self.$name),)*]
            }

            /// Reads the limits with `lookup`, which gives the value of an environment variable.
            ///
            /// # Errors
            /// The first variable whose value is not a whole number from 1 up.
            pub fn load(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, InvalidLimit> {
                let read = |variable: &'static str, default: u64, unit: &'static str| match lookup(variable) {
                    None => Ok(default),
                    Some(value) => value
                        .trim()
                        .parse::<u64>()
                        .ok()
                        .filter(|n| (1..=i64::MAX as u64).contains(n))
                        .ok_or(InvalidLimit { variable, value, unit }),
                };
                Ok(Self { $($name: read($variable, $default, $unit)?,)* })
            }
        }
    };
}

limits! {
    query_default_rows: "DATACHAT_QUERY_DEFAULT_ROWS" = 10_000 "rows", "A request that names no `max_rows` gets this many.";
    query_max_rows: "DATACHAT_QUERY_MAX_ROWS" = 10_000_000 "rows", "The most that a request may ask for as `max_rows`.";
    query_default_bytes: "DATACHAT_QUERY_DEFAULT_BYTES" = 67_108_864 "bytes", "A request that names no `max_bytes` gets this much Arrow data.";
    query_max_bytes: "DATACHAT_QUERY_MAX_BYTES" = 8_589_934_592 "bytes", "The most that a request may ask for as `max_bytes`.";
    query_default_timeout_ms: "DATACHAT_QUERY_DEFAULT_TIMEOUT_MS" = 30_000 "milliseconds", "A request that names no `timeout_ms` gets this long.";
    query_max_timeout_ms: "DATACHAT_QUERY_MAX_TIMEOUT_MS" = 600_000 "milliseconds", "The most that a request may ask for as `timeout_ms`.";
    query_max_sql_bytes: "DATACHAT_QUERY_MAX_SQL_BYTES" = 102_400 "bytes", "Parsers recurse; a longer statement is refused before they see it.";
    result_columns: "DATACHAT_RESULT_COLUMNS" = 20_000 "columns", "Columns of one result, those inside nested types included; PostgreSQL allows 1,664.";
    request_max_bytes: "DATACHAT_REQUEST_MAX_BYTES" = 10_485_760 "bytes", "The largest request body.";
    request_unread_ms: "DATACHAT_REQUEST_UNREAD_MS" = 5_000 "milliseconds", "How long the rest of a refused request is read, so that its sender sees the answer.";
    connect_timeout_ms: "DATACHAT_CONNECT_TIMEOUT_MS" = 10_000 "milliseconds", "Opening a session in all: name, TCP, TLS, authentication.";
    call_timeout_ms: "DATACHAT_CALL_TIMEOUT_MS" = 30_000 "milliseconds", "Any other call into a connector: server, relations, reset.";
    cancel_timeout_ms: "DATACHAT_CANCEL_TIMEOUT_MS" = 5_000 "milliseconds", "A cancel, which opens a connection of its own.";
    session_wait_ms: "DATACHAT_SESSION_WAIT_MS" = 10_000 "milliseconds", "How long a request waits for a session of a busy connection.";
    sessions_per_connection: "DATACHAT_SESSIONS_PER_CONNECTION" = 16 "sessions", "Databases allow few sessions; PostgreSQL 100 in all by default.";
    sessions_total: "DATACHAT_SESSIONS_TOTAL" = 128 "sessions", "Instances cost address space and memory.";
    session_idle_ms: "DATACHAT_SESSION_IDLE_MS" = 300_000 "milliseconds", "An idle session is closed after this.";
    plugin_memory_bytes: "DATACHAT_PLUGIN_MEMORY_BYTES" = 268_435_456 "bytes", "Linear memory of one instance, summed over its memories.";
    plugin_table_elements: "DATACHAT_PLUGIN_TABLE_ELEMENTS" = 100_000 "elements", "Table growth of one instance.";
    plugin_handles: "DATACHAT_PLUGIN_HANDLES" = 10_000 "handles", "Resources that one instance may hold.";
    plugin_hostcall_bytes: "DATACHAT_PLUGIN_HOSTCALL_BYTES" = 16_777_216 "bytes", "What one call may copy out of an instance.";
    plugin_log_bytes: "DATACHAT_PLUGIN_LOG_BYTES" = 65_536 "bytes", "Log output of one instance per call; the rest is dropped and counted.";
    plugin_cpu_ms: "DATACHAT_PLUGIN_CPU_MS" = 60_000 "milliseconds", "Time that one call may compute without waiting for the network.";
    plugin_wasm_bytes: "DATACHAT_PLUGIN_WASM_BYTES" = 33_554_432 "bytes", "The largest component that is compiled.";
    plugin_compile_ms: "DATACHAT_PLUGIN_COMPILE_MS" = 120_000 "milliseconds", "Compiling is an attack surface; it ends here.";
    plugin_watch_ms: "DATACHAT_PLUGIN_WATCH_MS" = 400 "milliseconds", "How often the folder of installed plugins is looked at; a change counts once it has stood for as long.";
    plugin_lock_ms: "DATACHAT_PLUGIN_LOCK_MS" = 10_000 "milliseconds", "How long another process may keep the folder of installed plugins to itself.";
    plugin_failures: "DATACHAT_PLUGIN_FAILURES" = 100 "failures", "Failures in a row after which a plugin is quarantined.";
    plugin_quarantine_ms: "DATACHAT_PLUGIN_QUARANTINE_MS" = 10_000 "milliseconds", "The first quarantine; each further one lasts twice as long, up to 10 minutes.";
    tool_timeout_ms: "DATACHAT_TOOL_TIMEOUT_MS" = 60_000 "milliseconds", "A tool call, unless the tools policy says otherwise.";
    tool_result_bytes: "DATACHAT_TOOL_RESULT_BYTES" = 8_388_608 "bytes", "The largest answer of a tool.";
    tool_approvals: "DATACHAT_TOOL_APPROVALS" = 1_000 "calls", "Tool calls that may wait for an administrator; the oldest makes room.";
    tool_approval_ms: "DATACHAT_TOOL_APPROVAL_MS" = 3_600_000 "milliseconds", "How long a tool call waits for an administrator, and a consent for its call.";
    relations_max: "DATACHAT_RELATIONS_MAX" = 100_000 "relations", "The most that one introspection keeps in memory.";
    index_poll_ms: "DATACHAT_INDEX_POLL_MS" = 500 "milliseconds", "How often the search looks for DataPoints that other servers have changed.";
    catalogue_fresh_ms: "DATACHAT_CATALOGUE_FRESH_MS" = 30_000 "milliseconds", "How long the list of a database's tables is taken for true in a search.";
    values_fresh_ms: "DATACHAT_VALUES_FRESH_MS" = 600_000 "milliseconds", "How long the values that text columns hold are taken for true when a question is read.";
    values_read_ms: "DATACHAT_VALUES_READ_MS" = 5_000 "milliseconds", "How long a connection is asked for the values of its text columns in all.";
    retrieval_top_k: "DATACHAT_RETRIEVAL_TOP_K" = 10 "hits", "A search for DataPoints that names no `top_k` gets this many.";
    retrieval_max_top_k: "DATACHAT_RETRIEVAL_MAX_TOP_K" = 100 "hits", "The most that a request may ask for as `top_k`.";
    embedding_batch: "DATACHAT_EMBEDDING_BATCH" = 64 "texts", "The most texts in one request to the embeddings endpoint.";
    embedding_timeout_ms: "DATACHAT_EMBEDDING_TIMEOUT_MS" = 30_000 "milliseconds", "One request to the embeddings endpoint in all.";
    embedding_answer_bytes: "DATACHAT_EMBEDDING_ANSWER_BYTES" = 33_554_432 "bytes", "The largest answer of the embeddings endpoint.";
    llm_prompt_tokens: "DATACHAT_LLM_PROMPT_TOKENS" = 6_000 "tokens", "What a language model is told about a database with one question.";
    llm_answer_tokens: "DATACHAT_LLM_ANSWER_TOKENS" = 1_500 "tokens", "The most that a language model may say at a time.";
    llm_answer_bytes: "DATACHAT_LLM_ANSWER_BYTES" = 1_048_576 "bytes", "The largest answer of a language model.";
    llm_calls: "DATACHAT_LLM_CALLS" = 8 "calls", "How often one question asks a language model, tools and repairs included.";
    llm_connect_ms: "DATACHAT_LLM_CONNECT_MS" = 5_000 "milliseconds", "Opening a connection to a language model.";
    llm_first_byte_ms: "DATACHAT_LLM_FIRST_BYTE_MS" = 30_000 "milliseconds", "How long a language model may think before it says anything.";
    llm_idle_ms: "DATACHAT_LLM_IDLE_MS" = 15_000 "milliseconds", "How long a language model may pause in the middle of an answer.";
    llm_turn_ms: "DATACHAT_LLM_TURN_MS" = 120_000 "milliseconds", "What one question may take in all while a language model is asked.";
    llm_retry_wait_ms: "DATACHAT_LLM_RETRY_WAIT_MS" = 5_000 "milliseconds", "A busy language model that wants a longer rest is not waited for.";
    llm_failures: "DATACHAT_LLM_FAILURES" = 3 "failures", "Failures in a row after which a language model is left alone.";
    llm_pause_ms: "DATACHAT_LLM_PAUSE_MS" = 30_000 "milliseconds", "How long it is left alone; questions are answered without it meanwhile.";
    store_timeout_ms: "DATACHAT_STORE_TIMEOUT_MS" = 5_000 "milliseconds", "One call of the system database in all.";
    store_long_timeout_ms: "DATACHAT_STORE_LONG_TIMEOUT_MS" = 60_000 "milliseconds", "A call that reads or writes many rows, such as the end of a sync.";
    store_connect_ms: "DATACHAT_STORE_CONNECT_MS" = 2_000 "milliseconds", "How long such a call waits for a connection; a restart is bridged, an outage is told soon.";
    store_retry_ms: "DATACHAT_STORE_RETRY_MS" = 500 "milliseconds", "After a call that waited in vain, others fail at once for this long: an outage costs requests little waiting.";
    store_connections: "DATACHAT_STORE_CONNECTIONS" = 8 "connections", "Open connections to the system database, per server; on PostgreSQL one more listens to what others write.";
    datapoint_bytes: "DATACHAT_DATAPOINT_BYTES" = 1_048_576 "bytes", "The largest DataPoint, and the largest file of them.";
    sync_files: "DATACHAT_SYNC_FILES" = 100_000 "files", "Files that one sync reads, and entries of its folders that it looks at.";
    sync_bytes: "DATACHAT_SYNC_BYTES" = 268_435_456 "bytes", "What one sync reads in all; it is held in memory.";
    sync_lease_ms: "DATACHAT_SYNC_LEASE_MS" = 5_000 "milliseconds", "A job (sync, profiling, generation) whose process has given no sign for this long counts as interrupted; it gives ten in that time.";
    sync_settle_ms: "DATACHAT_SYNC_SETTLE_MS" = 500 "milliseconds", "The watched folder is read once nothing has changed in it for this long.";
    profile_jobs: "DATACHAT_PROFILE_JOBS" = 2 "jobs", "Profilings that one server does at a time; the others wait.";
    profile_sample_bytes: "DATACHAT_PROFILE_SAMPLE_BYTES" = 16_777_216 "bytes", "Arrow data of one sample; a sample of very long rows has fewer of them.";
    profiles_kept: "DATACHAT_PROFILES_KEPT" = 10 "profiles", "The latest profiles of a connection are kept; older ones go.";
    conversation_turns: "DATACHAT_CONVERSATION_TURNS" = 200 "turns", "The latest turns of a conversation are kept; older ones go.";
    conversation_context_turns: "DATACHAT_CONVERSATION_CONTEXT_TURNS" = 10 "turns", "The latest kept turns on its connection that a question may refer to.";
    conversation_text_bytes: "DATACHAT_CONVERSATION_TEXT_BYTES" = 65_536 "bytes", "A longer question, answer or statement is kept cut off, a longer plan not at all.";
    conversations_per_owner: "DATACHAT_CONVERSATIONS_PER_OWNER" = 1_000 "conversations", "The latest conversations of an API key are kept; older ones go.";
    conversations_kept_days: "DATACHAT_CONVERSATIONS_KEPT_DAYS" = 90 "days", "A conversation goes when its last turn is older than this.";
    name_max_chars: "DATACHAT_NAME_MAX_CHARS" = 200 "characters", "The longest name of a connection, and title of a conversation.";
    shutdown_grace_ms: "DATACHAT_SHUTDOWN_GRACE_MS" = 10_000 "milliseconds", "How long running requests may finish after a signal.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_variable_is_read_and_named_in_its_error() {
        for limit in TABLE {
            let error = Limits::load(|name| (name == limit.variable).then(|| "0".to_owned()))
                .expect_err(limit.name);
            assert_eq!(error.variable, limit.variable);
        }
    }

    #[test]
    fn a_value_from_the_environment_replaces_the_default() {
        let limits =
            Limits::load(|name| (name == "DATACHAT_QUERY_DEFAULT_ROWS").then(|| "7".to_owned()))
                .expect("valid");
        assert_eq!(limits.query_default_rows, 7);
        assert_eq!(limits.query_max_rows, 10_000_000);
    }
}
