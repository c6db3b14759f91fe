//! What a connection must be before it is stored, in the order in which the contract checks it.
//!
//! The steps that need no network are functions of their input and of what the installed connectors declare;
//! each answers the first thing that is wrong. Whether the database can be reached comes after all of them.

use super::catalog::credentials_only;
use super::url::{Parts, UrlError};
use super::{RegistryError, Runtime, Warning};
use crate::plugins::{ConnectorInfo, DangerousRight, Target};
use crate::secret::Secret;

/// A type and URL that fit each other.
pub(super) struct Checked<C> {
    pub connector: C,
    /// The canonical name.
    pub database_type: String,
    pub target: Target,
}

/// The name without white space around it.
pub(super) fn check_name(name: &str, max_chars: u64) -> Result<String, RegistryError> {
    let name = name.trim();
    let refuse = |code, message: String| {
        Err(RegistryError::Validation {
            field: "name",
            code,
            message,
        })
    };
    if name.is_empty() {
        return refuse("empty", "The name must not be empty.".to_owned());
    }
    if name.chars().count() as u64 > max_chars {
        return refuse(
            "too_long",
            format!("The name must not be longer than {max_chars} characters."),
        );
    }
    if name.chars().any(char::is_control) {
        return refuse(
            "control_character",
            "The name must not have control characters.".to_owned(),
        );
    }
    Ok(name.to_owned())
}

/// The system database can't store a zero character.
pub(super) fn check_description(description: Option<&str>) -> Result<(), RegistryError> {
    if description.is_some_and(|text| text.contains('\0')) {
        return Err(RegistryError::Validation {
            field: "description",
            code: "control_character",
            message: "The description must not have a zero character.".to_owned(),
        });
    }
    Ok(())
}

/// The connector of a type and the type's canonical name.
pub(super) fn check_type<R: Runtime>(
    plugins: &R,
    given: &str,
) -> Result<(R::Connector, String), RegistryError> {
    let given = given.trim();
    if let Some(connector) = plugins.by_type(given)
        && let Some(name) = canonical_type(R::info(&connector), given)
    {
        let name = name.to_owned();
        return Ok((connector, name));
    }
    if let Some(database_type) = credentials_only(given) {
        return Err(RegistryError::CredentialsOnly {
            database_type: database_type.to_owned(),
        });
    }
    let mut accepted: Vec<String> = plugins
        .connectors()
        .iter()
        .flat_map(|connector| R::info(connector).database_types.clone())
        .flat_map(|ty| std::iter::once(ty.name).chain(ty.aliases))
        .collect();
    accepted.sort();
    accepted.dedup();
    Err(RegistryError::UnsupportedDatabaseType { accepted })
}

/// A URL against the type that was given with it.
pub(super) fn check_url<R: Runtime>(
    plugins: &R,
    connector: R::Connector,
    database_type: String,
    url: &Secret<String>,
) -> Result<Checked<R::Connector>, RegistryError> {
    let parts = Parts::parse(url.reveal())?;
    let by_scheme = by_scheme(plugins, &parts.scheme)?;
    if R::info(&by_scheme).name != R::info(&connector).name {
        return Err(RegistryError::DatabaseTypeMismatch {
            database_type,
            scheme: parts.scheme,
        });
    }
    let target = parts.target(R::info(&connector))?;
    Ok(Checked {
        connector,
        database_type,
        target,
    })
}

/// A URL that comes alone. `current` is the type that the connection has; it stays if it fits.
pub(super) fn infer_type<R: Runtime>(
    plugins: &R,
    url: &Secret<String>,
    current: Option<&str>,
) -> Result<Checked<R::Connector>, RegistryError> {
    let parts = Parts::parse(url.reveal())?;
    let connector = by_scheme(plugins, &parts.scheme)?;
    let info = R::info(&connector);
    let database_type = current
        .and_then(|current| canonical_type(info, current))
        .or_else(|| info.database_types.first().map(|ty| ty.name.as_str()))
        .unwrap_or(&info.name)
        .to_owned();
    let target = parts.target(info)?;
    Ok(Checked {
        connector,
        database_type,
        target,
    })
}

fn by_scheme<R: Runtime>(plugins: &R, scheme: &str) -> Result<R::Connector, RegistryError> {
    plugins.by_scheme(scheme).ok_or_else(|| {
        let mut accepted: Vec<String> = plugins
            .connectors()
            .iter()
            .flat_map(|connector| R::info(connector).url_schemes.clone())
            .collect();
        accepted.sort();
        accepted.dedup();
        RegistryError::UnsupportedUrlScheme { accepted }
    })
}

/// The canonical name of a type that may be given by an alias, in any case.
fn canonical_type<'a>(info: &'a ConnectorInfo, given: &str) -> Option<&'a str> {
    info.database_types
        .iter()
        .find(|ty| {
            std::iter::once(&ty.name)
                .chain(&ty.aliases)
                .any(|name| name.eq_ignore_ascii_case(given))
        })
        .map(|ty| ty.name.as_str())
}

/// The warnings that a role deserves.
pub(super) fn role_warnings(rights: &[DangerousRight]) -> Vec<Warning> {
    rights
        .iter()
        .map(|right| Warning {
            code: format!("role_{}", right.code.replace('-', "_")),
            message: right.message.clone(),
        })
        .collect()
}

impl From<UrlError> for RegistryError {
    fn from(error: UrlError) -> Self {
        Self::InvalidDatabaseUrl {
            message: error.to_string(),
        }
    }
}
