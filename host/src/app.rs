//! What the server is made of, put together once and shared by the API and the command line.

use std::path::Path;
use std::sync::Arc;

use metrics_exporter_prometheus::PrometheusHandle;
use tokio_util::sync::CancellationToken;

use crate::chat::{Conversations, Models};
use crate::config::Config;
use crate::knowledge::index::{self, Index};
use crate::knowledge::search::embed::{EmbedError, EndpointSettings, Source, minilm};
use crate::knowledge::{Library, Proposals, Syncs};
use crate::limits::Limits;
use crate::llm::{self, LlmError};
use crate::plugins::egress::InvalidCidr;
use crate::plugins::trust::InvalidAdmission;
use crate::plugins::{Admission, Components, EgressPolicy, LoadError, PluginOptions, Plugins};
use crate::profiling::Profiling;
use crate::registry::{Credentials, Registry, RegistryOptions};
use crate::store::{InvalidLocation, Location, Store};
use crate::tools::{PolicyError, ToolPolicy, Tools};

/// The parts. Cheap to clone.
#[derive(Clone)]
pub struct App {
    pub config: Arc<Config>,
    pub limits: Arc<Limits>,
    pub plugins: Plugins,
    pub registry: Registry,
    pub library: Library,
    pub syncs: Syncs,
    pub profiling: Profiling,
    pub proposals: Proposals,
    pub index: Index,
    pub models: Models,
    /// `None`: no language model is configured.
    pub llm: Option<Arc<llm::Client>>,
    pub conversations: Conversations,
    pub tools: Tools,
    /// Only in the server; the command line counts nothing.
    pub metrics: Option<PrometheusHandle>,
    /// Cancelled when whatever still runs must end.
    pub shutdown: CancellationToken,
}

/// Why there is no server.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("the data folder {path} can't be used: {source}")]
    DataDir {
        path: String,
        source: std::io::Error,
    },
    #[error(transparent)]
    Store(#[from] InvalidLocation),
    #[error("DATACHAT_EGRESS_ALLOW or DATACHAT_EGRESS_DENY: {0}")]
    Egress(#[from] InvalidCidr),
    #[error(transparent)]
    Admission(#[from] InvalidAdmission),
    #[error(transparent)]
    Plugins(#[from] LoadError),
    #[error(transparent)]
    ToolPolicy(#[from] PolicyError),
    #[error("DataPoints can't be embedded as DATACHAT_EMBED_MODEL or EMBEDDINGS_URL say: {0}")]
    Embedder(#[from] EmbedError),
    #[error(transparent)]
    Llm(#[from] LlmError),
}

impl App {
    /// Opens everything. Databases are not connected to, and a system database that is down is no error.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub async fn open(
        config: Config,
        metrics: Option<PrometheusHandle>,
    ) -> Result<Self, OpenError> {
        let plugins = open_plugins(&config).await?;
        let limits = Arc::new(config.limits.clone());
        let tool_policy = match &config.tools_policy_file {
            Some(path) => ToolPolicy::read(path)?,
            None => ToolPolicy::default(),
        };
        let (location, key_file) = match &config.system_database_url {
            Some(url) => (Location::Url(url.clone()), None),
            None => (
                Location::DataDir(config.data_dir.clone()),
                Some(config.data_dir.join("credentials.key")),
            ),
        };
        let source = embedder(&config, &limits)?;
        let llm = language_model(&config, &limits)?;
        let store = Store::open(&location, &limits)?;
        let registry = Registry::open(RegistryOptions {
            store: store.clone(),
            credentials: Credentials::load(config.credentials_key.as_ref(), key_file.as_deref()),
            plugins: plugins.clone(),
            environment_url: config.database_url.clone(),
            limits: limits.clone(),
        })
        .await;
        let index = Index::new(
            store.clone(),
            registry.clone(),
            source,
            index::Settings {
                vector_weight: config.retrieval_vector_weight,
                legacy_fallback: config.retrieval_legacy_fallback,
            },
            Arc::clone(&limits),
        );
        let profiling = Profiling::new(
            store.clone(),
            registry.clone(),
            llm.clone(),
            Arc::clone(&limits),
        );
        let conversations = Conversations::new(store.clone(), Arc::clone(&limits));
        let library = Library::new(store, registry.clone(), Arc::clone(&limits));
        let proposals = Proposals::new(library.clone());
        let syncs = Syncs::new(library.clone(), config.datapoints_dir.clone());
        let tools = Tools::new(
            plugins.clone(),
            tool_policy,
            (index.clone(), library.clone(), profiling.clone()),
            Arc::clone(&limits),
        );
        Ok(Self {
            config: Arc::new(config),
            limits,
            plugins,
            registry,
            library,
            syncs,
            profiling,
            proposals,
            index,
            models: Models::default(),
            llm,
            conversations,
            tools,
            metrics,
            shutdown: CancellationToken::new(),
        })
    }

    /// Takes leave of all databases: cancels what still runs there, closes sessions, closes our own.
    pub async fn close(&self) {
        self.syncs.close().await;
        self.profiling.close().await;
        self.plugins.shutdown().await;
        self.registry.close().await;
    }
}

fn embedder(config: &Config, limits: &Limits) -> Result<Source, EmbedError> {
    let endpoint = config.embeddings_url.clone().map(|url| {
        EndpointSettings::new(
            url,
            config.embeddings_api_key.clone(),
            config.embeddings_model.clone(),
            limits,
        )
    });
    // Without a home there is no cache, and nothing at this path.
    let cached = minilm::cache(|name| std::env::var(name).ok()).unwrap_or_default();
    Source::new(endpoint, config.embed_model.as_deref(), &cached)
}

fn language_model(config: &Config, limits: &Limits) -> Result<Option<Arc<llm::Client>>, LlmError> {
    let Some(url) = config.llm_base_url.clone() else {
        return Ok(None);
    };
    let settings = llm::Settings::new(
        url,
        config.llm_api_key.clone(),
        config.llm_model.clone(),
        limits,
    );
    llm::Client::new(settings).map(|client| Some(Arc::new(client)))
}

/// Opens the plugins alone: for what needs no registry.
///
/// # Errors
/// See [`OpenError`].
pub async fn open_plugins(config: &Config) -> Result<Plugins, OpenError> {
    Ok(Plugins::load(plugin_options(config, Components::Shipped)?).await?)
}

/// What the plugin runtime starts with; makes the data folder, which it keeps its cache in.
///
/// # Errors
/// See [`OpenError`].
pub fn plugin_options(config: &Config, components: Components) -> Result<PluginOptions, OpenError> {
    prepare_data_dir(&config.data_dir).map_err(|source| OpenError::DataDir {
        path: config.data_dir.display().to_string(),
        source,
    })?;
    Ok(PluginOptions {
        limits: config.limits.clone(),
        data_dir: config.data_dir.clone(),
        egress: EgressPolicy::parse(
            &config.egress_allow.join(","),
            &config.egress_deny.join(","),
        )?,
        components,
        admission: Admission::parse(config.plugin_policy.as_deref(), &config.plugin_trust)?,
    })
}

/// Makes the folder, readable by its owner only: it holds keys. One that somebody else made stays as it is.
fn prepare_data_dir(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)?;
    if std::fs::metadata(path)?.permissions().mode() & 0o077 != 0 {
        tracing::warn!(
            path = %path.display(),
            "the data folder can be entered by other users; `chmod 700` closes it"
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_new_data_folder_is_the_owners_alone() {
        let parent = tempfile::tempdir().expect("a folder");
        let path = parent.path().join("a/b");
        prepare_data_dir(&path).expect("made");
        let mode = std::fs::metadata(&path)
            .expect("there")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o700);
    }
}
