//! How a streamed result ended, read from its bytes as they pass.
//!
//! JSON and NDJSON tell of their database, their limits and a late error in what stands around the rows; the
//! other formats leave that to headers and trailers. Nothing of the rows is kept.

use axum::http::{HeaderMap, HeaderName};
use serde_json::{Map, Value};

use super::failure::Failure;
use crate::api::query::{DATABASE, ROW_COUNT, TRUNCATED};
use crate::query::encode::Format;

/// Collects what a result says of itself.
pub struct Ending {
    reader: Reader,
    /// What is known so far, under the names of JSON.
    members: Map<String, Value>,
}

enum Reader {
    Json(Envelope),
    Lines(Lines),
    /// All of it is rows.
    Opaque,
}

/// What is known at the end.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Summary {
    pub database: String,
    /// `None` where the format has no place for it and trailers got lost.
    pub row_count: Option<u64>,
    pub truncated_by: Option<String>,
    pub elapsed_ms: Option<u64>,
    pub warnings: Vec<String>,
}

impl Ending {
    pub fn new(format: Format, headers: &HeaderMap) -> Self {
        let reader = match format {
            Format::Json => Reader::Json(Envelope::default()),
            Format::Ndjson => Reader::Lines(Lines::default()),
            Format::Csv | Format::Arrow | Format::Parquet => Reader::Opaque,
        };
        let mut members = Map::new();
        if let Some(database) = json_header(headers, &DATABASE) {
            members.insert("database".to_owned(), database);
        }
        Self { reader, members }
    }

    /// Takes note of the next piece of the body.
    pub fn read(&mut self, piece: &[u8]) {
        match &mut self.reader {
            Reader::Json(envelope) => envelope.read(piece),
            Reader::Lines(lines) => lines.read(piece, &mut self.members),
            Reader::Opaque => {}
        }
    }

    /// Takes note of the trailers.
    pub fn trailers(&mut self, trailers: &HeaderMap) {
        if let Some(count) = json_header(trailers, &ROW_COUNT) {
            self.members.insert("row_count".to_owned(), count);
        }
        let limit = trailers
            .get(&TRUNCATED)
            .and_then(|value| value.to_str().ok());
        if let Some(limit) = limit.filter(|limit| *limit != "false") {
            let limit = Value::String(limit.to_owned());
            self.members.insert("truncated_by".to_owned(), limit);
        }
    }

    /// What the result says of itself.
    ///
    /// # Errors
    /// The problem that it ended with, or that it is not whole.
    pub fn finish(self) -> Result<Summary, Failure> {
        let (members, tells) = match self.reader {
            Reader::Json(envelope) => (envelope.finish().ok_or_else(not_whole)?, true),
            Reader::Lines(_) => (self.members, true),
            Reader::Opaque => (self.members, false),
        };
        if let Some(error) = members.get("error") {
            return Err(Failure::from_problem(error).unwrap_or_else(not_whole));
        }
        let number = |name: &str| members.get(name).and_then(Value::as_u64);
        let row_count = number("row_count");
        if tells && row_count.is_none() {
            return Err(not_whole());
        }
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let warnings = members.get("warnings").and_then(Value::as_array);
        Ok(Summary {
            database: members
                .get("database")
                .and_then(|database| text(&database["name"]))
                .unwrap_or_default(),
            row_count,
            truncated_by: members.get("truncated_by").and_then(text),
            elapsed_ms: number("elapsed_ms"),
            warnings: warnings.into_iter().flatten().filter_map(text).collect(),
        })
    }
}

fn not_whole() -> Failure {
    Failure::new("the result is not whole")
}

fn json_header(headers: &HeaderMap, name: &HeaderName) -> Option<Value> {
    serde_json::from_slice(headers.get(name)?.as_bytes()).ok()
}

/// One JSON object without the rows in it.
#[derive(Default)]
struct Envelope {
    kept: Vec<u8>,
    depth: usize,
    in_rows: bool,
    in_string: bool,
    escaped: bool,
}

/// What stands before the rows.
const ROWS: &[u8] = b"\"rows\":";

impl Envelope {
    fn read(&mut self, piece: &[u8]) {
        for &byte in piece {
            let kept = !self.in_rows;
            if self.in_string {
                match byte {
                    _ if self.escaped => self.escaped = false,
                    b'\\' => self.escaped = true,
                    b'"' => self.in_string = false,
                    _ => {}
                }
            } else {
                match byte {
                    b'"' => self.in_string = true,
                    b'{' | b'[' => {
                        // Right behind a name and a colon, at this depth, only a value can begin.
                        self.in_rows |=
                            byte == b'[' && self.depth == 1 && self.kept.ends_with(ROWS);
                        self.depth += 1;
                    }
                    b'}' | b']' => {
                        self.depth = self.depth.saturating_sub(1);
                        if self.in_rows && self.depth == 1 {
                            self.in_rows = false;
                            self.kept.push(byte);
                        }
                    }
                    _ => {}
                }
            }
            if kept {
                self.kept.push(byte);
            }
        }
    }

    fn finish(self) -> Option<Map<String, Value>> {
        serde_json::from_slice(&self.kept).ok()
    }
}

/// Lines, of which those count that are objects.
#[derive(Default)]
struct Lines {
    /// The line in hand, if it is an object.
    line: Vec<u8>,
    in_row: bool,
}

impl Lines {
    fn read(&mut self, piece: &[u8], members: &mut Map<String, Value>) {
        for part in piece.split_inclusive(|byte| *byte == b'\n') {
            if self.line.is_empty() && !self.in_row {
                self.in_row = part.first() == Some(&b'[');
            }
            if !self.in_row {
                self.line.extend_from_slice(part);
            }
            if part.ends_with(b"\n") {
                if let Ok(object) = serde_json::from_slice::<Map<String, Value>>(&self.line) {
                    members.extend(object);
                }
                self.line.clear();
                self.in_row = false;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;
    use proptest::prelude::*;
    use serde_json::json;

    fn ending(format: Format, pieces: &[&[u8]]) -> Result<Summary, String> {
        let mut ending = Ending::new(format, &HeaderMap::new());
        for piece in pieces {
            ending.read(piece);
        }
        ending.finish().map_err(|failure| format!("{failure:?}"))
    }

    fn summary() -> Summary {
        Summary {
            database: "Shop".to_owned(),
            row_count: Some(2),
            truncated_by: Some("max_rows".to_owned()),
            elapsed_ms: Some(7),
            warnings: vec!["slow".to_owned()],
        }
    }

    const END: &str = r#""row_count":2,"truncated":true,"truncated_by":"max_rows","elapsed_ms":7,"warnings":["slow"]"#;

    proptest! {
        #[test]
        fn what_stands_around_the_rows_is_found_wherever_the_body_is_cut(
            cells in proptest::collection::vec(".*|\\PC*\\]\\}\"\\\\|\"rows\":\\[", 0..6),
            column in ".*",
            cut in 0_usize..2000,
        ) {
            let rows: Vec<Value> = cells.iter().map(|cell| json!([cell, {"rows": [cell]}])).collect();
            let head = json!({"database": {"name": "Shop"}, "columns": [{"name": column}, {"rows": []}]}).to_string();
            let body = format!(
                "{},\"rows\":{},{END}}}",
                &head[..head.len() - 1],
                Value::Array(rows.clone())
            );
            let at = cut.min(body.len());
            prop_assert_eq!(
                ending(Format::Json, &[&body.as_bytes()[..at], &body.as_bytes()[at..]]),
                Ok(summary())
            );
            let rows: Vec<String> = rows.iter().map(Value::to_string).collect();
            let lines = [vec![head], rows, vec![format!("{{{END}}}\n")]].concat().join("\n");
            let at = cut.min(lines.len());
            prop_assert_eq!(
                ending(Format::Ndjson, &[&lines.as_bytes()[..at], &lines.as_bytes()[at..]]),
                Ok(summary())
            );
        }
    }

    #[test]
    fn a_late_error_is_the_ending() {
        let error = r#""error":{"detail":"Division by zero.","code":"data_exception"}"#;
        for (format, body) in [
            (
                Format::Json,
                format!("{{\"columns\":[],\"rows\":[[1]],\"row_count\":1,{error}}}"),
            ),
            (
                Format::Ndjson,
                format!("{{\"columns\":[]}}\n[1]\n{{{error}}}\n"),
            ),
        ] {
            let failure = ending(format, &[body.as_bytes()]).expect_err("failed");
            assert!(
                failure.contains("Division by zero. (data_exception)"),
                "{failure}"
            );
        }
    }

    #[test]
    fn a_result_without_its_end_is_not_whole() {
        for (format, body) in [
            (Format::Json, "{\"columns\":[],\"rows\":[[1]"),
            (Format::Json, ""),
            (Format::Ndjson, "{\"columns\":[]}\n[1]\n"),
            (Format::Ndjson, "{\"columns\":[]}\n[1]\n{\"row_count\":1}"),
        ] {
            assert!(ending(format, &[body.as_bytes()]).is_err(), "{body}");
        }
    }

    #[test]
    fn formats_without_a_place_for_it_are_told_by_headers_and_trailers() {
        let mut headers = HeaderMap::new();
        headers.insert(
            DATABASE,
            HeaderValue::from_static(r#"{"name":"Z\u00fcrich"}"#),
        );
        let mut ending = Ending::new(Format::Csv, &headers);
        ending.read(b"{\"error\":1}\r\n");
        let mut trailers = HeaderMap::new();
        trailers.insert(ROW_COUNT, HeaderValue::from_static("3"));
        trailers.insert(TRUNCATED, HeaderValue::from_static("max_bytes"));
        ending.trailers(&trailers);
        let expected = Summary {
            database: "Zürich".to_owned(),
            row_count: Some(3),
            truncated_by: Some("max_bytes".to_owned()),
            ..Summary::default()
        };
        assert_eq!(ending.finish().ok(), Some(expected));
        let untold = Ending::new(Format::Csv, &headers).finish().ok();
        assert_eq!(untold.and_then(|summary| summary.row_count), None);
    }
}
