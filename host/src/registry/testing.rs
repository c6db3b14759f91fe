//! A runtime without components, for tests of the registry's own rules.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use uuid::Uuid;

use super::{
    ConnectionPatch, ConnectionView, Credentials, NewConnection, Registry, RegistryOptions, Runtime,
};
use crate::limits::Limits;
use crate::plugins::{
    ConnectorInfo, DangerousRight, DatabaseType, DbError, Dialect, ErrorCode, OptionSpec,
    PluginError, SchemeDefaults, ServerInfo, Target, TlsMode, Transport,
};
use crate::secret::Secret;
use crate::store::{Location, Store};

fn option(name: &str, values: &[&str], default: Option<&str>) -> OptionSpec {
    OptionSpec {
        name: name.to_owned(),
        description: String::new(),
        values: values.iter().map(|&v| v.to_owned()).collect(),
        default: default.map(str::to_owned),
    }
}

pub(super) fn postgres_info() -> ConnectorInfo {
    ConnectorInfo {
        name: "postgres".to_owned(),
        version: "0.1.0".to_owned(),
        database_types: vec![DatabaseType {
            name: "postgresql".to_owned(),
            aliases: vec!["postgres".to_owned()],
            title: "PostgreSQL".to_owned(),
        }],
        url_schemes: vec!["postgresql".to_owned(), "postgres".to_owned()],
        default_port: 5432,
        scheme_defaults: Vec::new(),
        dialect: Dialect::Postgresql,
        transport: Transport::Tcp,
        options: vec![
            option(
                "sslmode",
                &["disable", "prefer", "require", "verify-ca", "verify-full"],
                Some("prefer"),
            ),
            option("sslrootcert", &[], None),
            option("application_name", &[], None),
            option("connect_timeout", &[], None),
            option("channel_binding", &["disable", "prefer", "require"], None),
        ],
        tls_option: Some("sslmode".to_owned()),
        url_form: String::new(),
        credentials_schema: String::new(),
        help: String::new(),
        list_tables: None,
        list_columns: None,
    }
}

pub(super) fn mysql_info() -> ConnectorInfo {
    ConnectorInfo {
        name: "mysql".to_owned(),
        database_types: vec![DatabaseType {
            name: "mysql".to_owned(),
            aliases: vec!["mariadb".to_owned()],
            title: "MySQL".to_owned(),
        }],
        url_schemes: vec!["mysql".to_owned(), "mariadb".to_owned()],
        default_port: 3306,
        dialect: Dialect::Mysql,
        options: vec![option(
            "ssl-mode",
            &[
                "DISABLED",
                "PREFERRED",
                "REQUIRED",
                "VERIFY_CA",
                "VERIFY_IDENTITY",
            ],
            Some("PREFERRED"),
        )],
        tls_option: Some("ssl-mode".to_owned()),
        ..postgres_info()
    }
}

/// Its schemes say whether there is TLS.
pub(super) fn clickhouse_info() -> ConnectorInfo {
    let scheme = |scheme: &str, port, tls| SchemeDefaults {
        scheme: scheme.to_owned(),
        port,
        tls,
    };
    ConnectorInfo {
        name: "clickhouse".to_owned(),
        url_schemes: vec!["http".to_owned(), "https".to_owned()],
        default_port: 8123,
        scheme_defaults: vec![
            scheme("http", 8123, TlsMode::Disable),
            scheme("https", 8443, TlsMode::VerifyFull),
        ],
        dialect: Dialect::Clickhouse,
        transport: Transport::Http,
        options: vec![
            option("sslmode", &[], None),
            option("sslrootcert", &[], None),
        ],
        ..postgres_info()
    }
}

/// Connectors that connect to nothing: a host name says how it goes. `down.…` refuses, `metadata.…` is
/// not allowed, and on `root.…` the role is a superuser.
#[derive(Clone, Default)]
pub(super) struct FakeRuntime {
    infos: Vec<Arc<ConnectorInfo>>,
    pub probed: Arc<Mutex<Vec<String>>>,
    pub forgotten: Arc<Mutex<Vec<Uuid>>>,
}

#[derive(Clone)]
pub(super) struct FakeConnector {
    info: Arc<ConnectorInfo>,
    probed: Arc<Mutex<Vec<String>>>,
}

impl FakeRuntime {
    pub(super) fn new() -> Self {
        Self {
            infos: vec![Arc::new(mysql_info()), Arc::new(postgres_info())],
            ..Self::default()
        }
    }

    pub(super) fn only_mysql() -> Self {
        Self {
            infos: vec![Arc::new(mysql_info())],
            ..Self::default()
        }
    }

    fn find(&self, fits: impl Fn(&ConnectorInfo) -> bool) -> Option<FakeConnector> {
        self.connectors().into_iter().find(|c| fits(&c.info))
    }
}

impl Runtime for FakeRuntime {
    type Connector = FakeConnector;

    fn connectors(&self) -> Vec<FakeConnector> {
        let connector = |info: &Arc<ConnectorInfo>| FakeConnector {
            info: Arc::clone(info),
            probed: Arc::clone(&self.probed),
        };
        self.infos.iter().map(connector).collect()
    }

    fn by_type(&self, database_type: &str) -> Option<FakeConnector> {
        self.find(|info| {
            info.database_types.iter().any(|ty| {
                ty.name.eq_ignore_ascii_case(database_type)
                    || ty
                        .aliases
                        .iter()
                        .any(|a| a.eq_ignore_ascii_case(database_type))
            })
        })
    }

    fn by_scheme(&self, scheme: &str) -> Option<FakeConnector> {
        self.find(|info| {
            info.url_schemes
                .iter()
                .any(|s| s.eq_ignore_ascii_case(scheme))
        })
    }

    fn info(connector: &FakeConnector) -> &ConnectorInfo {
        &connector.info
    }

    async fn vet(_: &FakeConnector, target: &Target) -> Result<(), PluginError> {
        if target.host.starts_with("metadata.") {
            return Err(PluginError::AddressNotAllowed {
                address: "169.254.169.254".to_owned(),
                reason: "link-local".to_owned(),
            });
        }
        Ok(())
    }

    async fn probe(
        connector: &FakeConnector,
        target: &Target,
    ) -> Result<(ServerInfo, Duration), PluginError> {
        connector
            .probed
            .lock()
            .expect("no panic while held")
            .push(target.host.clone());
        if target.host.starts_with("down.") {
            return Err(PluginError::Database(DbError {
                code: ErrorCode::ConnectionRefused,
                message: "connection refused".to_owned(),
                vendor_code: None,
                detail: None,
                hint: None,
                position: None,
                retryable: true,
            }));
        }
        let rights = if target.host.starts_with("root.") {
            vec![DangerousRight {
                code: "superuser".to_owned(),
                message: "The role is a superuser.".to_owned(),
            }]
        } else {
            Vec::new()
        };
        let server = ServerInfo {
            product: "PostgreSQL".to_owned(),
            version: "15.0".to_owned(),
            role: target.user.clone().unwrap_or_default(),
            database: target.database.clone(),
            default_schema: Some("public".to_owned()),
            dangerous_rights: rights,
            reading: Vec::new(),
        };
        Ok((server, Duration::from_millis(3)))
    }

    async fn forget(&self, id: Uuid) {
        self.forgotten.lock().expect("no panic while held").push(id);
    }
}

/// A registry on a SQLite file in a folder of its own.
pub(super) struct Bench {
    pub registry: Registry<FakeRuntime>,
    pub runtime: FakeRuntime,
    pub store: Store,
    pub folder: tempfile::TempDir,
}

pub(super) async fn bench(environment_url: Option<&str>) -> Bench {
    let folder = tempfile::tempdir().expect("a folder");
    bench_in(folder, FakeRuntime::new(), environment_url).await
}

pub(super) async fn bench_in(
    folder: tempfile::TempDir,
    runtime: FakeRuntime,
    environment_url: Option<&str>,
) -> Bench {
    let limits = Arc::new(Limits {
        store_retry_ms: 1,
        ..Limits::default()
    });
    let store = Store::open(&Location::DataDir(folder.path().to_owned()), &limits)
        .expect("a folder is always a location");
    let registry = Registry::open(RegistryOptions {
        store: store.clone(),
        credentials: Credentials::load(None, Some(&folder.path().join("credentials.key"))),
        plugins: runtime.clone(),
        environment_url: environment_url.map(|url| Secret::new(url.to_owned())),
        limits,
    })
    .await;
    Bench {
        registry,
        runtime,
        store,
        folder,
    }
}

pub(super) const ENVIRONMENT: &str = "postgresql://env:pw@env.example/envdb";
pub(super) const CANARY: &str = "hunter2canary";

pub(super) fn new(name: &str, database_type: &str, url: &str) -> NewConnection {
    NewConnection {
        name: name.to_owned(),
        database_url: Secret::new(url.to_owned()),
        database_type: database_type.to_owned(),
        tags: vec!["a".to_owned(), "b \"c\"".to_owned()],
        description: Some("about it".to_owned()),
        is_default: false,
    }
}

pub(super) fn url(host: &str) -> String {
    format!("postgresql://ann:{CANARY}@{host}/shop")
}

pub(super) async fn add(bench: &Bench, name: &str) -> ConnectionView {
    let new = new(name, "postgresql", &url(&format!("{name}.example")));
    bench.registry.create(new).await.expect("stored")
}

pub(super) async fn names(bench: &Bench) -> Vec<String> {
    let (views, _) = bench.registry.list(None, None).await.expect("listed");
    views.into_iter().map(|view| view.name).collect()
}

pub(super) fn named(name: &str) -> ConnectionPatch {
    ConnectionPatch {
        name: Some(name.to_owned()),
        ..ConnectionPatch::default()
    }
}

pub(super) fn moved(url: &str) -> ConnectionPatch {
    ConnectionPatch {
        database_url: Some(Secret::new(url.to_owned())),
        ..ConnectionPatch::default()
    }
}

pub(super) fn retyped(database_type: &str) -> ConnectionPatch {
    ConnectionPatch {
        database_type: Some(database_type.to_owned()),
        ..ConnectionPatch::default()
    }
}

/// Makes the row's token one that no key opens.
pub(super) async fn seal(bench: &Bench, name: &str) {
    let rows = bench.store.connections().await.expect("read");
    let token = rows
        .into_iter()
        .find(|row| row.name == name)
        .expect("there")
        .url_token;
    bench
        .store
        .rewrite_tokens(|other| (other == token).then(|| "gAAAAA".to_owned()))
        .await
        .expect("spoilt");
}
