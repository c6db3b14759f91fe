//! Every key of the configuration beside the limits: name, default, why. `docs/configuration.md` is this table.

/// A key of the configuration.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    pub name: &'static str,
    /// What holds when it is absent.
    pub default: &'static str,
    pub why: &'static str,
}

/// Every key beside the limits, in the order in which people read it.
pub const SETTINGS: &[Setting] = &[
    setting(
        "DATACHAT_HOST",
        "127.0.0.1",
        "The address to listen on; another than loopback needs API keys.",
    ),
    setting("DATACHAT_PORT", "8000", "The port to listen on."),
    setting(
        "DATACHAT_DATA_DIR",
        "$XDG_DATA_HOME/datachat or ~/.local/share/datachat",
        "Where the server keeps its files.",
    ),
    setting(
        "SYSTEM_DATABASE_URL",
        "SQLite in the data directory",
        "A PostgreSQL database for the registry, shared by several servers.",
    ),
    setting(
        "DATABASE_CREDENTIALS_KEY",
        "made in the data directory",
        "Fernet keys, separated by commas; the first encrypts, all decrypt.",
    ),
    setting(
        "DATABASE_URL",
        "none",
        "The environment database: a target that needs no registration.",
    ),
    setting(
        "DATACHAT_API_KEYS",
        "none",
        "`name:role:key`, separated by commas; roles are user and admin.",
    ),
    setting(
        "DATACHAT_EGRESS_ALLOW",
        "every address but link-local and metadata ones",
        "Networks (CIDR) that connections may reach, separated by commas; then no others.",
    ),
    setting(
        "DATACHAT_EGRESS_DENY",
        "none",
        "Networks (CIDR) that no connection may reach.",
    ),
    setting(
        "CORS_ORIGINS",
        "none",
        "Origins of web pages that may call the API, separated by commas.",
    ),
    setting(
        "TOOLS_POLICY_FILE",
        "none",
        "A JSON file that says who may run which tool.",
    ),
    setting(
        "DATAPOINTS_DIR",
        "none",
        "A folder of DataPoints on the server that a sync by the API may read, and where `datachat dp` looks.",
    ),
    setting(
        "SYNC_WATCHER_ENABLED",
        "off",
        "Whether the server follows what changes in that folder: `on` or `off`. Good files are applied, bad ones are named in the log and by `/sync/status`.",
    ),
    setting(
        "DATACHAT_PLUGIN_POLICY",
        "digest",
        "Which installed components are loaded: `any` in the folder, those whose `digest` was recorded at install, or only `signed` ones of these.",
    ),
    setting(
        "DATACHAT_PLUGIN_TRUST",
        "none",
        "Minisign public keys whose signatures count, and files of such keys, separated by commas.",
    ),
    setting(
        "EMBEDDINGS_URL",
        "none",
        "An OpenAI-compatible embeddings endpoint, with `/embeddings` or up to it; without one, a model in the server.",
    ),
    setting(
        "EMBEDDINGS_API_KEY",
        "none",
        "The key that the embeddings endpoint wants.",
    ),
    setting(
        "EMBEDDINGS_MODEL",
        "none",
        "The model that the embeddings endpoint is asked for. Another one has everything embedded anew.",
    ),
    setting(
        "DATACHAT_EMBED_MODEL",
        "the user's cache, where `cargo xtask model` puts it",
        "The folder of all-MiniLM-L6-v2 (`model.safetensors`, `vocab.txt`); without the model, word and letter statistics do.",
    ),
    setting(
        "RETRIEVAL_VECTOR_WEIGHT",
        "0.7 with a model, 0.1 without",
        "What meaning counts in a search for DataPoints, from 0 to 1; words count the rest, as far as they cover the question.",
    ),
    setting(
        "RETRIEVAL_LEGACY_FALLBACK",
        "on",
        "Whether DataPoints without a scope are searched when nothing else was found: `on` or `off`.",
    ),
    setting(
        "LLM_BASE_URL",
        "none",
        "An OpenAI-compatible language model, with `/chat/completions` or up to it; without one, questions are planned.",
    ),
    setting(
        "LLM_API_KEY",
        "none",
        "The key that the language model wants.",
    ),
    setting(
        "LLM_MODEL",
        "none",
        "The model that is asked for at that address.",
    ),
    setting(
        "LLM_DEFAULT_PROVIDER",
        "openai",
        "`openai` for whatever speaks its protocol at LLM_BASE_URL; `none` to ask no model.",
    ),
    setting(
        "DATACHAT_LOG",
        "info in the server, warn elsewhere",
        "What is logged, as in `info,datachat=debug`.",
    ),
    setting("DATACHAT_LOG_FORMAT", "text", "`text` or `json`."),
    setting(
        "DATA_CHAT_API_URL",
        "none",
        "The server that commands work on, such as `https://datachat.example`; without it, the system database.",
    ),
    setting(
        "DATA_CHAT_API_KEY",
        "none",
        "The API key that commands present to the server at `DATA_CHAT_API_URL`.",
    ),
];

const fn setting(name: &'static str, default: &'static str, why: &'static str) -> Setting {
    Setting { name, default, why }
}
