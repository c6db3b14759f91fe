//! `/api/v1/tools`: what there is, one call, and an administrator's consent to one.

use axum::Json;
use axum::extract::{Extension, State};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::body::Fields;
use super::extract::{Admin, AnyId, Object};
use super::problem::{Code, FieldError, Problem};
use crate::app::App;
use crate::plugins::tool::{ToolError, ToolErrorCode};
use crate::plugins::{PluginError, ToolCallError};
use crate::tools::{Call, Caller, RunError, ToolAnswer, ToolView};

/// `GET /tools`
pub async fn list(State(app): State<App>) -> Json<Vec<ToolView>> {
    Json(app.tools.list())
}

struct Request {
    name: String,
    arguments: Box<RawValue>,
    target: Option<String>,
    approved: bool,
    user_id: Option<String>,
    correlation_id: Option<String>,
}

impl Request {
    fn read(mut fields: Fields) -> Result<Self, Problem> {
        let request = Self {
            name: fields.required_text("name"),
            arguments: fields
                .raw("arguments")
                .unwrap_or_else(|| RawValue::NULL.to_owned()),
            target: fields.text("target_database"),
            approved: fields.flag("approved").unwrap_or(false),
            user_id: fields.text("user_id"),
            correlation_id: fields.text("correlation_id"),
        };
        fields.finish()?;
        Ok(request)
    }
}

/// `POST /tools/execute`
pub async fn execute(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Object(fields): Object,
) -> Result<Json<ToolAnswer>, Problem> {
    let mut request = Request::read(fields)?;
    if request.arguments.get() == "null" {
        // No arguments at all: the schema says whether that is enough.
        request.arguments =
            RawValue::from_string("{}".to_owned()).map_err(|_| Problem::internal())?;
    }
    let connection = app.registry.resolve(request.target.as_deref()).await?;
    let id = connection.key.id;
    tracing::info!(
        tool = request.name,
        connection = %id,
        caller = caller.name(),
        user_id = request.user_id,
        correlation_id = request.correlation_id,
        "tool call"
    );
    let call = Call {
        name: &request.name,
        arguments: &request.arguments,
        approved: request.approved,
        caller: &caller,
    };
    let answer = app.tools.run(connection, call).await;
    let answer = answer.map_err(|error| Problem::from(error).on_connection(id))?;
    Ok(Json(answer))
}

/// `POST /tools/approvals/{id}`
pub async fn approve(
    State(app): State<App>,
    AnyId(id): AnyId,
    Admin(caller): Admin,
) -> Result<Json<Value>, Problem> {
    let tool = app.tools.approvals().grant(id).ok_or_else(|| {
        Problem::new(Code::NotFound, "No tool call waits under this id.").with(
            "hint",
            "A call waits until it is made, or until it is too old; make it again.",
        )
    })?;
    tracing::info!(%id, tool, by = caller.name(), "tool call granted");
    Ok(Json(
        json!({ "approval_id": id, "tool": tool, "granted": true }),
    ))
}

impl From<RunError> for Problem {
    fn from(error: RunError) -> Self {
        let text = error.to_string();
        match error {
            RunError::Unknown { .. } => Self::new(Code::UnknownTool, text).with("field", "name"),
            RunError::Disabled { .. } => Self::new(Code::ToolDisabled, text),
            RunError::UserNotAllowed { .. } => Self::new(Code::UserNotAllowed, text),
            RunError::NeedsConfirmation { .. } => Self::new(Code::ApprovalRequired, text)
                .with("field", "approved")
                .with("hint", "Send the call again with `approved: true`."),
            RunError::NeedsOperator { approval_id, .. } => {
                Self::new(Code::ApprovalRequired, text)
                    .with("approval_id", approval_id.to_string())
                    .with(
                        "hint",
                        format!(
                            "An administrator grants it with `datachat tools approve {approval_id}`; then send the same call again."
                        ),
                    )
            }
            RunError::Arguments(offences) => {
                let errors: Vec<FieldError> = offences
                    .into_iter()
                    .map(|offence| FieldError {
                        field: offence.field,
                        code: offence.code,
                        message: offence.message,
                    })
                    .collect();
                Self::fields(&errors)
            }
            RunError::Query(error) => Self::from(&*error),
            RunError::Read(error) => Self::from(error),
            RunError::Profile(error) => Self::from(error),
            RunError::TargetConflict => Self::new(Code::TargetConflict, text)
                .with("field", "arguments.connection_id")
                .with("hint", "Name the connection as `target_database`, or leave it out of the arguments."),
            RunError::Call(error) => match *error {
                ToolCallError::Tool(error) => from_tool(error),
                ToolCallError::Plugin(error) => Self::from(&error),
            },
        }
    }
}

/// What a component says is capped and only ever text.
fn from_tool(error: ToolError) -> Problem {
    let message: String = error.message.chars().take(1000).collect();
    let argument = error.argument.map(|name| format!("arguments.{name}"));
    match error.code {
        ToolErrorCode::InvalidArgument => Problem::field(
            argument.unwrap_or_else(|| "arguments".to_owned()),
            "value",
            message,
        ),
        ToolErrorCode::TableNotFound => {
            Problem::new(Code::TableNotFound, message).with_option("field", argument)
        }
        ToolErrorCode::AmbiguousTable => Problem::new(Code::AmbiguousTable, message)
            .with_option("field", argument)
            .with("candidates", json!(error.candidates)),
        ToolErrorCode::Database => match error.database {
            Some(database) => Problem::from(&PluginError::Database(database)),
            None => Problem::new(Code::PluginFailed, message),
        },
        ToolErrorCode::Failed => Problem::new(Code::PluginFailed, message),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn tool_error(code: ToolErrorCode) -> ToolError {
        ToolError {
            code,
            message: "Several tables are called \"items\".".to_owned(),
            argument: Some("table".to_owned()),
            candidates: vec!["a.items".to_owned(), "b.items".to_owned()],
            database: None,
        }
    }

    #[test]
    fn an_ambiguous_table_lists_its_candidates() {
        let problem = from_tool(tool_error(ToolErrorCode::AmbiguousTable));
        let body = problem.to_json(Uuid::nil());
        assert_eq!(body["status"], 409);
        assert_eq!(body["field"], "arguments.table");
        assert_eq!(body["candidates"], json!(["a.items", "b.items"]));
    }

    #[test]
    fn a_call_that_waits_for_an_administrator_names_its_approval() {
        let id = Uuid::from_u128(7);
        let problem = Problem::from(RunError::NeedsOperator {
            name: "t".to_owned(),
            approval_id: id,
        });
        let body = problem.to_json(Uuid::nil());
        assert_eq!(
            (problem.status(), problem.code.name()),
            (403, "approval_required")
        );
        assert_eq!(body["approval_id"], id.to_string());
    }

    #[test]
    fn arguments_are_not_needed_where_the_tool_needs_none() {
        let fields = Fields::parse(br#"{"name": "list_tables"}"#).expect("an object");
        let request = Request::read(fields).expect("valid");
        assert_eq!(request.arguments.get(), "null");
        assert!(!request.approved);
    }
}
