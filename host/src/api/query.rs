//! `POST /api/v1/query`: one statement, streamed in the format that the client wants.
//!
//! The first rows decide the status; what goes wrong after them ends the body. Formats that can't say how
//! they ended do so in trailers, for clients that announce `TE: trailers`. When the client leaves, the body is
//! dropped, and with it the statement.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Version, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http_body::Frame;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tracing::Span;
use uuid::Uuid;

use super::body::Fields;
use super::extract::Object;
use super::problem::{Code, Problem};
use super::request_id::RequestId;
use crate::app::App;
use crate::limits::Limits;
use crate::plugins::Parameters;
use crate::query::encode::{
    self, EncodeError, Encoded, Format, NotAcceptable, Numbers, Options, Outcome, negotiate,
};
use crate::query::{OnLimit, QueryError, QueryLimits, QueryRequest, execute, params};

/// Which database gave an answer that has no place for it, as JSON.
pub const DATABASE: HeaderName = HeaderName::from_static("x-datachat-database");
/// How many rows it had, known at its end.
pub const ROW_COUNT: HeaderName = HeaderName::from_static("x-datachat-row-count");
/// Which limit cut it off, or `false`.
pub const TRUNCATED: HeaderName = HeaderName::from_static("x-datachat-truncated");

/// A request, checked.
#[derive(Debug)]
pub struct QueryBody {
    pub request: QueryRequest,
    pub target: Option<String>,
    pub format: Format,
    pub numbers: Numbers,
}

impl QueryBody {
    /// Reads the fields of a request; `accept` counts where `format` is absent.
    ///
    /// # Errors
    /// 422 for what is wrong with a field, 406 for an `Accept` that nothing fits.
    pub fn read(
        mut fields: Fields,
        accept: Option<&str>,
        limits: &Limits,
    ) -> Result<Self, Problem> {
        let sql = fields.required_text("sql");
        let target = fields.text("target_database");
        let params = read_params(&mut fields);
        let query_limits = read_limits(&mut fields, limits);
        let format = fields.word(
            "format",
            &[
                ("json", Format::Json),
                ("ndjson", Format::Ndjson),
                ("csv", Format::Csv),
                ("arrow", Format::Arrow),
                ("parquet", Format::Parquet),
            ],
        );
        let numbers = fields
            .word(
                "numbers",
                &[("number", Numbers::Number), ("string", Numbers::Text)],
            )
            .unwrap_or_default();
        fields.finish()?;
        let format = negotiate(format, accept).map_err(|error: NotAcceptable| {
            Problem::new(Code::NotAcceptable, format!("{error}."))
        })?;
        Ok(Self {
            request: QueryRequest {
                sql,
                params,
                limits: query_limits,
            },
            target,
            format,
            numbers,
        })
    }
}

fn read_params(fields: &mut Fields) -> Parameters {
    let raw = fields.raw("params");
    params::parse(raw.as_deref()).unwrap_or_else(|error| {
        fields.reject(&error.field, "value", error.message);
        Parameters::Positional(Vec::new())
    })
}

fn read_limits(fields: &mut Fields, limits: &Limits) -> QueryLimits {
    let mut read = QueryLimits::unasked(limits);
    let Some(mut nested) = fields.object("limits") else {
        return read;
    };
    if let Some(rows) = nested.integer("max_rows", 1..=limits.query_max_rows) {
        read.max_rows = rows;
    }
    if let Some(bytes) = nested.integer("max_bytes", 1..=limits.query_max_bytes) {
        read.max_bytes = bytes;
    }
    if let Some(millis) = nested.integer("timeout_ms", 1..=limits.query_max_timeout_ms) {
        read.timeout_ms = millis;
    }
    let words = [("truncate", OnLimit::Truncate), ("error", OnLimit::Error)];
    if let Some(on_limit) = nested.word("on_limit", &words) {
        read.on_limit = on_limit;
    }
    fields.absorb(nested);
    read
}

/// `POST /query`
pub async fn run(
    State(app): State<App>,
    RequestId(request_id): RequestId,
    version: Version,
    headers: HeaderMap,
    Object(fields): Object,
) -> Result<Response, Problem> {
    let accept = accept(&headers);
    let body = QueryBody::read(fields, accept.as_deref(), &app.limits)?;
    if version <= Version::HTTP_10 && body.format == Format::Csv {
        return Err(shows_no_end());
    }
    let encoded = start(&app, body, request_id).await?;
    Ok(respond(&headers, encoded, app.shutdown.clone()))
}

/// CSV has no mark for its end, and HTTP/1.0 none for the end of a body but that of the connection, which a
/// failure ends as well: a short result would look whole.
fn shows_no_end() -> Problem {
    Problem::new(
        Code::NotAcceptable,
        "Over HTTP/1.0 a CSV result that broke off can't be told from a whole one.",
    )
    .with(
        "hint",
        "Use HTTP/1.1 (nginx: `proxy_http_version 1.1`), or another format.",
    )
}

/// Runs a statement up to its first rows.
///
/// # Errors
/// Everything that can go wrong before the first byte, as a problem that names the connection.
pub async fn start(app: &App, body: QueryBody, request_id: Uuid) -> Result<Encoded, Problem> {
    let connection = app.registry.resolve(body.target.as_deref()).await?;
    let id = connection.key.id;
    let stream = execute(&connection, body.request, &app.limits)
        .await
        .map_err(|error| Problem::from(&error).on_connection(id))?;
    let mut options = Options::new(Arc::new(move |error: &QueryError| {
        Problem::from(error).on_connection(id).to_json(request_id)
    }));
    options.numbers = body.numbers;
    encode::encode(stream, body.format, options)
        .await
        .map_err(|error| Problem::from(&error).on_connection(id))
}

impl From<&EncodeError> for Problem {
    fn from(error: &EncodeError) -> Self {
        match error {
            EncodeError::Query(error) => Self::from(error),
            EncodeError::Format { format, detail } => Self::new(
                Code::Unsupported,
                format!("The result can't be written as {format}: {detail}."),
            )
            .with("field", "format")
            .with("hint", "Choose another format, json for one."),
        }
    }
}

/// All `Accept` headers as one list.
fn accept(headers: &HeaderMap) -> Option<String> {
    let values: Vec<&str> = headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .collect();
    (!values.is_empty()).then(|| values.join(","))
}

fn respond(request: &HeaderMap, encoded: Encoded, shutdown: CancellationToken) -> Response {
    let Encoded {
        format,
        database,
        body,
        outcome,
    } = encoded;
    let tells = format.tells_outcome();
    let trailers = !tells && wants_trailers(request);
    let answer = Answer {
        body,
        outcome: trailers.then_some(outcome),
        shutdown: Box::pin(shutdown.cancelled_owned()),
        ended: false,
        span: Span::current(),
    };
    let mut response = Body::new(answer).into_response();
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static(format.content_type()),
    );
    headers.insert(header::VARY, HeaderValue::from_static("accept"));
    if !tells {
        let database = serde_json::to_string(&database).unwrap_or_default();
        if let Ok(value) = HeaderValue::from_str(&ascii(&database)) {
            headers.insert(DATABASE, value);
        }
    }
    if trailers {
        headers.insert(
            header::TRAILER,
            HeaderValue::from_static("X-DataChat-Row-Count, X-DataChat-Truncated"),
        );
    }
    response
}

/// Whether the client said that it reads trailers.
fn wants_trailers(headers: &HeaderMap) -> bool {
    headers.get_all(header::TE).iter().any(|value| {
        value.to_str().is_ok_and(|text| {
            text.split(',')
                .any(|part| part.trim().eq_ignore_ascii_case("trailers"))
        })
    })
}

/// JSON text in ASCII: what is not becomes `\u….`.
fn ascii(json: &str) -> String {
    use std::fmt::Write as _;
    let mut text = String::with_capacity(json.len());
    for character in json.chars() {
        // DEL is no legal header character either, and control characters are escaped already.
        if character.is_ascii() && character != '\u{7f}' {
            text.push(character);
        } else {
            for unit in character.encode_utf16(&mut [0; 2]) {
                // Writing to a string can't fail.
                let _ = write!(text, "\\u{unit:04x}");
            }
        }
    }
    text
}

/// The body of an answer: the pieces, then the trailers.
struct Answer {
    body: encode::Body,
    /// What the trailers say; `None`: there are none.
    outcome: Option<Outcome>,
    shutdown: Pin<Box<WaitForCancellationFutureOwned>>,
    ended: bool,
    /// The request's: the body is read after its handler has returned.
    span: Span,
}

impl http_body::Body for Answer {
    type Data = Bytes;
    type Error = axum::BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::BoxError>>> {
        let this = &mut *self;
        let _entered = this.span.clone().entered();
        if this.ended {
            return Poll::Ready(None);
        }
        if this.shutdown.as_mut().poll(context).is_ready() {
            this.ended = true;
            return Poll::Ready(Some(Err("the server is shutting down".into())));
        }
        match this.body.as_mut().poll_next(context) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Some(Ok(piece))) => Poll::Ready(Some(Ok(Frame::data(piece)))),
            Poll::Ready(Some(Err(error))) => {
                this.ended = true;
                tracing::warn!(%error, "an answer broke off");
                // An error here aborts the transfer, which is how the client learns of it.
                Poll::Ready(Some(Err(error.into())))
            }
            Poll::Ready(None) => {
                this.ended = true;
                let trailers = this.outcome.as_ref().and_then(trailers);
                Poll::Ready(trailers.map(|trailers| Ok(Frame::trailers(trailers))))
            }
        }
    }
}

fn trailers(outcome: &Outcome) -> Option<HeaderMap> {
    let summary = outcome.get()?;
    let mut trailers = HeaderMap::new();
    trailers.insert(ROW_COUNT, HeaderValue::from(summary.row_count));
    trailers.insert(
        TRUNCATED,
        HeaderValue::from_static(summary.truncated_by.unwrap_or("false")),
    );
    Some(trailers)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, accept: Option<&str>) -> Result<QueryBody, Problem> {
        let fields = Fields::parse(text.as_bytes()).expect("an object");
        QueryBody::read(fields, accept, &Limits::default())
    }

    #[test]
    fn limits_beyond_the_operators_are_refused_with_their_path() {
        let problem = read(
            r#"{"sql": "SELECT 1", "limits": {"max_rows": 10000001, "on_limit": "explode"}}"#,
            None,
        )
        .expect_err("too many");
        let body = problem.to_json(Uuid::nil());
        assert_eq!(body["status"], 422);
        assert_eq!(body["field"], "limits.max_rows");
        assert_eq!(body["errors"][1]["field"], "limits.on_limit");
    }

    #[test]
    fn what_is_not_said_has_the_documented_default() {
        let body = read(r#"{"sql": "SELECT 1"}"#, None).expect("valid");
        let limits = body.request.limits;
        assert_eq!(
            (limits.max_rows, limits.max_bytes, limits.timeout_ms),
            (10_000, 67_108_864, 30_000)
        );
        assert_eq!(limits.on_limit, OnLimit::Truncate);
        assert_eq!(body.format, Format::Json);
    }

    #[test]
    fn the_format_is_the_fields_else_the_headers() {
        let chosen = |text, accept| read(text, accept).map(|body| body.format);
        let csv = r#"{"sql": "SELECT 1", "format": "csv"}"#;
        assert_eq!(
            chosen(csv, Some("application/json")).ok(),
            Some(Format::Csv)
        );
        let plain = r#"{"sql": "SELECT 1"}"#;
        assert_eq!(chosen(plain, Some("text/csv")).ok(), Some(Format::Csv));
        let problem = chosen(plain, Some("text/html")).expect_err("none fits");
        assert_eq!(problem.code, Code::NotAcceptable);
    }

    #[test]
    fn a_parameter_that_can_not_be_bound_is_named() {
        let problem = read(r#"{"sql": "SELECT $1", "params": [1, [2]]}"#, None).expect_err("bad");
        let body = problem.to_json(Uuid::nil());
        assert_eq!(body["code"], "validation_failed");
        assert_eq!(body["field"], "params[1]");
    }

    #[test]
    fn a_header_holds_any_name() {
        assert_eq!(
            ascii("{\"name\":\"Zürich 😀\"}"),
            "{\"name\":\"Z\\u00fcrich \\ud83d\\ude00\"}"
        );
    }

    #[test]
    fn only_a_client_that_says_so_gets_trailers() {
        let mut headers = HeaderMap::new();
        assert!(!wants_trailers(&headers));
        headers.insert(header::TE, HeaderValue::from_static("gzip, Trailers"));
        assert!(wants_trailers(&headers));
    }
}
