//! `/api/v1/datapoints`: the stored DataPoints.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

use super::convert::sentence;
use super::extract::{Admin, JsonText, Page, Parameters};
use super::problem::{Code, FieldError, Problem};
use crate::app::App;
use crate::knowledge::datapoint;
use crate::knowledge::library::{LibraryError, ScopeKind, Selection, Stored, Which};
use crate::knowledge::{Kind, Scope};
use crate::store::DatapointPlace;

/// Entries of a page for whoever names no limit.
const PAGE: u32 = 100;

/// `GET /datapoints`
pub async fn list(
    State(app): State<App>,
    page: Page,
    parameters: Parameters,
) -> Result<Json<Value>, Problem> {
    let selection = Selection {
        connection: parameters.connection_id()?,
        scope: parameters.word("scope", &SCOPES)?,
        kind: parameters.word("type", &KINDS)?,
        text: parameters.get("q").map(str::to_owned),
    };
    let bodies = parameters.word("bodies", &[("true", true), ("false", false)])?;
    let after = page.after(decode)?;
    let limit = page.limit.unwrap_or(PAGE);
    let (found, next) = app.library.list(&selection, after.as_ref(), limit).await?;
    let show = |stored: &Stored| show(stored, bodies == Some(true));
    let datapoints: Vec<Value> = found.iter().map(show).collect();
    let next_cursor = next.map(|place| encode(&place));
    Ok(Json(
        json!({ "datapoints": datapoints, "next_cursor": next_cursor }),
    ))
}

/// `POST /datapoints`
pub async fn create(
    State(app): State<App>,
    _: Admin,
    JsonText(text): JsonText,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let stored = app.library.create(&text).await?;
    Ok((StatusCode::CREATED, Json(stored.point.to_json())))
}

/// `GET /datapoints/{id}`
pub async fn get(
    State(app): State<App>,
    Path(id): Path<String>,
    parameters: Parameters,
) -> Result<Json<Value>, Problem> {
    let stored = app.library.get(&id, which(&parameters)?).await?;
    Ok(Json(stored.point.to_json()))
}

/// `PUT /datapoints/{id}`
pub async fn replace(
    State(app): State<App>,
    Path(id): Path<String>,
    _: Admin,
    parameters: Parameters,
    JsonText(text): JsonText,
) -> Result<Json<Value>, Problem> {
    let stored = app.library.replace(&id, which(&parameters)?, &text).await?;
    Ok(Json(stored.point.to_json()))
}

/// `DELETE /datapoints/{id}`
pub async fn delete(
    State(app): State<App>,
    Path(id): Path<String>,
    _: Admin,
    parameters: Parameters,
) -> Result<StatusCode, Problem> {
    app.library.delete(&id, which(&parameters)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

const SCOPES: [(&str, ScopeKind); 3] = [
    ("connection", ScopeKind::Connection),
    ("global", ScopeKind::Global),
    ("unscoped", ScopeKind::Unscoped),
];

const KINDS: [(&str, Kind); 4] = [
    ("Schema", Kind::Schema),
    ("Business", Kind::Business),
    ("Process", Kind::Process),
    ("Query", Kind::Query),
];

/// Which of several of one id is meant.
fn which(parameters: &Parameters) -> Result<Which, Problem> {
    let connection = parameters.connection_id()?;
    let words = [("global", Scope::Global), ("unscoped", Scope::Unscoped)];
    let scope = parameters.word("scope", &words)?;
    match (connection, scope) {
        (Some(_), Some(_)) => Err(Problem::field(
            "scope",
            "value",
            "must not be given beside connection_id",
        )),
        (Some(id), None) => Ok(Which::Of(Scope::Connection(id))),
        (None, Some(scope)) => Ok(Which::Of(scope)),
        (None, None) => Ok(Which::Only),
    }
}

/// A DataPoint in a list; the fields stand in the order of the contract.
fn show(stored: &Stored, with_body: bool) -> Value {
    let mut shown = Map::new();
    let point = &stored.point;
    shown.insert("datapoint_id".to_owned(), point.id.clone().into());
    shown.insert("type".to_owned(), point.kind().name().into());
    shown.insert("name".to_owned(), point.name.clone().into());
    shown.insert("source_tier".to_owned(), stored.tier.name().into());
    shown.insert("source_path".to_owned(), stored.path.clone().into());
    let lifecycle = point.metadata.get("lifecycle").and_then(Value::as_object);
    for (name, value) in lifecycle.into_iter().flatten() {
        shown.insert(format!("lifecycle_{name}"), value.clone());
    }
    let connection = stored.scope.connection().map(|id| id.to_string());
    shown.insert("connection_id".to_owned(), connection.into());
    shown.insert("scope".to_owned(), scope_word(stored.scope).into());
    if with_body {
        shown.insert("datapoint".to_owned(), point.to_json());
    }
    Value::Object(shown)
}

pub(super) fn scope_word(scope: Scope) -> &'static str {
    match scope {
        Scope::Connection(_) => "connection",
        Scope::Global => "global",
        Scope::Unscoped => "unscoped",
    }
}

fn encode(place: &DatapointPlace) -> String {
    URL_SAFE_NO_PAD.encode(format!("{}\n{}", place.0, place.1))
}

fn decode(cursor: &str) -> Option<DatapointPlace> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()?;
    let (id, scope) = text.split_once('\n')?;
    Some((id.to_owned(), Scope::from_key(scope)?.to_string()))
}

/// What is wrong with a DataPoint that came as a body.
fn problems(problems: Vec<datapoint::Problem>) -> Problem {
    let whole = problems
        .iter()
        .find(|problem| problem.code == "invalid_json");
    if let Some(problem) = whole {
        let line = problem.line.unwrap_or(1);
        let message = format!("The body {}, line {line}.", problem.message);
        return Problem::new(Code::InvalidJson, message);
    }
    let errors: Vec<FieldError> = problems
        .into_iter()
        .map(|problem| FieldError {
            field: if problem.field.is_empty() {
                "body".to_owned()
            } else {
                problem.field
            },
            code: problem.code,
            message: problem.message,
        })
        .collect();
    Problem::fields(&errors)
}

impl From<LibraryError> for Problem {
    fn from(error: LibraryError) -> Self {
        let text = sentence(&error);
        match error {
            LibraryError::Invalid(found) => problems(found),
            LibraryError::TooLarge { .. } => {
                Self::new(Code::ResourceLimit, text).with("limit", "datapoint_bytes")
            }
            LibraryError::Contract(gaps) => {
                Self::new(Code::ContractFailed, text).with("contract_errors", json!(gaps))
            }
            LibraryError::Exists { .. } => Self::new(Code::DatapointExists, text)
                .with("field", "datapoint_id")
                .with("hint", "PUT changes it."),
            LibraryError::NotFound { .. } => Self::new(Code::DatapointNotFound, text),
            LibraryError::Ambiguous { scopes, .. } => {
                let candidates: Vec<Value> = scopes
                    .into_iter()
                    .map(|scope| {
                        json!({ "scope": scope_word(scope), "connection_id": scope.connection() })
                    })
                    .collect();
                Self::new(Code::AmbiguousDatapoint, text)
                    .with("candidates", candidates)
                    .with(
                        "hint",
                        "`?connection_id=` or `?scope=global|unscoped` says which.",
                    )
            }
            LibraryError::IdMismatch { .. } => {
                Self::new(Code::DatapointIdMismatch, text).with("field", "datapoint_id")
            }
            LibraryError::ConnectionNotFound { id } => Self::new(Code::ConnectionNotFound, text)
                .with("field", "metadata.connection_id")
                .on_connection(id),
            LibraryError::Unavailable(reason) => Self::from(reason),
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_cursor_is_a_place_and_nothing_else_is_one() {
        let scope = Scope::Connection(Uuid::from_u128(7)).to_string();
        let place = ("table_orders".to_owned(), scope);
        assert_eq!(decode(&encode(&place)), Some(place));
        for text in ["", "x", "!", &URL_SAFE_NO_PAD.encode("a\nb")] {
            assert_eq!(decode(text), None, "{text}");
        }
    }

    #[test]
    fn an_ambiguous_id_says_whose_the_candidates_are() {
        let id = Uuid::from_u128(7);
        let problem = Problem::from(LibraryError::Ambiguous {
            id: "table_orders".to_owned(),
            scopes: vec![Scope::Connection(id), Scope::Global],
        });
        let body = problem.to_json(Uuid::nil());
        assert_eq!(
            (problem.status(), problem.code),
            (409, Code::AmbiguousDatapoint)
        );
        assert_eq!(
            body["candidates"],
            json!([
                {"scope": "connection", "connection_id": id},
                {"scope": "global", "connection_id": null},
            ])
        );
    }
}
