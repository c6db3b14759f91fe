//! `/api/v1/conversations`: what was asked and answered, for whoever asked it.

use axum::Json;
use axum::extract::{FromRequestParts, Path, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

use super::body::Fields;
use super::convert::sentence;
use super::extract::{Object, Page, Parameters};
use super::problem::{Code, Problem};
use crate::app::App;
use crate::chat::conversations::{Conversation, ConversationError, Owner, Turn, markdown};
use crate::store::ConversationPlace;
use crate::tools::Caller;

/// Entries of a page for whoever names no limit.
const PAGE: u32 = 100;

/// The most characters of a conversation's id.
const ID_MAX: usize = 100;

/// Whose conversations a request is about: the caller's own.
#[derive(Debug, Clone)]
pub struct Own(pub Owner);

impl<S: Send + Sync> FromRequestParts<S> for Own {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        match parts.extensions.get::<Caller>() {
            Some(caller) if *caller != Caller::Nobody => Ok(Self(Owner::from(caller))),
            // All who have no name would share what they say.
            _ => Err(Problem::new(
                Code::Unauthorized,
                "This server needs an API key.",
            )),
        }
    }
}

/// The `{id}` of a conversation. What can't be one is not found.
#[derive(Debug, Clone)]
pub struct ConversationId(pub String);

impl<S: Send + Sync> FromRequestParts<S> for ConversationId {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Path::<String>::from_request_parts(parts, state).await {
            Ok(Path(id)) if is_id(&id) => Ok(Self(id)),
            _ => Err(Problem::new(
                Code::ConversationNotFound,
                "There is no such conversation of yours.",
            )),
        }
    }
}

fn is_id(text: &str) -> bool {
    (1..=ID_MAX).contains(&text.chars().count()) && !text.contains(char::is_control)
}

/// The id of a conversation in a request body: the client's choice.
pub fn read_id(fields: &mut Fields) -> Option<String> {
    let id = fields.text("conversation_id")?;
    if !is_id(&id) {
        let message =
            format!("must have 1 to {ID_MAX} characters, none of them a control character");
        fields.reject("conversation_id", "value", message);
    }
    Some(id)
}

/// `GET /conversations`
pub async fn list(
    State(app): State<App>,
    Own(owner): Own,
    page: Page,
) -> Result<Json<Value>, Problem> {
    let after = page.after(decode)?;
    let limit = page.limit.unwrap_or(PAGE);
    let listed = app.conversations.list(&owner, after.as_ref(), limit);
    let (found, next) = listed.await?;
    let conversations: Vec<Value> = found.iter().map(show).collect();
    let next_cursor = next.map(|place| encode(&place));
    Ok(Json(
        json!({ "conversations": conversations, "next_cursor": next_cursor }),
    ))
}

/// `GET /conversations/{id}`
pub async fn get(
    State(app): State<App>,
    Own(owner): Own,
    ConversationId(id): ConversationId,
) -> Result<Json<Value>, Problem> {
    let (conversation, turns) = app.conversations.turns(&owner, &id).await?;
    Ok(Json(whole(&conversation, &turns)))
}

/// `PATCH /conversations/{id}`
pub async fn rename(
    State(app): State<App>,
    Own(owner): Own,
    ConversationId(id): ConversationId,
    Object(mut fields): Object,
) -> Result<Json<Value>, Problem> {
    let title = fields.required_text("title");
    let title = title.trim();
    let most = app.limits.name_max_chars;
    if title.is_empty() || title.chars().count() as u64 > most || title.contains(char::is_control) {
        let message = format!("must have 1 to {most} characters, none of them a control character");
        fields.reject("title", "value", message);
    }
    fields.finish()?;
    let renamed = app.conversations.rename(&owner, &id, title).await?;
    Ok(Json(show(&renamed)))
}

/// `DELETE /conversations/{id}`
pub async fn delete(
    State(app): State<App>,
    Own(owner): Own,
    ConversationId(id): ConversationId,
) -> Result<StatusCode, Problem> {
    app.conversations.delete(&owner, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Clone, Copy)]
enum Format {
    Json,
    Markdown,
}

/// `GET /conversations/{id}/export`
pub async fn export(
    State(app): State<App>,
    Own(owner): Own,
    ConversationId(id): ConversationId,
    parameters: Parameters,
) -> Result<Response, Problem> {
    let formats = [("json", Format::Json), ("markdown", Format::Markdown)];
    let format = parameters.word("format", &formats)?.unwrap_or(Format::Json);
    let (conversation, turns) = app.conversations.turns(&owner, &id).await?;
    let (mut response, disposition) = match format {
        Format::Json => (
            Json(whole(&conversation, &turns)).into_response(),
            "attachment; filename=\"conversation.json\"",
        ),
        Format::Markdown => {
            let page = markdown(&conversation, &turns);
            let media_type = [(header::CONTENT_TYPE, "text/markdown; charset=utf-8")];
            (
                (media_type, page).into_response(),
                "attachment; filename=\"conversation.md\"",
            )
        }
    };
    response.headers_mut().insert(
        header::CONTENT_DISPOSITION,
        HeaderValue::from_static(disposition),
    );
    Ok(response)
}

/// A conversation, in the order of the contract.
fn show(conversation: &Conversation) -> Value {
    json!({
        "conversation_id": conversation.id,
        "title": conversation.title,
        "turn_count": conversation.turns,
        "database": conversation.database,
        "created_at": time(conversation.created_at),
        "updated_at": time(conversation.updated_at),
    })
}

fn whole(conversation: &Conversation, turns: &[Turn]) -> Value {
    let mut shown = show(conversation);
    shown["turns"] = turns.iter().map(show_turn).collect();
    shown
}

fn show_turn(turn: &Turn) -> Value {
    let kept = |name: &str| turn.session_state.get(name);
    json!({
        "asked_at": time(turn.asked_at),
        "database": turn.database,
        "question": turn.question,
        "answer": turn.answer,
        "answer_source": turn.answer_source,
        "sql": turn.ground("sql"),
        "plan": kept("plan"),
        "pending": kept("pending"),
        "datapoints": turn.ground("datapoints").as_array().map_or(&[][..], Vec::as_slice),
        "scope_used": turn.ground("scope_used"),
    })
}

fn time(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Micros, true)
}

fn encode((time, id): &ConversationPlace) -> String {
    URL_SAFE_NO_PAD.encode(format!("{time}\n{id}"))
}

fn decode(cursor: &str) -> Option<ConversationPlace> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()?;
    let (time, id) = text.split_once('\n')?;
    // PostgreSQL takes no text with a NUL.
    (!id.contains('\0')).then_some(())?;
    Some((time.parse().ok()?, id.to_owned()))
}

impl From<ConversationError> for Problem {
    fn from(error: ConversationError) -> Self {
        match error {
            ConversationError::NotFound { .. } => {
                Self::new(Code::ConversationNotFound, sentence(&error))
            }
            ConversationError::Unavailable(reason) => Self::from(reason),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_a_place_and_nothing_else_is_one() {
        let place = (7, "conv\n1".to_owned());
        assert_eq!(decode(&encode(&place)), Some(place));
        for text in ["", "x", "!", &URL_SAFE_NO_PAD.encode("a\nb")] {
            assert_eq!(decode(text), None, "{text}");
        }
    }

    #[test]
    fn an_id_is_short_and_has_no_control_characters() {
        let read = |id: &str| {
            let text = json!({ "conversation_id": id }).to_string();
            let mut fields = Fields::parse(text.as_bytes()).expect("an object");
            let id = read_id(&mut fields);
            fields.finish().map(|()| id)
        };
        let id = Some("Größe 1/2".to_owned());
        assert_eq!(read("Größe 1/2").expect("valid"), id);
        for wrong in ["", "a\0", "a\nb", &"x".repeat(101)] {
            let problem = read(wrong).expect_err(wrong);
            assert_eq!(problem.code, Code::ValidationFailed);
        }
    }
}
