//! The database that `DATABASE_URL` names: always there when it is set, stored nowhere.
//!
//! It has a fixed id, can't be changed over the API, and depends neither on the system database nor on a key.
//! A malformed URL stops nothing: the connection is shown as unusable, and says why when it is asked for.

use uuid::Uuid;

use super::identity::Fingerprint;
use super::show::Known;
use super::url::Parts;
use super::validate::{Checked, infer_type};
use super::{
    ConnectionStatus, ConnectionView, HIDDEN_URL, RegistryError, ResolveError, Runtime, Warning,
};
use crate::secret::Secret;

/// The id of the database that `DATABASE_URL` names.
pub const ENVIRONMENT_ID: Uuid = Uuid::from_u128(0xdada);

/// Its name.
pub(super) const NAME: &str = "Environment Database";

/// The setting, as it was given.
#[derive(Clone)]
pub(super) struct Environment {
    url: Secret<String>,
}

/// Why the setting can't be used.
pub(super) struct Problem {
    pub status: ConnectionStatus,
    /// Never shows the URL.
    pub message: String,
    /// The scheme, if the URL has one: the best there is for a type.
    scheme: Option<String>,
}

impl Environment {
    /// `None` without a URL, and for a blank one.
    pub(super) fn new(url: Option<Secret<String>>) -> Option<Self> {
        let url = url.filter(|url| !url.reveal().trim().is_empty())?;
        Some(Self { url })
    }

    /// What the URL means with the connectors of now.
    pub(super) fn inspect<R: Runtime>(
        &self,
        plugins: &R,
    ) -> Result<Checked<R::Connector>, Problem> {
        infer_type(plugins, &self.url, None).map_err(|error| Problem {
            status: match error {
                RegistryError::UnsupportedUrlScheme { .. } => ConnectionStatus::ConnectorMissing,
                _ => ConnectionStatus::CredentialsUnreadable,
            },
            message: error.to_string(),
            scheme: Parts::parse(self.url.reveal())
                .ok()
                .map(|parts| parts.scheme),
        })
    }

    /// For comparison with stored URLs.
    pub(super) fn fingerprint<R: Runtime>(&self, plugins: &R) -> Fingerprint {
        match self.inspect(plugins) {
            Ok(checked) => Fingerprint::new(
                &checked.database_type,
                R::info(&checked.connector),
                &checked.target,
            ),
            Err(_) => Fingerprint::Raw(self.url.clone()),
        }
    }

    /// How it is shown.
    pub(super) fn view<R: Runtime>(
        &self,
        plugins: &R,
        is_default: bool,
        known: Known,
    ) -> ConnectionView {
        let (database_type, status, warnings) = match self.inspect(plugins) {
            Ok(checked) => (checked.database_type, ConnectionStatus::Ok, Vec::new()),
            Err(problem) => (
                problem.database_type(),
                problem.status,
                vec![Warning {
                    code: "environment_database".to_owned(),
                    message: format!("DATABASE_URL can't be used. {}", problem.message),
                }],
            ),
        };
        ConnectionView {
            connection_id: ENVIRONMENT_ID,
            name: NAME.to_owned(),
            database_url: HIDDEN_URL,
            database_type,
            is_active: true,
            is_default,
            tags: vec!["env".to_owned()],
            description: None,
            created_at: None,
            last_profiled: known.last_profiled,
            datapoint_count: known.datapoints,
            status,
            warnings,
        }
    }
}

impl Problem {
    fn database_type(&self) -> String {
        self.scheme.clone().unwrap_or_else(|| "unknown".to_owned())
    }
}

impl From<Problem> for ResolveError {
    fn from(problem: Problem) -> Self {
        match problem.status {
            ConnectionStatus::ConnectorMissing => Self::ConnectorMissing {
                id: ENVIRONMENT_ID,
                database_type: problem.database_type(),
            },
            _ => Self::CredentialsUnreadable {
                id: ENVIRONMENT_ID,
                reason: format!("DATABASE_URL can't be used ({})", problem.message),
            },
        }
    }
}
