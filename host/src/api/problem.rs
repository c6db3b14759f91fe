//! Errors as `application/problem+json`: the only place that knows HTTP status codes.
//!
//! A handler answers with a [`Problem`]; the request layer adds `instance` and writes the body, so that every
//! problem of a request, also one of the framework or after a panic, has the same form. What a problem says
//! comes from typed errors whose texts never hold a credential; see `convert` for the mapping.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};
use uuid::Uuid;

macro_rules! codes {
    ($($variant:ident: $status:literal $name:literal $title:literal;)*) => {
        /// Every code that the server answers with.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Code { $($variant,)* }

        impl Code {
            /// All of them, in the order of the contract.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The stable name.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// One phrase that is the same for every problem of this code.
            pub fn title(self) -> &'static str {
                match self { $(Self::$variant => $title,)* }
            }

            /// The HTTP status that goes with it.
            pub fn status(self) -> u16 {
                match self { $(Self::$variant => $status,)* }
            }
        }
    };
}

codes! {
    InvalidJson: 400 "invalid_json" "The body is not JSON";
    InvalidId: 400 "invalid_id" "Not a valid id";
    InvalidConnectionId: 400 "invalid_connection_id" "Invalid connection id";
    InvalidCursor: 400 "invalid_cursor" "Invalid cursor";
    EmptyUpdate: 400 "empty_update" "Nothing to change";
    InvalidDefault: 400 "invalid_default" "Invalid default";
    EnvironmentDatabase: 400 "environment_database" "The environment database can't be changed here";
    InvalidDatabaseUrl: 400 "invalid_database_url" "Invalid database URL";
    UnsupportedUrlScheme: 400 "unsupported_url_scheme" "Unsupported URL scheme";
    DatabaseTypeMismatch: 400 "database_type_mismatch" "Type and URL disagree";
    ConnectionIdRequired: 400 "connection_id_required" "Connection id required";
    ConnectionIdNotAllowed: 400 "connection_id_not_allowed" "Connection id not allowed";
    DatapointIdMismatch: 400 "datapoint_id_mismatch" "The ids disagree";
    ContractFailed: 400 "contract_failed" "DataPoint contract not met";
    SystemNotInitialized: 400 "system_not_initialized" "No database is set up";
    EmptySql: 400 "empty_sql" "Empty statement";
    MultipleStatements: 400 "multiple_statements" "More than one statement";
    Syntax: 400 "syntax" "Syntax error";
    UndefinedObject: 400 "undefined_object" "Undefined object";
    DataException: 400 "data_exception" "Invalid value";
    Constraint: 400 "constraint" "Constraint violated";
    Unsupported: 400 "unsupported" "Not supported";
    Unauthorized: 401 "unauthorized" "Authentication required";
    Forbidden: 403 "forbidden" "Forbidden";
    AddressNotAllowed: 403 "address_not_allowed" "Address not allowed";
    ReadOnlyViolation: 403 "read_only_violation" "Only reading statements may run";
    PermissionDenied: 403 "permission_denied" "Permission denied by the database";
    ApprovalRequired: 403 "approval_required" "Approval required";
    ToolDisabled: 403 "tool_disabled" "Tool disabled";
    UserNotAllowed: 403 "user_not_allowed" "Not allowed for this user";
    NotFound: 404 "not_found" "Not found";
    ConnectionNotFound: 404 "connection_not_found" "Connection not found";
    UnknownTool: 404 "unknown_tool" "Unknown tool";
    PluginNotFound: 404 "plugin_not_found" "Plugin not found";
    TableNotFound: 404 "table_not_found" "Table not found";
    DatapointNotFound: 404 "datapoint_not_found" "DataPoint not found";
    JobNotFound: 404 "job_not_found" "Job not found";
    ProfileNotFound: 404 "profile_not_found" "Profile not found";
    ConversationNotFound: 404 "conversation_not_found" "Conversation not found";
    PendingNotFound: 404 "pending_not_found" "Pending DataPoint not found";
    MethodNotAllowed: 405 "method_not_allowed" "Method not allowed";
    NotAcceptable: 406 "not_acceptable" "No acceptable format";
    DuplicateName: 409 "duplicate_name" "Name taken";
    PluginShipped: 409 "plugin_shipped" "The plugin is a part of the server";
    DatapointExists: 409 "datapoint_exists" "DataPoint exists";
    AmbiguousDatapoint: 409 "ambiguous_datapoint" "Ambiguous DataPoint";
    SyncRunning: 409 "sync_running" "A sync is running";
    AlreadyReviewed: 409 "already_reviewed" "Reviewed already";
    AmbiguousTable: 409 "ambiguous_table" "Ambiguous table";
    RequestTooLarge: 413 "request_too_large" "Request too large";
    UnsupportedMediaType: 415 "unsupported_media_type" "Unsupported media type";
    ValidationFailed: 422 "validation_failed" "Validation failed";
    UnknownField: 422 "unknown_field" "Unknown field";
    UnsupportedDatabaseType: 422 "unsupported_database_type" "Unsupported database type";
    CredentialsOnly: 422 "credentials_only" "No connector for this type";
    PluginRefused: 422 "plugin_refused" "The plugin is refused";
    TargetConflict: 422 "target_conflict" "Another connection is named";
    ResourceLimit: 422 "resource_limit" "Limit reached";
    Internal: 500 "internal" "Internal error";
    PluginFailed: 502 "plugin_failed" "A plugin failed";
    DatabaseFailed: 502 "database_failed" "The database failed";
    Protocol: 502 "protocol" "The database broke the protocol";
    RegistryUnavailable: 503 "registry_unavailable" "The registry is unavailable";
    CredentialsUnreadable: 503 "credentials_unreadable" "Credentials unreadable";
    ConnectorUnavailable: 503 "connector_unavailable" "Connector unavailable";
    Busy: 503 "busy" "Busy";
    Cancelled: 503 "cancelled" "Cancelled";
    LlmNotConfigured: 503 "llm_not_configured" "No language model is configured";
    ConnectionRefused: 503 "connection_refused" "Connection refused";
    HostNotFound: 503 "host_not_found" "Host not found";
    AuthenticationFailed: 503 "authentication_failed" "Authentication failed";
    TlsFailed: 503 "tls_failed" "TLS failed";
    DatabaseMissing: 503 "database_missing" "No such database";
    Timeout: 504 "timeout" "Timeout";
}

/// One error answer.
#[derive(Debug, Clone)]
pub struct Problem {
    pub code: Code,
    status: u16,
    detail: String,
    extra: Map<String, Value>,
}

/// What is wrong with one field.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct FieldError {
    /// A path: `limits.max_rows`.
    pub field: String,
    pub code: &'static str,
    pub message: String,
}

impl Problem {
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self {
            code,
            status: code.status(),
            detail: detail.into(),
            extra: Map::new(),
        }
    }

    /// A failure of ours. What happened belongs in the log.
    pub fn internal() -> Self {
        Self::new(
            Code::Internal,
            "The server failed. Its log has the details under this request's id.",
        )
    }

    /// Several fields are wrong; an unknown one gives the code, because a misspelt name is most often why
    /// another one seems to be missing.
    pub fn fields(errors: &[FieldError]) -> Self {
        let first = errors
            .iter()
            .find(|error| error.code == "unknown_field")
            .or(errors.first());
        let Some(first) = first else {
            return Self::new(Code::ValidationFailed, "The request is not valid.");
        };
        let code = if first.code == "unknown_field" {
            Code::UnknownField
        } else {
            Code::ValidationFailed
        };
        Self::new(code, format!("{}: {}", first.field, first.message))
            .with("field", first.field.clone())
            .with("errors", json!(errors))
    }

    /// One field is wrong.
    pub fn field(field: impl Into<String>, code: &'static str, message: impl Into<String>) -> Self {
        Self::fields(&[FieldError {
            field: field.into(),
            code,
            message: message.into(),
        }])
    }

    /// Adds a member.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.extra.insert(name.to_owned(), value.into());
        self
    }

    /// Adds a member if there is a value.
    #[must_use]
    pub fn with_option(self, name: &str, value: Option<impl Into<Value>>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// Says which connection it happened on.
    #[must_use]
    pub fn on_connection(self, id: Uuid) -> Self {
        self.with("connection_id", id.to_string())
    }

    /// The same problem while a connection is being checked: whatever keeps the server from reaching it is
    /// then the fault of the request.
    #[must_use]
    pub fn while_checking(mut self) -> Self {
        if matches!(
            self.code,
            Code::ConnectionRefused
                | Code::HostNotFound
                | Code::AuthenticationFailed
                | Code::TlsFailed
                | Code::DatabaseMissing
                | Code::Protocol
                | Code::Timeout
        ) {
            self.status = 400;
        }
        self
    }

    /// Puts other words in place of the detail.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = detail.into();
        self
    }

    pub fn status(&self) -> u16 {
        self.status
    }

    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// The remedy, if it names one.
    pub fn hint(&self) -> Option<&str> {
        self.extra.get("hint").and_then(Value::as_str)
    }

    /// The body, in the order of the contract.
    pub fn to_json(&self, request: Uuid) -> Value {
        let mut body = Map::new();
        body.insert(
            "type".to_owned(),
            format!("/problems/{}", self.code.name()).into(),
        );
        body.insert("title".to_owned(), self.code.title().into());
        body.insert("status".to_owned(), self.status.into());
        body.insert("detail".to_owned(), self.detail.clone().into());
        body.insert("code".to_owned(), self.code.name().into());
        body.insert("instance".to_owned(), format!("urn:uuid:{request}").into());
        body.extend(self.extra.clone());
        Value::Object(body)
    }
}

impl IntoResponse for Problem {
    /// Leaves the body to the request layer, which knows the request's id.
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_stand_in_the_order_of_the_contract() {
        let problem = Problem::new(Code::Syntax, "no").with("position", 3);
        assert_eq!(
            problem.to_json(Uuid::nil()).to_string(),
            r#"{"type":"/problems/syntax","title":"Syntax error","status":400,"detail":"no","code":"syntax","instance":"urn:uuid:00000000-0000-0000-0000-000000000000","position":3}"#
        );
    }

    #[test]
    fn a_misspelt_field_outranks_the_one_that_it_left_missing() {
        let missing = FieldError {
            field: "name".to_owned(),
            code: "missing",
            message: "is required".to_owned(),
        };
        let unknown = FieldError {
            field: "nmae".to_owned(),
            code: "unknown_field",
            message: "is not known".to_owned(),
        };
        let problem = Problem::fields(&[missing, unknown]);
        assert_eq!(problem.code, Code::UnknownField);
        assert_eq!(problem.detail(), "nmae: is not known");
        assert_eq!(problem.to_json(Uuid::nil())["errors"][0]["field"], "name");
    }

    #[test]
    fn an_unreachable_database_is_the_requests_fault_only_while_it_is_checked() {
        let problem = Problem::new(Code::TlsFailed, "no");
        assert_eq!(problem.status(), 503);
        assert_eq!(problem.while_checking().status(), 400);
        let other = Problem::new(Code::AddressNotAllowed, "no").while_checking();
        assert_eq!(other.status(), 403);
    }

    #[test]
    fn code_names_are_unique() {
        let mut names: Vec<_> = Code::ALL.iter().map(|code| code.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Code::ALL.len());
    }
}
