//! What an endpoint's answers say. Servers differ in the details, so only what is needed is read.

use hyper::StatusCode;
use serde::Deserialize;

use super::EndpointError;
use crate::outbound::{Answer, retry_after, words};
use crate::secret::Secret;

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
            retry_after: retry_after(&answer.headers),
        },
        status => EndpointError::Refused {
            status,
            message: words(&answer.body, key),
        },
    }
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
}
