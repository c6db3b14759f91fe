//! What an endpoint's answers say. Servers differ in the details, so only what is needed is read.

use std::time::Duration;

use hyper::StatusCode;
use hyper::header::RETRY_AFTER;
use serde::Deserialize;
use serde_json::Value;

use super::EndpointError;
use super::connection::Answer;
use crate::secret::Secret;

/// The most of a server's own words that is shown, in characters.
const QUOTED: usize = 200;

#[derive(Deserialize)]
struct Body {
    data: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    embedding: Vec<f32>,
    index: Option<usize>,
}

/// One vector for each of `expected` texts, in their order, whatever the order of the answer.
pub(super) fn vectors(body: &[u8], expected: usize) -> Result<Vec<Vec<f32>>, String> {
    let body: Body = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    let got = body.data.len();
    if got != expected {
        return Err(format!("{got} vectors for {expected} texts"));
    }
    let mut vectors: Vec<Option<Vec<f32>>> = vec![None; expected];
    for (at, item) in body.data.into_iter().enumerate() {
        let at = item.index.unwrap_or(at);
        match vectors.get_mut(at) {
            Some(vector @ None) => *vector = Some(item.embedding),
            Some(Some(_)) => return Err(format!("two vectors with the index {at}")),
            None => return Err(format!("the index {at} for {expected} texts")),
        }
    }
    Ok(vectors.into_iter().flatten().collect())
}

/// The error of an answer whose status is not 200.
pub(super) fn refusal(answer: &Answer, key: Option<&Secret<String>>) -> EndpointError {
    match answer.status {
        status @ (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => {
            EndpointError::Unauthorized(status)
        }
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => EndpointError::Busy {
            // The other form, a date, is rare and no better than not knowing.
            retry_after: answer
                .headers
                .get(RETRY_AFTER)
                .and_then(|value| value.to_str().ok()?.trim().parse().ok())
                .map(Duration::from_secs),
        },
        status => EndpointError::Refused {
            status,
            message: message(&answer.body, key),
        },
    }
}

/// The server's own words, if it has some: on one line, not too many, and without the key, which some servers
/// repeat.
fn message(body: &[u8], key: Option<&Secret<String>>) -> String {
    let json: Value = serde_json::from_slice(body).unwrap_or_default();
    let text = ["/error/message", "/error", "/message", "/detail"]
        .iter()
        .find_map(|path| json.pointer(path)?.as_str().map(str::to_owned))
        .unwrap_or_else(|| "without a word of explanation".to_owned());
    let text = match key {
        Some(key) if !key.reveal().is_empty() => text.replace(key.reveal().as_str(), "[redacted]"),
        _ => text,
    };
    text.chars()
        .map(|character| {
            if character.is_control() {
                ' '
            } else {
                character
            }
        })
        .take(QUOTED)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_come_in_the_order_of_the_texts_also_if_the_answer_has_another() {
        let ordered = r#"{"data": [{"embedding": [1]}, {"embedding": [2]}]}"#;
        let turned =
            r#"{"data": [{"index": 1, "embedding": [2]}, {"index": 0, "embedding": [1]}], "x": 1}"#;
        for body in [ordered, turned] {
            assert_eq!(vectors(body.as_bytes(), 2), Ok(vec![vec![1.0], vec![2.0]]));
        }
    }

    #[test]
    fn an_answer_of_another_form_is_refused_with_what_is_wrong() {
        for (body, expected, words) in [
            ("<html>", 1, "expected value"),
            ("{}", 1, "data"),
            (r#"{"data": [{"embedding": "AAAA"}]}"#, 1, "invalid type"),
            (r#"{"data": []}"#, 1, "0 vectors for 1 texts"),
            (
                r#"{"data": [{"embedding": [1], "index": 7}]}"#,
                1,
                "index 7",
            ),
            (
                r#"{"data": [{"embedding": [1], "index": 0}, {"embedding": [1], "index": 0}]}"#,
                2,
                "two vectors",
            ),
        ] {
            let problem = vectors(body.as_bytes(), expected).expect_err(body);
            assert!(problem.contains(words), "{body}: {problem}");
        }
    }

    #[test]
    fn a_servers_words_are_quoted_on_one_line_without_the_key() {
        let key = Secret::new("sk-canary".to_owned());
        let body = br#"{"error": {"message": "bad key\nsk-canary"}}"#;
        assert_eq!(message(body, Some(&key)), "bad key [redacted]");
        assert_eq!(message(b"<html>", None), "without a word of explanation");
        let long = format!(r#"{{"detail": "{}"}}"#, "x".repeat(1000));
        assert_eq!(message(long.as_bytes(), None).len(), QUOTED);
    }
}
