//! Request bodies: read within the limit, parsed as one JSON object, every complaint with the field's path.
//!
//! Fields are read one by one through [`Fields`], which notes what is wrong with each instead of stopping at
//! the first; [`Fields::finish`] reports all of it, unknown names included. Values that are handed on
//! untouched (tool arguments, statement parameters) stay raw text, so that no number loses digits here.
//! No message quotes a value: a value may be a password.

use std::ops::RangeInclusive;

use axum::body::Body;
use axum::http::{HeaderMap, header};
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::problem::{Code, FieldError, Problem};
use crate::query::members;

/// Reads a body of at most `max_bytes` as a JSON object.
///
/// # Errors
/// 415, 413, 400 `invalid_json`, 422 for JSON that is no object.
pub async fn read_object(
    headers: &HeaderMap,
    body: Body,
    max_bytes: u64,
) -> Result<Fields, Problem> {
    Fields::parse(&read_json(headers, body, max_bytes).await?)
}

/// Reads a body of at most `max_bytes` that is said to be JSON, as text.
///
/// # Errors
/// 415, 413, 400 `invalid_json` for what is no text.
pub async fn read_text(headers: &HeaderMap, body: Body, max_bytes: u64) -> Result<String, Problem> {
    let bytes = read_json(headers, body, max_bytes).await?;
    String::from_utf8(bytes.to_vec())
        .map_err(|_| Problem::new(Code::InvalidJson, "The body is not UTF-8."))
}

async fn read_json(headers: &HeaderMap, body: Body, max_bytes: u64) -> Result<Bytes, Problem> {
    if !is_json(headers) {
        return Err(
            Problem::new(Code::UnsupportedMediaType, "The body must be JSON.")
                .with("hint", "Send the header `Content-Type: application/json`."),
        );
    }
    read_bytes(body, max_bytes, "request_max_bytes").await
}

/// Reads a body of at most `max_bytes`; `limit` is the name of that limit.
///
/// # Errors
/// 413, and 400 for a body that breaks off.
pub async fn read_bytes(body: Body, max_bytes: u64, limit: &'static str) -> Result<Bytes, Problem> {
    let max = usize::try_from(max_bytes).unwrap_or(usize::MAX);
    match Limited::new(body, max).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Problem::new(
            Code::RequestTooLarge,
            format!("The body is larger than {max_bytes} bytes."),
        )
        .with("limit", limit)),
        Err(_) => Err(Problem::new(
            Code::InvalidJson,
            "The body ended before it was complete.",
        )),
    }
}

/// The media type of a body without its parameters, in lower case; empty without one.
pub fn media_type(headers: &HeaderMap) -> String {
    let value = headers.get(header::CONTENT_TYPE);
    let value = value.and_then(|value| value.to_str().ok());
    let essence = value.unwrap_or_default().split(';').next();
    essence.unwrap_or_default().trim().to_ascii_lowercase()
}

fn is_json(headers: &HeaderMap) -> bool {
    let essence = media_type(headers);
    essence == "application/json"
        || (essence.starts_with("application/") && essence.ends_with("+json"))
}

/// The fields of one JSON object that have not been asked for yet, and what was wrong with the others.
#[derive(Debug)]
pub struct Fields {
    path: String,
    entries: Vec<(String, Box<RawValue>)>,
    errors: Vec<FieldError>,
}

/// A field that may be absent, null or a value; only `PATCH` tells the first two apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Given<T> {
    Absent,
    Null,
    Value(T),
}

impl<T> Given<T> {
    /// The value; absent and null are the same.
    pub fn value(self) -> Option<T> {
        match self {
            Self::Value(value) => Some(value),
            Self::Absent | Self::Null => None,
        }
    }
}

/// The members of an object. A repeated name is an error: which one counts would be a guess, and the name may
/// be `target_database`.
fn entries(raw: &RawValue) -> Result<Vec<(String, Box<RawValue>)>, &'static str> {
    if !raw.get().starts_with('{') {
        return Err("must be a JSON object");
    }
    let mut entries: Vec<(String, Box<RawValue>)> = Vec::new();
    for (name, value) in members::read(raw) {
        if entries.iter().any(|(known, _)| *known == name) {
            return Err("must not name a field twice");
        }
        entries.push((name, value.to_owned()));
    }
    Ok(entries)
}

impl Fields {
    /// Parses the text of an object.
    ///
    /// # Errors
    /// 400 `invalid_json`; 422 for JSON that is no object.
    pub fn parse(bytes: &[u8]) -> Result<Self, Problem> {
        let raw: &RawValue = serde_json::from_slice(bytes).map_err(|error| {
            Problem::new(
                Code::InvalidJson,
                format!(
                    "The body is not valid JSON (line {}, column {}).",
                    error.line(),
                    error.column()
                ),
            )
        })?;
        Ok(Self {
            path: String::new(),
            entries: entries(raw).map_err(|message| Problem::field("body", "type", message))?,
            errors: Vec::new(),
        })
    }

    /// The full path of a field of this object.
    pub fn path_of(&self, name: &str) -> String {
        if self.path.is_empty() {
            name.to_owned()
        } else {
            format!("{}.{name}", self.path)
        }
    }

    /// Notes that a field is wrong.
    pub fn reject(&mut self, name: &str, code: &'static str, message: impl Into<String>) {
        let field = self.path_of(name);
        self.errors.push(FieldError {
            field,
            code,
            message: message.into(),
        });
    }

    /// The raw text of a field; null counts as absent.
    pub fn raw(&mut self, name: &str) -> Option<Box<RawValue>> {
        let index = self.entries.iter().position(|(known, _)| known == name)?;
        let (_, value) = self.entries.remove(index);
        (value.get() != "null").then_some(value)
    }

    /// A field of the type that `expected` describes (`a string`).
    pub fn given<T: DeserializeOwned>(&mut self, name: &str, expected: &str) -> Given<T> {
        let Some(index) = self.entries.iter().position(|(known, _)| known == name) else {
            return Given::Absent;
        };
        let (_, value) = self.entries.remove(index);
        if value.get() == "null" {
            return Given::Null;
        }
        if let Ok(value) = serde_json::from_str(value.get()) {
            Given::Value(value)
        } else {
            self.reject(name, "type", format!("must be {expected}"));
            Given::Absent
        }
    }

    /// A string.
    pub fn text(&mut self, name: &str) -> Option<String> {
        self.given(name, "a string").value()
    }

    /// A string that must be there; an empty one stands for what was noted as missing.
    pub fn required_text(&mut self, name: &str) -> String {
        let noted = self.errors.len();
        match self.given(name, "a string") {
            Given::Value(text) => return text,
            // A wrong type has been noted.
            Given::Absent if self.errors.len() > noted => {}
            Given::Absent => self.reject(name, "missing", "is required"),
            Given::Null => self.reject(name, "type", "must be a string"),
        }
        String::new()
    }

    /// A boolean.
    pub fn flag(&mut self, name: &str) -> Option<bool> {
        self.given(name, "true or false").value()
    }

    /// An array of strings.
    pub fn texts(&mut self, name: &str) -> Given<Vec<String>> {
        self.given(name, "an array of strings")
    }

    /// A whole number within a range.
    pub fn integer(&mut self, name: &str, range: RangeInclusive<u64>) -> Option<u64> {
        let expected = format!("a whole number from {} to {}", range.start(), range.end());
        let value = self.given::<u64>(name, &expected).value()?;
        if range.contains(&value) {
            Some(value)
        } else {
            self.reject(name, "range", format!("must be {expected}"));
            None
        }
    }

    /// One of a few words.
    pub fn word<T: Copy>(&mut self, name: &str, words: &[(&str, T)]) -> Option<T> {
        let text = self.text(name)?;
        let found = words.iter().find(|(word, _)| *word == text);
        if found.is_none() {
            let list: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            self.reject(name, "value", format!("must be one of {}", list.join(", ")));
        }
        found.map(|(_, value)| *value)
    }

    /// A nested object, to be given back with [`Fields::absorb`] when it has been read.
    pub fn object(&mut self, name: &str) -> Option<Self> {
        let raw = self.raw(name)?;
        match entries(&raw) {
            Ok(entries) => Some(Self {
                path: self.path_of(name),
                entries,
                errors: Vec::new(),
            }),
            Err(message) => {
                self.reject(name, "type", message);
                None
            }
        }
    }

    /// Takes over what was wrong with a nested object.
    pub fn absorb(&mut self, nested: Self) {
        self.errors.extend(nested.into_errors());
    }

    /// Nothing more is read: everything that was wrong, or that nobody asked for, is the answer.
    ///
    /// # Errors
    /// 422 `unknown_field` or `validation_failed`, with all of `errors`.
    pub fn finish(self) -> Result<(), Problem> {
        let errors = self.into_errors();
        if errors.is_empty() {
            Ok(())
        } else {
            Err(Problem::fields(&errors))
        }
    }

    fn into_errors(mut self) -> Vec<FieldError> {
        for (name, _) in std::mem::take(&mut self.entries) {
            // The name is the client's text; an endless one is of no help to anybody.
            let shown: String = name.chars().take(100).collect();
            self.reject(&shown, "unknown_field", "is not a known field");
        }
        self.errors
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn fields(text: &str) -> Fields {
        Fields::parse(text.as_bytes()).expect("an object")
    }

    fn refused(text: &str) -> (Code, u16) {
        let problem = Fields::parse(text.as_bytes()).expect_err("refused");
        (problem.code, problem.status())
    }

    #[test]
    fn text_that_is_no_json_and_json_that_is_no_object_are_told_apart() {
        assert_eq!(refused("{"), (Code::InvalidJson, 400));
        assert_eq!(refused(""), (Code::InvalidJson, 400));
        assert_eq!(refused("{\"a\": 1} x"), (Code::InvalidJson, 400));
        assert_eq!(refused("[1]"), (Code::ValidationFailed, 422));
        assert_eq!(refused("\"x\""), (Code::ValidationFailed, 422));
    }

    #[test]
    fn a_field_that_is_given_twice_is_refused() {
        assert_eq!(
            refused(r#"{"target_database": "a", "target_database": "b"}"#),
            (Code::ValidationFailed, 422)
        );
    }

    #[test]
    fn every_wrong_field_is_reported_with_its_path() {
        let mut body = fields(r#"{"name": 1, "limits": {"max_rows": 0, "rows": 1}}"#);
        body.required_text("name");
        body.required_text("database_url");
        let mut limits = body.object("limits").expect("an object");
        limits.integer("max_rows", 1..=10);
        body.absorb(limits);
        let problem = body.finish().expect_err("wrong");
        assert_eq!(problem.code, Code::UnknownField);
        let json = problem.to_json(Uuid::nil());
        let errors: Vec<_> = json["errors"]
            .as_array()
            .expect("errors")
            .iter()
            .map(|error| {
                (
                    error["field"].as_str().expect("a path").to_owned(),
                    error["code"].as_str().expect("a code").to_owned(),
                )
            })
            .collect();
        let expected = [
            ("name", "type"),
            ("database_url", "missing"),
            ("limits.max_rows", "range"),
            ("limits.rows", "unknown_field"),
        ];
        assert_eq!(
            errors,
            expected.map(|(field, code)| (field.to_owned(), code.to_owned()))
        );
        assert_eq!(json["field"], "limits.rows");
    }

    #[test]
    fn no_message_quotes_a_value() {
        let mut body = fields(r#"{"database_url": ["canary"], "tags": "canary", "on": "canary"}"#);
        body.required_text("database_url");
        body.texts("tags");
        body.word("on", &[("off", 1)]);
        let problem = body.finish().expect_err("wrong");
        assert!(!problem.to_json(Uuid::nil()).to_string().contains("canary"));
    }

    #[test]
    fn raw_values_keep_their_digits() {
        let mut body = fields(r#"{"params": [12345678901234567890.10]}"#);
        let raw = body.raw("params").expect("given");
        assert_eq!(raw.get(), "[12345678901234567890.10]");
        assert!(body.finish().is_ok());
    }

    #[test]
    fn null_and_absent_differ_where_it_matters() {
        let mut body = fields(r#"{"description": null}"#);
        assert_eq!(body.given::<String>("description", "a string"), Given::Null);
        assert_eq!(body.given::<String>("name", "a string"), Given::Absent);
    }

    #[tokio::test]
    async fn size_and_media_type_are_checked_before_the_content() {
        let mut headers = HeaderMap::new();
        let read = |headers: &HeaderMap, text: &'static str| {
            let headers = headers.clone();
            async move {
                read_object(&headers, Body::from(text), 8)
                    .await
                    .map_err(|problem| problem.status())
            }
        };
        assert_eq!(read(&headers, "{}").await.err(), Some(415));
        headers.insert(
            header::CONTENT_TYPE,
            "application/json; charset=utf-8".parse().expect("a header"),
        );
        assert!(read(&headers, "{}").await.is_ok());
        assert_eq!(read(&headers, r#"{"a":"123"}"#).await.err(), Some(413));
    }
}
