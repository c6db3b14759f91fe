//! Which problem each typed error of the layers below becomes.

use serde_json::json;

use super::problem::{Code, Problem};
use crate::plugins::{DbError, ErrorCode, PluginError};
use crate::query::QueryError;
use crate::query::policy::{Reason, Refusal};
use crate::registry::{ENVIRONMENT_ID, RegistryError, ResolveError, Unavailable};

impl From<&DbError> for Problem {
    fn from(error: &DbError) -> Self {
        let code = match error.code {
            ErrorCode::ConnectionRefused => Code::ConnectionRefused,
            ErrorCode::AuthenticationFailed => Code::AuthenticationFailed,
            ErrorCode::TlsFailed => Code::TlsFailed,
            ErrorCode::DatabaseMissing => Code::DatabaseMissing,
            ErrorCode::Syntax => Code::Syntax,
            ErrorCode::UndefinedObject => Code::UndefinedObject,
            ErrorCode::PermissionDenied => Code::PermissionDenied,
            ErrorCode::ReadOnlyViolation => Code::ReadOnlyViolation,
            ErrorCode::Constraint => Code::Constraint,
            ErrorCode::DataException => Code::DataException,
            ErrorCode::Timeout => Code::Timeout,
            ErrorCode::Cancelled => Code::Cancelled,
            // The server is full for the moment (too many sessions): no fault of the request.
            ErrorCode::ResourceLimit if error.retryable => Code::Busy,
            ErrorCode::ResourceLimit => Code::ResourceLimit,
            ErrorCode::Unsupported => Code::Unsupported,
            ErrorCode::InvalidOption => Code::InvalidDatabaseUrl,
            ErrorCode::ServerFault => Code::DatabaseFailed,
            ErrorCode::Protocol => Code::Protocol,
            ErrorCode::Internal => Code::PluginFailed,
        };
        let detail = match &error.detail {
            Some(detail) => format!("{} ({detail})", error.message),
            None => error.message.clone(),
        };
        let vendor = error.vendor_code.as_deref();
        let (sqlstate, number) = match vendor {
            Some(code) if is_sqlstate(code) => (Some(code), None),
            other => (None, other),
        };
        Self::new(code, detail)
            .with_option("sqlstate", sqlstate)
            .with_option("vendor_code", number)
            .with_option("position", error.position)
            .with_option("hint", error.hint.clone())
            .with_option(
                "reason",
                // The policy's own refusals have theirs.
                (error.code == ErrorCode::ReadOnlyViolation).then_some("engine"),
            )
            .with("retryable", error.retryable)
    }
}

/// Five characters of `0-9A-Z`; the other databases' numbers are shorter.
fn is_sqlstate(code: &str) -> bool {
    code.len() == 5
        && code
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase())
}

impl From<&PluginError> for Problem {
    fn from(error: &PluginError) -> Self {
        let text = sentence(error);
        match error {
            PluginError::Database(error) => Self::from(error),
            PluginError::HostNotFound { .. } => {
                Self::new(Code::HostNotFound, text).with("retryable", true)
            }
            PluginError::AddressNotAllowed { reason, .. } => {
                Self::new(Code::AddressNotAllowed, text).with("reason", reason.clone())
            }
            PluginError::FolderNotGranted { .. } => {
                Self::new(Code::AddressNotAllowed, text).with("reason", "folder_not_granted")
            }
            PluginError::FolderMissing { .. } => {
                Self::new(Code::ConnectionRefused, text).with("retryable", true)
            }
            PluginError::Timeout { limit, .. } => Self::new(Code::Timeout, text)
                .with("limit", *limit)
                .with("retryable", true),
            PluginError::Limit { limit, .. } => {
                Self::new(Code::ResourceLimit, text).with("limit", *limit)
            }
            PluginError::Busy { .. } => Self::new(Code::Busy, text).with("retryable", true),
            // What a component says when it breaks may be anything; it is in the log.
            PluginError::Failed { .. } => {
                Self::new(Code::PluginFailed, text).with("retryable", true)
            }
            PluginError::Quarantined {
                retry_after_secs, ..
            } => Self::new(Code::ConnectorUnavailable, text)
                .with("retryable", true)
                .with("retry_after_seconds", *retry_after_secs),
            PluginError::Cancelled => Self::new(Code::Cancelled, text).with("retryable", true),
        }
    }
}

impl From<&Refusal> for Problem {
    fn from(refusal: &Refusal) -> Self {
        let code = match refusal.reason {
            Reason::EmptySql => Code::EmptySql,
            Reason::MultipleStatements => Code::MultipleStatements,
            Reason::Syntax => Code::Syntax,
            Reason::TooLong => {
                return Self::new(Code::ResourceLimit, sentence(refusal))
                    .with("limit", "query_max_sql_bytes")
                    .with("field", "sql");
            }
            Reason::TooDeep => {
                return Self::new(Code::ResourceLimit, sentence(refusal)).with("field", "sql");
            }
            _ => Code::ReadOnlyViolation,
        };
        let problem = Self::new(code, sentence(refusal));
        let problem = if code == Code::ReadOnlyViolation {
            problem.with("reason", refusal.reason.as_str())
        } else {
            problem
        };
        problem.with_option("position", refusal.position)
    }
}

impl From<&QueryError> for Problem {
    fn from(error: &QueryError) -> Self {
        match error {
            QueryError::Refused(refusal) => Self::from(refusal),
            QueryError::Plugin(error) => Self::from(error),
            QueryError::ResultLimit { limit, .. } => {
                Self::new(Code::ResourceLimit, sentence(error)).with("limit", *limit)
            }
            // The detail quotes a component's bytes; it is in the log.
            QueryError::Malformed { .. } => Self::new(Code::PluginFailed, sentence(error)),
        }
    }
}

impl From<Unavailable> for Problem {
    fn from(reason: Unavailable) -> Self {
        Self::new(
            Code::RegistryUnavailable,
            format!("The registry is unavailable: {reason}."),
        )
        .with("hint", reason.hint())
        .with("retryable", matches!(reason, Unavailable::Store))
    }
}

impl From<RegistryError> for Problem {
    fn from(error: RegistryError) -> Self {
        let text = error.to_string();
        match error {
            RegistryError::Validation {
                field,
                code,
                message,
            } => Self::field(field, code, message),
            RegistryError::UnsupportedDatabaseType { accepted } => {
                Self::new(Code::UnsupportedDatabaseType, text)
                    .with("field", "database_type")
                    .with("accepted", json!(accepted))
            }
            RegistryError::CredentialsOnly { database_type } => {
                Self::new(Code::CredentialsOnly, text)
                    .with("field", "database_type")
                    .with("hint", format!("/api/v1/catalog/{database_type}"))
            }
            RegistryError::DuplicateName { connection_id } => Self::new(Code::DuplicateName, text)
                .with("field", "name")
                .on_connection(connection_id),
            RegistryError::InvalidDatabaseUrl { .. } => {
                Self::new(Code::InvalidDatabaseUrl, text).with("field", "database_url")
            }
            RegistryError::UnsupportedUrlScheme { accepted } => {
                Self::new(Code::UnsupportedUrlScheme, text)
                    .with("field", "database_url")
                    .with("accepted", json!(accepted))
            }
            RegistryError::DatabaseTypeMismatch { .. } => {
                Self::new(Code::DatabaseTypeMismatch, text).with("field", "database_type")
            }
            RegistryError::Connect(error) => Self::from(&error).while_checking().with_detail(text),
            RegistryError::EmptyUpdate => Self::new(Code::EmptyUpdate, text),
            RegistryError::EnvironmentDatabase => Self::new(Code::EnvironmentDatabase, text),
            RegistryError::NotFound { id } => {
                Self::new(Code::ConnectionNotFound, text).on_connection(id)
            }
            RegistryError::InvalidCursor => Self::new(Code::InvalidCursor, text),
            RegistryError::CredentialsUnreadable { id } => {
                Self::new(Code::CredentialsUnreadable, text)
                    .with("hint", UNREADABLE_HINT)
                    .on_connection(id)
            }
            RegistryError::Unavailable(reason) => Self::from(reason),
        }
    }
}

const UNREADABLE_HINT: &str = "Give the server the key that encrypted it (DATABASE_CREDENTIALS_KEY), or set the database_url again.";

impl From<ResolveError> for Problem {
    fn from(error: ResolveError) -> Self {
        let text = error.to_string();
        let id = error.connection_id();
        let problem = match error {
            ResolveError::InvalidId => {
                Self::new(Code::InvalidConnectionId, text).with("field", "target_database")
            }
            ResolveError::NotFound { .. } => Self::new(Code::ConnectionNotFound, text),
            ResolveError::NotInitialized => Self::new(Code::SystemNotInitialized, text.clone())
                .with("error", "system_not_initialized")
                .with("message", text)
                .with("setup_steps", json!(super::system::setup_steps())),
            ResolveError::Unavailable(reason) => Self::from(reason),
            ResolveError::CredentialsUnreadable { id, .. } => {
                let hint = if id == ENVIRONMENT_ID {
                    "Correct DATABASE_URL and restart the server."
                } else {
                    UNREADABLE_HINT
                };
                Self::new(Code::CredentialsUnreadable, text).with("hint", hint)
            }
            ResolveError::ConnectorMissing { .. } => Self::new(Code::ConnectorUnavailable, text),
        };
        match id {
            Some(id) => problem.on_connection(id),
            None => problem,
        }
    }
}

/// Errors of inner layers are fragments; a detail is a sentence.
pub fn sentence(error: &impl std::fmt::Display) -> String {
    let text = error.to_string();
    let mut characters = text.chars();
    let mut sentence: String = match characters.next() {
        // Names such as `timeout_ms` keep their spelling.
        Some(first)
            if !text
                .split(' ')
                .next()
                .is_some_and(|word| word.contains('_')) =>
        {
            first.to_uppercase().chain(characters).collect()
        }
        _ => text,
    };
    if !sentence.ends_with(['.', '!', '?']) {
        sentence.push('.');
    }
    sentence
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn db_error(code: ErrorCode, vendor: &str) -> DbError {
        DbError {
            code,
            message: "relation \"x\" does not exist".to_owned(),
            vendor_code: Some(vendor.to_owned()),
            detail: None,
            hint: Some("look again".to_owned()),
            position: Some(15),
            retryable: false,
        }
    }

    #[test]
    fn a_databases_error_keeps_its_code_position_and_hint() {
        let problem = Problem::from(&db_error(ErrorCode::UndefinedObject, "42P01"));
        let body = problem.to_json(Uuid::nil());
        assert_eq!(body["status"], 400);
        assert_eq!(body["code"], "undefined_object");
        assert_eq!(body["sqlstate"], "42P01");
        assert_eq!(body["position"], 15);
        assert_eq!(body["hint"], "look again");
        assert!(body.get("vendor_code").is_none());
    }

    #[test]
    fn a_database_that_is_full_is_busy_and_a_statement_that_is_too_large_is_not() {
        let mut full = db_error(ErrorCode::ResourceLimit, "53300");
        full.retryable = true;
        assert_eq!(Problem::from(&full).code, Code::Busy);
        let too_large = db_error(ErrorCode::ResourceLimit, "54000");
        assert_eq!(Problem::from(&too_large).code, Code::ResourceLimit);
    }

    #[test]
    fn a_number_of_another_vendor_is_no_sqlstate() {
        let body = Problem::from(&db_error(ErrorCode::Syntax, "1064")).to_json(Uuid::nil());
        assert_eq!(body["vendor_code"], "1064");
        assert!(body.get("sqlstate").is_none());
    }

    #[test]
    fn what_a_broken_plugin_said_is_not_in_the_answer() {
        let problem = Problem::from(&PluginError::Failed {
            plugin: "postgres".to_owned(),
            detail: "canary".to_owned(),
        });
        assert_eq!(problem.code, Code::PluginFailed);
        assert!(!problem.to_json(Uuid::nil()).to_string().contains("canary"));
    }

    #[test]
    fn a_failed_check_is_a_bad_request_with_the_phrase_that_clients_look_for() {
        let error = RegistryError::Connect(PluginError::Database(db_error(
            ErrorCode::AuthenticationFailed,
            "28P01",
        )));
        let problem = Problem::from(error);
        assert_eq!(problem.status(), 400);
        assert_eq!(problem.code, Code::AuthenticationFailed);
        assert!(
            problem
                .detail()
                .starts_with("Failed to connect to database: ")
        );
    }

    #[test]
    fn a_write_is_refused_with_reason_and_position() {
        let refusal = Refusal {
            reason: Reason::Function,
            message: "pg_read_file is not allowed".to_owned(),
            position: Some(8),
        };
        let body = Problem::from(&refusal).to_json(Uuid::nil());
        assert_eq!(body["status"], 403);
        assert_eq!(body["code"], "read_only_violation");
        assert_eq!(body["reason"], "function");
        assert_eq!(body["position"], 8);
    }

    #[test]
    fn an_unset_system_says_what_to_do() {
        let body = Problem::from(ResolveError::NotInitialized).to_json(Uuid::nil());
        assert_eq!(body["error"], "system_not_initialized");
        let steps = body["setup_steps"].as_array().expect("steps");
        assert_eq!(steps[0]["step"], 1);
        for key in ["title", "description", "action"] {
            assert!(steps[0][key].is_string(), "{key}");
        }
    }
}
