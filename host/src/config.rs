//! What the operator asked for: flags over environment over `.env` over defaults.
//!
//! Every key that the server knows is in [`SETTINGS`] or in the table of limits. A key of `.env` that is in
//! neither is refused, as is one of the environment that carries our prefixes: a typo must not silently leave
//! a default in force. Nothing is opened or connected here.

mod api_url;
mod keys;
mod nearest;
mod settings;

pub use keys::{ApiKey, Role};
pub use settings::{SETTINGS, Setting};

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use crate::limits::{InvalidLimit, Limits, TABLE};
use crate::secret::Secret;

/// A key with one of these prefixes is ours, so an unknown one is a typo.
const PREFIXES: [&str; 2] = ["DATACHAT_", "DATA_CHAT_"];

/// What the command line said.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    pub host: Option<String>,
    pub port: Option<u16>,
    pub data_dir: Option<PathBuf>,
}

/// The configuration in force.
#[derive(Debug, Clone)]
pub struct Config {
    pub host: String,
    pub port: u16,
    pub data_dir: PathBuf,
    pub system_database_url: Option<Secret<String>>,
    pub credentials_key: Option<Secret<String>>,
    pub database_url: Option<Secret<String>>,
    pub api_keys: Vec<ApiKey>,
    pub egress_allow: Vec<String>,
    pub egress_deny: Vec<String>,
    pub cors_origins: Vec<String>,
    pub tools_policy_file: Option<PathBuf>,
    pub datapoints_dir: Option<PathBuf>,
    /// Whether the server follows what changes in that folder, which is then named.
    pub sync_watcher: bool,
    /// Which installed plugins are loaded, as the operator wrote it.
    pub plugin_policy: Option<String>,
    /// Public keys, and files of them.
    pub plugin_trust: Vec<String>,
    /// Never with credentials inside.
    pub embeddings_url: Option<url::Url>,
    pub embeddings_api_key: Option<Secret<String>>,
    pub embeddings_model: Option<String>,
    /// The folder of the embedding model; `None`: where the build leaves it.
    pub embed_model: Option<PathBuf>,
    /// From 0 to 1; `None`: as the embedder is to be trusted.
    pub retrieval_vector_weight: Option<f32>,
    pub retrieval_legacy_fallback: bool,
    /// The language model, with a path up to the protocol's. Never with credentials inside; `None`: there is none.
    pub llm_base_url: Option<url::Url>,
    pub llm_api_key: Option<Secret<String>>,
    pub llm_model: Option<String>,
    /// A filter such as `info,datachat=debug`; `None`: the command's own default.
    pub log: Option<String>,
    pub log_format: LogFormat,
    /// The server that commands work on; `None`: the system database. Never with credentials inside.
    pub api_url: Option<url::Url>,
    pub api_key: Option<Secret<String>>,
    pub limits: Limits,
}

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    Text,
    Json,
}

/// Why the configuration is refused. No variant carries the value of a secret.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("{origin}: unknown setting {name}{}", suggestion(*.nearest))]
    Unknown {
        origin: &'static str,
        name: String,
        nearest: Option<&'static str>,
    },
    #[error("{name}: {problem}")]
    Invalid { name: &'static str, problem: String },
    #[error(transparent)]
    Limit(#[from] InvalidLimit),
    #[error("{path} can't be read: {problem}", path = .path.display())]
    DotEnv { path: PathBuf, problem: String },
    #[error("there is no home directory to keep data in; set DATACHAT_DATA_DIR")]
    NoHome,
}

fn suggestion(nearest: Option<&'static str>) -> String {
    nearest.map_or_else(String::new, |name| format!("; did you mean {name}?"))
}

fn invalid(name: &'static str, problem: impl Into<String>) -> ConfigError {
    ConfigError::Invalid {
        name,
        problem: problem.into(),
    }
}

impl Config {
    /// Reads the process's environment and `.env` of the current directory.
    ///
    /// # Errors
    /// See [`ConfigError`].
    pub fn from_process(overrides: Overrides) -> Result<Self, ConfigError> {
        let environment = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        Self::load(overrides, &environment, &read_dotenv(Path::new(".env"))?)
    }

    /// Puts the layers together.
    ///
    /// # Errors
    /// See [`ConfigError`].
    pub fn load(
        overrides: Overrides,
        environment: &BTreeMap<String, String>,
        dotenv: &BTreeMap<String, String>,
    ) -> Result<Self, ConfigError> {
        refuse_unknown(environment, dotenv)?;
        // An empty value means "not set", so that a variable can be cleared for one run.
        let get = |name: &str| -> Option<String> {
            environment
                .get(name)
                .or_else(|| dotenv.get(name))
                .map(|value| value.trim())
                .filter(|value| !value.is_empty())
                .map(str::to_owned)
        };
        let secret = |name: &str| get(name).map(Secret::new);
        let list = |name: &str| get(name).map(|value| split(&value)).unwrap_or_default();

        let port = match overrides.port {
            Some(port) => port,
            None => match get("DATACHAT_PORT") {
                None => 8000,
                Some(text) => text
                    .parse()
                    .map_err(|_| invalid("DATACHAT_PORT", "not a port number from 0 to 65535"))?,
            },
        };
        let data_dir = match overrides
            .data_dir
            .or_else(|| get("DATACHAT_DATA_DIR").map(PathBuf::from))
        {
            Some(folder) => folder,
            None => default_data_dir(|name| environment.get(name).cloned())?,
        };
        let on_or_off = |name: &'static str, usual: bool| match get(name).as_deref() {
            None => Ok(usual),
            Some("on" | "true" | "1" | "yes") => Ok(true),
            Some("off" | "false" | "0" | "no") => Ok(false),
            Some(_) => Err(invalid(name, "neither on nor off")),
        };
        let has_model = match get("LLM_DEFAULT_PROVIDER").as_deref() {
            None | Some("openai") => true,
            Some("none") => false,
            Some(_) => {
                return Err(invalid(
                    "LLM_DEFAULT_PROVIDER",
                    "neither openai, which is any server that speaks its protocol, nor none",
                ));
            }
        };
        let config = Self {
            host: overrides
                .host
                .or_else(|| get("DATACHAT_HOST"))
                .unwrap_or_else(|| "127.0.0.1".to_owned()),
            port,
            data_dir,
            system_database_url: secret("SYSTEM_DATABASE_URL"),
            credentials_key: secret("DATABASE_CREDENTIALS_KEY"),
            database_url: secret("DATABASE_URL"),
            api_keys: match get("DATACHAT_API_KEYS") {
                None => Vec::new(),
                Some(text) => {
                    keys::parse(&text).map_err(|problem| invalid("DATACHAT_API_KEYS", problem))?
                }
            },
            egress_allow: list("DATACHAT_EGRESS_ALLOW"),
            egress_deny: list("DATACHAT_EGRESS_DENY"),
            cors_origins: list("CORS_ORIGINS")
                .into_iter()
                .map(|origin| check_origin(&origin))
                .collect::<Result<_, _>>()?,
            tools_policy_file: get("TOOLS_POLICY_FILE").map(PathBuf::from),
            datapoints_dir: get("DATAPOINTS_DIR").map(PathBuf::from),
            sync_watcher: on_or_off("SYNC_WATCHER_ENABLED", false)?,
            plugin_policy: get("DATACHAT_PLUGIN_POLICY"),
            plugin_trust: list("DATACHAT_PLUGIN_TRUST"),
            embeddings_url: get("EMBEDDINGS_URL")
                .map(|text| api_url::parse(&text, "EMBEDDINGS_API_KEY"))
                .transpose()
                .map_err(|problem| invalid("EMBEDDINGS_URL", problem))?,
            embeddings_api_key: secret("EMBEDDINGS_API_KEY"),
            embeddings_model: get("EMBEDDINGS_MODEL"),
            embed_model: get("DATACHAT_EMBED_MODEL").map(PathBuf::from),
            retrieval_vector_weight: match get("RETRIEVAL_VECTOR_WEIGHT") {
                None => None,
                Some(text) => Some(
                    text.parse()
                        .ok()
                        .filter(|weight| (0.0..=1.0).contains(weight))
                        .ok_or_else(|| {
                            invalid("RETRIEVAL_VECTOR_WEIGHT", "not a number from 0 to 1")
                        })?,
                ),
            },
            retrieval_legacy_fallback: on_or_off("RETRIEVAL_LEGACY_FALLBACK", true)?,
            llm_base_url: get("LLM_BASE_URL")
                .map(|text| api_url::parse(&text, "LLM_API_KEY"))
                .transpose()
                .map_err(|problem| invalid("LLM_BASE_URL", problem))?
                .filter(|_| has_model),
            llm_api_key: secret("LLM_API_KEY"),
            llm_model: get("LLM_MODEL"),
            log: get("DATACHAT_LOG"),
            log_format: match get("DATACHAT_LOG_FORMAT").as_deref() {
                None | Some("text") => LogFormat::Text,
                Some("json") => LogFormat::Json,
                Some(_) => return Err(invalid("DATACHAT_LOG_FORMAT", "neither text nor json")),
            },
            api_url: get("DATA_CHAT_API_URL")
                .map(|text| api_url::parse(&text, "DATA_CHAT_API_KEY"))
                .transpose()
                .map_err(|problem| invalid("DATA_CHAT_API_URL", problem))?,
            api_key: secret("DATA_CHAT_API_KEY"),
            limits: Limits::load(get)?,
        };
        if config.sync_watcher && config.datapoints_dir.is_none() {
            return Err(invalid(
                "SYNC_WATCHER_ENABLED",
                "there is no folder to watch; DATAPOINTS_DIR names one",
            ));
        }
        Ok(config)
    }

    /// Whether the server may listen on `self.host`: without API keys only on loopback.
    ///
    /// # Errors
    /// When it may not.
    pub fn check_exposure(&self) -> Result<(), ConfigError> {
        if self.api_keys.is_empty() && !is_loopback(&self.host) {
            return Err(invalid(
                "DATACHAT_HOST",
                format!(
                    "{:?} is not a loopback address, and without DATACHAT_API_KEYS every caller would be an \
                     administrator; set API keys or listen on 127.0.0.1",
                    self.host
                ),
            ));
        }
        Ok(())
    }
}

/// Whether a host name or address (with or without brackets) means this machine only.
pub fn is_loopback(host: &str) -> bool {
    let bare = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(host);
    bare.eq_ignore_ascii_case("localhost")
        || bare
            .parse::<IpAddr>()
            .is_ok_and(|address| address.to_canonical().is_loopback())
}

fn split(text: &str) -> Vec<String> {
    text.split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .map(str::to_owned)
        .collect()
}

fn check_origin(text: &str) -> Result<String, ConfigError> {
    let parsed = url::Url::parse(text).ok();
    parsed
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.path() == "/")
        .filter(|url| url.query().is_none() && url.fragment().is_none())
        .map(|url| url.origin().ascii_serialization())
        .ok_or_else(|| {
            invalid(
                "CORS_ORIGINS",
                format!("{text:?} is not an origin such as https://example.org"),
            )
        })
}

fn refuse_unknown(
    environment: &BTreeMap<String, String>,
    dotenv: &BTreeMap<String, String>,
) -> Result<(), ConfigError> {
    let known: Vec<&'static str> = SETTINGS
        .iter()
        .map(|setting| setting.name)
        .chain(TABLE.iter().map(|limit| limit.variable))
        .collect();
    let ours = environment
        .keys()
        .filter(|name| PREFIXES.iter().any(|prefix| name.starts_with(prefix)))
        .map(|name| ("environment", name));
    for (origin, name) in ours.chain(dotenv.keys().map(|name| (".env", name))) {
        if !known.contains(&name.as_str()) {
            return Err(ConfigError::Unknown {
                origin,
                name: name.clone(),
                nearest: nearest::nearest(name, &known),
            });
        }
    }
    Ok(())
}

fn read_dotenv(path: &Path) -> Result<BTreeMap<String, String>, ConfigError> {
    let entries = match dotenvy::from_path_iter(path) {
        Ok(entries) => entries,
        Err(error) if error.not_found() => return Ok(BTreeMap::new()),
        Err(error) => return Err(dotenv_error(path, &error)),
    };
    entries
        .collect::<Result<_, _>>()
        .map_err(|error| dotenv_error(path, &error))
}

fn dotenv_error(path: &Path, error: &dotenvy::Error) -> ConfigError {
    let problem = match error {
        dotenvy::Error::Io(error) => error.kind().to_string(),
        // The parser's message quotes the line, and the line may hold a key.
        _ => "a line is not of the form NAME=value".to_owned(),
    };
    ConfigError::DotEnv {
        path: path.to_owned(),
        problem,
    }
}

fn default_data_dir(get: impl Fn(&str) -> Option<String>) -> Result<PathBuf, ConfigError> {
    let absolute = |name: &str| {
        get(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    absolute("XDG_DATA_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".local/share")))
        .map(|base| base.join("datachat"))
        .ok_or(ConfigError::NoHome)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(entries: &[(&str, &str)]) -> BTreeMap<String, String> {
        entries
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    fn load(environment: &[(&str, &str)], dotenv: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let mut environment = map(environment);
        environment.insert("HOME".to_owned(), "/home/someone".to_owned());
        Config::load(Overrides::default(), &environment, &map(dotenv))
    }

    #[test]
    fn a_flag_beats_the_environment_which_beats_the_file_which_beats_the_default() {
        let overrides = Overrides {
            port: Some(1),
            ..Overrides::default()
        };
        let environment = map(&[("HOME", "/h"), ("DATACHAT_PORT", "2")]);
        let dotenv = map(&[("DATACHAT_PORT", "3")]);
        let all = Config::load(overrides, &environment, &dotenv).expect("valid");
        assert_eq!(all.port, 1);
        let two = load(&[("DATACHAT_PORT", "2")], &[("DATACHAT_PORT", "3")]).expect("valid");
        assert_eq!(two.port, 2);
        assert_eq!(load(&[], &[("DATACHAT_PORT", "3")]).expect("valid").port, 3);
        assert_eq!(load(&[], &[]).expect("valid").port, 8000);
    }

    #[test]
    fn an_unknown_key_of_ours_is_refused_with_the_nearest_name() {
        let error = load(&[("DATACHAT_PROT", "1")], &[]).expect_err("unknown");
        assert_eq!(
            error.to_string(),
            "environment: unknown setting DATACHAT_PROT; did you mean DATACHAT_PORT?"
        );
        let error = load(&[], &[("DATABASE_URI", "x")]).expect_err("unknown");
        assert_eq!(
            error.to_string(),
            ".env: unknown setting DATABASE_URI; did you mean DATABASE_URL?"
        );
    }

    #[test]
    fn foreign_variables_of_the_environment_are_none_of_our_business() {
        assert!(load(&[("EDITOR", "vi"), ("DATABASE_URI", "x")], &[]).is_ok());
    }

    #[test]
    fn limits_come_from_the_same_layers() {
        let config =
            load(&[], &[("DATACHAT_QUERY_DEFAULT_ROWS", "7")]).expect("a known limit is accepted");
        assert_eq!(config.limits.query_default_rows, 7);
    }

    #[test]
    fn without_keys_only_loopback_may_be_served() {
        for host in ["127.0.0.1", "127.9.9.9", "::1", "[::1]", "localhost"] {
            let config = load(&[("DATACHAT_HOST", host)], &[]).expect("valid");
            assert!(config.check_exposure().is_ok(), "{host}");
        }
        for host in [
            "0.0.0.0",
            "::",
            "192.0.2.7",
            "example.org",
            "localhost.example.org",
        ] {
            let config = load(&[("DATACHAT_HOST", host)], &[]).expect("valid");
            assert!(config.check_exposure().is_err(), "{host}");
        }
        let keys = ("DATACHAT_API_KEYS", "ann:admin:k1");
        let config = load(&[("DATACHAT_HOST", "0.0.0.0"), keys], &[]).expect("valid");
        assert!(config.check_exposure().is_ok());
    }

    #[test]
    fn neither_debug_nor_an_error_shows_a_secret() {
        let config = load(
            &[
                ("DATABASE_URL", "postgresql://u:canary-1@h/d"),
                ("SYSTEM_DATABASE_URL", "postgresql://u:canary-2@h/d"),
                ("DATABASE_CREDENTIALS_KEY", "canary-3"),
                ("DATACHAT_API_KEYS", "ann:admin:canary-4"),
                ("DATA_CHAT_API_KEY", "canary-6"),
                ("EMBEDDINGS_API_KEY", "canary-9"),
            ],
            &[],
        )
        .expect("valid");
        assert!(!format!("{config:?}").contains("canary"));
        for (name, value) in [
            ("DATACHAT_API_KEYS", "ann:canary-5"),
            ("DATA_CHAT_API_URL", "http://ann:canary-7@h"),
            ("DATA_CHAT_API_URL", "canary-8"),
            ("EMBEDDINGS_URL", "http://h/?key=canary-10"),
        ] {
            let error = load(&[(name, value)], &[]).expect_err("malformed");
            assert!(!format!("{error} {error:?}").contains("canary"), "{value}");
        }
    }

    #[test]
    fn a_watcher_needs_a_folder() {
        assert!(!load(&[], &[]).expect("valid").sync_watcher);
        let on = ("SYNC_WATCHER_ENABLED", "on");
        let watching = load(&[on, ("DATAPOINTS_DIR", "/d")], &[]).expect("valid");
        assert!(watching.sync_watcher);
        let error = load(&[on], &[]).expect_err("no folder");
        assert!(error.to_string().contains("DATAPOINTS_DIR"), "{error}");
        assert!(load(&[("SYNC_WATCHER_ENABLED", "maybe")], &[]).is_err());
    }

    #[test]
    fn how_datapoints_are_searched_is_a_setting_and_nonsense_is_refused() {
        let defaults = load(&[], &[]).expect("valid");
        assert!(defaults.retrieval_legacy_fallback);
        assert_eq!(defaults.retrieval_vector_weight, None);
        let set = [
            ("RETRIEVAL_LEGACY_FALLBACK", "off"),
            ("RETRIEVAL_VECTOR_WEIGHT", "0.25"),
        ];
        let config = load(&set, &[]).expect("valid");
        assert!(!config.retrieval_legacy_fallback);
        assert_eq!(config.retrieval_vector_weight, Some(0.25));
        for (name, value) in [
            ("RETRIEVAL_LEGACY_FALLBACK", "maybe"),
            ("RETRIEVAL_VECTOR_WEIGHT", "1.5"),
            ("RETRIEVAL_VECTOR_WEIGHT", "NaN"),
            ("EMBEDDINGS_URL", "localhost:8080"),
        ] {
            let error = load(&[(name, value)], &[]).expect_err(value);
            assert!(error.to_string().starts_with(name), "{error}");
        }
    }

    #[test]
    fn the_data_folder_follows_the_desktop_convention() {
        let config = load(&[("XDG_DATA_HOME", "/data")], &[]).expect("valid");
        assert_eq!(config.data_dir, Path::new("/data/datachat"));
        let config = load(&[], &[]).expect("valid");
        assert_eq!(
            config.data_dir,
            Path::new("/home/someone/.local/share/datachat")
        );
    }

    #[test]
    fn a_malformed_dotenv_line_is_not_quoted_in_the_error() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join(".env");
        std::fs::write(&path, "DATABASE_URL canary oops\n").expect("written");
        let error = read_dotenv(&path).expect_err("malformed");
        assert!(!format!("{error} {error:?}").contains("canary"));
    }
}
