//! `POST /api/v1/chat` and `/ws/chat`: one turn, whole or as it comes.
//!
//! With `Accept: text/event-stream`, and over a WebSocket, a turn tells its stages, rows and words as events and
//! ends with `complete`, or with `error`. When the client leaves, the turn is dropped, and with it the
//! statement.

use std::convert::Infallible;
use std::ops::ControlFlow;
use std::pin::Pin;

use axum::body::{Body, Bytes};
use axum::extract::ws::{CloseFrame, Message as Frame, WebSocket, WebSocketUpgrade};
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use futures_util::{Stream, StreamExt};
use serde_json::{Map, Value, json};
use tokio::sync::mpsc;
use uuid::Uuid;

use super::body::Fields;
use super::conversations::read_id;
use super::extract::Object;
use super::problem::{Code, Problem};
use super::request_id::RequestId;
use crate::app::App;
use crate::chat::conversations::Owner;
use crate::chat::{AskError, Assistance, Event, Events, Knowledge, Message, Mode, Question, Reply};
use crate::query::encode::Numbers;
use crate::tools::Caller;

/// A request, checked.
struct ChatBody {
    question: Question,
    target: Option<String>,
}

/// A request, and who made it.
struct Asked {
    body: ChatBody,
    caller: Caller,
}

impl ChatBody {
    fn read(mut fields: Fields) -> Result<Self, Problem> {
        let message = fields.required_text("message");
        let mode = fields.word(
            "execution_mode",
            &[
                ("natural_language", Mode::NaturalLanguage),
                ("direct_sql", Mode::DirectSql),
            ],
        );
        let sql = fields.text("sql");
        let conversation_id = read_id(&mut fields);
        let target = fields.text("target_database");
        let history = fields
            .given::<Vec<Message>>(
                "conversation_history",
                "an array of objects with role and content",
            )
            .value();
        let session_summary = fields.text("session_summary");
        let session_state = fields
            .given::<Map<String, Value>>("session_state", "an object")
            .value();
        let phrase = fields.flag("synthesize_simple_sql");
        fields.word("workflow_mode", &[("auto", ())]);
        let numbers = fields.word(
            "numbers",
            &[("number", Numbers::Number), ("string", Numbers::Text)],
        );
        if message.trim().is_empty() && sql.is_none() {
            fields.reject("message", "value", "must not be empty");
        }
        fields.finish()?;
        Ok(Self {
            question: Question {
                continues: conversation_id.is_some() && session_state.is_none(),
                message,
                mode: mode.unwrap_or_default(),
                sql,
                conversation_id: conversation_id.unwrap_or_else(new_conversation),
                history: history.unwrap_or_default(),
                session_summary,
                session_state: session_state.unwrap_or_default(),
                numbers: numbers.unwrap_or_default(),
                phrase,
            },
            target,
        })
    }
}

/// `conv_` and 12 hexadecimal digits.
fn new_conversation() -> String {
    let mut id = Uuid::new_v4().simple().to_string();
    id.truncate(12);
    format!("conv_{id}")
}

/// `POST /chat`
pub async fn run(
    State(app): State<App>,
    RequestId(request_id): RequestId,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    Object(fields): Object,
) -> Result<Response, Problem> {
    let body = ChatBody::read(fields)?;
    let asked = Asked { body, caller };
    if !wants_events(&headers) {
        let reply = answer(&app, asked, Events::default()).await?;
        return Ok(axum::Json(reply).into_response());
    }
    let shutdown = app.shutdown.clone();
    let events = turn(app, asked, request_id)
        .map(|event| Ok::<_, Infallible>(Bytes::from(sse(&event))))
        .take_until(shutdown.cancelled_owned());
    let mut response = Body::from_stream(events).into_response();
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/event-stream"),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

async fn answer(app: &App, asked: Asked, events: Events) -> Result<Reply, Problem> {
    let Asked { body, caller } = asked;
    let connection = app.registry.resolve(body.target.as_deref()).await?;
    let id = connection.key.id;
    let knowledge = Knowledge {
        index: &app.index,
        library: &app.library,
        models: &app.models,
    };
    let assistance = app.llm.as_deref().map(|model| Assistance {
        model,
        tools: &app.tools,
        caller: &caller,
    });
    let owner = Owner::from(&caller);
    let reply = app.conversations.ask(
        &owner,
        &connection,
        body.question,
        knowledge,
        assistance,
        events,
    );
    reply.await.map_err(|error| {
        let problem = match error {
            AskError::Query(error) => Problem::from(&error),
            AskError::Retrieve(error) => Problem::from(error),
        };
        problem.on_connection(id)
    })
}

fn wants_events(headers: &HeaderMap) -> bool {
    headers.get_all(header::ACCEPT).iter().any(|value| {
        value.to_str().is_ok_and(|text| {
            text.split(',').any(|part| {
                let essence = part.split(';').next().unwrap_or_default();
                essence.trim().eq_ignore_ascii_case("text/event-stream")
            })
        })
    })
}

/// What a client that listens is sent: the name of an event and the rest of it.
struct Sent {
    name: String,
    data: Map<String, Value>,
    /// The code of the problem, if the turn failed.
    failed: Option<Code>,
}

impl Sent {
    fn event(event: &Event) -> Self {
        let mut data = object(serde_json::to_value(event).unwrap_or_default());
        let name = data.remove("event");
        let name = name.as_ref().and_then(Value::as_str).unwrap_or_default();
        Self {
            name: name.to_owned(),
            data,
            failed: None,
        }
    }

    fn end(outcome: Result<Reply, Problem>, request_id: Uuid) -> Self {
        match outcome {
            Ok(reply) => Self {
                name: "complete".to_owned(),
                data: object(json!({ "response": reply })),
                failed: None,
            },
            Err(problem) => {
                let mut data = Map::new();
                data.insert("error".to_owned(), error_name(problem.code).into());
                data.insert("message".to_owned(), problem.detail().into());
                data.extend(object(problem.to_json(request_id)));
                Self {
                    name: "error".to_owned(),
                    data,
                    failed: Some(problem.code),
                }
            }
        }
    }
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

/// The events of a turn, its end included. Dropping it ends the turn.
fn turn(app: App, asked: Asked, request_id: Uuid) -> impl Stream<Item = Sent> + Send {
    let (sender, mut receiver) = mpsc::unbounded_channel();
    let work: Pin<Box<dyn Future<Output = Result<Reply, Problem>> + Send>> =
        Box::pin(async move { answer(&app, asked, Events::to(sender)).await });
    let mut work = Some(work);
    let mut outcome = None;
    futures_util::stream::poll_fn(move |context| {
        if let Some(running) = &mut work
            && let std::task::Poll::Ready(result) = running.as_mut().poll(context)
        {
            outcome = Some(result);
            // Its sender goes with it: what it told before is still to be read.
            work = None;
        }
        match receiver.poll_recv(context) {
            std::task::Poll::Ready(Some(event)) => {
                std::task::Poll::Ready(Some(Sent::event(&event)))
            }
            // Nothing more is told, but what was answered is still being kept.
            std::task::Poll::Ready(None) if work.is_some() => std::task::Poll::Pending,
            std::task::Poll::Ready(None) => {
                std::task::Poll::Ready(outcome.take().map(|end| Sent::end(end, request_id)))
            }
            std::task::Poll::Pending => std::task::Poll::Pending,
        }
    })
}

/// One event in the form of server-sent events. JSON has no line breaks of its own.
fn sse(event: &Sent) -> String {
    let data = serde_json::to_string(&event.data).unwrap_or_default();
    format!("event: {}\ndata: {data}\n\n", event.name)
}

/// `GET /ws/chat`: one request, its events, and a close.
pub async fn socket(
    State(app): State<App>,
    Extension(RequestId(request_id)): Extension<RequestId>,
    Extension(caller): Extension<Caller>,
    upgrade: WebSocketUpgrade,
) -> Response {
    let largest = usize::try_from(app.limits.request_max_bytes).unwrap_or(usize::MAX);
    upgrade
        .max_message_size(largest)
        .max_frame_size(largest)
        .on_upgrade(move |socket| converse(app, socket, caller, request_id))
}

async fn converse(app: App, mut socket: WebSocket, caller: Caller, request_id: Uuid) {
    let Some(text) = request(&mut socket).await else {
        return;
    };
    let shutdown = app.shutdown.clone();
    let body = Fields::parse(text.as_bytes()).and_then(ChatBody::read);
    let events: Pin<Box<dyn Stream<Item = Sent> + Send>> = match body {
        Ok(body) => Box::pin(turn(app, Asked { body, caller }, request_id)),
        Err(problem) => Box::pin(futures_util::stream::iter([Sent::end(
            Err(problem),
            request_id,
        )])),
    };
    let mut events = std::pin::pin!(events.take_until(shutdown.cancelled_owned()));
    let mut failed = None;
    loop {
        tokio::select! {
            event = events.next() => {
                let Some(event) = event else { break };
                failed = failed.or(event.failed);
                let mut data = event.data;
                data.insert("event".to_owned(), event.name.into());
                let text = serde_json::to_string(&data).unwrap_or_default();
                if socket.send(Frame::Text(text.into())).await.is_err() {
                    return;
                }
            }
            // Whoever leaves gets no answer, and the statement ends.
            gone = left(&mut socket) => if gone.is_break() { return },
        }
    }
    let close = CloseFrame {
        code: failed.map_or(1000, close_code),
        reason: failed.map_or("", error_name).into(),
    };
    // The other end may have gone already.
    let _ = socket.send(Frame::Close(Some(close))).await;
}

/// The one request, as text.
async fn request(socket: &mut WebSocket) -> Option<String> {
    loop {
        match socket.recv().await? {
            Ok(Frame::Text(text)) => return Some(text.as_str().to_owned()),
            Ok(Frame::Binary(bytes)) => return Some(String::from_utf8_lossy(&bytes).into_owned()),
            Ok(Frame::Ping(_) | Frame::Pong(_)) => {}
            Ok(Frame::Close(_)) | Err(_) => return None,
        }
    }
}

async fn left(socket: &mut WebSocket) -> ControlFlow<()> {
    match socket.recv().await {
        Some(Ok(Frame::Close(_)) | Err(_)) | None => ControlFlow::Break(()),
        Some(Ok(_)) => ControlFlow::Continue(()),
    }
}

/// The class of a problem that the clients of the original know.
fn error_name(code: Code) -> &'static str {
    match code {
        Code::InvalidJson => "invalid_json",
        Code::ValidationFailed | Code::UnknownField => "validation_error",
        Code::InvalidConnectionId | Code::ConnectionNotFound => "invalid_target_database",
        Code::SystemNotInitialized => "system_not_initialized",
        code if code.status() == 503 => "service_unavailable",
        Code::Internal => "internal_error",
        _ => "query_error",
    }
}

/// The close code of RFC 6455 that goes with it.
fn close_code(code: Code) -> u16 {
    match error_name(code) {
        "invalid_json" => 1003,
        "service_unavailable" | "internal_error" => 1011,
        _ => 1008,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_has_the_class_and_the_close_code_of_the_contract() {
        for (code, name, close) in [
            (Code::InvalidJson, "invalid_json", 1003),
            (Code::UnknownField, "validation_error", 1008),
            (Code::ConnectionNotFound, "invalid_target_database", 1008),
            (Code::SystemNotInitialized, "system_not_initialized", 1008),
            (Code::ReadOnlyViolation, "query_error", 1008),
            (Code::RegistryUnavailable, "service_unavailable", 1011),
            (Code::Internal, "internal_error", 1011),
        ] {
            assert_eq!((error_name(code), close_code(code)), (name, close));
        }
    }

    #[test]
    fn only_a_client_that_asks_for_events_gets_them() {
        let mut headers = HeaderMap::new();
        assert!(!wants_events(&headers));
        headers.insert(header::ACCEPT, HeaderValue::from_static("*/*"));
        assert!(!wants_events(&headers));
        let events = HeaderValue::from_static("application/json, Text/Event-Stream;q=0.9");
        headers.insert(header::ACCEPT, events);
        assert!(wants_events(&headers));
    }

    #[test]
    fn everything_that_is_wrong_with_a_request_is_named() {
        let text = r#"{"message": " ", "execution_mode": "sql", "mesage": "x"}"#;
        let fields = Fields::parse(text.as_bytes()).expect("an object");
        let Err(problem) = ChatBody::read(fields) else {
            panic!("it was taken");
        };
        let json = problem.to_json(Uuid::nil());
        let errors = json["errors"].as_array().expect("errors");
        let named: Vec<_> = errors
            .iter()
            .filter_map(|error| error["field"].as_str())
            .collect();
        assert_eq!(named, ["execution_mode", "message", "mesage"]);
    }
}
